// Network, Tensor and Program on top of Graph and Executable (network.h).
//
// A network's graph holds the forward computation and whatever the user adds, but never an effect: `compile` copies it,
// appends updates or an optimizer to the copy, and plans that. So any number of programs can be made of one network, in
// any order, and they share the memory of its variables, which lives in NetworkState until the last of them is gone.
#include "linnet/network.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>

#include "graph/autodiff.h"
#include "graph/executable.h"
#include "linnet/exchange.h"

namespace linnet {

struct NetworkState {
  Graph graph;
  uint64_t seed = 0;
  uint64_t draws = 0;                   // initial values drawn so far
  std::vector<int> variables;           // in the order they were made
  std::map<int, AlignedBuffer> memory;  // of the variables
};

struct ProgramState {
  std::shared_ptr<NetworkState> network;
  std::map<int, AlignedBuffer> own;  // slots of the optimizer
  Graph graph;                       // the network's, and the updates
  std::unique_ptr<Executable> executable;
  std::vector<bool> needed;  // by position among the executable's inputs
  uint64_t step = 0;
  float* learning_rate = nullptr;  // in `own`
  int32_t* iterations = nullptr;

  int own_variable(const std::string& name, const Type& type) {
    const int id = graph.variable(name, type);
    own.emplace(id, allocate_zeroed(static_cast<size_t>(element_count(type.shape, 0)) * sizeof(float)));
    return id;
  }
  float* numbers(int id) { return reinterpret_cast<float*>(own.at(id).get()); }
};

namespace {

// By position among the graph's inputs: whether an output or an effect reads it.
std::vector<bool> needed_inputs(const Graph& graph, const std::vector<int>& outputs) {
  std::vector<bool> used(static_cast<size_t>(graph.value_count()), false), result;
  for (int id : outputs) used[static_cast<size_t>(id)] = true;
  for (int i = graph.node_count(); i-- > 0;) {
    const Node& node = graph.node(i);
    const bool needed = node.op->effect() || std::any_of(node.outputs.begin(), node.outputs.end(),
                                                         [&](int id) { return used[static_cast<size_t>(id)]; });
    for (int id : node.inputs) used[static_cast<size_t>(id)] = used[static_cast<size_t>(id)] || needed;
  }
  for (int id = 0; id < graph.value_count(); ++id) {
    if (graph.value(id).kind == ValueKind::input) result.push_back(used[static_cast<size_t>(id)]);
  }
  return result;
}

std::unique_ptr<ProgramState> start_program(const std::shared_ptr<NetworkState>& network) {
  auto program = std::make_unique<ProgramState>();
  program->network = network;
  program->graph = network->graph;
  return program;
}

void finish_program(ProgramState& program, const std::vector<int>& outputs, int64_t capacity) {
  program.needed = needed_inputs(program.graph, outputs);
  program.executable =
      std::make_unique<Executable>(program.graph, outputs, capacity, DebugOptions::parse(debug_words()));
  for (auto& [id, memory] : program.network->memory) program.executable->bind_variable(id, memory.get());
  for (auto& [id, memory] : program.own) program.executable->bind_variable(id, memory.get());
}

// What an optimizer remembers of one variable, and the attributes of its `update`.
struct NamedUpdate {
  std::vector<int> slots;
  Attributes attributes;
};

// Appends gradients of all variables and one update for each that the loss depends on. `update(program, type)` says how
// to update a variable of this type.
template <class Update>
std::unique_ptr<ProgramState> training_program(const std::shared_ptr<NetworkState>& network, int loss,
                                               double learning_rate, int64_t capacity, Update update) {
  std::unique_ptr<ProgramState> program = start_program(network);
  const std::vector<int> gradients = append_gradients(program->graph, loss, network->variables);
  const int rate = program->own_variable("learning_rate", {DType::f32, {}});
  program->learning_rate = program->numbers(rate);
  *program->learning_rate = static_cast<float>(learning_rate);
  const int iterations = program->own_variable("iterations", {DType::i32, {}});
  program->iterations = reinterpret_cast<int32_t*>(program->own.at(iterations).get());
  bool any = false;
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (gradients[i] < 0) continue;
    const int w = network->variables[i];
    const NamedUpdate named = update(*program, program->graph.type(w));
    std::vector<int> inputs = {w, w, w, w, w, w, rate, iterations, gradients[i]};  // w: no such slot
    std::copy(named.slots.begin(), named.slots.end(), inputs.begin() + 1);
    program->graph.add("update", inputs, named.attributes);
    any = true;
  }
  if (!any) throw std::invalid_argument("compile_training: the loss depends on no variable of the network");
  finish_program(*program, {loss}, capacity);
  return program;
}

int make_input(Graph& graph, const std::string& name, DType dtype, const Shape& shape) {
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis == 0 ? shape[axis] < -1 : shape[axis] < 0) {
      throw ShapeError("input \"" + name + "\": shape " + to_string(shape) +
                       "; sizes must not be negative, but for a -1 in front, which is the batch");
    }
  }
  return graph.input(name, {dtype, shape});
}

}  // namespace

