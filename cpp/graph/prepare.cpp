// Finding steady values, folding factors into weights, packing (prepare.h). Start at `steady_values`.
//
// Rewrites append ordinary nodes that compute the new weights; these are steady themselves, so `move_prepared_first`
// puts them where the prologue is. Only a chain whose every link has one reader is folded: nothing that anybody reads
// is lost.
#include "graph/prepare.h"

#include <algorithm>

#include "graph/pointwise.h"

namespace linnet {
namespace {

bool draws_random_numbers(const Node& node) {
  if (!node.program) return node.op->random;
  return std::any_of(node.program->instructions.begin(), node.program->instructions.end(), [](const Instruction& i) {
    return i.op == Opcode::random_uniform || i.op == Opcode::random_normal;
  });
}

bool has_batch_axis(const Shape& shape) {
  return std::any_of(shape.begin(), shape.end(), [](int64_t dim) { return dim < 0; });
}

// What follows a linear operation: y * factor + offset, and the nodes that said so.
struct Affine {
  struct Step {
    Opcode op;  // add, subtract or multiply
    int value;
  };
  std::vector<Step> steps;
  std::vector<int> readers;
};

// The steps behind y as long as each is the only reader of the one before and works by channel on a steady value.
Affine affine_readers(const Graph& graph, int y, const std::vector<bool>& steady) {
  Affine result;
  const Shape channels = {graph.type(y).shape.back()};
  const Shape shape = graph.type(y).shape;
  while (graph.use_count(y) == 1) {
    const std::vector<int> readers = graph.consumers(y);
    if (readers.empty()) break;  // an output
    const Node& reader = graph.node(readers[0]);
    if (!reader.op->opcode || reader.inputs.size() != 2) break;
    const Opcode op = *reader.op->opcode;
    const bool swapped = reader.inputs[1] == y;
    const int other = reader.inputs[swapped ? 0 : 1];
    if (op != Opcode::add && op != Opcode::multiply && (op != Opcode::subtract || swapped)) break;
    if (!steady[static_cast<size_t>(other)] || graph.type(reader.outputs[0]).shape != shape) break;
    const Shape& operand = graph.type(other).shape;
    if (operand != channels && !(op == Opcode::multiply && operand.empty())) break;
    result.steps.push_back({op, other});
    result.readers.push_back(readers[0]);
    y = reader.outputs[0];
  }
  return result;
}

void fold(Graph& graph, int index, const Affine& affine) {
  const std::string layer = graph.node(index).layer;
  const auto add = [&](const char* op, int a, int b) { return graph.add(op, {a, b}, {}, layer)[0]; };
  const bool has_bias = graph.node(index).attributes.flag("bias");
  int factor = -1, offset = has_bias ? graph.node(index).inputs[2] : -1;
  for (const Affine::Step& step : affine.steps) {
    if (step.op == Opcode::multiply) {
      factor = factor < 0 ? step.value : add("multiply", factor, step.value);
      if (offset >= 0) offset = add("multiply", offset, step.value);
    } else if (step.op == Opcode::add) {
      offset = offset < 0 ? step.value : add("add", offset, step.value);
    } else {
      offset = offset < 0 ? graph.add("negative", {step.value}, {}, layer)[0] : add("subtract", offset, step.value);
    }
  }
  const int weights = add("multiply", graph.node(index).inputs[1], factor);
  Node& node = graph.node(index);
  node.inputs[1] = weights;
  if (has_bias) {
    node.inputs[2] = offset;
  } else if (offset >= 0) {
    node.inputs.push_back(offset);
    node.attributes.set("bias", true);
  }
  const int result = graph.node(affine.readers.back()).outputs[0];
  for (int reader : affine.readers) graph.node(reader).dead = true;
  graph.take_output(index, 0, result);
}

}  // namespace

std::vector<bool> steady_values(const Graph& graph) {
  std::vector<bool> steady(static_cast<size_t>(graph.value_count()), false);
  for (int id = 0; id < graph.value_count(); ++id) {
    const ValueKind kind = graph.value(id).kind;
    steady[static_cast<size_t>(id)] = kind == ValueKind::constant || kind == ValueKind::variable;
  }
  for (int i = 0; i < graph.node_count(); ++i) {
    const Node& node = graph.node(i);
    for (int position : node.dead ? std::vector<int>{} : node.op->mutates) {
      steady[static_cast<size_t>(graph.alias_root(node.inputs[static_cast<size_t>(position)]))] = false;
    }
  }
  for (int i = 0; i < graph.node_count(); ++i) {
    const Node& node = graph.node(i);
    if (node.dead || node.op->effect() || draws_random_numbers(node)) continue;
    const bool same = std::all_of(node.inputs.begin(), node.inputs.end(),
                                  [&](int id) -> bool { return steady[static_cast<size_t>(id)]; }) &&
                      std::none_of(node.outputs.begin(), node.outputs.end(),
                                   [&](int id) { return has_batch_axis(graph.type(id).shape); });
    for (int id : node.outputs) steady[static_cast<size_t>(id)] = same;
  }
  return steady;
}

bool is_prepared(const Node& node, const std::vector<bool>& steady) {
  return !node.dead && !node.op->effect() && !node.outputs.empty() && steady[static_cast<size_t>(node.outputs[0])];
}

void fold_factors(Graph& graph) {
  graph.remove_unused(graph.outputs);
  const int count = graph.node_count();
  for (int i = 0; i < count; ++i) {
    const Node& node = graph.node(i);
    if (node.dead || !node.op->scalable || !node.op->scalable(graph, node)) continue;
    if (node.attributes.flag("residual") || node.attributes.text("activation") != "none") continue;
    const std::vector<bool> steady = steady_values(graph);
    const bool ready = steady[static_cast<size_t>(node.inputs[1])] && !is_prepared(node, steady) &&
                       (!node.attributes.flag("bias") || steady[static_cast<size_t>(node.inputs[2])]);
    if (!ready) continue;
    const Affine affine = affine_readers(graph, node.outputs[0], steady);
    const bool scales = std::any_of(affine.steps.begin(), affine.steps.end(),
                                    [](const Affine::Step& step) { return step.op == Opcode::multiply; });
    if (scales) fold(graph, i, affine);  // offsets alone are the fuser's
  }
}

int move_prepared_first(Graph& graph) {
  const std::vector<bool> steady = steady_values(graph);
  std::vector<int> order, rest;
  for (int i = 0; i < graph.node_count(); ++i) {
    (is_prepared(graph.node(i), steady) ? order : rest).push_back(i);
  }
  const int prepared = static_cast<int>(order.size());
  order.insert(order.end(), rest.begin(), rest.end());
  graph.reorder(order);
  return prepared;
}

void pack_weights(Graph& graph, const KernelTable& kernels, int64_t capacity) {
  const std::vector<bool> steady = steady_values(graph);
  const int count = graph.node_count();
  for (int i = 0; i < count; ++i) {
    const Node& node = graph.node(i);
    if (node.dead || !node.op->pack || is_prepared(node, steady)) continue;
    if (steady[static_cast<size_t>(node.inputs[1])]) node.op->pack(graph, i, kernels, capacity);
  }
  move_prepared_first(graph);
}

}  // namespace linnet
