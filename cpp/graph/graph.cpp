// Recording and checking of nodes, and the few edits that rewrites need (graph.h).
//
// `add` is the only way in for callers: it checks attributes against the operation's schema, infers the output types,
// and leaves the graph as it was when either fails. `replace`, `take_output` and `add_output` trust the rewrites that
// use them.
#include "graph/graph.h"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "graph/pointwise.h"

namespace linnet {

void InferContext::expect_inputs(size_t count) const {
  if (inputs.size() != count) {
    fail("takes " + std::to_string(count) + " inputs, got " + std::to_string(inputs.size()));
  }
}

void InferContext::expect_float(size_t input) const {
  if (inputs[input].dtype != DType::f32) {
    fail("input " + std::to_string(input) + " must be float32, got " + name_of(inputs[input].dtype) +
         "; cast it first");
  }
}

void InferContext::expect_int(size_t input) const {
  if (inputs[input].dtype != DType::i32) {
    fail("input " + std::to_string(input) + " must be int32, got " + name_of(inputs[input].dtype) + "; cast it first");
  }
}

void InferContext::expect_rank(size_t input, size_t rank, const char* what) const {
  const Shape& shape = inputs[input].shape;
  if (shape.size() != rank) {
    fail(std::string(what) + " must have " + std::to_string(rank) + " dimensions, got " + std::to_string(shape.size()) +
         ": " + to_string(shape));
  }
}

int Graph::input(const std::string& name, Type type) {
  if (type.dtype == DType::u8) throw std::invalid_argument("input '" + name + "' must be float32 or int32");
  values_.push_back({.type = std::move(type), .kind = ValueKind::input, .name = name, .data = nullptr});
  return value_count() - 1;
}

int Graph::variable(const std::string& name, Type type) {
  for (int64_t dim : type.shape) {
    if (dim < 0) throw ShapeError("variable '" + name + "': a variable cannot have the batch size in its shape");
  }
  values_.push_back({.type = std::move(type), .kind = ValueKind::variable, .name = name, .data = nullptr});
  return value_count() - 1;
}

int Graph::constant(Type type, const void* data) {
  const size_t bytes = static_cast<size_t>(element_count(type.shape, 0) * item_size(type.dtype));
  std::shared_ptr<std::byte[]> copy(allocate_zeroed(bytes).release(), Free{});
  if (bytes) std::memcpy(copy.get(), data, bytes);
  values_.push_back({.type = std::move(type), .kind = ValueKind::constant, .name = "", .data = std::move(copy)});
  return value_count() - 1;
}

int Graph::scalar(float value) {
  for (const auto& [known, id] : scalars_) {
    if (std::memcmp(&known, &value, sizeof value) == 0) return id;
  }
  const int id = constant({DType::f32, {}}, &value);
  scalars_.emplace_back(value, id);
  return id;
}

void Graph::check_value(int id) const {
  if (id < 0 || id >= value_count())
    throw std::invalid_argument("there is no value " + std::to_string(id) + " in this graph");
}

std::vector<int> Graph::add(const std::string& op, const std::vector<int>& inputs, const Attributes& attributes,
                            const std::string& layer) {
  const OpDef* def = find_op(op);
  if (!def) throw std::invalid_argument("unknown operation '" + op + "'");
  Node node{
      .op = def, .inputs = inputs, .outputs = {}, .attributes = {}, .layer = layer, .dead = false, .program = nullptr};
  const std::string label = node.label();
  node.attributes = check_attributes(label, def->attributes, attributes);
  InferContext context{.name = label, .attributes = node.attributes, .inputs = {}, .outputs = {}};
  for (int id : inputs) {
    check_value(id);
    context.inputs.push_back(type(id));
  }
  def->infer(context);
  for (int position : def->mutates) {
    if (static_cast<size_t>(position) < inputs.size() &&
        value(alias_root(inputs[static_cast<size_t>(position)])).kind != ValueKind::variable) {
      context.fail("input " + std::to_string(position) + " is written and must be a variable");
    }
  }
  const int index = node_count();
  nodes_.push_back(std::move(node));
  for (Type& type : context.outputs) add_output(index, std::move(type));
  return nodes_.back().outputs;
}

int Graph::add_output(int node, Type type) {
  Node& owner = this->node(node);
  values_.push_back({.type = std::move(type),
                     .kind = ValueKind::computed,
                     .node = node,
                     .output = static_cast<int>(owner.outputs.size()),
                     .name = "",
                     .data = nullptr});
  owner.outputs.push_back(value_count() - 1);
  return owner.outputs.back();
}

void Graph::take_output(int node, size_t position, int value) {
  this->node(node).outputs[position] = value;
  values_[static_cast<size_t>(value)].node = node;
  values_[static_cast<size_t>(value)].output = static_cast<int>(position);
}

int Graph::append(Node node, Type output) {
  nodes_.push_back(std::move(node));
  return add_output(node_count() - 1, std::move(output));
}

void Graph::reorder(const std::vector<int>& order) {
  std::vector<Node> nodes;
  std::vector<int> position(nodes_.size());
  for (size_t i = 0; i < order.size(); ++i) {
    position[static_cast<size_t>(order[i])] = static_cast<int>(i);
    nodes.push_back(std::move(nodes_[static_cast<size_t>(order[i])]));
  }
  nodes_ = std::move(nodes);
  for (Value& v : values_) {
    if (v.kind == ValueKind::computed) v.node = position[static_cast<size_t>(v.node)];
  }
}

int Graph::alias_root(int id) const {
  while (value(id).kind == ValueKind::computed && node(value(id).node).op->alias) id = node(value(id).node).inputs[0];
  return id;
}

std::vector<int> Graph::consumers(int id) const {
  std::vector<int> result;
  for (int i = 0; i < node_count(); ++i) {
    const Node& candidate = node(i);
    if (!candidate.dead && std::count(candidate.inputs.begin(), candidate.inputs.end(), id)) result.push_back(i);
  }
  return result;
}

std::vector<int> Graph::readers(int id) const {
  std::vector<int> result;
  for (int reader : consumers(id)) {
    if (!node(reader).op->alias) {
      result.push_back(reader);
      continue;
    }
    for (int output : node(reader).outputs) {
      for (int further : readers(output)) result.push_back(further);
    }
  }
  return result;
}

int Graph::use_count(int id) const {
  int count = static_cast<int>(std::count(outputs.begin(), outputs.end(), id));
  for (const Node& candidate : nodes_) {
    if (!candidate.dead) count += static_cast<int>(std::count(candidate.inputs.begin(), candidate.inputs.end(), id));
  }
  return count;
}

void Graph::replace(int from, int to) {
  for (Node& candidate : nodes_) {
    if (!candidate.dead) std::replace(candidate.inputs.begin(), candidate.inputs.end(), from, to);
  }
  std::replace(outputs.begin(), outputs.end(), from, to);
}

void Graph::remove_unused(const std::vector<int>& wanted) {
  std::vector<bool> used(values_.size(), false);
  for (int id : wanted) used[static_cast<size_t>(id)] = true;
  for (int i = node_count(); i-- > 0;) {
    Node& candidate = node(i);
    if (candidate.dead) continue;
    bool needed = candidate.op->effect();
    for (int id : candidate.outputs) needed = needed || used[static_cast<size_t>(id)];
    if (!needed) {
      candidate.dead = true;
      continue;
    }
    for (int id : candidate.inputs) used[static_cast<size_t>(id)] = true;
  }
}

std::string Graph::dump() const {
  std::ostringstream out;
  for (int id = 0; id < value_count(); ++id) {
    const Value& v = value(id);
    if (v.kind == ValueKind::computed) continue;
    const char* kind = v.kind == ValueKind::input ? "input" : v.kind == ValueKind::variable ? "variable" : "constant";
    out << "%" << id << " = " << kind << " " << v.name << " " << name_of(v.type.dtype) << to_string(v.type.shape)
        << "\n";
  }
  for (const Node& n : nodes_) {
    if (n.dead) continue;
    for (size_t i = 0; i < n.outputs.size(); ++i) out << (i ? ", %" : "%") << n.outputs[i];
    out << (n.outputs.empty() ? "" : " = ") << n.op->name << "(";
    for (size_t i = 0; i < n.inputs.size(); ++i) out << (i ? ", %" : "%") << n.inputs[i];
    out << ")";
    for (int id : n.outputs) out << " " << name_of(type(id).dtype) << to_string(type(id).shape);
    if (!n.attributes.items().empty()) out << " {" << to_string(n.attributes) << "}";
    if (n.program) out << " [" << to_string(*n.program) << "]";
    if (!n.layer.empty()) out << "  # " << n.layer;
    out << "\n";
  }
  return out.str();
}

}  // namespace linnet