// ---- Tensor and Program
// ----------------------------------------------------------------------------------------------

const Shape& Tensor::shape() const { return network_->graph.type(value_).shape; }

Program::Program(std::unique_ptr<ProgramState> state) : state_(std::move(state)) {}
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() = default;

std::vector<Array> Program::run(const std::vector<ArrayView>& inputs) {
  Executable& executable = *state_->executable;
  const std::vector<int>& ids = executable.inputs();
  const size_t needed = static_cast<size_t>(std::count(state_->needed.begin(), state_->needed.end(), true));
  if (inputs.size() != needed) {
    std::string names;
    for (const std::string& name : input_names()) names += (names.empty() ? "" : ", ") + name;
    throw std::invalid_argument("this program needs " + std::to_string(needed) + " inputs (" + names + "), got " +
                                std::to_string(inputs.size()));
  }
  int64_t rows = -1;
  std::vector<const void*> pointers(ids.size(), nullptr);
  for (size_t i = 0, given = 0; i < ids.size(); ++i) {
    if (!state_->needed[i]) continue;
    const Value& value = executable.graph().value(ids[i]);
    join_rows(rows, rows_of(inputs[given], value), value);
    pointers[i] = inputs[given++].data();
  }
  rows = std::max<int64_t>(rows, rows < 0 ? 1 : 0);
  const std::lock_guard<std::mutex> lock(executable.mutex());
  executable.run(rows, pointers, state_->network->seed, state_->step);
  ++state_->step;
  if (state_->iterations) ++*state_->iterations;
  std::vector<Array> outputs;
  for (size_t i = 0; i < executable.output_count(); ++i) {
    outputs.push_back(make_array(executable.output_type(i), rows));
    if (outputs.back().size()) std::memcpy(space(outputs.back()), executable.output(i), outputs.back().size() * 4);
  }
  return outputs;
}

std::vector<std::string> Program::input_names() const {
  std::vector<std::string> names;
  const std::vector<int>& ids = state_->executable->inputs();
  for (size_t i = 0; i < ids.size(); ++i) {
    if (state_->needed[i]) names.push_back(state_->executable->graph().value(ids[i]).name);
  }
  return names;
}

int64_t Program::capacity() const { return state_->executable->capacity(); }
size_t Program::memory() const { return state_->executable->arena_bytes() + state_->executable->persistent_bytes(); }

void Program::set_learning_rate(double rate) {
  if (!state_->learning_rate) throw std::invalid_argument("set_learning_rate: this program does not train");
  *state_->learning_rate = static_cast<float>(rate);
}

// ---- Network: values
// -------------------------------------------------------------------------------------------------

Network::Network(uint64_t seed) : state_(std::make_shared<NetworkState>()) { state_->seed = seed; }

