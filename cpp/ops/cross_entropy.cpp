// Cross-entropy of logits against labels (sparse) or distributions, softmax included: stable for any logits, and the
// gradient is probabilities minus targets. The probabilities are the second output, saved for it.
#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

void infer_logits(InferContext& context) {
  context.expect_inputs(2);
  context.expect_float(0);
  const Shape& logits = context.inputs[0].shape;
  if (logits.empty() || logits.back() < 1)
    context.fail("the logits need a last axis of classes, got " + to_string(logits));
  merged_dim(logits, 0, logits.size() - 1);
}

void infer_sparse(InferContext& context) {
  infer_logits(context);
  context.expect_int(1);
  const Shape& logits = context.inputs[0].shape;
  const Shape rows(logits.begin(), logits.end() - 1);
  if (context.inputs[1].shape != rows) {
    context.fail("labels must have shape " + to_string(rows) + " for logits " + to_string(logits) + ", got " +
                 to_string(context.inputs[1].shape) + "; one-hot labels go with categorical cross-entropy");
  }
  context.outputs = {{DType::f32, rows}, context.inputs[0]};
}

void infer_dense(InferContext& context) {
  infer_logits(context);
  context.expect_float(1);
  const Shape& logits = context.inputs[0].shape;
  if (context.inputs[1].shape != logits) {
    context.fail("targets must have the shape of the logits " + to_string(logits) + ", got " +
                 to_string(context.inputs[1].shape) + "; integer labels go with sparse categorical cross-entropy");
  }
  context.outputs = {{DType::f32, Shape(logits.begin(), logits.end() - 1)}, context.inputs[0]};
}

// Gradient nodes take probs, labels or targets, dloss.
void infer_grad(InferContext& context, bool sparse) {
  context.expect_inputs(3);
  const Shape& probs = context.inputs[0].shape;
  const Shape rows = probs.empty() ? probs : Shape(probs.begin(), probs.end() - 1);
  context.expect_float(0);
  sparse ? context.expect_int(1) : context.expect_float(1);
  context.expect_float(2);
  if (probs.empty() || context.inputs[1].shape != (sparse ? rows : probs) || context.inputs[2].shape != rows) {
    context.fail("the shapes of probabilities " + to_string(probs) + ", targets " + to_string(context.inputs[1].shape) +
                 " and gradient " + to_string(context.inputs[2].shape) + " do not belong together");
  }
  context.outputs.push_back(context.inputs[0]);
}

void infer_sparse_grad(InferContext& context) { infer_grad(context, true); }
void infer_dense_grad(InferContext& context) { infer_grad(context, false); }

void grad_sparse(GradientContext& g) {
  if (g.dy() >= 0) g.set(0, g.add("sparse_cross_entropy_grad", {g.output(1), g.input(1), g.dy()}));
}

void grad_dense(GradientContext& g) {
  if (g.dy() < 0) return;
  if (g.needs(0)) g.set(0, g.add("cross_entropy_grad", {g.output(1), g.input(1), g.dy()}));
  if (g.needs(1)) {
    const int log = g.add("negative", {g.add("log_softmax", {g.input(0)})});
    Shape column = g.type(g.dy()).shape;
    column.push_back(1);
    g.set(1, g.add("multiply", {log, g.add("reshape", {g.dy()}, {{"shape", column}})}));
  }
}

struct Rows {
  int64_t rows, classes;
};

Rows rows_of(const Shape& logits) { return {merged_dim(logits, 0, logits.size() - 1), logits.back()}; }

Lowered lower_sparse(const LowerContext& context) {
  const Rows r = rows_of(context.input(0).shape);
  const int labels = context.node.inputs[1];
  return {.run =
              [r, logits = context.node.inputs[0], labels, loss = context.node.outputs[0],
               probs = context.node.outputs[1], forward = context.kernels.sparse_cross_entropy_forward](Run& run) {
                forward(extent(r.rows, run.n), r.classes, run.f32(logits), run.i32(labels), run.out(loss),
                        run.out(probs), &run.bad_row, run.launch);
              },
          .workspace = 0,
          .explain_bad_row =
              [r, labels](Run& run) {
                const std::string label = std::to_string(run.i32(labels)[run.bad_row]);
                if (r.rows < 0) run.bad_row /= -r.rows;
                return "label " + label + " is outside of the " + std::to_string(r.classes) + " classes 0 to " +
                       std::to_string(r.classes - 1);
              }};
}

Lowered lower_dense(const LowerContext& context) {
  const Rows r = rows_of(context.input(0).shape);
  return {.run =
              [r, logits = context.node.inputs[0], targets = context.node.inputs[1], loss = context.node.outputs[0],
               probs = context.node.outputs[1], forward = context.kernels.cross_entropy_forward](Run& run) {
                forward(extent(r.rows, run.n), r.classes, run.f32(logits), run.f32(targets), run.out(loss),
                        run.out(probs), run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

Lowered lower_sparse_grad(const LowerContext& context) {
  const Rows r = rows_of(context.input(0).shape);
  return {.run =
              [r, probs = context.node.inputs[0], labels = context.node.inputs[1], dloss = context.node.inputs[2],
               dx = context.node.outputs[0], grad = context.kernels.sparse_cross_entropy_grad](Run& run) {
                grad(extent(r.rows, run.n), r.classes, run.f32(probs), run.i32(labels), run.f32(dloss), run.out(dx),
                     run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

Lowered lower_dense_grad(const LowerContext& context) {
  const Rows r = rows_of(context.input(0).shape);
  return {.run =
              [r, probs = context.node.inputs[0], targets = context.node.inputs[1], dloss = context.node.inputs[2],
               dx = context.node.outputs[0], grad = context.kernels.cross_entropy_grad](Run& run) {
                grad(extent(r.rows, run.n), r.classes, run.f32(probs), run.f32(targets), run.f32(dloss), run.out(dx),
                     run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

}  // namespace

const OpList& cross_entropy_ops() {
  static const OpList ops = {
      {.name = "sparse_cross_entropy", .infer = infer_sparse, .gradient = grad_sparse, .lower = lower_sparse},
      {.name = "sparse_cross_entropy_grad", .infer = infer_sparse_grad, .lower = lower_sparse_grad},
      {.name = "cross_entropy", .infer = infer_dense, .gradient = grad_dense, .lower = lower_dense},
      {.name = "cross_entropy_grad", .infer = infer_dense_grad, .lower = lower_dense_grad},
  };
  return ops;
}

}  // namespace linnet
