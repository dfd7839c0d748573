// static_batch: what has one row for each row of a batch of known size, seen as (n, ...) or as (batch, ...): the state
// that a stateful recurrent layer keeps in a variable from one batch to the next. A run with another number of rows is
// an error. No gradient passes: that is what truncates back-propagation through time.
#include <cstring>

#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

void infer(InferContext& context) {
  context.expect_inputs(1);
  const int64_t batch = context.attributes.integer("batch");
  Shape shape = context.inputs[0].shape;
  if (batch < 0) context.fail("batch must not be negative");
  if (shape.empty() || (shape[0] != batch && shape[0] != -1)) {
    context.fail("expected (n, ...) or (" + std::to_string(batch) + ", ...), got " + to_string(shape));
  }
  shape[0] = shape[0] == -1 ? batch : -1;
  element_count(shape, 1);
  context.outputs.push_back({context.inputs[0].dtype, shape});
}

Lowered lower(const LowerContext& context) {
  return {
      .run =
          [x = context.node.inputs[0], y = context.node.outputs[0], batch = context.node.attributes.integer("batch"),
           shape = context.output(0).shape, layer = context.node.layer](Run& run) {
            if (run.n != batch) {
              throw ShapeError("stateful layer" + (layer.empty() ? layer : " \"" + layer + "\"") +
                               ": its state is kept for batches of " + std::to_string(batch) + " rows, this one has " +
                               std::to_string(run.n) + "; every batch must have the same rows");
            }
            std::memcpy(run.out(y), run.f32(x), static_cast<size_t>(element_count(shape, batch)) * sizeof(float));
          },
      .workspace = 0,
      .explain_bad_row = nullptr};
}

}  // namespace

const OpList& static_batch_ops() {
  static const OpList ops = {
      {.name = "static_batch", .attributes = {{"batch", int64_t{0}, true}}, .infer = infer, .lower = lower}};
  return ops;
}

}  // namespace linnet
