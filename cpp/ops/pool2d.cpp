// Max and average pooling, windows `pool` over x (n, h, w, c); padding [top, bottom, left, right] takes no part.
//
// Max pooling remembers the winner of each window in one byte, its second output; the gradient sends dy there. A
// rewrite (`move_relu_grad`) takes the gradient of a relu before the pooling through it, to where there are fewer
// elements. With mean = false an average is a sum; the gradient of that, windows apart, repeats each value: it is how
// images are enlarged (python/linnet/ops/pooling.py, where volumes are pooled by two of these, too).
#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

Pool2dShape geometry(const Attributes& attributes, const Shape& x) {
  const Ints& pool = attributes.ints("pool");
  const Ints& strides = attributes.ints("strides");
  const Ints& padding = attributes.ints("padding");
  Pool2dShape s;
  s.n = x[0];
  s.h = x[1];
  s.w = x[2];
  s.c = x[3];
  s.kh = pool[0];
  s.kw = pool[1];
  s.stride_h = strides[0];
  s.stride_w = strides[1];
  s.pad_top = padding[0];
  s.pad_left = padding[2];
  s.oh = (s.h + padding[0] + padding[1] - s.kh) / s.stride_h + 1;
  s.ow = (s.w + padding[2] + padding[3] - s.kw) / s.stride_w + 1;
  if (attributes.find("mean")) s.mean = attributes.flag("mean");
  return s;
}

Shape checked(const InferContext& context, const Shape& x) {
  const Attributes& attributes = context.attributes;
  auto sizes = [&](const char* name, size_t count, int64_t least) {
    const Ints& values = attributes.ints(name);
    bool good = values.size() == count;
    for (int64_t value : values) good = good && value >= least;
    if (!good) {
      context.fail(std::string(name) + " must be " + std::to_string(count) + " integers of at least " +
                   std::to_string(least) + ", got " + to_string(values));
    }
  };
  sizes("pool", 2, 1);
  sizes("strides", 2, 1);
  sizes("padding", 4, 0);
  if (x.size() != 4) context.fail("input must have 4 dimensions (batch, height, width, channels), got " + to_string(x));
  for (size_t axis = 1; axis < 4; ++axis) {
    if (x[axis] < 0) context.fail("only the first axis may carry the batch; x " + to_string(x));
  }
  const Ints& padding = attributes.ints("padding");
  const Pool2dShape s = geometry(attributes, x);
  if (padding[0] >= s.kh || padding[1] >= s.kh || padding[2] >= s.kw || padding[3] >= s.kw) {
    context.fail("padding " + to_string(padding) + " must be smaller than the window " +
                 to_string(attributes.ints("pool")));
  }
  if (s.h + padding[0] + padding[1] < s.kh || s.w + padding[2] + padding[3] < s.kw) {
    context.fail("the window " + to_string(attributes.ints("pool")) + " is larger than the input " + to_string(x) +
                 "; use padding=\"same\" or a smaller window");
  }
  return {s.n, s.oh, s.ow, s.c};
}

Pool2dShape at(Pool2dShape s, int64_t n) {
  s.n = extent(s.n, n);
  return s;
}

void infer_average(InferContext& context) {
  context.expect_inputs(1);
  context.expect_float(0);
  context.outputs.push_back({DType::f32, checked(context, context.inputs[0].shape)});
}

void infer_max(InferContext& context) {
  infer_average(context);
  const Ints& pool = context.attributes.ints("pool");
  if (pool[0] * pool[1] > 256) {
    context.fail("a window of " + std::to_string(pool[0] * pool[1]) +
                 " positions is more than 256; pool twice with smaller windows");
  }
  context.outputs.push_back({DType::u8, context.outputs[0].shape});  // which position of the window won
}

void infer_gradient(InferContext& context, size_t inputs) {
  context.expect_inputs(inputs);
  const Shape& x = context.attributes.ints("shape");
  const Shape y = checked(context, x);
  context.expect_float(0);
  if (context.inputs[0].shape != y) {
    context.fail("the gradient has shape " + to_string(context.inputs[0].shape) + ", the output " + to_string(y));
  }
  context.outputs.push_back({DType::f32, x});
}

void infer_average_grad(InferContext& context) { infer_gradient(context, 1); }

void infer_max_grad(InferContext& context) {
  infer_gradient(context, 2);
  if (context.inputs[1].dtype != DType::u8 || context.inputs[1].shape != context.inputs[0].shape) {
    context.fail("input 1 must be the second output of max_pool2d");
  }
}

Attributes with_shape(GradientContext& g) {
  Attributes attributes = g.attributes();
  attributes.set("shape", g.type(g.input(0)).shape);
  return attributes;
}

void grad_max(GradientContext& g) { g.set(0, g.add("max_pool2d_grad", {g.dy(), g.output(1)}, with_shape(g))); }
void grad_average(GradientContext& g) { g.set(0, g.add("average_pool2d_grad", {g.dy()}, with_shape(g))); }

