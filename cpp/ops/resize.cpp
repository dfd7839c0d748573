// Resizing of images (n, h, w, c) to `size`: the operation under Resizing, ops.image.resize and whatever else
// resamples.
//
// Every interpolation is a table per axis: which pixels make up a pixel of output, with which weights. Pixel centres
// lie at halves, so output o is made at (o + 1/2) in / out - 1/2 of the input. With `antialias`, a shrinking axis
// widens the filter by in / out. At the borders the weights that are left are scaled to add up to one. The gradient is
// the same kernel with the tables transposed.
//
// Filters: triangle ("bilinear"), Keys 1981 with a = -1/2 ("bicubic"), Lanczos with 3 or 5 lobes (Duchon 1979), and the
// nearest neighbour. Start reading at `axis_taps`.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

struct Filter {
  double radius;
  double (*weight)(double distance);  // 0 beyond the radius
};

template <int lobes>
double lanczos(double x) {
  if (x < 1e-3) return 1;
  const double phase = std::numbers::pi * x;
  return x > lobes ? 0 : lobes * std::sin(phase) * std::sin(phase / lobes) / (phase * phase);
}

double triangle(double x) { return x < 1 ? 1 - x : 0; }

double cubic(double x) {
  if (x >= 2) return 0;
  return x >= 1 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : (1.5 * x - 2.5) * x * x + 1;
}

Filter filter_named(const std::string& name) {
  if (name == "nearest") return {0, nullptr};
  if (name == "bilinear") return {1, triangle};
  if (name == "bicubic") return {2, cubic};
  if (name == "lanczos3") return {3, lanczos<3>};
  if (name == "lanczos5") return {5, lanczos<5>};
  throw std::invalid_argument("unknown interpolation '" + name +
                              "'; use nearest, bilinear, bicubic, lanczos3 or lanczos5");
}

// A ResizeAxis that owns its tables.
struct AxisTaps {
  int64_t in = 0, out = 0, taps = 0;
  std::vector<int32_t> first;
  std::vector<float> weight;
  ResizeAxis view() const { return {in, out, taps, first.data(), weight.data()}; }
};

// From the weights of each output: those of output o belong to begin[o], begin[o] + 1, ... All get as many taps.
AxisTaps packed(int64_t in, const std::vector<int64_t>& begin, const std::vector<std::vector<float>>& weights) {
  AxisTaps axis{.in = in, .out = static_cast<int64_t>(weights.size()), .taps = 1, .first = {}, .weight = {}};
  for (const auto& own : weights) axis.taps = std::max(axis.taps, static_cast<int64_t>(own.size()));
  axis.weight.resize(static_cast<size_t>(axis.out * axis.taps));
  for (size_t o = 0; o < weights.size(); ++o) {
    const int64_t first = std::min(begin[o], in - axis.taps);
    axis.first.push_back(static_cast<int32_t>(first));
    std::copy(weights[o].begin(), weights[o].end(),
              axis.weight.begin() + static_cast<int64_t>(o) * axis.taps + begin[o] - first);
  }
  return axis;
}

AxisTaps axis_taps(int64_t in, int64_t out, const Filter& filter, bool antialias) {
  std::vector<int64_t> begin;
  std::vector<std::vector<float>> weights;
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = antialias ? std::max(scale, 1.0) : 1.0, reach = filter.radius * stretch;
  for (int64_t o = 0; o < out; ++o) {
    if (in == out || filter.weight == nullptr) {  // in float, as Keras does it: ties fall the same way
      const float place = (static_cast<float>(o) + 0.5f) * static_cast<float>(in) / static_cast<float>(out);
      begin.push_back(in == out ? o : std::min(in - 1, static_cast<int64_t>(place)));
      weights.push_back({1.0f});
      continue;
    }
    const double centre = (static_cast<double>(o) + 0.5) * scale - 0.5;
    const int64_t low = std::max<int64_t>(0, static_cast<int64_t>(std::ceil(centre - reach)));
    const int64_t high = std::min<int64_t>(in - 1, static_cast<int64_t>(std::floor(centre + reach)));
    std::vector<double> exact;
    double sum = 0;
    for (int64_t i = low; i <= high; ++i) {
      exact.push_back(filter.weight(std::abs(centre - static_cast<double>(i)) / stretch));
      sum += exact.back();
    }
    std::vector<float> own;
    for (const double weight : exact) own.push_back(static_cast<float>(weight / sum));
    begin.push_back(low);
    weights.push_back(own);
  }
  return packed(in, begin, weights);
}

