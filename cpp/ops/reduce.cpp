// Reductions over one contiguous run of axes. (Other sets of axes are reduced run by run, by whoever calls.)
//
// x is seen as (outer, mid, inner) and reduced over mid. When mid includes the batch, its size is known only at run
// time: the mean divides by what is there, and its gradient asks the operation `count`.
#include <algorithm>

#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

// x seen as (outer, mid, inner), reduced over mid. Each is a group of axes, of which several may be the batch: a table
// of all pairs of rows is (n, n).
struct View {
  Shape outer, mid, inner;
};

View view_of(const Shape& x, const Ints& axes) {
  if (axes.empty()) return {x, {}, {}};
  const auto begin = x.begin() + axes.front(), end = x.begin() + axes.back() + 1;
  return {Shape(x.begin(), begin), Shape(begin, end), Shape(end, x.end())};
}

Shape without(const Shape& x, const Ints& axes, bool keepdims) {
  Shape result;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    const bool reduced =
        !axes.empty() && static_cast<int64_t>(axis) >= axes.front() && static_cast<int64_t>(axis) <= axes.back();
    if (!reduced) result.push_back(x[axis]);
    if (reduced && keepdims) result.push_back(1);
  }
  return result;
}

void infer_reduce(InferContext& context) {
  context.expect_inputs(1);
  context.expect_float(0);
  const Shape& x = context.inputs[0].shape;
  const Ints& axes = context.attributes.ints("axes");
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] < 0 || axes[i] >= static_cast<int64_t>(x.size()) || (i && axes[i] != axes[i - 1] + 1)) {
      context.fail("axes " + to_string(axes) + " are not adjacent axes of " + to_string(x));
    }
  }
  context.outputs.push_back({DType::f32, without(x, axes, context.attributes.flag("keepdims"))});
}

// The second output is how many elements are equal to the extremum, which the gradient needs.
void infer_extremum(InferContext& context) {
  infer_reduce(context);
  context.outputs.push_back(context.outputs[0]);
}

void infer_arg(InferContext& context) {
  context.expect_inputs(1);
  context.expect_float(0);
  const Shape& x = context.inputs[0].shape;
  const int64_t axis = context.attributes.integer("axis");
  if (axis < 0 || axis >= static_cast<int64_t>(x.size()))
    context.fail("axis " + std::to_string(axis) + " is not an axis of " + to_string(x));
  if (x[static_cast<size_t>(axis)] == 0)
    context.fail("axis " + std::to_string(axis) + " of " + to_string(x) + " is empty");
  context.outputs.push_back({DType::i32, without(x, {axis}, false)});
}

// A value of the reduced shape under the shape that keeps the reduced axes as 1, so that it broadcasts against x.
int kept(GradientContext& g, int value) {
  const Shape shape = without(g.type(g.input(0)).shape, g.attributes().ints("axes"), true);
  return g.type(value).shape == shape ? value : g.add("reshape", {value}, {{"shape", shape}});
}

int spread(GradientContext& g, int value) {
  return g.add("broadcast_to", {kept(g, value)}, {{"shape", g.type(g.input(0)).shape}});
}

void grad_sum(GradientContext& g) { g.set(0, spread(g, g.dy())); }

// dy / count, where the count may depend on the rows of the run: it is the sum of ones.
void grad_mean(GradientContext& g) {
  const Shape& x = g.type(g.input(0)).shape;
  const Ints& axes = g.attributes().ints("axes");
  const Shape mid = view_of(x, axes).mid;
  int share;
  if (std::all_of(mid.begin(), mid.end(), [](int64_t d) { return d >= 0; })) {
    share = g.add("multiply", {g.dy(), g.scalar(1.0f / static_cast<float>(element_count(mid, 1)))});
  } else {
    share = g.add("divide", {g.dy(), g.add("count", {g.input(0)}, {{"axes", axes}})});
  }
  g.set(0, spread(g, share));
}

// Elements equal to the extremum share the gradient.
void grad_extremum(GradientContext& g) {
  if (g.dy() < 0) return;
  const int winners = g.add("equal", {g.input(0), kept(g, g.output(0))});
  g.set(0, g.add("multiply", {winners, kept(g, g.add("divide", {g.dy(), g.output(1)}))}));
}

// dx_i = dy * product of the others = dy * y / x_i; wrong only where an x_i is exactly 0, which `where` repairs when it
// is the only one: then the product of the others is what is left after replacing it by 1.
void grad_prod(GradientContext& g) {
  const Ints axes = g.attributes().ints("axes");
  const int x = g.input(0);
  const int one = g.scalar(1.0f), zero = g.scalar(0.0f);
  const int is_zero = g.add("equal", {x, zero});
  const int filled = g.add("where", {is_zero, one, x});
  const int zeros = g.add("sum", {is_zero}, {{"axes", axes}, {"keepdims", true}});
  const int product = g.add("prod", {filled}, {{"axes", axes}, {"keepdims", true}});
  // Without zeros: product / x_i. With one: the product for that element, 0 elsewhere. With more: 0.
  const int others = g.add("divide", {product, filled});
  const int lone = g.add("multiply", {is_zero, g.add("equal", {zeros, one})});
  const int slope = g.add("where", {g.add("equal", {zeros, zero}), others, g.add("multiply", {lone, product})});
  g.set(0, g.add("multiply", {kept(g, g.dy()), slope}));
}

