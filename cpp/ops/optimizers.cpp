// Operations that write variables: assign, and `update`, a whole optimizer step over a flat range of weights in one
// launch. An optimizer whose rule the kernel does not know is composed of pointwise operations and assign.
//
// `update` turns the settings of a Keras optimizer and the count of its calls into what the kernel takes (UpdateArgs in
// kernels.h): the corrected learning rate of Adam, whether this call only accumulates, whether the moving average
// begins or overwrites the weights.
//
// The gradient of a large dense kernel, x^T dy, need not exist: `take_products` hands x and dy to the update, which
// computes the product a stretch of rows at a time and applies it while it is in the cache. AlexNet's and VGG's dense
// layers hold nine tenths of the weights, so that this saves close to a quarter of all memory.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

void expect_same(const InferContext& context, std::initializer_list<size_t> inputs) {
  const Shape& first = context.inputs[*inputs.begin()].shape;
  for (size_t i : inputs) {
    context.expect_float(i);
    if (context.inputs[i].shape != first) {
      context.fail("input " + std::to_string(i) + " has shape " + to_string(context.inputs[i].shape) + ", expected " +
                   to_string(first));
    }
  }
}

void expect_scalar(const InferContext& context, size_t input) {
  context.expect_float(input);
  if (!context.inputs[input].shape.empty()) {
    context.fail("input " + std::to_string(input) + " must be a scalar, got " + to_string(context.inputs[input].shape));
  }
}

// ---- assign: inputs variable, value
void infer_assign(InferContext& context) {
  context.expect_inputs(2);
  const Type& variable = context.inputs[0];
  const Type& value = context.inputs[1];
  if (variable.shape != value.shape || variable.dtype != value.dtype) {
    context.fail(std::string("a variable of ") + name_of(variable.dtype) + to_string(variable.shape) + " cannot take " +
                 name_of(value.dtype) + to_string(value.shape));
  }
}

