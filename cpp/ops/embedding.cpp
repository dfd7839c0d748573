// Operations on integers: embedding (rows of a table by id), one_hot, cast. An id outside of the table is an error that
// names the sample, as no gradient could repair it; one_hot of a number outside of its depth is a row of zeros. Only
// the table has a gradient: rows that several ids ask for add up, in the order of the ids.
#include <algorithm>

#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

void infer_embedding(InferContext& context) {
  context.expect_inputs(2);
  context.expect_float(0);
  context.expect_int(1);
  context.expect_rank(0, 2, "table");
  const Shape& table = context.inputs[0].shape;
  if (table[0] < 0 || table[1] < 0) context.fail("the table cannot depend on the batch size: " + to_string(table));
  Shape y = context.inputs[1].shape;
  merged_dim(y, 0, y.size());
  y.push_back(table[1]);
  context.outputs.push_back({DType::f32, y});
}

void grad_embedding(GradientContext& g) {
  if (g.needs(0)) {
    g.set(0, g.add("embedding_grad", {g.input(1), g.dy()}, {{"entries", g.type(g.input(0)).shape[0]}}));
  }
}

// As an operation of its own, embedding_grad sums rows by id (a segment sum).
void grad_embedding_grad(GradientContext& g) {
  if (g.needs(1)) g.set(1, g.add("embedding", {g.dy(), g.input(0)}));
}

void infer_embedding_grad(InferContext& context) {
  context.expect_inputs(2);
  context.expect_int(0);
  context.expect_float(1);
  const Shape& ids = context.inputs[0].shape;
  const Shape& dy = context.inputs[1].shape;
  if (dy.size() != ids.size() + 1 || !std::equal(ids.begin(), ids.end(), dy.begin()) || dy.back() < 0) {
    context.fail("the gradient " + to_string(dy) + " does not belong to ids " + to_string(ids));
  }
  if (context.attributes.integer("entries") < 0) context.fail("entries must not be negative");
  context.outputs.push_back({DType::f32, {context.attributes.integer("entries"), context.inputs[1].shape.back()}});
}

Lowered lower_embedding(const LowerContext& context) {
  const Shape& table = context.input(0).shape;
  const Shape& ids_shape = context.input(1).shape;
  const int64_t count = merged_dim(ids_shape, 0, ids_shape.size());
  const int ids = context.node.inputs[1];
  return {.run =
              [entries = table[0], width = table[1], count, weights = context.node.inputs[0], ids,
               y = context.node.outputs[0], forward = context.kernels.embedding_forward](Run& run) {
                forward(entries, width, extent(count, run.n), run.f32(weights), run.i32(ids), run.out(y), &run.bad_row,
                        run.launch);
              },
          .workspace = 0,
          .explain_bad_row =
              [entries = table[0], count, ids](Run& run) {
                const std::string id = std::to_string(run.i32(ids)[run.bad_row]);
                if (count < 0) run.bad_row /= -count;
                return "id " + id + " is outside of the table's " + std::to_string(entries) + " entries 0 to " +
                       std::to_string(entries - 1);
              }};
}

Lowered lower_embedding_grad(const LowerContext& context) {
  const Shape& ids_shape = context.input(0).shape;
  const Shape& table = context.output(0).shape;
  return {.run =
              [entries = table[0], width = table[1], count = merged_dim(ids_shape, 0, ids_shape.size()),
               ids = context.node.inputs[0], dy = context.node.inputs[1], dtable = context.node.outputs[0],
               grad = context.kernels.embedding_grad](Run& run) {
                grad(entries, width, extent(count, run.n), run.i32(ids), run.f32(dy), run.out(dtable), run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

void infer_one_hot(InferContext& context) {
  context.expect_inputs(1);
  context.expect_int(0);
  const int64_t depth = context.attributes.integer("depth");
  if (depth < 0) context.fail("depth must not be negative, got " + std::to_string(depth));
  Shape y = context.inputs[0].shape;
  merged_dim(y, 0, y.size());
  y.push_back(depth);
  context.outputs.push_back({DType::f32, y});
}

Lowered lower_one_hot(const LowerContext& context) {
  const Shape& ids = context.input(0).shape;
  return {.run = [count = merged_dim(ids, 0, ids.size()), depth = context.node.attributes.integer("depth"),
                  x = context.node.inputs[0], y = context.node.outputs[0], one_hot = context.kernels.one_hot](
                     Run& run) { one_hot(extent(count, run.n), depth, run.i32(x), run.out(y), run.launch); },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

void infer_cast(InferContext& context) {
  context.expect_inputs(1);
  const std::string& to = context.attributes.text("dtype");
  if (to != "float32" && to != "int32") context.fail("dtype must be \"float32\" or \"int32\", got \"" + to + "\"");
  if (context.inputs[0].dtype == DType::u8) context.fail("uint8 values cannot be cast");
  context.outputs.push_back({to == "int32" ? DType::i32 : DType::f32, context.inputs[0].shape});
}

void grad_cast(GradientContext& g) {
  if (g.type(g.input(0)).dtype == DType::f32 && g.type(g.output(0)).dtype == DType::f32) g.set(0, g.dy());
}

Lowered lower_cast(const LowerContext& context) {
  const DType from = context.input(0).dtype, to = context.output(0).dtype;
  return {.run =
              [from, to, shape = context.input(0).shape, x = context.node.inputs[0], y = context.node.outputs[0],
               &kernels = context.kernels](Run& run) {
                const int64_t count = element_count(shape, run.n);
                if (from == DType::i32 && to == DType::f32) {
                  kernels.cast_to_float(count, run.i32(x), run.out(y), run.launch);
                } else if (from == DType::f32 && to == DType::i32) {
                  kernels.cast_to_int(count, run.f32(x), run.out_i32(y), run.launch);
                } else {  // the same type: a copy
                  StridedCopyArgs args{.rank = 1,
                                       .shape = {count},
                                       .src = run.f32(x),
                                       .src_strides = {1},
                                       .dst = run.out(y),
                                       .dst_strides = {1}};
                  kernels.strided_copy(args, run.launch);
                }
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

}  // namespace

const OpList& embedding_ops() {
  static const OpList ops = {
      {.name = "embedding", .infer = infer_embedding, .gradient = grad_embedding, .lower = lower_embedding},
      {.name = "embedding_grad",
       .attributes = {{"entries", int64_t{0}, true}},
       .infer = infer_embedding_grad,
       .gradient = grad_embedding_grad,
       .lower = lower_embedding_grad},
      {.name = "one_hot", .attributes = {{"depth", int64_t{0}, true}}, .infer = infer_one_hot, .lower = lower_one_hot},
      {.name = "cast",
       .attributes = {{"dtype", std::string("float32"), true}},
       .infer = infer_cast,
       .gradient = grad_cast,
       .lower = lower_cast},
  };
  return ops;
}

}  // namespace linnet
