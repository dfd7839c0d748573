// Operations that copy elements from one arrangement to another: transpose, broadcast_to, slice, pad, concatenate.
//
// All of them launch `strided_copy`; what differs is the strides (0 broadcasts, negative runs backwards) and the offset
// on either side. Their gradients are each other: a slice's writes into zeros, a pad's is a slice, a concatenation's
// slices.
#include <algorithm>
#include <numeric>

#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

// dst_shape elements are read from src + offset with the given strides and written to dst + offset with its strides.
struct Layout {
  int64_t offset = 0;
  int64_t strides[kMaxRank] = {};
};

void copy(const Run& run, const KernelTable& kernels, const Shape& shape, const void* src, const Layout& from,
          void* dst, const Layout& to) {
  StridedCopyArgs args;
  args.rank = static_cast<int>(shape.size());
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    args.shape[axis] = extent(shape[axis], run.n);
    args.src_strides[axis] = from.strides[axis];
    args.dst_strides[axis] = to.strides[axis];
  }
  args.src = static_cast<const float*>(src) + from.offset;  // float32 and int32 alike: 4 bytes
  args.dst = static_cast<float*>(dst) + to.offset;
  kernels.strided_copy(args, run.launch);
}

Layout contiguous(const Shape& shape, int64_t n) {
  Layout layout;
  contiguous_strides(shape, n, layout.strides);
  return layout;
}

void check_rank(const InferContext& context, const Shape& shape) {
  if (shape.size() > kMaxRank) context.fail("more than 8 dimensions: " + to_string(shape));
}

// ---- transpose
void infer_transpose(InferContext& context) {
  context.expect_inputs(1);
  const Shape& x = context.inputs[0].shape;
  check_rank(context, x);
  const Ints& axes = context.attributes.ints("axes");
  Ints sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  Ints expected(x.size());
  std::iota(expected.begin(), expected.end(), int64_t{0});
  if (sorted != expected)
    context.fail("axes " + to_string(axes) + " are not a permutation of the axes of " + to_string(x));
  Shape y;
  for (int64_t axis : axes) y.push_back(x[static_cast<size_t>(axis)]);
  context.outputs.push_back({context.inputs[0].dtype, y});
}

void grad_transpose(GradientContext& g) {
  const Ints& axes = g.attributes().ints("axes");
  Ints inverse(axes.size());
  for (size_t i = 0; i < axes.size(); ++i) inverse[static_cast<size_t>(axes[i])] = static_cast<int64_t>(i);
  g.set(0, g.add("transpose", {g.dy()}, {{"axes", inverse}}));
}

