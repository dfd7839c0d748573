// conv3d and its two gradients: 2-D convolutions over frames that hold the depths of a window side by side in their
// channels (kernels/conv3d.cpp says why).
//
// x (n, d, h, w, c), kernel (kd, kh, kw, c / groups, oc), y (n, od, oh, ow, oc); padding [front, back, top, bottom,
// left, right]. With v the windows of x (n od, h, w, groups kd c / groups) and q the kernel as (kh, kw, kd c / groups,
// oc):
//   forward      v from x, q from kernel, y = conv2d(v, q) with the epilogue
//   grad_input   q from kernel, dv = conv2d_grad_input(dy, q), dx = the sums of dv's copies
//   grad_weight  v from x, dq = conv2d_grad_weight(v, dy), dkernel from dq
// v and q live in the workspace and only during the launch, so nothing of them is kept for backward; where they are x
// and kernel themselves (kd = 1), nothing is copied. Transposed convolutions use grad_input forwards.
#include "graph/graph.h"
#include "ops/ops.h"
#include "runtime/conv_algorithm.h"

namespace linnet {
namespace {

std::vector<AttributeSpec> geometry_attributes() {
  return {{"strides", Ints{1, 1, 1}},
          {"padding", Ints{0, 0, 0, 0, 0, 0}},
          {"dilation", Ints{1, 1, 1}},
          {"groups", int64_t{1}}};
}

struct Geometry {
  DepthWindows depth;  // n may be a multiple of the rows of a run
  Conv2dShape frame;   // n is missing

  Shape y() const { return {depth.n, depth.od, frame.oh, frame.ow, frame.oc}; }
  bool copies_x() const { return depth.kd != 1 || depth.stride != 1 || depth.pad != 0 || depth.od != depth.d; }
  bool copies_kernel() const { return depth.kd != 1 && frame.kh * frame.kw != 1; }
  int64_t kernel_elements() const { return frame.kh * frame.kw * depth.kd * depth.c * frame.oc; }
  int64_t window_elements() const { return depth.n * depth.od * frame.h * frame.w * frame.c; }

  Geometry at(int64_t rows) const {
    Geometry g = *this;
    g.depth.n = extent(depth.n, rows);
    g.frame.n = g.depth.n * depth.od;
    return g;
  }
};

Geometry geometry(const Attributes& attributes, const Shape& x, const Shape& kernel) {
  const Ints &strides = attributes.ints("strides"), &padding = attributes.ints("padding"),
             &dilation = attributes.ints("dilation");
  int64_t out[3];
  for (size_t i = 0; i < 3; ++i) {
    const int64_t space = x[i + 1] + padding[2 * i] + padding[2 * i + 1] - (kernel[i] - 1) * dilation[i] - 1;
    out[i] = space / strides[i] + 1;
  }
  const int64_t groups = attributes.integer("groups");
  Geometry g;
  g.depth = {.n = x[0],
             .d = x[1],
             .od = out[0],
             .pixels = x[2] * x[3],
             .groups = groups,
             .kd = kernel[0],
             .c = x[4] / groups,
             .stride = strides[0],
             .dilation = dilation[0],
             .pad = padding[0]};
  g.frame = {.n = 0,
             .h = x[2],
             .w = x[3],
             .c = x[4] * kernel[0],
             .kh = kernel[1],
             .kw = kernel[2],
             .oh = out[1],
             .ow = out[2],
             .oc = kernel[4],
             .stride_h = strides[1],
             .stride_w = strides[2],
             .dilation_h = dilation[1],
             .dilation_w = dilation[2],
             .pad_top = padding[2],
             .pad_left = padding[4],
             .groups = groups};
  g.frame.direct_only = conv_direct_only();
  return g;
}

// Checks the shapes of x and kernel against each other and the attributes.
Geometry checked(const InferContext& context, const Shape& x, const Shape& kernel) {
  const std::string shapes = "; x " + to_string(x) + ", kernel " + to_string(kernel);
  const Attributes& attributes = context.attributes;
  const auto sizes = [&](const char* name, size_t count, int64_t least) {
    const Ints& values = attributes.ints(name);
    bool good = values.size() == count;
    for (int64_t value : values) good = good && value >= least;
    if (!good) {
      context.fail(std::string(name) + " must be " + std::to_string(count) + " integers of at least " +
                   std::to_string(least) + ", got " + to_string(values));
    }
  };
  sizes("strides", 3, 1);
  sizes("dilation", 3, 1);
  sizes("padding", 6, 0);
  if (x.size() != 5) {
    context.fail("input must have 5 dimensions (batch, depth, height, width, channels), got " + to_string(x));
  }
  if (kernel.size() != 5) {
    context.fail("kernel must have 5 dimensions (depth, height, width, channels, filters), got " + to_string(kernel));
  }
  for (size_t axis = 1; axis < 5; ++axis) {
    if (x[axis] < 0) context.fail("only the first axis may carry the batch" + shapes);
  }
  const int64_t groups = attributes.integer("groups");
  if (groups < 1 || x[4] % groups || kernel[4] % groups) {
    context.fail("groups = " + std::to_string(groups) + " must divide the channels and the filters" + shapes);
  }
  if (kernel[3] * groups != x[4]) {
    context.fail("input has " + std::to_string(x[4]) + " channels, the kernel expects " +
                 std::to_string(kernel[3] * groups) + shapes);
  }
  const Ints &padding = attributes.ints("padding"), &dilation = attributes.ints("dilation");
  for (size_t i = 0; i < 3; ++i) {
    if (kernel[i] < 1 || x[i + 1] + padding[2 * i] + padding[2 * i + 1] < (kernel[i] - 1) * dilation[i] + 1) {
      context.fail(
          "the window is larger than the padded input; use padding=\"same\", a smaller kernel or a larger "
          "volume" +
          shapes);
    }
  }
  return geometry(attributes, x, kernel);
}

size_t bytes_of(int64_t floats) { return static_cast<size_t>((floats * 4 + 63) / 64 * 64); }

// Where windows, kernel and the 2-D convolution's own part of a workspace lie.
struct Workspace {
  float* windows = nullptr;
  float* kernel = nullptr;
  Launch launch;

