// Random numbers and dropout. Every node draws from a stream of its own: Philox(seed, step, stream, element), so the
// same numbers come back for the gradient (no mask is stored), at any thread count, and after a resume.
#include "graph/pointwise.h"
#include "ops/ops.h"

namespace linnet {
namespace {

void infer_random(InferContext& context) {
  context.expect_inputs(0);
  const Ints& shape = context.attributes.ints("shape");
  if (shape.size() > kMaxRank) context.fail("more than 8 dimensions: " + to_string(shape));
  context.outputs.push_back({DType::f32, shape});
}

int32_t stream_of(const Node& node) { return static_cast<int32_t>(node.attributes.integer("stream")); }

void emit_uniform(ProgramBuilder& builder, const Node& node) {
  builder.define(node.outputs[0], builder.random(Opcode::random_uniform, stream_of(node)));
}

void emit_normal(ProgramBuilder& builder, const Node& node) {
  builder.define(node.outputs[0], builder.random(Opcode::random_normal, stream_of(node)));
}

void infer_dropout(InferContext& context) {
  context.expect_inputs(1);
  context.expect_float(0);
  const double rate = context.attributes.number("rate");
  if (!(rate >= 0.0 && rate <= 1.0)) context.fail("rate must be in [0, 1], got " + std::to_string(rate));
  context.outputs.push_back(context.inputs[0]);
}

// y = x / (1 - rate) where u >= rate, else 0 (Srivastava et al. 2014, "inverted").
void emit_dropout(ProgramBuilder& builder, const Node& node) {
  const double rate = node.attributes.number("rate");
  const int x = builder.input(node, 0);
  const int zero = builder.constant(0.0f);
  const int kept = builder.emit(Opcode::greater_equal, builder.random(Opcode::random_uniform, stream_of(node)),
                                builder.constant(static_cast<float>(rate)));
  const float scale = rate < 1.0 ? static_cast<float>(1.0 / (1.0 - rate)) : 0.0f;
  const int scaled = builder.emit(Opcode::multiply, x, builder.constant(scale));
  builder.define(node.outputs[0], builder.emit(Opcode::where, kept, scaled, zero));
}

void grad_dropout(GradientContext& g) { g.set(0, g.add("dropout", {g.dy()}, g.attributes())); }

}  // namespace

const OpList& random_ops() {
  static const std::vector<AttributeSpec> generator = {{"shape", Ints{}, true}, {"stream", int64_t{0}, true}};
  static const OpList ops = {
      {.name = "random_uniform", .attributes = generator, .infer = infer_random, .emit = emit_uniform, .random = true},
      {.name = "random_normal", .attributes = generator, .infer = infer_random, .emit = emit_normal, .random = true},
      {.name = "dropout",
       .attributes = {{"rate", 0.5, true}, {"stream", int64_t{0}, true}},
       .infer = infer_dropout,
       .gradient = grad_dropout,
       .emit = emit_dropout,
       .random = true},
  };
  return ops;
}

}  // namespace linnet