template <Reduction kind>
Lowered lower_reduce(const LowerContext& context) {
  const View v = view_of(context.input(0).shape, context.node.attributes.ints("axes"));
  const int64_t c = context.capacity;
  return {.run =
              [v, x = context.node.inputs[0], y = context.node.outputs[0], reduce = context.kernels.reduce](Run& run) {
                reduce(kind, element_count(v.outer, run.n), element_count(v.mid, run.n), element_count(v.inner, run.n),
                       run.f32(x), run.out(y), run.launch);
              },
          .workspace = context.kernels.reduce_workspace(element_count(v.outer, c), element_count(v.mid, c),
                                                        element_count(v.inner, c)),
          .explain_bad_row = nullptr};
}

template <bool least>
Lowered lower_extremum(const LowerContext& context) {
  const int count = context.node.outputs[1];
  if (context.graph.use_count(count) == 0) return lower_reduce<least ? Reduction::min : Reduction::max>(context);
  const View v = view_of(context.input(0).shape, context.node.attributes.ints("axes"));
  const int64_t c = context.capacity;
  return {.run =
              [v, count, x = context.node.inputs[0], y = context.node.outputs[0],
               reduce = context.kernels.reduce_extreme](Run& run) {
                reduce(least, element_count(v.outer, run.n), element_count(v.mid, run.n), element_count(v.inner, run.n),
                       run.f32(x), run.out(y), run.out(count), run.launch);
              },
          .workspace = context.kernels.reduce_extreme_workspace(element_count(v.outer, c), element_count(v.mid, c),
                                                                element_count(v.inner, c)),
          .explain_bad_row = nullptr};
}

template <bool least>
Lowered lower_arg(const LowerContext& context) {
  const View v = view_of(context.input(0).shape, {context.node.attributes.integer("axis")});
  return {.run =
              [v, x = context.node.inputs[0], y = context.node.outputs[0], arg = context.kernels.arg_reduce](Run& run) {
                arg(least, element_count(v.outer, run.n), element_count(v.mid, run.n), element_count(v.inner, run.n),
                    run.f32(x), run.out_i32(y), run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

// ---- count: how many elements of x a reduction over `axes` joins, as a scalar. Reads no data.
void infer_count(InferContext& context) {
  context.expect_inputs(1);
  context.outputs.push_back({DType::f32, {}});
}

Lowered lower_count(const LowerContext& context) {
  return {
      .run = [v = view_of(context.input(0).shape, context.node.attributes.ints("axes")),
              y = context.node.outputs[0]](Run& run) { *run.out(y) = static_cast<float>(element_count(v.mid, run.n)); },
      .workspace = 0,
      .explain_bad_row = nullptr};
}

// ---- row_numbers: 0, 1, 2, ... for the rows of x, as floats. Reads no data.
void infer_row_numbers(InferContext& context) {
  context.expect_inputs(1);
  if (context.inputs[0].shape.empty()) context.fail("a scalar has no rows");
  context.outputs.push_back({DType::f32, {context.inputs[0].shape[0]}});
}

Lowered lower_row_numbers(const LowerContext& context) {
  return {.run =
              [rows = context.output(0).shape[0], y = context.node.outputs[0]](Run& run) {
                for (int64_t i = 0; i < extent(rows, run.n); ++i) run.out(y)[i] = static_cast<float>(i);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

}  // namespace

const OpList& reduce_ops() {
  static const std::vector<AttributeSpec> over = {{"axes", Ints{}, true}, {"keepdims", false}};
  static const OpList ops = {
      {.name = "sum",
       .attributes = over,
       .infer = infer_reduce,
       .gradient = grad_sum,
       .lower = lower_reduce<Reduction::sum>},
      {.name = "mean",
       .attributes = over,
       .infer = infer_reduce,
       .gradient = grad_mean,
       .lower = lower_reduce<Reduction::mean>},
      {.name = "max",
       .attributes = over,
       .infer = infer_extremum,
       .gradient = grad_extremum,
       .lower = lower_extremum<false>,
       .skips_unused = true},
      {.name = "min",
       .attributes = over,
       .infer = infer_extremum,
       .gradient = grad_extremum,
       .lower = lower_extremum<true>,
       .skips_unused = true},
      {.name = "prod",
       .attributes = over,
       .infer = infer_reduce,
       .gradient = grad_prod,
       .lower = lower_reduce<Reduction::prod>},
      {.name = "argmax", .attributes = {{"axis", int64_t{0}, true}}, .infer = infer_arg, .lower = lower_arg<false>},
      {.name = "argmin", .attributes = {{"axis", int64_t{0}, true}}, .infer = infer_arg, .lower = lower_arg<true>},
      {.name = "count", .attributes = {{"axes", Ints{}, true}}, .infer = infer_count, .lower = lower_count},
      {.name = "row_numbers", .infer = infer_row_numbers, .lower = lower_row_numbers},
  };
  return ops;
}

}  // namespace linnet
