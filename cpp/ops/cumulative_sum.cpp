// cumulative_sum: running sums along one axis of fixed size. Its gradient is the running sum from the other end.
#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

void infer_cumulative_sum(InferContext& context) {
  context.expect_inputs(1);
  context.expect_float(0);
  const Shape& x = context.inputs[0].shape;
  const int64_t axis = context.attributes.integer("axis"), rank = static_cast<int64_t>(x.size());
  if (axis < 0 || axis >= rank) {
    context.fail("axis " + std::to_string(axis) + " does not exist in a tensor of rank " + std::to_string(rank));
  }
  if (x[static_cast<size_t>(axis)] < 0) context.fail("cannot sum along the batch axis of " + to_string(x));
  context.outputs.push_back(context.inputs[0]);
}

void grad_cumulative_sum(GradientContext& g) {
  g.set(0, g.add("cumulative_sum", {g.dy()},
                 {{"axis", g.attributes().integer("axis")}, {"reverse", !g.attributes().flag("reverse")}}));
}

Lowered lower_cumulative_sum(const LowerContext& context) {
  const Shape& shape = context.input(0).shape;
  const size_t axis = static_cast<size_t>(context.node.attributes.integer("axis"));
  return {.run =
              [outer = merged_dim(shape, 0, axis), mid = shape[axis], inner = merged_dim(shape, axis + 1, shape.size()),
               reverse = context.node.attributes.flag("reverse"), x = context.node.inputs[0],
               y = context.node.outputs[0], sum = context.kernels.cumulative_sum](Run& run) {
                sum(reverse, extent(outer, run.n), mid, extent(inner, run.n), run.f32(x), run.out(y), run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

}  // namespace

const OpList& cumulative_sum_ops() {
  static const OpList ops = {{.name = "cumulative_sum",
                              .attributes = {{"axis", int64_t{0}, true}, {"reverse", false}},
                              .infer = infer_cumulative_sum,
                              .gradient = grad_cumulative_sum,
                              .lower = lower_cumulative_sum}};
  return ops;
}

}  // namespace linnet
