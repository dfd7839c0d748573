// Reductions over one contiguous run of axes. (Other sets of axes are reduced run by run, by whoever calls.)
//
// x is seen as (outer, mid, inner) and reduced over mid. When mid includes the batch, its size is known only at run
// time: the mean divides by what is there, and its gradient asks the operation `count`.
//
// The gradient of max and min compares x with the extremum, since equal elements share it. It is made of pointwise
// operations, which run together with the gradient of a pointwise operation before them. Where there is none, a rewrite
// (`write_gradient`) asks the forward pass where the extremum stands: then the gradient is written without reading x.
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

// Elements equal to the extremum share the gradient. `write_gradient` knows these nodes.
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

// Places of extrema are int32, and the kernels need some room above them.
int64_t countable(const View& v, const Run& run, const std::string& label) {
  const int64_t count = element_count(v.mid, run.n), most = int64_t{1} << 30;
  if (count >= most) {
    throw ShapeError(label + ": finds places among fewer than 2^30 elements, got " + std::to_string(count) +
                     "; reduce over a part of them at a time");
  }
  return count;
}

template <bool least>
Lowered lower_extremum(const LowerContext& context) {
  const std::vector<int>& outputs = context.node.outputs;
  const int count = outputs[1], where = outputs.size() > 2 ? outputs[2] : -1;
  if (context.graph.use_count(count) == 0) return lower_reduce<least ? Reduction::min : Reduction::max>(context);
  const View v = view_of(context.input(0).shape, context.node.attributes.ints("axes"));
  const int64_t c = context.capacity;
  return {.run =
              [v, count, where, x = context.node.inputs[0], y = outputs[0], label = context.node.label(),
               reduce = context.kernels.reduce_extreme](Run& run) {
                reduce(least, element_count(v.outer, run.n), countable(v, run, label), element_count(v.inner, run.n),
                       run.f32(x), run.out(y), run.out(count), where < 0 ? nullptr : run.out_i32(where), run.launch);
              },
          .workspace = context.kernels.reduce_extreme_workspace(element_count(v.outer, c), element_count(v.mid, c),
                                                                element_count(v.inner, c)),
          .explain_bad_row = nullptr};
}

// Inputs: the share of the gradient that each winner gets, where they are, x, y.
Lowered lower_extremum_grad(const LowerContext& context) {
  const View v = view_of(context.output(0).shape, context.node.attributes.ints("axes"));
  return {.run =
              [v, inputs = context.node.inputs, dx = context.node.outputs[0],
               grad = context.kernels.reduce_extreme_grad](Run& run) {
                grad(element_count(v.outer, run.n), element_count(v.mid, run.n), element_count(v.inner, run.n),
                     run.f32(inputs[0]), run.i32(inputs[1]), run.f32(inputs[2]), run.f32(inputs[3]), run.out(dx),
                     run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

// Elements of a (mid, inner) matrix from which on it pays to know the place. What is set up for every smaller one takes
// longer than comparing: 1.7 times as long in rows of 64.
constexpr int64_t kFewElements = 256;

// True where a pointwise operation reads the value, which can compute it on the way.
bool read_pointwise(const Graph& graph, int value) {
  for (int reader : graph.consumers(value)) {
    if (graph.node(reader).op->pointwise()) return true;
  }
  return false;
}

// The multiplication that ends the gradient of node `index` (grad_extremum); -1 when there is none.
int gradient_of(const Graph& graph, int index) {
  const Node& node = graph.node(index);
  for (int divide : graph.consumers(node.outputs[1])) {
    for (int multiply : graph.readers(graph.node(divide).outputs[0])) {
      const int winners = graph.value(graph.node(multiply).inputs[0]).node;
      if (graph.node(multiply).op->opcode == Opcode::multiply && winners >= 0 &&
          graph.node(winners).op->opcode == Opcode::equal && graph.node(winners).inputs[0] == node.inputs[0])
        return multiply;
    }
  }
  return -1;
}

// Turns the pointwise nodes of the gradient into one that knows where the extremum stands, unless they run together
// with what follows. The gradient of a relu before the reduction moves to the small side: the winner is positive
// exactly when the extremum is. (What is NaN only differs in where it ends: a NaN extremum is not positive.)
bool write_gradient(Graph& graph, int index) {
  static const OpDef grad_op = {
      .name = "extremum_grad", .attributes = {{"axes", Ints{}, true}}, .lower = lower_extremum_grad};
  const int multiply = gradient_of(graph, index);
  if (multiply < 0) return false;
  const int x = graph.node(index).inputs[0], y = graph.node(index).outputs[0];
  const View v = view_of(graph.type(x).shape, graph.node(index).attributes.ints("axes"));
  if (element_count(v.mid, 1) * element_count(v.inner, 1) < kFewElements) return false;

  int slot = multiply, result = graph.node(multiply).outputs[0], share = graph.node(multiply).inputs[1];
  const std::vector<int> readers = graph.consumers(result);
  const bool relu = readers.size() == 1 && graph.use_count(result) == 1 &&
                    graph.node(readers[0]).op->opcode == Opcode::relu_grad &&
                    graph.node(readers[0]).inputs == std::vector<int>{result, x};
  if (relu) {
    slot = readers[0];
    result = graph.node(slot).outputs[0];
  }
  if (read_pointwise(graph, result)) return false;
  share = graph.alias_root(share);
  if (relu) {
    Node& small = graph.node(multiply);
    small.op = graph.node(slot).op;
    small.inputs = {share, y};
    small.outputs.clear();
    share = graph.add_output(multiply, graph.type(y));
  }
  Node& grad = graph.node(slot);
  grad.op = &grad_op;
  grad.attributes = {};
  grad.attributes.set("axes", graph.node(index).attributes.ints("axes"));
  grad.inputs = {share, graph.add_output(index, {DType::i32, graph.type(y).shape}), x, y};
  return true;
}

template <bool least>
Lowered lower_arg(const LowerContext& context) {
  const View v = view_of(context.input(0).shape, {context.node.attributes.integer("axis")});
  return {.run =
              [v, x = context.node.inputs[0], y = context.node.outputs[0], label = context.node.label(),
               arg = context.kernels.arg_reduce](Run& run) {
                arg(least, element_count(v.outer, run.n), countable(v, run, label), element_count(v.inner, run.n),
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
       .rewrite = write_gradient,
       .skips_unused = true},
      {.name = "min",
       .attributes = over,
       .infer = infer_extremum,
       .gradient = grad_extremum,
       .lower = lower_extremum<true>,
       .rewrite = write_gradient,
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