Lowered lower_assign(const LowerContext& context) {
  const Type& type = context.input(0);
  const size_t bytes = static_cast<size_t>(element_count(type.shape, 0) * item_size(type.dtype));
  return {.run =
              [bytes, variable = context.node.inputs[0], value = context.node.inputs[1]](Run& run) {
                if (run.out(variable) != run.f32(value)) std::memmove(run.out(variable), run.f32(value), bytes);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

// ---- update: inputs w, three slots, average, accumulator, learning rate, iterations (steps done so far), gradients
// What an update does not have of slots, average and accumulator is given as w itself. All six have w's shape;
// gradient i is that of w's elements from offsets[i] on (no offsets: one gradient, of w's shape), so that no gradient
// has to be copied next to the others. `undecayed` lists the gradients whose weights no weight decay touches.
// `products` lists (ascending) the gradients that are given as two factors: a (k, rows) in the gradient's place and
// b (k, columns) behind all gradients, in the order of `products`; the gradient is a^T b, row by row.
enum UpdateInput : size_t { kWeights, kSlots, kAverage = 4, kAccumulator, kRate, kIterations, kGradients };

struct NamedRule {
  const char* name;
  UpdateRule rule;
  size_t least_slots;
};
constexpr NamedRule kRules[] = {{"sgd", UpdateRule::sgd, 0},           {"momentum", UpdateRule::momentum, 1},
                                {"nesterov", UpdateRule::nesterov, 1}, {"adam", UpdateRule::adam, 2},
                                {"rmsprop", UpdateRule::rmsprop, 1},   {"adagrad", UpdateRule::adagrad, 1}};

const NamedRule* find_rule(const std::string& name) {
  for (const NamedRule& rule : kRules) {
    if (name == rule.name) return &rule;
  }
  return nullptr;
}

void infer_update(InferContext& context) {
  const Ints& products = context.attributes.ints("products");
  const size_t others = kGradients + products.size();
  const size_t gradients = context.inputs.size() < others ? 0 : context.inputs.size() - others;
  if (gradients == 0) context.fail("takes weights, slots, average, accumulator, learning rate, iterations, gradients");
  expect_same(context, {0, 1, 2, 3, 4, 5});
  expect_scalar(context, kRate);
  context.expect_int(kIterations);
  if (!context.inputs[kIterations].shape.empty()) context.fail("iterations must be a scalar");
  const std::string& name = context.attributes.text("rule");
  if (!find_rule(name))
    context.fail("unknown rule '" + name + "'; known are sgd, momentum, nesterov, adam, rmsprop, adagrad");
  for (const char* count : {"accumulation", "overwrite_frequency"}) {
    if (context.attributes.integer(count) < 0) context.fail(std::string(count) + " must not be negative");
  }
  const Ints& offsets = context.attributes.ints("offsets");
  const Shape& weights = context.inputs[kWeights].shape;
  if (offsets.empty()) {
    if (!products.empty()) context.fail("products need offsets");
    if (gradients != 1) context.fail("several gradients need offsets");
    return expect_same(context, {0, kGradients});
  }
  if (offsets.size() != gradients) {
    context.fail(std::to_string(gradients) + " gradients but " + std::to_string(offsets.size()) + " offsets");
  }
  if (!products.empty() && context.attributes.number("clipnorm") > 0) context.fail("a product has no norm to clip by");
  int64_t end = 0;
  for (size_t i = 0, product = 0; i < gradients; ++i) {
    context.expect_float(kGradients + i);
    Shape shape = context.inputs[kGradients + i].shape;
    if (product < products.size() && products[product] == static_cast<int64_t>(i)) {
      const Shape& b = context.inputs[kGradients + gradients + product++].shape;
      if (shape.size() != 2 || b.size() != 2 || shape[0] != b[0]) {
        context.fail("gradient " + std::to_string(i) + " cannot be the product of " + to_string(shape) + " and " +
                     to_string(b));
      }
      shape = {shape[1], b[1]};
    }
    for (int64_t dim : shape) {
      if (dim < 0) context.fail("gradient " + std::to_string(i) + " depends on the batch size: " + to_string(shape));
    }
    if (offsets[i] < end) context.fail("offsets must ascend without overlap");
    end = offsets[i] + element_count(shape, 0);
  }
  if (end > element_count(weights, 0)) {
    context.fail("the gradients reach element " + std::to_string(end) + " of weights " + to_string(weights));
  }
  if (!std::is_sorted(products.begin(), products.end()) ||
      (!products.empty() && (products.front() < 0 || products.back() >= static_cast<int64_t>(gradients)))) {
    context.fail("products must list gradients in ascending order");
  }
  for (int64_t index : context.attributes.ints("undecayed")) {
    if (index < 0 || index >= static_cast<int64_t>(gradients)) context.fail("undecayed must list gradients");
  }
}

// From the first to the last weight that has a gradient.
std::pair<int64_t, int64_t> touched_bytes(const Graph& graph, const Node& node) {
  const Ints& offsets = node.attributes.ints("offsets");
  const Ints& products = node.attributes.ints("products");
  const size_t last = node.inputs.size() - products.size() - 1;
  const Shape& shape = graph.type(node.inputs[last]).shape;
  int64_t count = element_count(shape, 1);
  if (!products.empty() && products.back() == static_cast<int64_t>(last - kGradients)) {
    count = shape[1] * graph.type(node.inputs.back()).shape[1];
  }
  return offsets.empty() ? std::pair{int64_t{0}, 4 * count}
                         : std::pair{4 * offsets.front(), 4 * (offsets.back() + count)};
}

// A gradient given as two factors.
struct Product {
  size_t a, b;        // inputs
  GradientPart part;  // without its pointer
  int64_t rows, columns;
  int64_t k;        // may be a multiple of the batch
  int64_t stretch;  // rows computed at a time

  GemmArgs gemm(int64_t n) const {
    GemmArgs args;
    args.m = stretch;
    args.n = columns;
    args.k = extent(k, n);
    args.trans_a = true;
    args.lda = rows;
    args.ldb = args.ldc = columns;
    return args;
  }
};

// What does not change from step to step, and the numbers that the others follow from.
struct Update {
  UpdateArgs args;
  std::vector<GradientPart> parts;  // without their pointers
  std::vector<size_t> part_inputs;
  std::vector<Product> products;
  std::vector<int> in;
  double weight_decay, beta_1, beta_2, ema_momentum;
  int64_t accumulation, overwrite_frequency;
  size_t parts_bytes, stretch_bytes;  // of the workspace
  decltype(KernelTable::update) kernel;
  decltype(KernelTable::gemm) gemm;

  void operator()(Run& run) const {
    UpdateArgs a = args;
    const auto optional = [&](size_t input) { return in[input] == in[kWeights] ? nullptr : run.out(in[input]); };
    const int64_t call = *run.i32(in[kIterations]), step = accumulation ? call / accumulation : call;
    const double rate = static_cast<double>(*run.f32(in[kRate])), t = static_cast<double>(step) + 1;
    a.part = static_cast<GradientPart*>(run.launch.workspace);
    for (size_t i = 0; i < parts.size(); ++i) {
      a.part[i] = parts[i];
      a.part[i].g = run.f32(in[part_inputs[i]]);
    }
    a.w = run.out(in[kWeights]);
    for (size_t i = 0; i < 3; ++i) a.slots[i] = optional(kSlots + i);
    a.average = optional(kAverage);
    a.accumulator = optional(kAccumulator);
    a.accumulate_only = accumulation && (call + 1) % accumulation != 0;
    a.overwrite = overwrite_frequency && (step + 1) % overwrite_frequency == 0;
    a.decay = static_cast<float>(weight_decay * rate);
    a.ema_momentum = step == 0 ? 0.0f : static_cast<float>(ema_momentum);  // it begins with the weights
    const bool corrected = a.rule == UpdateRule::adam;
    const double correction = corrected ? std::sqrt(1.0 - std::pow(beta_2, t)) / (1.0 - std::pow(beta_1, t)) : 1.0;
    a.lr = static_cast<float>(rate * correction);
    Launch launch = run.launch;
    launch.workspace = static_cast<std::byte*>(run.launch.workspace) + parts_bytes;
    kernel(a, launch);
    for (const Product& product : products) apply(product, a, run, launch);
  }

  // Stretch by stretch: the gradient of some rows, then their update.
  void apply(const Product& product, const UpdateArgs& whole, Run& run, Launch launch) const {
    float* const gradient = static_cast<float*>(launch.workspace);
    launch.workspace = static_cast<std::byte*>(launch.workspace) + stretch_bytes;
    GemmArgs factors = product.gemm(run.n);
    factors.b = run.f32(in[product.b]);
    factors.c = gradient;
    for (int64_t row = 0; row < product.rows; row += product.stretch) {
      factors.a = run.f32(in[product.a]) + row;
      factors.m = std::min(product.stretch, product.rows - row);
      gemm(factors, launch);
      GradientPart part = product.part;
      part.g = gradient;
      part.begin = 0;
      part.end = factors.m * product.columns;
      UpdateArgs a = whole;
      a.parts = 1;
      a.part = &part;
      const int64_t at = product.part.begin + row * product.columns;
      for (float** array : {&a.w, &a.slots[0], &a.slots[1], &a.slots[2], &a.average, &a.accumulator}) {
        if (*array) *array += at;
      }
      kernel(a, launch);
    }
  }
};

// A stretch of this many gradients (2 MB) is still in the second- and third-level caches when the update reads it, and
// large enough that the two launches it costs do not show.
constexpr int64_t kStretch = int64_t{1} << 19;

Lowered lower_update(const LowerContext& context) {
  const Attributes& attributes = context.node.attributes;
  const auto number = [&](const char* name) { return attributes.number(name); };
  const auto real = [&](const char* name) { return static_cast<float>(attributes.number(name)); };
  Update update{};
  update.in = context.node.inputs;
  update.weight_decay = number("weight_decay");
  update.beta_1 = number("beta_1");
  update.beta_2 = number("beta_2");
  update.ema_momentum = number("ema_momentum");
  update.accumulation = attributes.integer("accumulation");
  update.overwrite_frequency = attributes.integer("overwrite_frequency");
  update.kernel = context.kernels.update;
  update.gemm = context.kernels.gemm;
  const Ints& offsets = attributes.ints("offsets");
  const Ints& products = attributes.ints("products");
  const Ints& undecayed = attributes.ints("undecayed");
  const size_t gradients = context.node.inputs.size() - kGradients - products.size();
  size_t products_bytes = 0;
  for (size_t i = 0; i < gradients; ++i) {
    const Shape& shape = context.input(kGradients + i).shape;
    GradientPart part{.g = nullptr, .begin = offsets.empty() ? 0 : offsets[i], .end = 0};
    part.decays = !std::count(undecayed.begin(), undecayed.end(), static_cast<int64_t>(i));
    if (update.products.size() < products.size() && products[update.products.size()] == static_cast<int64_t>(i)) {
      const size_t b = kGradients + gradients + update.products.size();
      const int64_t rows = shape[1], columns = context.input(b).shape[1];
      const int64_t stretch =
          std::clamp<int64_t>(kStretch / std::max<int64_t>(columns, 1), 1, std::max<int64_t>(rows, 1));
      update.products.push_back({kGradients + i, b, part, rows, columns, shape[0], stretch});
      update.stretch_bytes =
          std::max(update.stretch_bytes, (static_cast<size_t>(stretch * columns) * sizeof(float) + 63) / 64 * 64);
      products_bytes =
          std::max({products_bytes, context.kernels.gemm_workspace(update.products.back().gemm(context.capacity)),
                    context.kernels.update_workspace(1, stretch * columns)});
    } else {
      part.end = part.begin + element_count(shape, 0);
      update.parts.push_back(part);
      update.part_inputs.push_back(kGradients + i);
    }
  }
  const NamedRule& rule = *find_rule(attributes.text("rule"));
  for (size_t i = 0; i < rule.least_slots; ++i) {
    if (update.in[kSlots + i] == update.in[kWeights])
      throw std::invalid_argument(context.node.label() + ": the rule " + rule.name + " needs " +
                                  std::to_string(rule.least_slots) + " slots");
  }
  const auto count = static_cast<int64_t>(update.parts.size());
  update.parts_bytes = (update.parts.size() * sizeof(GradientPart) + 63) / 64 * 64;
  const int64_t accumulation = update.accumulation ? update.accumulation : 1;
  update.args = {.rule = rule.rule,
                 .parts = count,
                 .loss_scale = static_cast<float>(1.0 / number("loss_scale_factor")),
                 .mean = static_cast<float>(1.0 / static_cast<double>(accumulation)),
                 .clip_value = real("clipvalue"),
                 .clip_norm = real("clipnorm"),
                 .global_norm = attributes.flag("global_norm"),
                 .momentum = real("momentum"),
                 .beta_1 = real("beta_1"),
                 .beta_2 = real("beta_2"),
                 .epsilon = real("epsilon")};
  const int64_t weights = update.parts.empty() ? 0 : update.parts.back().end;
  const size_t workspace = update.parts_bytes + std::max(context.kernels.update_workspace(count, weights),
                                                         update.stretch_bytes + products_bytes);
  return {.run = std::move(update), .workspace = workspace, .explain_bad_row = nullptr};
}

// Gradients below this many floats are in the cache anyway.
constexpr int64_t kLeastProduct = int64_t{1} << 18;

// Takes the factors of gradients that are nothing but a large product x^T dy read by nobody else.
bool take_products(Graph& graph, int index) {
  const Node& node = graph.node(index);
  if (node.attributes.number("clipnorm") > 0 || !node.attributes.ints("products").empty()) return false;
  const size_t gradients = node.inputs.size() - kGradients;
  std::vector<int> inputs = node.inputs;
  Ints offsets = node.attributes.ints("offsets"), products;
  if (offsets.empty()) offsets = {0};
  for (size_t i = 0; i < gradients; ++i) {
    const int gradient = node.inputs[kGradients + i];
    const Value& value = graph.value(gradient);
    if (value.kind != ValueKind::computed || graph.use_count(gradient) != 1) continue;
    const Node& product = graph.node(value.node);
    if (std::string(product.op->name) != "matmul" || product.inputs.size() != 2) continue;
    const Attributes& its = product.attributes;
    if (!its.flag("trans_a") || its.flag("trans_b") || its.text("activation") != "none") continue;
    const Shape& a = graph.type(product.inputs[0]).shape;
    const Shape& b = graph.type(product.inputs[1]).shape;
    if (a.size() != 2 || a[1] * b[1] < kLeastProduct) continue;
    // Both factors stay alive until here. With a batch of rows of their own they are small beside the product; with
    // rows for each of many time steps they need not be.
    if (a[0] < -1 || (a[0] >= 0 && a[0] * (a[1] + b[1]) > a[1] * b[1])) continue;
    // A variable could be written between the product and here.
    const auto written = [&](int id) { return graph.value(graph.alias_root(id)).kind == ValueKind::variable; };
    if (written(product.inputs[0]) || written(product.inputs[1])) continue;
    products.push_back(static_cast<int64_t>(i));
    inputs[kGradients + i] = product.inputs[0];
    inputs.push_back(product.inputs[1]);
  }
  if (products.empty()) return false;
  Node& target = graph.node(index);
  target.inputs = std::move(inputs);
  target.attributes.set("offsets", offsets);
  target.attributes.set("products", products);
  return true;
}

}  // namespace

const OpList& optimizer_ops() {
  static const OpList ops = {
      {.name = "assign", .infer = infer_assign, .lower = lower_assign, .mutates = {0}},
      {.name = "update",
       .attributes = {{"rule", std::string("sgd"), true},
                      {"offsets", Ints{}},
                      {"undecayed", Ints{}},
                      {"products", Ints{}},
                      {"weight_decay", 0.0},
                      {"momentum", 0.0},
                      {"beta_1", 0.9},
                      {"beta_2", 0.999},
                      {"epsilon", 1e-7},
                      {"clipnorm", 0.0},
                      {"global_norm", false},
                      {"clipvalue", 0.0},
                      {"loss_scale_factor", 1.0},
                      {"accumulation", int64_t{0}},
                      {"ema_momentum", 0.0},
                      {"overwrite_frequency", int64_t{0}}},
       .infer = infer_update,
       .lower = lower_update,
       .mutates = {0, 1, 2, 3, 4, 5},
       .touched_bytes = touched_bytes,
       .rewrite = take_products},
  };
  return ops;
}

}  // namespace linnet
