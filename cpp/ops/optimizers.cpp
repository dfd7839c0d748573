// Operations that write variables: assign, and `update`, a whole optimizer step over a flat range of weights in one
// launch. An optimizer whose rule the kernel does not know is composed of pointwise operations and assign.
//
// `update` turns the settings of a Keras optimizer and the count of its calls into what the kernel takes (UpdateArgs in
// kernels.h): the corrected learning rate of Adam, whether this call only accumulates, whether the moving average
// begins or overwrites the weights.
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
  const size_t gradients = context.inputs.size() < kGradients ? 0 : context.inputs.size() - kGradients;
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
    if (gradients != 1) context.fail("several gradients need offsets");
    return expect_same(context, {0, kGradients});
  }
  if (offsets.size() != gradients) {
    context.fail(std::to_string(gradients) + " gradients but " + std::to_string(offsets.size()) + " offsets");
  }
  int64_t end = 0;
  for (size_t i = 0; i < gradients; ++i) {
    context.expect_float(kGradients + i);
    const Shape& shape = context.inputs[kGradients + i].shape;
    for (int64_t dim : shape) {
      if (dim < 0) context.fail("gradient " + std::to_string(i) + " depends on the batch size: " + to_string(shape));
    }
    if (offsets[i] < end) context.fail("offsets must ascend without overlap");
    end = offsets[i] + element_count(shape, 0);
  }
  if (end > element_count(weights, 0)) {
    context.fail("the gradients reach element " + std::to_string(end) + " of weights " + to_string(weights));
  }
  for (int64_t index : context.attributes.ints("undecayed")) {
    if (index < 0 || index >= static_cast<int64_t>(gradients)) context.fail("undecayed must list gradients");
  }
}

// From the first to the last weight that has a gradient.
std::pair<int64_t, int64_t> touched_bytes(const Graph& graph, const Node& node) {
  const Ints& offsets = node.attributes.ints("offsets");
  const int64_t first = offsets.empty() ? 0 : offsets.front(), last = offsets.empty() ? 0 : offsets.back();
  return {4 * first, 4 * (last + element_count(graph.type(node.inputs.back()).shape, 0))};
}

// What does not change from step to step, and the numbers that the others follow from.
struct Update {
  UpdateArgs args;
  std::vector<GradientPart> parts;  // without their pointers
  std::vector<int> in;
  double weight_decay, beta_1, beta_2, ema_momentum;
  int64_t accumulation, overwrite_frequency;
  size_t parts_bytes;
  decltype(KernelTable::update) kernel;

  void operator()(Run& run) const {
    UpdateArgs a = args;
    const auto optional = [&](size_t input) { return in[input] == in[kWeights] ? nullptr : run.out(in[input]); };
    const int64_t call = *run.i32(in[kIterations]), step = accumulation ? call / accumulation : call;
    const double rate = static_cast<double>(*run.f32(in[kRate])), t = static_cast<double>(step) + 1;
    a.part = static_cast<GradientPart*>(run.launch.workspace);
    for (size_t i = 0; i < parts.size(); ++i) {
      a.part[i] = parts[i];
      a.part[i].g = run.f32(in[kGradients + i]);
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
  }
};

Lowered lower_update(const LowerContext& context) {
  const Attributes& attributes = context.node.attributes;
  const auto number = [&](const char* name) { return attributes.number(name); };
  const auto real = [&](const char* name) { return static_cast<float>(attributes.number(name)); };
  Update update;
  update.in = context.node.inputs;
  update.weight_decay = number("weight_decay");
  update.beta_1 = number("beta_1");
  update.beta_2 = number("beta_2");
  update.ema_momentum = number("ema_momentum");
  update.accumulation = attributes.integer("accumulation");
  update.overwrite_frequency = attributes.integer("overwrite_frequency");
  update.kernel = context.kernels.update;
  const Ints& offsets = attributes.ints("offsets");
  for (size_t i = 0; kGradients + i < context.node.inputs.size(); ++i) {
    const int64_t begin = offsets.empty() ? 0 : offsets[i];
    update.parts.push_back(
        {.g = nullptr, .begin = begin, .end = begin + element_count(context.input(kGradients + i).shape, 0)});
  }
  for (int64_t index : attributes.ints("undecayed")) update.parts[static_cast<size_t>(index)].decays = false;
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
  const size_t workspace = update.parts_bytes + context.kernels.update_workspace(count, update.parts.back().end);
  return {.run = std::move(update), .workspace = workspace, .explain_bad_row = nullptr};
}

}  // namespace

const OpList& optimizer_ops() {
  static const OpList ops = {
      {.name = "assign", .infer = infer_assign, .lower = lower_assign, .mutates = {0}},
      {.name = "update",
       .attributes = {{"rule", std::string("sgd"), true},
                      {"offsets", Ints{}},
                      {"undecayed", Ints{}},
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
       .touched_bytes = touched_bytes},
  };
  return ops;
}

}  // namespace linnet
