// softmax and log_softmax over the last axis. Their gradients read the output, so the input can die.
#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

void infer_softmax(InferContext& context) {
  context.expect_inputs(1);
  context.expect_float(0);
  const Shape& x = context.inputs[0].shape;
  if (x.empty() || x.back() < 0) context.fail("needs a last axis of fixed size, got " + to_string(x));
  merged_dim(x, 0, x.size() - 1);
  context.outputs.push_back(context.inputs[0]);
}

void infer_softmax_grad(InferContext& context) {
  context.expect_inputs(2);
  context.expect_float(0);
  context.expect_float(1);
  if (context.inputs[0].shape != context.inputs[1].shape) {
    context.fail("the gradient has shape " + to_string(context.inputs[0].shape) + ", the output " +
                 to_string(context.inputs[1].shape));
  }
  context.outputs.push_back(context.inputs[0]);
}

void grad_softmax(GradientContext& g) { g.set(0, g.add("softmax_grad", {g.dy(), g.output(0)})); }
void grad_log_softmax(GradientContext& g) { g.set(0, g.add("log_softmax_grad", {g.dy(), g.output(0)})); }

template <bool log>
Lowered lower_forward(const LowerContext& context) {
  const Shape& shape = context.input(0).shape;
  return {.run = [rows = merged_dim(shape, 0, shape.size() - 1), n = shape.back(), x = context.node.inputs[0],
                  y = context.node.outputs[0], softmax = context.kernels.softmax_forward](
                     Run& run) { softmax(log, extent(rows, run.n), n, run.f32(x), run.out(y), run.launch); },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

template <bool log>
Lowered lower_grad(const LowerContext& context) {
  const Shape& shape = context.input(0).shape;
  return {.run = [rows = merged_dim(shape, 0, shape.size() - 1), n = shape.back(), dy = context.node.inputs[0],
                  y = context.node.inputs[1], dx = context.node.outputs[0], grad = context.kernels.softmax_grad](
                     Run& run) { grad(log, extent(rows, run.n), n, run.f32(dy), run.f32(y), run.out(dx), run.launch); },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

}  // namespace

const OpList& softmax_ops() {
  static const OpList ops = {
      {.name = "softmax", .infer = infer_softmax, .gradient = grad_softmax, .lower = lower_forward<false>},
      {.name = "log_softmax", .infer = infer_softmax, .gradient = grad_log_softmax, .lower = lower_forward<true>},
      {.name = "softmax_grad", .infer = infer_softmax_grad, .lower = lower_grad<false>},
      {.name = "log_softmax_grad", .infer = infer_softmax_grad, .lower = lower_grad<true>},
  };
  return ops;
}

}  // namespace linnet