int Network::value_of(const Tensor& tensor) const {
  if (tensor.network_ != state_) throw std::invalid_argument("this tensor belongs to another network");
  return tensor.value_;
}

std::vector<int> Network::values_of(const std::vector<Tensor>& tensors) const {
  std::vector<int> ids;
  for (const Tensor& tensor : tensors) ids.push_back(value_of(tensor));
  return ids;
}

Tensor Network::input(const std::string& name, const Shape& shape) {
  return Tensor(state_, make_input(state_->graph, name, DType::f32, shape));
}

Tensor Network::integer_input(const std::string& name, const Shape& shape) {
  return Tensor(state_, make_input(state_->graph, name, DType::i32, shape));
}

Tensor Network::variable(const std::string& name, const Shape& shape) {
  const int id = state_->graph.variable(name, {DType::f32, shape});
  state_->memory.emplace(id, allocate_zeroed(static_cast<size_t>(element_count(shape, 0)) * sizeof(float)));
  state_->variables.push_back(id);
  return Tensor(state_, id);
}

Tensor Network::variable(const std::string& name, const Shape& shape, const std::vector<float>& values) {
  const Tensor tensor = variable(name, shape);
  set(tensor, values);
  return tensor;
}

std::vector<float> Network::glorot_uniform(const Shape& shape) {
  if (shape.size() < 2) throw ShapeError("glorot_uniform: a shape of two sizes or more, got " + to_string(shape));
  int64_t window = 1;
  for (size_t i = 0; i + 2 < shape.size(); ++i) window *= shape[i];
  const double fans = static_cast<double>(window) * static_cast<double>(shape[shape.size() - 2] + shape.back());
  const float limit = static_cast<float>(std::sqrt(6.0 / std::max(1.0, fans)));
  Graph graph;
  const int uniform = graph.add("random_uniform", {}, {{"shape", shape}, {"stream", int64_t{0}}}).front();
  Executable executable(graph, {uniform}, 1, {});
  executable.run(1, {}, state_->seed, state_->draws++);  // a step of its own for every draw
  const float* numbers = static_cast<const float*>(executable.output(0));
  std::vector<float> values(numbers, numbers + element_count(shape, 0));
  for (float& value : values) value = limit * (2.0f * value - 1.0f);
  return values;
}

Tensor Network::constant(const Shape& shape, const std::vector<float>& values) {
  if (element_count(shape, 0) != static_cast<int64_t>(values.size())) {
    throw ShapeError("a constant of shape " + to_string(shape) + " cannot take " + std::to_string(values.size()) +
                     " numbers");
  }
  return Tensor(state_, state_->graph.constant({DType::f32, shape}, values.data()));
}

Tensor Network::scalar(float value) { return Tensor(state_, state_->graph.scalar(value)); }

std::vector<Tensor> Network::add_all(const std::string& operation, const std::vector<Tensor>& inputs,
                                     const Settings& settings) {
  const OpDef* op = find_op(operation);
  if (op && op->effect()) {
    throw std::invalid_argument(operation + " changes variables; give `updates` to Network::compile instead");
  }
  Attributes attributes;
  for (const auto& [name, value] : settings) attributes.set(name, value);
  std::vector<Tensor> outputs;
  for (int id : state_->graph.add(operation, values_of(inputs), attributes)) outputs.push_back(Tensor(state_, id));
  return outputs;
}

Tensor Network::add(const std::string& operation, const std::vector<Tensor>& inputs, const Settings& settings) {
  return add_all(operation, inputs, settings).front();
}

std::vector<Tensor> Network::gradients(const Tensor& loss, const std::vector<Tensor>& targets) {
  std::vector<Tensor> result;
  for (int id : append_gradients(state_->graph, value_of(loss), values_of(targets))) {
    if (id < 0) {
      const int target = value_of(targets[result.size()]);
      throw std::invalid_argument("gradients: the loss does not depend on target " + std::to_string(result.size()) +
                                  " \"" + state_->graph.value(target).name + "\"");
    }
    result.push_back(Tensor(state_, id));
  }
  return result;
}

