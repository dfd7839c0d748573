// conv2d and its two gradients, which are operations of their own: backward is ordinary graph.
//
// x (n, h, w, c), kernel (kh, kw, c / groups, oc), y (n, oh, ow, oc); padding [top, bottom, left, right]. The gradients
// carry the shape they produce as an attribute, since strides make it ambiguous. The bias gradient is found by a
// rewrite (`take_bias_gradient`), not asked for by the layer. The setting of runtime/conv_algorithm.h is read when a
// graph is lowered: a plan keeps its algorithms.
#include "graph/graph.h"
#include "ops/conv2d_padding.h"
#include "ops/ops.h"
#include "runtime/conv_algorithm.h"

namespace linnet {
namespace {

std::vector<AttributeSpec> geometry_attributes() {
  return {{"strides", Ints{1, 1}}, {"padding", Ints{0, 0, 0, 0}}, {"dilation", Ints{1, 1}}, {"groups", int64_t{1}}};
}

// Everything but n, which may be a multiple of the rows of a run.
Conv2dShape geometry(const Attributes& attributes, const Shape& x, const Shape& kernel) {
  const Ints& strides = attributes.ints("strides");
  const Ints& padding = attributes.ints("padding");
  const Ints& dilation = attributes.ints("dilation");
  Conv2dShape s;
  s.n = x[0];
  s.h = x[1];
  s.w = x[2];
  s.c = x[3];
  s.kh = kernel[0];
  s.kw = kernel[1];
  s.oc = kernel[3];
  s.stride_h = strides[0];
  s.stride_w = strides[1];
  s.dilation_h = dilation[0];
  s.dilation_w = dilation[1];
  s.pad_top = padding[0];
  s.pad_left = padding[2];
  s.groups = attributes.integer("groups");
  s.oh = (s.h + padding[0] + padding[1] - (s.kh - 1) * s.dilation_h - 1) / s.stride_h + 1;
  s.ow = (s.w + padding[2] + padding[3] - (s.kw - 1) * s.dilation_w - 1) / s.stride_w + 1;
  return s;
}

// Checks the shapes of x and kernel against each other and the attributes; returns the geometry.
Conv2dShape checked(const InferContext& context, const Shape& x, const Shape& kernel) {
  const std::string shapes = "; x " + to_string(x) + ", kernel " + to_string(kernel);
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
  sizes("strides", 2, 1);
  sizes("dilation", 2, 1);
  sizes("padding", 4, 0);
  if (x.size() != 4) context.fail("input must have 4 dimensions (batch, height, width, channels), got " + to_string(x));
  if (kernel.size() != 4)
    context.fail("kernel must have 4 dimensions (height, width, channels, filters), got " + to_string(kernel));
  for (size_t axis = 1; axis < 4; ++axis) {
    if (x[axis] < 0) context.fail("only the first axis may carry the batch" + shapes);
  }
  const int64_t groups = attributes.integer("groups");
  if (groups < 1 || x[3] % groups || kernel[3] % groups) {
    context.fail("groups = " + std::to_string(groups) + " must divide the channels and the filters" + shapes);
  }
  if (kernel[2] * groups != x[3]) {
    context.fail("input has " + std::to_string(x[3]) + " channels, the kernel expects " +
                 std::to_string(kernel[2] * groups) + shapes);
  }
  const Conv2dShape s = geometry(attributes, x, kernel);
  const Ints& padding = attributes.ints("padding");
  const bool fits = s.h + padding[0] + padding[1] >= (s.kh - 1) * s.dilation_h + 1 &&
                    s.w + padding[2] + padding[3] >= (s.kw - 1) * s.dilation_w + 1;
  if (!fits || s.kh < 1 || s.kw < 1) {
    context.fail(
        "the window is larger than the padded input; use padding=\"same\", a smaller kernel or a larger image" +
        shapes);
  }
  return s;
}

void infer_conv2d(InferContext& context) {
  if (context.inputs.size() < 2) context.fail("takes an input and a kernel");
  for (size_t i = 0; i < context.inputs.size(); ++i) context.expect_float(i);
  const Conv2dShape s = checked(context, context.inputs[0].shape, context.inputs[1].shape);
  const Shape y = {s.n, s.oh, s.ow, s.oc};
  const size_t extra = static_cast<size_t>(context.attributes.flag("bias")) + context.attributes.flag("residual");
  context.expect_inputs(2 + extra);
  infer_epilogue(context, 2, y);
  context.outputs.push_back({DType::f32, y});
}

Attributes own_geometry(const Attributes& all) {
  Attributes result;
  for (const AttributeSpec& spec : geometry_attributes()) result.set(spec.name, *all.find(spec.name));
  return result;
}

void grad_conv2d(GradientContext& g) {
  Attributes attributes = own_geometry(g.attributes());
  if (g.needs(0)) {
    Attributes own = attributes;
    own.set("shape", g.type(g.input(0)).shape);
    g.set(0, g.add("conv2d_grad_input", {g.dy(), g.input(1)}, own));
  }
  if (g.needs(1)) {
    attributes.set("shape", g.type(g.input(1)).shape);
    g.set(1, g.add("conv2d_grad_weight", {g.input(0), g.dy()}, attributes));
  }
}

Conv2dShape at(Conv2dShape s, int64_t n) {
  s.n = extent(s.n, n);
  return s;
}

// The geometry as the kernels get it.
Conv2dShape lowered_geometry(const LowerContext& context, const Shape& x, const Shape& kernel) {
  Conv2dShape s = geometry(context.node.attributes, x, kernel);
  s.direct_only = conv_direct_only();
  return s;
}

// Packed nodes carry the shape of the kernel as it was.
constexpr const char* kKernelShape = "kernel_shape";

Lowered lower_conv2d(const LowerContext& context) {
  const bool packed = context.node.attributes.find(kKernelShape);
  const Shape& kernel_shape = packed ? context.node.attributes.ints(kKernelShape) : context.input(1).shape;
  Conv2dShape s = lowered_geometry(context, context.input(0).shape, kernel_shape);
  s.packed = packed;
  return {
      .run =
          [s, epilogue = epilogue_inputs(context.node, 2), x = context.node.inputs[0], kernel = context.node.inputs[1],
           y = context.node.outputs[0], forward = context.kernels.conv2d_forward](Run& run) {
            forward(at(s, run.n), run.f32(x), run.f32(kernel), run.out(y), epilogue.at(run), run.launch);
          },
      .workspace = context.kernels.conv2d_forward_workspace(at(s, context.capacity)),
      .explain_bad_row = nullptr};
}

bool scalable(const Graph&, const Node&) { return true; }

// ---- weights in the kernel's own layout: conv2d_pack makes it, conv2d_packed reads it. Both are internal.
Conv2dShape packing_geometry(const Attributes& attributes, const Shape& x, const Shape& kernel, int64_t capacity) {
  Conv2dShape s = at(geometry(attributes, x, kernel), capacity);
  s.direct_only = conv_direct_only();
  return s;
}

Lowered lower_pack(const LowerContext& context) {
  const Attributes& attributes = context.node.attributes;
  const Conv2dShape s =
      packing_geometry(attributes, attributes.ints("shape"), context.input(0).shape, context.capacity);
  return {
      .run = [s, kernel = context.node.inputs[0], packed = context.node.outputs[0],
              pack = context.kernels.conv2d_pack](Run& run) { pack(s, run.f32(kernel), run.out(packed), run.launch); },
      .workspace = 0,
      .explain_bad_row = nullptr};
}

const OpDef conv2d_pack = {.name = "conv2d_pack", .lower = lower_pack};
const OpDef conv2d_packed = {.name = "conv2d_packed", .lower = lower_conv2d};

void pack_conv2d(Graph& graph, int index, const KernelTable& kernels, int64_t capacity) {
  const Node& node = graph.node(index);
  const int kernel = node.inputs[1];
  const Shape x = graph.type(node.inputs[0]).shape, kernel_shape = graph.type(kernel).shape;
  const size_t bytes = kernels.conv2d_packed_size(packing_geometry(node.attributes, x, kernel_shape, capacity));
  if (bytes == 0) return;
  Attributes attributes = own_geometry(node.attributes);
  attributes.set("shape", x);
  const int packed = graph.append({.op = &conv2d_pack,
                                   .inputs = {kernel},
                                   .outputs = {},
                                   .attributes = attributes,
                                   .layer = node.layer,
                                   .dead = false,
                                   .program = nullptr},
                                  {DType::f32, {static_cast<int64_t>(bytes / sizeof(float))}});
  Node& reader = graph.node(index);
  reader.op = &conv2d_packed;
  reader.inputs[1] = packed;
  reader.attributes.set(kKernelShape, kernel_shape);
}

// ---- gradient of the input: inputs dy, kernel; attribute shape = that of x
void infer_grad_input(InferContext& context) {
  context.expect_inputs(2);
  context.expect_float(0);
  context.expect_float(1);
  const Shape& x = context.attributes.ints("shape");
  const Conv2dShape s = checked(context, x, context.inputs[1].shape);
  const Shape y = {s.n, s.oh, s.ow, s.oc};
  if (context.inputs[0].shape != y)
    context.fail("the gradient has shape " + to_string(context.inputs[0].shape) + ", the output " + to_string(y));
  context.outputs.push_back({DType::f32, x});
}

// d(dx) flows back as an ordinary convolution: conv2d is linear in dy.
void grad_grad_input(GradientContext& g) {
  Attributes attributes = own_geometry(g.attributes());
  if (g.needs(0)) g.set(0, g.add("conv2d", {g.dy(), g.input(1)}, attributes));
  if (g.needs(1)) {
    attributes.set("shape", g.type(g.input(1)).shape);
    g.set(1, g.add("conv2d_grad_weight", {g.dy(), g.input(0)}, attributes));
  }
}

Lowered lower_grad_input(const LowerContext& context) {
  const Conv2dShape s = lowered_geometry(context, context.output(0).shape, context.input(1).shape);
  return {.run = [s, dy = context.node.inputs[0], kernel = context.node.inputs[1], dx = context.node.outputs[0],
                  grad_input = context.kernels.conv2d_grad_input](
                     Run& run) { grad_input(at(s, run.n), run.f32(dy), run.f32(kernel), run.out(dx), run.launch); },
          .workspace = context.kernels.conv2d_grad_input_workspace(at(s, context.capacity)),
          .explain_bad_row = nullptr};
}

// ---- gradient of the kernel: inputs x, dy; attribute shape = that of the kernel; output 1 (dbias) when `bias`
void infer_grad_weight(InferContext& context) {
  context.expect_inputs(2);
  context.expect_float(0);
  context.expect_float(1);
  const Shape& kernel = context.attributes.ints("shape");
  const Conv2dShape s = checked(context, context.inputs[0].shape, kernel);
  const Shape y = {s.n, s.oh, s.ow, s.oc};
  if (context.inputs[1].shape != y)
    context.fail("the gradient has shape " + to_string(context.inputs[1].shape) + ", the output " + to_string(y));
  context.outputs.push_back({DType::f32, kernel});
  if (context.attributes.flag("bias")) context.outputs.push_back({DType::f32, {s.oc}});
}

void grad_grad_weight(GradientContext& g) {
  Attributes attributes = own_geometry(g.attributes());
  if (g.dy() < 0) return;  // only the bias gradient was asked for; it is never differentiated twice
  if (g.needs(1)) g.set(1, g.add("conv2d", {g.input(0), g.dy()}, attributes));
  if (g.needs(0)) {
    attributes.set("shape", g.type(g.input(0)).shape);
    g.set(0, g.add("conv2d_grad_input", {g.input(1), g.dy()}, attributes));
  }
}

Lowered lower_grad_weight(const LowerContext& context) {
  const Conv2dShape s = lowered_geometry(context, context.input(0).shape, context.output(0).shape);
  return {.run =
              [s, x = context.node.inputs[0], dy = context.node.inputs[1], dkernel = context.node.outputs[0],
               dbias = context.node.attributes.flag("bias") ? context.node.outputs[1] : -1,
               grad_weight = context.kernels.conv2d_grad_weight](Run& run) {
                grad_weight(at(s, run.n), run.f32(x), run.f32(dy), run.out(dkernel),
                            dbias < 0 ? nullptr : run.out(dbias), run.launch);
              },
          .workspace = context.kernels.conv2d_grad_weight_workspace(at(s, context.capacity)),
          .explain_bad_row = nullptr};
}

// The bias gradient, a sum of dy over all but the channels, comes out of the pass that reads dy anyway.
bool take_bias_gradient(Graph& graph, int index) {
  const Node& node = graph.node(index);
  if (node.attributes.flag("bias")) return false;
  const int dy = node.inputs[1];
  for (int reader : graph.consumers(dy)) {
    const Node& sum = graph.node(reader);
    if (std::string(sum.op->name) != "sum" || sum.attributes.ints("axes") != Ints{0, 1, 2} || reader == index) continue;
    // Whoever reads the sum must come after this node; the sum itself may come before, and an alias is no reader.
    const int result = sum.outputs[0];
    for (int user : graph.readers(result)) {
      if (user < index) return false;
    }
    Node& target = graph.node(index);
    target.attributes.set("bias", true);
    const int dbias = graph.add_output(index, {DType::f32, {graph.type(result).shape.back()}});
    // keepdims leaves a (1, 1, 1, c): the same bytes under another shape, which its reader reshapes away.
    graph.node(reader).op = find_op("reshape");
    graph.node(reader).inputs = {dbias};
    graph.node(reader).attributes = {{"shape", graph.type(result).shape}};
    return true;
  }
  return false;
}

bool rewrite_forward(Graph& graph, int index) {
  return take_padding(graph, index, graph.type(graph.node(index).inputs[1]).shape);
}

bool rewrite_grad_input(Graph& graph, int index) {
  return take_slice(graph, index, graph.type(graph.node(index).inputs[1]).shape);
}

bool rewrite_grad_weight(Graph& graph, int index) {
  const bool padding = take_padding(graph, index, graph.type(graph.node(index).outputs[0]).shape);
  return take_bias_gradient(graph, index) || padding;
}

}  // namespace

const OpList& conv2d_ops() {
  static const OpList ops = [] {
    std::vector<AttributeSpec> with_shape = geometry_attributes();
    with_shape.push_back({"shape", Ints{}, true});
    std::vector<AttributeSpec> with_bias = with_shape;
    with_bias.push_back({"bias", false});
    return OpList{
        {.name = "conv2d",
         .attributes = with_epilogue(geometry_attributes()),
         .infer = infer_conv2d,
         .gradient = grad_conv2d,
         .lower = lower_conv2d,
         .takes_epilogue = true,
         .rewrite = rewrite_forward,
         .scalable = scalable,
         .pack = pack_conv2d},
        {.name = "conv2d_grad_input",
         .attributes = with_shape,
         .infer = infer_grad_input,
         .gradient = grad_grad_input,
         .lower = lower_grad_input,
         .rewrite = rewrite_grad_input},
        {.name = "conv2d_grad_weight",
         .attributes = with_bias,
         .infer = infer_grad_weight,
         .gradient = grad_grad_weight,
         .lower = lower_grad_weight,
         .rewrite = rewrite_grad_weight},
    };
  }();
  return ops;
}

}  // namespace linnet