// in[i] = sum over o of weight(o, i) out[o].
AxisTaps transposed(const AxisTaps& axis) {
  std::vector<int64_t> begin(static_cast<size_t>(axis.in), -1);
  std::vector<std::vector<float>> weights(static_cast<size_t>(axis.in));
  for (int64_t o = 0; o < axis.out; ++o) {
    for (int64_t k = 0; k < axis.taps; ++k) {
      const auto i = static_cast<size_t>(axis.first[static_cast<size_t>(o)] + k);
      if (begin[i] < 0) begin[i] = o;
      weights[i].resize(static_cast<size_t>(o - begin[i]));  // taps are consecutive, so nothing is lost
      weights[i].push_back(axis.weight[static_cast<size_t>(o * axis.taps + k)]);
    }
  }
  for (size_t i = 0; i < begin.size(); ++i)  // what nobody read
    if (begin[i] < 0) begin[i] = i > 0 ? begin[i - 1] : 0;
  return packed(axis.out, begin, weights);
}

struct Tables {
  AxisTaps rows, columns;
};

Tables tables_of(const Attributes& attributes, const Shape& x) {
  const Filter filter = filter_named(attributes.text("interpolation"));
  const Ints& size = attributes.ints("size");
  const bool antialias = attributes.flag("antialias");
  return {axis_taps(x[1], size[0], filter, antialias), axis_taps(x[2], size[1], filter, antialias)};
}

Shape checked(const InferContext& context, const Shape& x) {
  const Ints& size = context.attributes.ints("size");
  const std::string given = "; images " + to_string(x);
  const Filter filter = filter_named(context.attributes.text("interpolation"));
  if (x.size() != 4) context.fail("images must have 4 dimensions (batch, height, width, channels)" + given);
  if (size.size() != 2 || size[0] < 1 || size[1] < 1)
    context.fail("size must be (height, width), got " + to_string(size));
  if (x[1] < 1 || x[2] < 1 || x[3] < 0) context.fail("only the batch may be open, and there must be a pixel" + given);
  // Pixels that make up one, in either direction, with a little room.
  const int64_t wide = std::max(x[2] / size[1], size[1] / x[2]) + 2;
  if (static_cast<double>(wide * x[3]) * 2 * std::max(filter.radius, 1.0) > static_cast<double>(kMostResizeTaps)) {
    context.fail("too many values make up one of the output; resize in several steps" + given + ", size " +
                 to_string(size));
  }
  return {x[0], size[0], size[1], x[3]};
}

void infer_resize(InferContext& context) {
  context.expect_inputs(1);
  context.expect_float(0);
  context.outputs.push_back({DType::f32, checked(context, context.inputs[0].shape)});
}

void infer_resize_grad(InferContext& context) {
  context.expect_inputs(1);
  context.expect_float(0);
  const Shape& x = context.attributes.ints("shape");
  const Shape y = checked(context, x);
  if (context.inputs[0].shape != y) {
    context.fail("the gradient has shape " + to_string(context.inputs[0].shape) + ", the output " + to_string(y));
  }
  context.outputs.push_back({DType::f32, x});
}

void grad_resize(GradientContext& g) {
  Attributes attributes = g.attributes();
  attributes.set("shape", g.type(g.input(0)).shape);
  g.set(0, g.add("resize_grad", {g.dy()}, attributes));
}

// Resizing is linear: the gradient's gradient resizes.
void grad_resize_grad(GradientContext& g) {
  Attributes attributes;
  for (const char* name : {"size", "interpolation", "antialias"}) attributes.set(name, *g.attributes().find(name));
  g.set(0, g.add("resize", {g.dy()}, attributes));
}

Lowered lowered(const LowerContext& context, Tables tables) {
  const Shape& x = context.input(0).shape;
  return {.run =
              [tables = std::move(tables), n = x[0], c = x[3], in = context.node.inputs[0],
               out = context.node.outputs[0], resize = context.kernels.resize](Run& run) {
                resize(extent(n, run.n), c, tables.rows.view(), tables.columns.view(), run.f32(in), run.out(out),
                       run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

Lowered lower_resize(const LowerContext& context) {
  return lowered(context, tables_of(context.node.attributes, context.input(0).shape));
}

Lowered lower_resize_grad(const LowerContext& context) {
  const Tables tables = tables_of(context.node.attributes, context.output(0).shape);
  return lowered(context, {transposed(tables.rows), transposed(tables.columns)});
}

}  // namespace

const OpList& resize_ops() {
  static const OpList ops = [] {
    const std::vector<AttributeSpec> own = {
        {"size", Ints{}, true}, {"interpolation", std::string("bilinear")}, {"antialias", false}};
    std::vector<AttributeSpec> own_of = own;
    own_of.push_back({"shape", Ints{}, true});
    return OpList{
        {.name = "resize", .attributes = own, .infer = infer_resize, .gradient = grad_resize, .lower = lower_resize},
        {.name = "resize_grad",
         .attributes = own_of,
         .infer = infer_resize_grad,
         .gradient = grad_resize_grad,
         .lower = lower_resize_grad},
    };
  }();
  return ops;
}

}  // namespace linnet
