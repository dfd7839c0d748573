// Operations that move no data: another shape, a window into a flat variable; and the packing of gradients.
#include <algorithm>
#include <cstring>

#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

void infer_reshape(InferContext& context) {
  context.expect_inputs(1);
  const Shape& shape = context.attributes.ints("shape");
  if (!same_count(shape, context.inputs[0].shape)) {
    context.fail("cannot reshape " + to_string(context.inputs[0].shape) + " to " + to_string(shape) +
                 ": the numbers of elements differ");
  }
  context.outputs.push_back({context.inputs[0].dtype, shape});
}

void grad_reshape(GradientContext& g) { g.set(0, g.add("reshape", {g.dy()}, {{"shape", g.type(g.input(0)).shape}})); }

void infer_same(InferContext& context) {
  context.expect_inputs(1);
  context.outputs.push_back(context.inputs[0]);
}

void infer_view(InferContext& context) {
  context.expect_inputs(1);
  const Shape& flat = context.inputs[0].shape;
  const Shape& shape = context.attributes.ints("shape");
  const int64_t offset = context.attributes.integer("offset");
  for (int64_t dim : shape) {
    if (dim < 0) context.fail("a view cannot have the batch size in its shape: " + to_string(shape));
  }
  if (flat.size() != 1 || flat[0] < 0) context.fail("views look into a flat array, got " + to_string(flat));
  if (offset < 0 || offset + element_count(shape, 0) > flat[0]) {
    context.fail("elements " + std::to_string(offset) + " to " + std::to_string(offset + element_count(shape, 0)) +
                 " lie outside of " + to_string(flat));
  }
  context.outputs.push_back({context.inputs[0].dtype, shape});
}

int64_t view_offset(const Node& node) { return node.attributes.integer("offset") * 4; }

void infer_pack(InferContext& context) {
  const Ints& offsets = context.attributes.ints("offsets");
  const int64_t size = context.attributes.integer("size");
  if (offsets.size() != context.inputs.size()) {
    context.fail(std::to_string(context.inputs.size()) + " inputs but " + std::to_string(offsets.size()) + " offsets");
  }
  int64_t end = 0;
  for (size_t i = 0; i < offsets.size(); ++i) {
    context.expect_float(i);
    for (int64_t dim : context.inputs[i].shape) {
      if (dim < 0)
        context.fail("input " + std::to_string(i) +
                     " depends on the batch size: " + to_string(context.inputs[i].shape));
    }
    if (offsets[i] < end) context.fail("offsets must ascend without overlap");
    end = offsets[i] + element_count(context.inputs[i].shape, 0);
  }
  if (end > size) context.fail("the inputs need " + std::to_string(end) + " elements, size is " + std::to_string(size));
  context.outputs.push_back({DType::f32, {size}});
}

int64_t pack_offset(const Node& node, size_t input) { return node.attributes.ints("offsets")[input] * 4; }

Lowered lower_pack(const LowerContext& context) {
  struct Part {
    int value;
    int64_t offset;
    size_t bytes;
  };
  std::vector<Part> parts;
  for (size_t i = 0; i < context.node.inputs.size(); ++i) {
    parts.push_back({context.node.inputs[i], context.node.attributes.ints("offsets")[i],
                     static_cast<size_t>(element_count(context.input(i).shape, 0)) * sizeof(float)});
  }
  return {.run =
              [parts, y = context.node.outputs[0]](Run& run) {
                for (const Part& part : parts) {
                  float* to = run.out(y) + part.offset;
                  const float* from = run.f32(part.value);
                  if (from != to) std::memcpy(to, from, part.bytes);
                }
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

}  // namespace

const OpList& reshape_ops() {
  static const OpList ops = {
      {.name = "reshape",
       .attributes = {{"shape", Ints{}, true}},
       .infer = infer_reshape,
       .gradient = grad_reshape,
       .alias = true},
      {.name = "stop_gradient", .infer = infer_same, .alias = true},
      {.name = "view",
       .attributes = {{"offset", int64_t{0}, true}, {"shape", Ints{}, true}},
       .infer = infer_view,
       .alias = true,
       .alias_offset = view_offset},
      {.name = "pack",
       .attributes = {{"offsets", Ints{}, true}, {"size", int64_t{0}, true}},
       .infer = infer_pack,
       .lower = lower_pack,
       .input_offset = pack_offset},
  };
  return ops;
}

}  // namespace linnet
