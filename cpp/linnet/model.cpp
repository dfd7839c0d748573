// Reading an exported model and predicting with it (model.h). The file is a safetensors file (base/safetensors.h) whose
// metadata are {"format": "linnet", "version": "1", "kind": "graph", "graph": JSON}, written by
// python/linnet/saving/export.py:
//
//   {"inputs":    [{"name": "image", "shape": [-1, 28, 28, 1], "dtype": "float32"}],
//    "constants": ["constants/0", ...],      tensors of the file that are fixed numbers
//    "variables": ["weights/c1/kernel", ...],    and those that are weights
//    "nodes":     [{"op": "conv2d", "layer": "c1", "inputs": [0, 2], "attributes": {"padding": [2, 2, 2, 2]}}, ...],
//    "outputs":   [{"name": "class", "value": 27}]}
//
// Values are numbered in this order: inputs, constants, variables, then the outputs of the nodes one after the other.
// Every node passes through Graph::add, which checks it as if a user had called it; on top of that only sizes are
// limited here, so that a hostile shape is an error and not the end of the machine's memory.
#include "linnet/model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <set>

#include "base/json.h"
#include "base/safetensors.h"
#include "graph/executable.h"
#include "linnet/exchange.h"

namespace linnet {

struct ModelState {
  Graph graph;
  std::vector<Port> inputs, outputs;
  std::vector<AlignedBuffer> weights;
  std::unique_ptr<Executable> executable;
};

namespace {

// The largest value of a run, in bytes. Far beyond what a model of this library uses, and below what makes sizes
// overflow anywhere.
constexpr int64_t kMaxValueBytes = int64_t{1} << 34;
constexpr int64_t kMaxCapacity = int64_t{1} << 24;
// The largest whole number in an attribute (a stride, a padding, an axis): products of two cannot overflow.
constexpr int64_t kMaxAttribute = int64_t{1} << 31;

class Reader {
 public:
  Reader(Safetensors& file, int64_t capacity) : file_(file), capacity_(capacity) {}

  std::unique_ptr<ModelState> read();

 private:
  void read_inputs(const Json& json);
  void read_constants(const Json& json);
  void read_variables(const Json& json);
  void read_node(const Json& json, const std::string& what);
  void read_outputs(const Json& json);
  SafetensorsTensor& take_tensor(const std::string& name);
  int value_at(int64_t number, const std::string& what) const;
  void check_size(int value, const std::string& what) const;

  Safetensors& file_;
  int64_t capacity_;
  std::unique_ptr<ModelState> model_;
  std::vector<int> values_;  // number in the file -> value of the graph
  std::vector<std::pair<int, std::string>> variables_;
  std::set<std::string> taken_;
};

const std::string& metadata(const Safetensors& file, const std::string& key) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end())
    throw SafetensorsError("a safetensors file, but not one by linnet: its metadata lack \"" + key + "\"");
  return found->second;
}

void check_kind(const Safetensors& file) {
  if (metadata(file, "format") != "linnet") throw SafetensorsError("a safetensors file, but not one by linnet");
  if (metadata(file, "kind") != "graph") {
    throw SafetensorsError("the file was written by model.save, which is for Python; model.export writes one for C++");
  }
  if (metadata(file, "version") != "1") {
    throw SafetensorsError("the file has format version " + metadata(file, "version") +
                           ", this linnet reads version 1; a newer linnet may be needed");
  }
}

// JSON has no infinities; Python writes them as strings, which an attribute of type float cannot be otherwise.
double number_of(const std::string& word, const std::string& what) {
  if (word == "inf") return std::numeric_limits<double>::infinity();
  if (word == "-inf") return -std::numeric_limits<double>::infinity();
  if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
  throw JsonError(what + " must be a number");
}

int64_t checked(int64_t number, const std::string& what) {
  if (number < -kMaxAttribute || number > kMaxAttribute)
    throw JsonError(what + " is too large: " + std::to_string(number));
  return number;
}

Attribute attribute_of(const Json& json, const OpDef& op, const std::string& name, const std::string& what) {
  const std::string label = what + ", attribute \"" + name + "\",";
  if (const bool* flag = std::get_if<bool>(&json.value)) return *flag;
  if (const int64_t* integer = std::get_if<int64_t>(&json.value)) return checked(*integer, label);
  if (const double* number = std::get_if<double>(&json.value)) return *number;
  if (const std::string* text = std::get_if<std::string>(&json.value)) {
    for (const AttributeSpec& spec : op.attributes) {
      if (spec.name == name && std::holds_alternative<double>(spec.fallback)) return number_of(*text, label);
    }
    return *text;
  }
  Ints numbers = json.integers(label);
  for (int64_t number : numbers) checked(number, label);
  return numbers;
}