  Workspace(const Geometry& g, const Run& run) : launch(run.launch) {
    std::byte* at = static_cast<std::byte*>(run.launch.workspace);
    windows = reinterpret_cast<float*>(at);
    if (g.copies_x()) at += bytes_of(g.window_elements());
    kernel = reinterpret_cast<float*>(at);
    if (g.copies_kernel()) at += bytes_of(g.kernel_elements());
    launch.workspace = at;
  }
  static size_t bytes(const Geometry& g, size_t own) {
    return own + (g.copies_x() ? bytes_of(g.window_elements()) : 0) +
           (g.copies_kernel() ? bytes_of(g.kernel_elements()) : 0);
  }
};

// Between (kd, kh kw, rest) and (kh kw, kd, rest): `outer` and `inner` are the first two sizes of `from`.
void exchange(const KernelTable& kernels, const Geometry& g, int64_t outer, int64_t inner, const float* from, float* to,
              const Launch& launch) {
  const int64_t rest = g.depth.c * g.frame.oc;
  StridedCopyArgs args;
  args.rank = 3;
  args.item = 4;
  args.src = from;
  args.dst = to;
  const int64_t shape[] = {inner, outer, rest}, strides[] = {rest, inner * rest, 1};
  for (int i = 0; i < 3; ++i) {
    args.shape[i] = shape[i];
    args.src_strides[i] = strides[i];
  }
  kernels.strided_copy(args, launch);
}

// x as the 2-D convolution takes it.
const float* windows_of(const KernelTable& kernels, const Geometry& g, const float* x, const Workspace& space) {
  if (!g.copies_x()) return x;
  kernels.depth_windows(g.depth, x, space.windows, space.launch);
  return space.windows;
}

const float* frame_kernel(const KernelTable& kernels, const Geometry& g, const float* kernel, const Workspace& space) {
  if (!g.copies_kernel()) return kernel;
  exchange(kernels, g, g.depth.kd, g.frame.kh * g.frame.kw, kernel, space.kernel, space.launch);
  return space.kernel;
}

void infer_conv3d(InferContext& context) {
  if (context.inputs.size() < 2) context.fail("takes an input and a kernel");
  for (size_t i = 0; i < context.inputs.size(); ++i) context.expect_float(i);
  const Shape y = checked(context, context.inputs[0].shape, context.inputs[1].shape).y();
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

Attributes with_shape(const Attributes& own, const Shape& shape) {
  Attributes result = own;
  result.set("shape", shape);
  return result;
}

void grad_conv3d(GradientContext& g) {
  const Attributes own = own_geometry(g.attributes());
  if (g.needs(0)) g.set(0, g.add("conv3d_grad_input", {g.dy(), g.input(1)}, with_shape(own, g.type(g.input(0)).shape)));
  if (g.needs(1))
    g.set(1, g.add("conv3d_grad_weight", {g.input(0), g.dy()}, with_shape(own, g.type(g.input(1)).shape)));
}

Lowered lower_conv3d(const LowerContext& context) {
  const Geometry planned = geometry(context.node.attributes, context.input(0).shape, context.input(1).shape);
  const Geometry most = planned.at(context.capacity);
  return {.run =
              [planned, epilogue = epilogue_inputs(context.node, 2), in = context.node.inputs,
               y = context.node.outputs[0], &kernels = context.kernels](Run& run) {
                const Geometry g = planned.at(run.n);
                const Workspace space(g, run);
                const float* const windows = windows_of(kernels, g, run.f32(in[0]), space);
                const float* const kernel = frame_kernel(kernels, g, run.f32(in[1]), space);
                kernels.conv2d_forward(g.frame, windows, kernel, run.out(y), epilogue.at(run), space.launch);
              },
          .workspace = Workspace::bytes(most, context.kernels.conv2d_forward_workspace(most.frame)),
          .explain_bad_row = nullptr};
}

// ---- gradient of the input: inputs dy, kernel; attribute shape = that of x
void infer_grad_input(InferContext& context) {
  context.expect_inputs(2);
  context.expect_float(0);
  context.expect_float(1);
  const Shape& x = context.attributes.ints("shape");
  const Shape y = checked(context, x, context.inputs[1].shape).y();
  if (context.inputs[0].shape != y) {
    context.fail("the gradient has shape " + to_string(context.inputs[0].shape) + ", the output " + to_string(y));
  }
  context.outputs.push_back({DType::f32, x});
}

void grad_grad_input(GradientContext& g) {
  const Attributes own = own_geometry(g.attributes());
  if (g.needs(0)) g.set(0, g.add("conv3d", {g.dy(), g.input(1)}, own));
  if (g.needs(1))
    g.set(1, g.add("conv3d_grad_weight", {g.dy(), g.input(0)}, with_shape(own, g.type(g.input(1)).shape)));
}

Lowered lower_grad_input(const LowerContext& context) {
  const Geometry planned = geometry(context.node.attributes, context.output(0).shape, context.input(1).shape);
  const Geometry most = planned.at(context.capacity);
  return {.run =
              [planned, in = context.node.inputs, dx = context.node.outputs[0], &kernels = context.kernels](Run& run) {
                const Geometry g = planned.at(run.n);
                const Workspace space(g, run);
                const float* const kernel = frame_kernel(kernels, g, run.f32(in[1]), space);
                float* const windows = g.copies_x() ? space.windows : run.out(dx);
                kernels.conv2d_grad_input(g.frame, run.f32(in[0]), kernel, windows, space.launch);
                if (g.copies_x()) kernels.depth_windows_grad(g.depth, windows, run.out(dx), space.launch);
              },
          .workspace = Workspace::bytes(most, context.kernels.conv2d_grad_input_workspace(most.frame)),
          .explain_bad_row = nullptr};
}

// ---- gradient of the kernel: inputs x, dy; attribute shape = that of the kernel
void infer_grad_weight(InferContext& context) {
  context.expect_inputs(2);
  context.expect_float(0);
  context.expect_float(1);
  const Shape& kernel = context.attributes.ints("shape");
  const Shape y = checked(context, context.inputs[0].shape, kernel).y();
  if (context.inputs[1].shape != y) {
    context.fail("the gradient has shape " + to_string(context.inputs[1].shape) + ", the output " + to_string(y));
  }
  context.outputs.push_back({DType::f32, kernel});
}

void grad_grad_weight(GradientContext& g) {
  const Attributes own = own_geometry(g.attributes());
  if (g.needs(1)) g.set(1, g.add("conv3d", {g.input(0), g.dy()}, own));
  if (g.needs(0)) g.set(0, g.add("conv3d_grad_input", {g.input(1), g.dy()}, with_shape(own, g.type(g.input(0)).shape)));
}

Lowered lower_grad_weight(const LowerContext& context) {
  const Geometry planned = geometry(context.node.attributes, context.input(0).shape, context.output(0).shape);
  const Geometry most = planned.at(context.capacity);
  return {
      .run =
          [planned, in = context.node.inputs, dkernel = context.node.outputs[0], &kernels = context.kernels](Run& run) {
            const Geometry g = planned.at(run.n);
            const Workspace space(g, run);
            const float* const windows = windows_of(kernels, g, run.f32(in[0]), space);
            float* const kernel = g.copies_kernel() ? space.kernel : run.out(dkernel);
            kernels.conv2d_grad_weight(g.frame, windows, run.f32(in[1]), kernel, nullptr, space.launch);
            if (g.copies_kernel())
              exchange(kernels, g, g.frame.kh * g.frame.kw, g.depth.kd, kernel, run.out(dkernel), space.launch);
          },
      .workspace = Workspace::bytes(most, context.kernels.conv2d_grad_weight_workspace(most.frame)),
      .explain_bad_row = nullptr};
}

}  // namespace

const OpList& conv3d_ops() {
  static const OpList ops = [] {
    std::vector<AttributeSpec> shaped = geometry_attributes();
    shaped.push_back({"shape", Ints{}, true});
    return OpList{
        {.name = "conv3d",
         .attributes = with_epilogue(geometry_attributes()),
         .infer = infer_conv3d,
         .gradient = grad_conv3d,
         .lower = lower_conv3d,
         .takes_epilogue = true},
        {.name = "conv3d_grad_input",
         .attributes = shaped,
         .infer = infer_grad_input,
         .gradient = grad_grad_input,
         .lower = lower_grad_input},
        {.name = "conv3d_grad_weight",
         .attributes = shaped,
         .infer = infer_grad_weight,
         .gradient = grad_grad_weight,
         .lower = lower_grad_weight},
    };
  }();
  return ops;
}

}  // namespace linnet
