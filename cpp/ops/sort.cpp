// The order of values along the last axis, and picking values by such numbers:
//   argsort          x (..., n) -> int32 (..., k): the k smallest (largest) values' indices, in order. k = 0 means n.
//   take_along       x (..., n), ids (..., k) -> x[..., ids]; an id below 0 counts from the end. An id outside raises.
//   take_along_grad  the sums, by id, of the gradients of what was picked
// Sorting is argsort and then take_along, so that it is differentiable: values move, their order has no gradient.
#include <algorithm>
#include <limits>

#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

// (rows, n) of a shape whose last axis is fixed.
int64_t rows_of(const Shape& shape) { return merged_dim(shape, 0, shape.size() - 1); }

void expect_last_axis(const InferContext& context, const Shape& shape) {
  if (shape.empty() || shape.back() < 0) context.fail("needs a last axis of fixed size, got " + to_string(shape));
  rows_of(shape);
}

void infer_argsort(InferContext& context) {
  context.expect_inputs(1);
  Shape shape = context.inputs[0].shape;
  expect_last_axis(context, shape);
  const int64_t k = context.attributes.integer("k");
  if (context.inputs[0].dtype == DType::u8) context.fail("uint8 values cannot be sorted; cast them first");
  if (shape.back() > std::numeric_limits<int32_t>::max()) context.fail("more than 2^31 - 1 values in a row");
  if (k < 0 || k > shape.back()) {
    context.fail("k must lie in 1 to the size of the last axis, " + std::to_string(shape.back()) +
                 ", or be 0 for all; got " + std::to_string(k));
  }
  if (k > 0) shape.back() = k;
  context.outputs.push_back({DType::i32, shape});
}

Lowered lower_argsort(const LowerContext& context) {
  const Shape& shape = context.input(0).shape;
  const int64_t rows = rows_of(shape), n = shape.back();
  return {.run =
              [rows, n, k = context.output(0).shape.back(), integers = context.input(0).dtype == DType::i32,
               descending = context.node.attributes.flag("descending"), x = context.node.inputs[0],
               order = context.node.outputs[0], sort = context.kernels.sort_order](Run& run) {
                sort(integers, descending, extent(rows, run.n), n, k, run.buffers[x], run.out_i32(order), run.launch);
              },
          .workspace = context.kernels.sort_order_workspace(extent(rows, context.capacity), n),
          .explain_bad_row = nullptr};
}

void infer_take_along(InferContext& context) {
  context.expect_inputs(2);
  context.expect_int(1);
  const Shape& x = context.inputs[0].shape;
  const Shape& ids = context.inputs[1].shape;
  if (context.inputs[0].dtype == DType::u8) context.fail("uint8 values cannot be picked; cast them first");
  expect_last_axis(context, x);
  expect_last_axis(context, ids);
  if (x.size() != ids.size() || !std::equal(x.begin(), x.end() - 1, ids.begin())) {
    context.fail("x " + to_string(x) + " and ids " + to_string(ids) + " must agree in all axes but the last");
  }
  context.outputs.push_back({context.inputs[0].dtype, ids});
}

void grad_take_along(GradientContext& g) {
  if (g.type(g.input(0)).dtype != DType::f32) return;
  g.set(0, g.add("take_along_grad", {g.input(1), g.dy()}, {{"entries", g.type(g.input(0)).shape.back()}}));
}

Lowered lower_take_along(const LowerContext& context) {
  const Shape& shape = context.output(0).shape;
  const int64_t rows = rows_of(shape), n = context.input(0).shape.back(), k = shape.back();
  const int ids = context.node.inputs[1];
  return {.run =
              [rows, n, k, ids, x = context.node.inputs[0], y = context.node.outputs[0],
               take = context.kernels.take_along](Run& run) {
                take(extent(rows, run.n), n, k, run.buffers[x], run.i32(ids), const_cast<void*>(run.buffers[y]),
                     &run.bad_row, run.launch);
              },
          .workspace = 0,
          .explain_bad_row =
              [rows, n, k, ids](Run& run) {
                const std::string id = std::to_string(run.i32(ids)[run.bad_row]);
                run.bad_row /= k;
                if (rows < 0) run.bad_row /= -rows;
                return "index " + id + " is outside of an axis of size " + std::to_string(n);
              }};
}

void infer_take_along_grad(InferContext& context) {
  context.expect_inputs(2);
  context.expect_int(0);
  context.expect_float(1);
  Shape shape = context.inputs[0].shape;
  expect_last_axis(context, shape);
  if (shape != context.inputs[1].shape) {
    context.fail("the gradient " + to_string(context.inputs[1].shape) + " does not belong to ids " + to_string(shape));
  }
  shape.back() = context.attributes.integer("entries");
  if (shape.back() < 0) context.fail("entries must not be negative");
  context.outputs.push_back({DType::f32, shape});
}

Lowered lower_take_along_grad(const LowerContext& context) {
  const Shape& shape = context.input(0).shape;
  return {
      .run = [rows = rows_of(shape), k = shape.back(), n = context.output(0).shape.back(), ids = context.node.inputs[0],
              dy = context.node.inputs[1], dx = context.node.outputs[0], grad = context.kernels.take_along_grad](
                 Run& run) { grad(extent(rows, run.n), n, k, run.i32(ids), run.f32(dy), run.out(dx), run.launch); },
      .workspace = 0,
      .explain_bad_row = nullptr};
}

}  // namespace

const OpList& sort_ops() {
  static const OpList ops = {
      {.name = "argsort",
       .attributes = {{"descending", false}, {"k", int64_t{0}}},
       .infer = infer_argsort,
       .lower = lower_argsort},
      {.name = "take_along", .infer = infer_take_along, .gradient = grad_take_along, .lower = lower_take_along},
      {.name = "take_along_grad",
       .attributes = {{"entries", int64_t{0}, true}},
       .infer = infer_take_along_grad,
       .lower = lower_take_along_grad},
  };
  return ops;
}

}  // namespace linnet