// ---- Network: programs
// -----------------------------------------------------------------------------------------------

Program Network::compile(const std::vector<Tensor>& outputs, int64_t capacity,
                         const std::vector<std::pair<Tensor, Tensor>>& updates) {
  std::unique_ptr<ProgramState> program = start_program(state_);
  Graph& graph = program->graph;
  // What shares the memory of a variable is copied before that memory is written.
  const auto kept = [&](int id) {
    const bool shares = !updates.empty() && graph.value(graph.alias_root(id)).kind == ValueKind::variable;
    return shares ? graph.add("copy", {id}, {}).front() : id;
  };
  std::vector<int> results, values;
  for (int id : values_of(outputs)) results.push_back(kept(id));
  for (const auto& update : updates) values.push_back(kept(value_of(update.second)));
  for (size_t i = 0; i < updates.size(); ++i) graph.add("assign", {value_of(updates[i].first), values[i]}, {});
  finish_program(*program, results, capacity);
  return Program(std::move(program));
}

Program Network::compile_training(const Tensor& loss, const Adam& adam, int64_t capacity) {
  return Program(training_program(state_, value_of(loss), adam.learning_rate, capacity,
                                  [&](ProgramState& p, Type type) -> NamedUpdate {
                                    return {{p.own_variable("m", type), p.own_variable("v", type)},
                                            {{"rule", std::string("adam")},
                                             {"beta_1", adam.beta_1},
                                             {"beta_2", adam.beta_2},
                                             {"epsilon", adam.epsilon}}};
                                  }));
}

Program Network::compile_training(const Tensor& loss, const Sgd& sgd, int64_t capacity) {
  return Program(training_program(
      state_, value_of(loss), sgd.learning_rate, capacity, [&](ProgramState& p, Type type) -> NamedUpdate {
        if (sgd.momentum == 0.0) return {{}, {{"rule", std::string("sgd")}}};
        return {{p.own_variable("velocity", type)},
                {{"rule", std::string(sgd.nesterov ? "nesterov" : "momentum")}, {"momentum", sgd.momentum}}};
      }));
}

// ---- Network: the numbers in variables
// -------------------------------------------------------------------------------

std::vector<float> Network::get(const Tensor& variable) const {
  const int id = value_of(variable);
  const auto found = state_->memory.find(id);
  if (found == state_->memory.end()) throw std::invalid_argument("get: this tensor is not a variable");
  const float* numbers = reinterpret_cast<const float*>(found->second.get());
  return {numbers, numbers + element_count(variable.shape(), 0)};
}

void Network::set(const Tensor& variable, const std::vector<float>& values) {
  const int id = value_of(variable);
  const auto found = state_->memory.find(id);
  if (found == state_->memory.end()) throw std::invalid_argument("set: this tensor is not a variable");
  if (element_count(variable.shape(), 0) != static_cast<int64_t>(values.size())) {
    throw ShapeError("variable \"" + state_->graph.value(id).name + "\" of shape " + to_string(variable.shape()) +
                     " cannot take " + std::to_string(values.size()) + " numbers");
  }
  if (!values.empty()) std::memcpy(found->second.get(), values.data(), values.size() * sizeof(float));
}

// ---- shorthands
// ------------------------------------------------------------------------------------------------------

namespace {
Network::Settings all_axes(const Tensor& x) {
  Ints axes;
  for (size_t i = 0; i < x.shape().size(); ++i) axes.push_back(static_cast<int64_t>(i));
  return {{"axes", axes}};
}
}  // namespace

Tensor sum(const Tensor& x) { return Network::of(x).add("sum", {x}, all_axes(x)); }
Tensor mean(const Tensor& x) { return Network::of(x).add("mean", {x}, all_axes(x)); }

}  // namespace linnet