std::unique_ptr<ModelState> Reader::read() {
  check_kind(file_);
  model_ = std::make_unique<ModelState>();
  const Json json = Json::parse(metadata(file_, "graph"));
  read_inputs(json.at("inputs", "the graph"));
  read_constants(json.at("constants", "the graph"));
  read_variables(json.at("variables", "the graph"));
  int64_t number = 0;
  for (const Json& node : json.at("nodes", "the graph").array("the nodes"))
    read_node(node, "node " + std::to_string(number++));
  read_outputs(json.at("outputs", "the graph"));
  for (const auto& [name, tensor] : file_.tensors) {
    if (!taken_.count(name)) throw SafetensorsError("tensor \"" + name + "\" belongs to nothing in the graph");
  }
  return std::move(model_);
}

void Reader::check_size(int value, const std::string& what) const {
  int64_t bytes = 4;
  for (int64_t dim : model_->graph.type(value).shape) {
    // -INT64_MIN does not exist, and no size is near it.
    const bool absurd = dim < -kMaxValueBytes || __builtin_mul_overflow(bytes, extent(dim, capacity_), &bytes);
    if (absurd || bytes > kMaxValueBytes)
      throw ShapeError(what + " has the shape " + to_string(model_->graph.type(value).shape) + ", which is too large");
  }
}

int Reader::value_at(int64_t number, const std::string& what) const {
  if (number < 0 || number >= static_cast<int64_t>(values_.size())) {
    throw JsonError(what + " reads value " + std::to_string(number) + "; there are " + std::to_string(values_.size()) +
                    " before it");
  }
  return values_[static_cast<size_t>(number)];
}

SafetensorsTensor& Reader::take_tensor(const std::string& name) {
  const auto found = file_.tensors.find(name);
  if (found == file_.tensors.end()) throw SafetensorsError("the file has no tensor \"" + name + "\"");
  if (!taken_.insert(name).second) throw SafetensorsError("tensor \"" + name + "\" is used twice");
  return found->second;
}

void Reader::read_inputs(const Json& json) {
  for (const Json& item : json.array("the inputs")) {
    const std::string name = item.at("name", "an input").text("the name of an input");
    const std::string what = "input \"" + name + "\"";
    const Shape shape = item.at("shape", what).integers(what + ", shape,");
    const std::string& dtype = item.at("dtype", what).text(what + ", dtype,");
    if (dtype != "float32" && dtype != "int32") throw JsonError(what + " has the unknown type \"" + dtype + "\"");
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (axis == 0 ? shape[axis] != -1 : shape[axis] < 0) throw JsonError(what + " has a wrong shape");
    }
    if (shape.empty()) throw JsonError(what + " has no batch axis");
    values_.push_back(model_->graph.input(name, {dtype == "int32" ? DType::i32 : DType::f32, shape}));
    check_size(values_.back(), what);
    model_->inputs.push_back({name, shape, dtype == "int32"});
  }
  if (model_->inputs.empty()) throw JsonError("the graph has no inputs");
}

void Reader::read_constants(const Json& json) {
  for (const Json& item : json.array("the constants")) {
    const SafetensorsTensor& tensor = take_tensor(item.text("a constant"));
    const bool scalar = tensor.dtype == DType::f32 && tensor.shape.empty();
    if (scalar) {
      float value;
      std::memcpy(&value, tensor.data.data(), sizeof value);
      values_.push_back(model_->graph.scalar(value));
    } else {
      values_.push_back(model_->graph.constant({tensor.dtype, tensor.shape}, tensor.data.data()));
    }
  }
}

void Reader::read_variables(const Json& json) {
  for (const Json& item : json.array("the variables")) {
    const std::string& name = item.text("a variable");
    SafetensorsTensor& tensor = take_tensor(name);
    const int value = model_->graph.variable(name, {tensor.dtype, tensor.shape});
    AlignedBuffer memory = allocate_zeroed(tensor.data.size());
    if (!tensor.data.empty()) std::memcpy(memory.get(), tensor.data.data(), tensor.data.size());
    tensor.data = {};  // it is in `memory` now
    values_.push_back(value);
    variables_.emplace_back(value, name);
    model_->weights.push_back(std::move(memory));
  }
}