// The average is linear: the gradient's gradient is the average again.
void grad_average_grad(GradientContext& g) {
  Attributes attributes;
  for (const char* name : {"pool", "strides", "padding", "mean"}) attributes.set(name, *g.attributes().find(name));
  g.set(0, g.add("average_pool2d", {g.dy()}, attributes));
}

Lowered lower_max(const LowerContext& context) {
  const int argmax = context.node.outputs[1];
  // In inference nobody reads argmax; then it is not written.
  const bool wanted = !context.graph.consumers(argmax).empty();
  return {.run =
              [s = geometry(context.node.attributes, context.input(0).shape), x = context.node.inputs[0],
               y = context.node.outputs[0], argmax, wanted, pool = context.kernels.max_pool2d_forward](Run& run) {
                pool(at(s, run.n), run.f32(x), run.out(y), wanted ? run.out_u8(argmax) : nullptr, run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

Lowered lower_max_grad(const LowerContext& context) {
  return {
      .run = [s = geometry(context.node.attributes, context.output(0).shape), dy = context.node.inputs[0],
              argmax = context.node.inputs[1], dx = context.node.outputs[0], pool = context.kernels.max_pool2d_grad](
                 Run& run) { pool(at(s, run.n), run.f32(dy), run.out_u8(argmax), run.out(dx), run.launch); },
      .workspace = 0,
      .explain_bad_row = nullptr};
}

Lowered lower_average(const LowerContext& context) {
  return {.run = [s = geometry(context.node.attributes, context.input(0).shape), x = context.node.inputs[0],
                  y = context.node.outputs[0], pool = context.kernels.average_pool2d_forward](
                     Run& run) { pool(at(s, run.n), run.f32(x), run.out(y), run.launch); },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

Lowered lower_average_grad(const LowerContext& context) {
  return {.run = [s = geometry(context.node.attributes, context.output(0).shape), dy = context.node.inputs[0],
                  dx = context.node.outputs[0], pool = context.kernels.average_pool2d_grad](
                     Run& run) { pool(at(s, run.n), run.f32(dy), run.out(dx), run.launch); },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

// relu before max pooling: relu_grad(max_pool2d_grad(dy), y) visits every pixel, but only winners carry a gradient, and
// the winner of a window is positive exactly when the pooled value is. So relu_grad moves to the pooled side, where
// there are kh * kw times fewer elements. `index` is the max_pool2d node.
bool move_relu_grad(Graph& graph, int index) {
  const Node& pool = graph.node(index);
  const int x = pool.inputs[0], pooled = pool.outputs[0], argmax = pool.outputs[1];
  for (int scatter : graph.consumers(argmax)) {
    const int dx = graph.node(scatter).outputs[0];
    if (graph.use_count(dx) != 1) continue;
    const std::vector<int> readers = graph.consumers(dx);
    if (readers.size() != 1) continue;
    const Node& relu = graph.node(readers[0]);
    if (relu.op->opcode != Opcode::relu_grad || relu.inputs != std::vector<int>{dx, x}) continue;
    // The two nodes change places: relu_grad takes the scatter's slot and the other way round.
    const int dy = graph.node(scatter).inputs[0], result = relu.outputs[0];
    std::swap(graph.node(scatter), graph.node(readers[0]));
    const int small = graph.add_output(scatter, graph.type(dy));
    graph.node(scatter).inputs = {dy, pooled};
    graph.node(scatter).outputs = {small};
    graph.take_output(scatter, 0, small);
    graph.node(readers[0]).inputs[0] = small;
    graph.take_output(readers[0], 0, result);
    return true;
  }
  return false;
}

}  // namespace

const OpList& pool2d_ops() {
  static const OpList ops = [] {
    const std::vector<AttributeSpec> window = {
        {"pool", Ints{}, true}, {"strides", Ints{}, true}, {"padding", Ints{0, 0, 0, 0}}};
    std::vector<AttributeSpec> window_of = window;
    window_of.push_back({"shape", Ints{}, true});
    std::vector<AttributeSpec> average = window, average_of = window_of;
    average.push_back({"mean", true});
    average_of.push_back({"mean", true});
    return OpList{
        {.name = "max_pool2d",
         .attributes = window,
         .infer = infer_max,
         .gradient = grad_max,
         .lower = lower_max,
         .rewrite = move_relu_grad},
        {.name = "max_pool2d_grad", .attributes = window_of, .infer = infer_max_grad, .lower = lower_max_grad},
        {.name = "average_pool2d",
         .attributes = average,
         .infer = infer_average,
         .gradient = grad_average,
         .lower = lower_average},
        {.name = "average_pool2d_grad",
         .attributes = average_of,
         .infer = infer_average_grad,
         .gradient = grad_average_grad,
         .lower = lower_average_grad},
    };
  }();
  return ops;
}

}  // namespace linnet
