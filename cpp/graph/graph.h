// Graph: nodes in the order they were added, and the values between them. Start reading here.
//
//   value  a typed array: an input of the run, a variable (memory owned by the caller), a constant, or a node's output
//   node   an operation (OpDef) with its input values, attributes and output values
//
// The graph only records and checks. autodiff.h appends gradients to it, fuse.h rewrites a copy, plan.h places its
// buffers, executable.h runs it.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "graph/op.h"

namespace linnet {

struct PointwiseProgram;  // pointwise.h

enum class ValueKind : uint8_t { computed, input, variable, constant };

struct Value {
  Type type;
  ValueKind kind = ValueKind::computed;
  int node = -1;                      // producer, when computed
  int output = 0;                     // which of its outputs
  std::string name;                   // inputs and variables
  std::shared_ptr<std::byte[]> data;  // constants
};

struct Node {
  const OpDef* op = nullptr;
  std::vector<int> inputs;
  std::vector<int> outputs;
  Attributes attributes;
  std::string layer;
  bool dead = false;
  std::shared_ptr<const PointwiseProgram> program;  // fused pointwise nodes only

  // `conv2d "conv_1"`, or `conv2d` without a layer.
  std::string label() const { return layer.empty() ? op->name : std::string(op->name) + " \"" + layer + "\""; }
};

class Graph {
 public:
  int input(const std::string& name, Type type);
  int variable(const std::string& name, Type type);
  int constant(Type type, const void* data);
  int scalar(float value);

  // Appends a node and returns its outputs. Throws ShapeError or std::invalid_argument; the graph is then unchanged.
  std::vector<int> add(const std::string& op, const std::vector<int>& inputs, const Attributes& attributes,
                       const std::string& layer = "");

  // Throws std::invalid_argument for a number that is no value.
  const Value& value(int id) const {
    check_value(id);
    return values_[static_cast<size_t>(id)];
  }
  const Type& type(int id) const { return value(id).type; }
  const Node& node(int id) const { return nodes_[static_cast<size_t>(id)]; }
  Node& node(int id) { return nodes_[static_cast<size_t>(id)]; }
  int node_count() const { return static_cast<int>(nodes_.size()); }
  int value_count() const { return static_cast<int>(values_.size()); }

  // The value that a chain of aliases starts from.
  int alias_root(int id) const;
  // Live nodes that read `id`.
  std::vector<int> consumers(int id) const;
  // Live nodes that read the memory of `id`, directly or through aliases.
  std::vector<int> readers(int id) const;
  // Every reader of `from` (and the listed outputs) reads `to` instead.
  void replace(int from, int to);
  // Drops nodes that neither an output nor an effect needs.
  void remove_unused(const std::vector<int>& outputs);
  // Number of values in `inputs` of live nodes plus `outputs` that are `id`.
  int use_count(int id) const;

  // Values that must survive rewriting; kept up to date by `replace`.
  std::vector<int> outputs;

  // Appends an output to an existing node (rewrites only).
  int add_output(int node, Type type);
  // Makes an existing value output `position` of a node (rewrites only).
  void take_output(int node, size_t position, int value);

  // Appends a node of an internal operation, unchecked, and returns its output (rewrites only).
  int append(Node node, Type output);
  // Position i holds from now on what was at order[i], a permutation (rewrites only).
  void reorder(const std::vector<int>& order);

  // One line per node.
  std::string dump() const;

 private:
  void check_value(int id) const;
  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<std::pair<float, int>> scalars_;
};

}  // namespace linnet
