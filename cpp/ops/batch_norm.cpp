// Batch normalisation with batch statistics (Ioffe & Szegedy 2015), over all axes but the last. The statistics are
// outputs: the gradient needs them, and the layer moves its averages with them. No gradient flows through those two.
#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

void infer_batch_norm(InferContext& context) {
  context.expect_inputs(3);
  for (size_t i = 0; i < 3; ++i) context.expect_float(i);
  const Shape& x = context.inputs[0].shape;
  if (x.size() < 2 || x.back() < 0) context.fail("needs rows and a last axis of channels, got " + to_string(x));
  merged_dim(x, 0, x.size() - 1);
  const Shape channels = {x.back()};
  for (size_t i = 1; i < 3; ++i) {
    if (context.inputs[i].shape != channels) {
      context.fail("input has " + std::to_string(x.back()) + " channels, " + (i == 1 ? "gamma" : "beta") +
                   " has shape " + to_string(context.inputs[i].shape));
    }
  }
  activation_named(context.attributes.text("activation"));
  context.outputs = {context.inputs[0], {DType::f32, channels}, {DType::f32, channels}};
}

void grad_batch_norm(GradientContext& g) {
  if (g.dy() < 0) return;
  const std::vector<int> result =
      g.add_all("batch_norm_grad", {g.input(0), g.dy(), g.input(1), g.output(1), g.output(2)},
                {{"epsilon", g.attributes().number("epsilon")}});
  for (size_t i = 0; i < 3; ++i) g.set(i, result[i]);
}

void infer_batch_norm_grad(InferContext& context) {
  context.expect_inputs(5);
  for (size_t i = 0; i < 5; ++i) context.expect_float(i);
  const Type& channels = context.inputs[2];
  const Shape& x = context.inputs[0].shape;
  bool fits = x == context.inputs[1].shape && x.size() > 1 && x.back() >= 0;
  for (size_t i = 2; i < 5; ++i) fits = fits && context.inputs[i].shape == Shape{x.back()};
  if (!fits) context.fail("takes x, its gradient, and gamma, mean and variance of its channels; x " + to_string(x));
  context.outputs = {context.inputs[0], channels, channels};
}

struct Rows {
  int64_t rows, channels;
};

Rows rows_of(const Shape& x) { return {merged_dim(x, 0, x.size() - 1), x.back()}; }

Lowered lower_forward(const LowerContext& context) {
  const Rows r = rows_of(context.input(0).shape);
  return {.run =
              [r, in = context.node.inputs, out = context.node.outputs,
               epsilon = static_cast<float>(context.node.attributes.number("epsilon")),
               activation = activation_named(context.node.attributes.text("activation")),
               forward = context.kernels.batch_norm_forward](Run& run) {
                forward(extent(r.rows, run.n), r.channels, run.f32(in[0]), run.f32(in[1]), run.f32(in[2]), epsilon,
                        activation, run.out(out[0]), run.out(out[1]), run.out(out[2]), run.launch);
              },
          .workspace = context.kernels.batch_norm_workspace(extent(r.rows, context.capacity), r.channels),
          .explain_bad_row = nullptr};
}

Lowered lower_grad(const LowerContext& context) {
  const Rows r = rows_of(context.input(0).shape);
  return {.run =
              [r, in = context.node.inputs, out = context.node.outputs,
               epsilon = static_cast<float>(context.node.attributes.number("epsilon")),
               grad = context.kernels.batch_norm_grad](Run& run) {
                grad(extent(r.rows, run.n), r.channels, run.f32(in[0]), run.f32(in[1]), run.f32(in[2]), run.f32(in[3]),
                     run.f32(in[4]), epsilon, run.out(out[0]), run.out(out[1]), run.out(out[2]), run.launch);
              },
          .workspace = context.kernels.batch_norm_workspace(extent(r.rows, context.capacity), r.channels),
          .explain_bad_row = nullptr};
}

}  // namespace

const OpList& batch_norm_ops() {
  static const OpList ops = {
      {.name = "batch_norm",
       .attributes = {{"epsilon", 1e-3}, {"activation", std::string("none")}},
       .infer = infer_batch_norm,
       .gradient = grad_batch_norm,
       .lower = lower_forward,
       .takes_activation = true},
      {.name = "batch_norm_grad",
       .attributes = {{"epsilon", 1e-3}},
       .infer = infer_batch_norm_grad,
       .lower = lower_grad},
  };
  return ops;
}

}  // namespace linnet