Lowered lower_transpose(const LowerContext& context) {
  return {.run =
              [x = context.node.inputs[0], y = context.node.outputs[0], in = context.input(0).shape,
               out = context.output(0).shape, axes = context.node.attributes.ints("axes"),
               &kernels = context.kernels](Run& run) {
                const Layout source = contiguous(in, run.n);
                Layout from;
                for (size_t i = 0; i < axes.size(); ++i) from.strides[i] = source.strides[axes[i]];
                copy(run, kernels, out, run.f32(x), from, run.out(y), contiguous(out, run.n));
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

// ---- broadcast_to
void infer_broadcast(InferContext& context) {
  context.expect_inputs(1);
  const Shape& shape = context.attributes.ints("shape");
  check_rank(context, shape);
  Shape result;
  if (!broadcast_shapes(context.inputs[0].shape, shape, &result) || result != shape) {
    context.fail("cannot broadcast " + to_string(context.inputs[0].shape) + " to " + to_string(shape));
  }
  context.outputs.push_back({context.inputs[0].dtype, shape});
}

void grad_broadcast(GradientContext& g) { g.set(0, g.reduce_to(g.dy(), g.input(0))); }

Lowered lower_broadcast(const LowerContext& context) {
  return {.run =
              [x = context.node.inputs[0], y = context.node.outputs[0], in = context.input(0).shape,
               out = context.output(0).shape, &kernels = context.kernels](Run& run) {
                const Layout source = contiguous(in, run.n);
                Layout from;
                const size_t extra = out.size() - in.size();
                for (size_t axis = extra; axis < out.size(); ++axis) {
                  const bool broadcast = in[axis - extra] == 1 && out[axis] != 1;
                  from.strides[axis] = broadcast ? 0 : source.strides[axis - extra];
                }
                copy(run, kernels, out, run.f32(x), from, run.out(y), contiguous(out, run.n));
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

// ---- slice, and its gradient, which writes into zeros
struct Slice {
  Ints begin, step;
};

Slice slice_of(const Attributes& attributes) { return {attributes.ints("begin"), attributes.ints("step")}; }

// Shape of x[begin:end:step]; ends as in Python, where -1 with a negative step means "before the first".
Shape sliced(const InferContext& context, const Shape& x) {
  const Ints& begin = context.attributes.ints("begin");
  const Ints& end = context.attributes.ints("end");
  const Ints& step = context.attributes.ints("step");
  if (begin.size() != x.size() || end.size() != x.size() || step.size() != x.size()) {
    context.fail("begin, end and step need one entry for each axis of " + to_string(x));
  }
  Shape shape;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    if (x[axis] < 0) {
      if (begin[axis] != 0 || end[axis] != x[axis] || step[axis] != 1) {
        context.fail("axis " + std::to_string(axis) + " carries the batch and cannot be cut; x " + to_string(x));
      }
      shape.push_back(x[axis]);
      continue;
    }
    if (step[axis] == 0) context.fail("the step of axis " + std::to_string(axis) + " is 0");
    const int64_t span = step[axis] > 0 ? end[axis] - begin[axis] : begin[axis] - end[axis];
    const int64_t stride = step[axis] > 0 ? step[axis] : -step[axis];
    const int64_t size = std::max<int64_t>(0, (span + stride - 1) / stride);
    const int64_t last = begin[axis] + (size - 1) * step[axis];
    if (size > 0 && (begin[axis] < 0 || begin[axis] >= x[axis] || last < 0 || last >= x[axis])) {
      context.fail("positions " + std::to_string(begin[axis]) + " to " + std::to_string(last) +
                   " lie outside of axis " + std::to_string(axis) + " of " + to_string(x));
    }
    shape.push_back(size);
  }
  return shape;
}

Layout sliced_layout(const Shape& x, const Slice& slice, int64_t n) {
  const Layout whole = contiguous(x, n);
  Layout layout;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    layout.offset += slice.begin[axis] * whole.strides[axis];
    layout.strides[axis] = slice.step[axis] * whole.strides[axis];
  }
  return layout;
}

void infer_slice(InferContext& context) {
  context.expect_inputs(1);
  check_rank(context, context.inputs[0].shape);
  context.outputs.push_back({context.inputs[0].dtype, sliced(context, context.inputs[0].shape)});
}

void grad_slice(GradientContext& g) {
  Attributes attributes = g.attributes();
  attributes.set("shape", g.type(g.input(0)).shape);
  g.set(0, g.add("slice_grad", {g.dy()}, attributes));
}

Lowered lower_slice(const LowerContext& context) {
  return {.run =
              [x = context.node.inputs[0], y = context.node.outputs[0], in = context.input(0).shape,
               out = context.output(0).shape, slice = slice_of(context.node.attributes),
               &kernels = context.kernels](Run& run) {
                copy(run, kernels, out, run.f32(x), sliced_layout(in, slice, run.n), run.out(y),
                     contiguous(out, run.n));
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

void infer_slice_grad(InferContext& context) {
  context.expect_inputs(1);
  context.expect_float(0);
  const Shape& whole = context.attributes.ints("shape");
  const Shape part = sliced(context, whole);
  if (part != context.inputs[0].shape)
    context.fail("the gradient " + to_string(context.inputs[0].shape) + " is not " + to_string(part));
  context.outputs.push_back({DType::f32, whole});
}

void grad_slice_grad(GradientContext& g) {
  Attributes attributes = g.attributes();
  g.set(
      0,
      g.add("slice", {g.dy()},
            {{"begin", attributes.ints("begin")}, {"end", attributes.ints("end")}, {"step", attributes.ints("step")}}));
}

// Fills y with a value, then writes x into the part of it that `slice` names.
std::function<void(Run&)> write_part(const LowerContext& context, const Slice& slice, float fill) {
  return [x = context.node.inputs[0], y = context.node.outputs[0], in = context.input(0).shape,
          out = context.output(0).shape, slice, fill, &kernels = context.kernels](Run& run) {
    Layout constant;  // strides 0
    copy(run, kernels, out, &fill, constant, run.out(y), contiguous(out, run.n));
    copy(run, kernels, in, run.f32(x), contiguous(in, run.n), run.out(y), sliced_layout(out, slice, run.n));
  };
}

Lowered lower_slice_grad(const LowerContext& context) {
  return {
      .run = write_part(context, slice_of(context.node.attributes), 0.0f), .workspace = 0, .explain_bad_row = nullptr};
}

// ---- pad
void infer_pad(InferContext& context) {
  context.expect_inputs(1);
  context.expect_float(0);
  const Shape& x = context.inputs[0].shape;
  check_rank(context, x);
  const Ints& before = context.attributes.ints("before");
  const Ints& after = context.attributes.ints("after");
  if (before.size() != x.size() || after.size() != x.size()) {
    context.fail("before and after need one entry for each axis of " + to_string(x));
  }
  Shape shape = x;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    if (before[axis] < 0 || after[axis] < 0) context.fail("padding must not be negative");
    if (x[axis] < 0 && before[axis] + after[axis] > 0) {
      context.fail("axis " + std::to_string(axis) + " carries the batch and cannot be padded; x " + to_string(x));
    }
    if (x[axis] >= 0) shape[axis] += before[axis] + after[axis];
  }
  context.outputs.push_back({DType::f32, shape});
}

void grad_pad(GradientContext& g) {
  const Shape x = g.type(g.input(0)).shape;
  Ints begin = g.attributes().ints("before"), end = x;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    if (x[axis] >= 0) end[axis] = begin[axis] + x[axis];
  }
  g.set(0, g.add("slice", {g.dy()}, {{"begin", begin}, {"end", end}, {"step", Ints(x.size(), 1)}}));
}

Lowered lower_pad(const LowerContext& context) {
  const Slice slice{context.node.attributes.ints("before"), Ints(context.input(0).shape.size(), 1)};
  const float value = static_cast<float>(context.node.attributes.number("value"));
  return {.run = write_part(context, slice, value), .workspace = 0, .explain_bad_row = nullptr};
}

// ---- concatenate
void infer_concatenate(InferContext& context) {
  if (context.inputs.empty()) context.fail("needs at least one input");
  const Shape first = context.inputs[0].shape;
  const int64_t axis = context.attributes.integer("axis");
  if (axis < 0 || axis >= static_cast<int64_t>(first.size())) {
    context.fail("axis " + std::to_string(axis) + " is not an axis of " + to_string(first));
  }
  check_rank(context, first);
  const size_t at = static_cast<size_t>(axis);
  Shape shape = first;
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    Shape other = context.inputs[i].shape;
    if (context.inputs[i].dtype != context.inputs[0].dtype) context.fail("inputs of different types");
    if (other.size() != first.size() || (other[at] < 0) != (first[at] < 0)) {
      context.fail("shapes " + to_string(first) + " and " + to_string(other) + " do not join");
    }
    if (i) shape[at] += other[at];
    other[at] = first[at];
    if (other != first) {
      context.fail("shapes " + to_string(first) + " and " + to_string(context.inputs[i].shape) +
                   " differ outside of axis " + std::to_string(axis));
    }
  }
  if (first[at] < 0 && context.inputs.size() > 1) context.fail("the batch axis cannot be concatenated");
  context.outputs.push_back({context.inputs[0].dtype, shape});
}

void grad_concatenate(GradientContext& g) {
  const size_t axis = static_cast<size_t>(g.attributes().integer("axis"));
  int64_t position = 0;
  for (size_t i = 0; i < g.gradients.size(); ++i) {
    const Shape x = g.type(g.input(i)).shape;
    Ints begin(x.size(), 0), end = x;
    if (x[axis] >= 0) {
      begin[axis] = position;
      end[axis] = position + x[axis];
    }
    position += x[axis];
    if (g.needs(i)) g.set(i, g.add("slice", {g.dy()}, {{"begin", begin}, {"end", end}, {"step", Ints(x.size(), 1)}}));
  }
}

Lowered lower_concatenate(const LowerContext& context) {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < context.node.inputs.size(); ++i) shapes.push_back(context.input(i).shape);
  return {
      .run =
          [shapes, inputs = context.node.inputs, y = context.node.outputs[0], out = context.output(0).shape,
           axis = static_cast<size_t>(context.node.attributes.integer("axis")), &kernels = context.kernels](Run& run) {
            Layout to = contiguous(out, run.n);
            for (size_t i = 0; i < inputs.size(); ++i) {
              copy(run, kernels, shapes[i], run.f32(inputs[i]), contiguous(shapes[i], run.n), run.out(y), to);
              to.offset += extent(shapes[i][axis], run.n) * to.strides[axis];
            }
          },
      .workspace = 0,
      .explain_bad_row = nullptr};
}

}  // namespace

const OpList& strided_ops() {
  static const std::vector<AttributeSpec> cut = {
      {"begin", Ints{}, true}, {"end", Ints{}, true}, {"step", Ints{}, true}};
  static const std::vector<AttributeSpec> cut_of = {
      {"begin", Ints{}, true}, {"end", Ints{}, true}, {"step", Ints{}, true}, {"shape", Ints{}, true}};
  static const OpList ops = {
      {.name = "transpose",
       .attributes = {{"axes", Ints{}, true}},
       .infer = infer_transpose,
       .gradient = grad_transpose,
       .lower = lower_transpose},
      {.name = "broadcast_to",
       .attributes = {{"shape", Ints{}, true}},
       .infer = infer_broadcast,
       .gradient = grad_broadcast,
       .lower = lower_broadcast},
      {.name = "slice", .attributes = cut, .infer = infer_slice, .gradient = grad_slice, .lower = lower_slice},
      {.name = "slice_grad",
       .attributes = cut_of,
       .infer = infer_slice_grad,
       .gradient = grad_slice_grad,
       .lower = lower_slice_grad},
      {.name = "pad",
       .attributes = {{"before", Ints{}, true}, {"after", Ints{}, true}, {"value", 0.0}},
       .infer = infer_pad,
       .gradient = grad_pad,
       .lower = lower_pad},
      {.name = "concatenate",
       .attributes = {{"axis", int64_t{0}, true}},
       .infer = infer_concatenate,
       .gradient = grad_concatenate,
       .lower = lower_concatenate},
  };
  return ops;
}

}  // namespace linnet
