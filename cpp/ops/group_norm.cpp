// Normalisation of each sample by statistics of its own (kernels.h): layer, group, instance and root-mean-square
// normalisation of x (samples, steps, c). Python brings inputs into this form by a reshape; the inputs behind x are
// gamma (c), if `scale` says so, and beta (c), if `offset` does. Mean and rstd are outputs, because the gradient needs
// them; no gradient flows through them.
#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

void infer_group_norm(InferContext& context) {
  const bool scale = context.attributes.flag("scale"), offset = context.attributes.flag("offset");
  context.expect_inputs(static_cast<size_t>(1 + scale + offset));
  for (size_t i = 0; i < context.inputs.size(); ++i) context.expect_float(i);
  context.expect_rank(0, 3, "(samples, steps, channels)");
  const Shape& x = context.inputs[0].shape;
  const int64_t groups = context.attributes.integer("groups");
  if (x[1] < 0 || x[2] < 0) context.fail("only the first axis may carry the batch; x " + to_string(x));
  if (groups < 1 || x[2] % groups != 0) {
    context.fail("the " + std::to_string(x[2]) + " channels of x " + to_string(x) + " do not divide into " +
                 std::to_string(groups) + " groups");
  }
  for (size_t i = 1; i < context.inputs.size(); ++i) {
    if (context.inputs[i].shape != Shape{x[2]}) {
      context.fail("input has " + std::to_string(x[2]) + " channels, " + (i == 1 && scale ? "gamma" : "beta") +
                   " has shape " + to_string(context.inputs[i].shape));
    }
  }
  const Type statistics = {DType::f32, {x[0], groups}};
  context.outputs = {context.inputs[0], statistics, statistics};
}

void grad_group_norm(GradientContext& g) {
  if (g.dy() < 0) return;
  const bool scale = g.attributes().flag("scale");
  std::vector<int> inputs = {g.input(0), g.dy(), g.output(1), g.output(2)};
  if (scale) inputs.push_back(g.input(1));
  const std::vector<int> found =
      g.add_all("group_norm_grad", inputs,
                {{"groups", g.attributes().integer("groups")}, {"rms", g.attributes().flag("rms")}, {"scale", scale}});
  g.set(0, found[0]);
  if (scale) g.set(1, found[1]);
  if (g.attributes().flag("offset")) g.set(scale ? 2 : 1, found[2]);
}

void infer_group_norm_grad(InferContext& context) {
  const bool scale = context.attributes.flag("scale");
  context.expect_inputs(scale ? 5 : 4);
  for (size_t i = 0; i < context.inputs.size(); ++i) context.expect_float(i);
  context.expect_rank(0, 3, "(samples, steps, channels)");
  const Shape& x = context.inputs[0].shape;
  const Shape statistics = {x[0], context.attributes.integer("groups")}, channels = {x[2]};
  const bool fits = context.inputs[1].shape == x && x[1] >= 0 && x[2] >= 0 && context.inputs[2].shape == statistics &&
                    context.inputs[3].shape == statistics && (!scale || context.inputs[4].shape == channels) &&
                    statistics[1] > 0 && x[2] % statistics[1] == 0;
  if (!fits) context.fail("takes x, its gradient, mean and rstd of its groups, and gamma; x " + to_string(x));
  context.outputs = {context.inputs[0], {DType::f32, channels}, {DType::f32, channels}};
}

Lowered lower_forward(const LowerContext& context) {
  const Shape& x = context.input(0).shape;
  const Attributes& attributes = context.node.attributes;
  GroupNormArgs args;
  args.steps = x[1];
  args.c = x[2];
  args.groups = attributes.integer("groups");
  args.rms = attributes.flag("rms");
  args.epsilon = static_cast<float>(attributes.number("epsilon"));
  return {.run =
              [args, samples = x[0], scale = attributes.flag("scale"), offset = attributes.flag("offset"),
               in = context.node.inputs, out = context.node.outputs,
               forward = context.kernels.group_norm_forward](Run& run) {
                GroupNormArgs a = args;
                a.samples = extent(samples, run.n);
                a.x = run.f32(in[0]);
                a.gamma = scale ? run.f32(in[1]) : nullptr;
                a.beta = offset ? run.f32(in.back()) : nullptr;
                a.y = run.out(out[0]);
                a.mean = run.out(out[1]);
                a.rstd = run.out(out[2]);
                forward(a, run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

Lowered lower_grad(const LowerContext& context) {
  const Shape& x = context.input(0).shape;
  const Attributes& attributes = context.node.attributes;
  GroupNormGradArgs args;
  args.steps = x[1];
  args.c = x[2];
  args.groups = attributes.integer("groups");
  args.rms = attributes.flag("rms");
  return {.run =
              [args, samples = x[0], scale = attributes.flag("scale"), in = context.node.inputs,
               out = context.node.outputs, grad = context.kernels.group_norm_grad](Run& run) {
                GroupNormGradArgs a = args;
                a.samples = extent(samples, run.n);
                a.x = run.f32(in[0]);
                a.dy = run.f32(in[1]);
                a.mean = run.f32(in[2]);
                a.rstd = run.f32(in[3]);
                a.gamma = scale ? run.f32(in[4]) : nullptr;
                a.dx = run.out(out[0]);
                a.dgamma = run.out(out[1]);
                a.dbeta = run.out(out[2]);
                grad(a, run.launch);
              },
          .workspace = context.kernels.group_norm_grad_workspace(extent(x[0], context.capacity), x[1], x[2]),
          .explain_bad_row = nullptr};
}

}  // namespace

const OpList& group_norm_ops() {
  static const OpList ops = {
      {.name = "group_norm",
       .attributes = {{"groups", int64_t{1}}, {"rms", false}, {"epsilon", 1e-3}, {"scale", false}, {"offset", false}},
       .infer = infer_group_norm,
       .gradient = grad_group_norm,
       .lower = lower_forward,
       .cheap = true},
      {.name = "group_norm_grad",
       .attributes = {{"groups", int64_t{1}}, {"rms", false}, {"scale", false}},
       .infer = infer_group_norm_grad,
       .lower = lower_grad},
  };
  return ops;
}

}  // namespace linnet