void Reader::read_node(const Json& json, const std::string& what) {
  const std::string& name = json.at("op", what).text(what + ", op,");
  const std::string label = what + " (" + name + ")";
  const OpDef* op = find_op(name);
  if (!op) throw JsonError(label + ": this linnet has no such operation; a newer one may be needed");
  if (op->effect()) throw JsonError(label + " changes variables, which no prediction does");
  std::vector<int> inputs;
  for (int64_t number : json.at("inputs", label).integers(label + ", inputs,"))
    inputs.push_back(value_at(number, label));
  Attributes attributes;
  for (const auto& [key, value] : json.at("attributes", label).object(label + ", attributes,"))
    attributes.set(key, attribute_of(value, *op, key, label));
  const std::string& layer = json.at("layer", label).text(label + ", layer,");
  for (int id : model_->graph.add(name, inputs, attributes, layer)) {
    check_size(id, label);
    values_.push_back(id);
  }
}

void Reader::read_outputs(const Json& json) {
  std::vector<int> outputs;
  for (const Json& item : json.array("the outputs")) {
    const std::string name = item.at("name", "an output").text("the name of an output");
    const int value = value_at(item.at("value", name).integer("the value of output \"" + name + "\""), name);
    const Type& type = model_->graph.type(value);
    if (type.shape.empty() || type.shape[0] >= 0 || type.dtype == DType::u8)
      throw ShapeError("output \"" + name + "\" has the shape " + to_string(type.shape) + " without a batch axis");
    outputs.push_back(value);
    model_->outputs.push_back({name, type.shape, type.dtype == DType::i32});
  }
  if (outputs.empty()) throw JsonError("the graph has no outputs");
  // Prepared: weights are folded and packed once, since nothing changes them.
  model_->executable =
      std::make_unique<Executable>(model_->graph, outputs, capacity_, DebugOptions::parse(debug_words()), true);
  for (size_t i = 0; i < variables_.size(); ++i)
    model_->executable->bind_variable(variables_[i].first, model_->weights[i].get());
}

}  // namespace

Model Model::load(const std::string& path, int64_t capacity) {
  if (capacity < 1 || capacity > kMaxCapacity) {
    throw std::invalid_argument("the capacity must lie between 1 and " + std::to_string(kMaxCapacity) + ", got " +
                                std::to_string(capacity));
  }
  Safetensors file = Safetensors::read(path);
  try {
    return Model(Reader(file, capacity).read());
  } catch (const std::bad_alloc&) {
    throw std::runtime_error(path + ": the model does not fit into memory");
  } catch (const std::exception& error) {
    throw std::runtime_error(path + ": the model cannot be made: " + error.what());
  }
}

Model::Model(std::unique_ptr<ModelState> state) : state_(std::move(state)) {}
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

const std::vector<Port>& Model::inputs() const { return state_->inputs; }
const std::vector<Port>& Model::outputs() const { return state_->outputs; }

std::vector<Array> Model::predict(const std::vector<ArrayView>& inputs) const {
  Executable& executable = *state_->executable;
  const std::vector<int>& ids = executable.inputs();
  if (inputs.size() != ids.size()) {
    throw std::invalid_argument("the model has " + std::to_string(ids.size()) + " inputs, got " +
                                std::to_string(inputs.size()));
  }
  int64_t rows = -1;
  for (size_t i = 0; i < ids.size(); ++i) {
    const Value& value = executable.graph().value(ids[i]);
    join_rows(rows, rows_of(inputs[i], value), value);
  }
  std::vector<Array> outputs;
  for (size_t i = 0; i < executable.output_count(); ++i) outputs.push_back(make_array(executable.output_type(i), rows));
  std::vector<const void*> pointers(ids.size());
  const std::lock_guard<std::mutex> lock(executable.mutex());
  for (int64_t start = 0; start < rows; start += executable.capacity()) {
    const int64_t n = std::min(executable.capacity(), rows - start);
    for (size_t i = 0; i < ids.size(); ++i) {
      const int64_t row = element_count(executable.graph().type(ids[i]).shape, 1);
      pointers[i] = static_cast<const std::byte*>(inputs[i].data()) + start * row * 4;
    }
    executable.run(n, pointers, 0, 0);
    for (size_t i = 0; i < outputs.size(); ++i) {
      const int64_t row = element_count(executable.output_type(i).shape, 1) * 4;
      if (row) std::memcpy(space(outputs[i]) + start * row, executable.output(i), static_cast<size_t>(n * row));
    }
  }
  return outputs;
}

std::map<std::string, Array> load_arrays(const std::string& path) {
  std::map<std::string, Array> arrays;
  for (auto& [name, tensor] : Safetensors::read(path).tensors) {
    Array array = make_array({tensor.dtype, tensor.shape}, 0);
    if (!tensor.data.empty()) std::memcpy(space(array), tensor.data.data(), tensor.data.size());
    arrays.emplace(name, std::move(array));
  }
  return arrays;
}

}  // namespace linnet
