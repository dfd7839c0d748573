// Epilogues and pointwise chains (fuse.h).
//
// Nodes keep their slots: the order of a graph is the order of its node numbers. A folded reader disappears into the
// node before it; a pointwise group runs in the slot of one of its members. Every move is checked against what it
// passes: a value must be computed before it is read, and no effect may write a variable between its old and its new
// reading. Aliases have no place in the order, they are looked through.
#include "graph/fuse.h"

#include <algorithm>
#include <map>

#include "graph/pointwise.h"

namespace linnet {

bool written_between(const Graph& graph, int value, int from, int to) {
  const int root = graph.alias_root(value);
  if (graph.value(root).kind != ValueKind::variable) return false;
  for (int i = from + 1; i < to; ++i) {
    const Node& node = graph.node(i);
    if (node.dead) continue;
    for (int position : node.op->mutates) {
      if (graph.alias_root(node.inputs[static_cast<size_t>(position)]) == root) return true;
    }
  }
  return false;
}

namespace {

// The slot in which a value is computed; -1 for inputs, variables and constants.
int slot_of(const Graph& graph, int value) { return graph.value(graph.alias_root(value)).node; }

// Folds the only reader of a node's output 0 into the node: bias, residual or activation.
bool fold_reader(Graph& graph, int index, int prepared) {
  const Node& node = graph.node(index);
  const bool epilogue = node.op->takes_epilogue, residual = epilogue || node.op->takes_residual;
  if (!residual && !node.op->takes_activation) return false;
  if (node.attributes.text("activation") != "none") return false;
  const int y = node.outputs[0];
  if (graph.use_count(y) != 1) return false;
  const std::vector<int> readers = graph.consumers(y);
  if (readers.empty() || (index < prepared) != (readers[0] < prepared)) return false;
  const Node& reader = graph.node(readers[0]);
  if (!reader.op->opcode || graph.type(reader.outputs[0]).shape != graph.type(y).shape) return false;

  if (reader.op->activation != Activation::none) {
    graph.node(index).attributes.set("activation", std::string(reader.op->name));
  } else if (residual && *reader.op->opcode == Opcode::add) {
    const int other = reader.inputs[0] == y ? reader.inputs[1] : reader.inputs[0];
    if (other == y || slot_of(graph, other) >= index || written_between(graph, other, index, readers[0])) return false;
    if (graph.type(other).dtype != DType::f32) return false;
    const Shape& shape = graph.type(y).shape;
    const Shape& operand = graph.type(other).shape;
    const bool is_residual = operand == shape && shape.size() > 1;
    const bool is_bias = epilogue && operand.size() == 1 && operand[0] == shape.back() && shape.back() >= 0;
    Node& target = graph.node(index);
    if (is_bias && !target.attributes.flag("bias") && !target.attributes.flag("residual")) {
      target.attributes.set("bias", true);
    } else if (is_residual && !target.attributes.flag("residual")) {
      target.attributes.set("residual", true);
    } else {
      return false;
    }
    target.inputs.push_back(other);
  } else {
    return false;
  }
  const int result = reader.outputs[0];
  graph.node(readers[0]).dead = true;
  graph.take_output(index, 0, result);
  return true;
}

// Pointwise nodes that will run as one launch, in the slot `slot`.
struct Group {
  Shape shape;
  std::vector<int> members;  // ascending
  int slot = -1;
};

class PointwiseFuser {
 public:
  PointwiseFuser(Graph& graph, int prepared)
      : graph_(graph), prepared_(prepared), group_of_(static_cast<size_t>(graph.node_count()), -1) {
    readers_.resize(static_cast<size_t>(graph.value_count()));
    for (int i = 0; i < graph.node_count(); ++i) {
      if (graph.node(i).dead) continue;
      for (int id : graph.node(i).inputs) readers_[static_cast<size_t>(id)].push_back(i);
    }
  }

  void run(bool join) {
    for (int i = 0; i < graph_.node_count(); ++i) {
      const Node& node = graph_.node(i);
      if (node.dead || !node.op->pointwise()) continue;
      if (!(join && join_producer(i))) {
        group_of_[static_cast<size_t>(i)] = static_cast<int>(groups_.size());
        groups_.push_back({graph_.type(node.outputs[0]).shape, {i}, i});
      }
    }
    std::vector<Node> fused;  // all before the first is put in place: `results` looks at the nodes as they were
    for (const Group& group : groups_) fused.push_back(program_node(group));
    for (size_t i = 0; i < groups_.size(); ++i) {
      for (int member : groups_[i].members) graph_.node(member).dead = true;
      graph_.node(groups_[i].slot) = fused[i];
      for (size_t j = 0; j < fused[i].outputs.size(); ++j) graph_.take_output(groups_[i].slot, j, fused[i].outputs[j]);
    }
  }

 private:
  int slot_of_node(int node) const {
    const int group = group_of_[static_cast<size_t>(node)];
    return group < 0 ? node : groups_[static_cast<size_t>(group)].slot;
  }

  // Slot in which a value is there; -1 when it is there from the start.
  int available(int value) const {
    const int root = graph_.alias_root(value);
    return graph_.value(root).kind == ValueKind::computed ? slot_of_node(graph_.value(root).node) : -1;
  }

  // True when a node of the group computes the value.
  bool is_member(int value, int group) const {
    const Value& v = graph_.value(value);
    return v.kind == ValueKind::computed && group_of_[static_cast<size_t>(v.node)] == group;
  }

  // The earliest slot outside the group that reads one of the group's results, also through aliases.
  int first_reader(int value, int group) const {
    int first = graph_.node_count();
    for (int reader : readers_[static_cast<size_t>(value)]) {
      if (graph_.node(reader).dead || group_of_[static_cast<size_t>(reader)] == group) continue;
      const Node& node = graph_.node(reader);
      first = std::min(first, node.op->alias ? first_reader(node.outputs[0], group) : slot_of_node(reader));
    }
    return first;
  }

  bool join_producer(int index) {
    const Node& node = graph_.node(index);
    std::vector<int> candidates;
    for (int id : node.inputs) {
      const Value& v = graph_.value(id);
      if (v.kind != ValueKind::computed) continue;
      const int group = group_of_[static_cast<size_t>(v.node)];
      if (group >= 0 && groups_[static_cast<size_t>(group)].shape == graph_.type(node.outputs[0]).shape) {
        candidates.push_back(group);
      }
    }
    std::sort(candidates.rbegin(), candidates.rend());
    for (int candidate : candidates) {
      if (try_join(candidate, index)) return true;
    }
    return false;
  }

  bool try_join(int candidate, int index) {
    Group& group = groups_[static_cast<size_t>(candidate)];
    const Node& node = graph_.node(index);
    if ((group.slot < prepared_) != (index < prepared_)) return false;
    // Up: the node runs in the group's slot, when all it reads is there by then.
    bool up = true;
    for (int id : node.inputs) {
      if (is_member(id, candidate)) continue;
      up = up && available(id) < group.slot && !written_between(graph_, id, group.slot, index);
    }
    // Down: the group runs in the node's slot, when nobody reads its results before.
    bool down = false;
    if (!up) {
      down = true;
      for (int member : group.members) {
        for (int id : graph_.node(member).outputs) down = down && first_reader(id, candidate) >= index;
        for (int id : graph_.node(member).inputs) down = down && !written_between(graph_, id, group.slot, index);
      }
      // A result of the group that comes back through an alias (stop_gradient, reshape) is no register of the program:
      // the node must run after the group.
      for (int id : node.inputs) down = down && (is_member(id, candidate) || available(id) != group.slot);
    }
    if (!up && !down) return false;
    group.members.push_back(index);
    group_of_[static_cast<size_t>(index)] = candidate;
    if (!build(group).second) {
      group.members.pop_back();
      group_of_[static_cast<size_t>(index)] = -1;
      return false;
    }
    if (down) group.slot = index;
    return true;
  }

  // Values of the group that someone outside reads.
  std::vector<int> results(const Group& group) const {
    std::vector<int> values;
    for (int member : group.members) {
      for (int id : graph_.node(member).outputs) {
        bool wanted = std::count(graph_.outputs.begin(), graph_.outputs.end(), id) > 0;
        for (int reader : readers_[static_cast<size_t>(id)]) {
          wanted =
              wanted || (!graph_.node(reader).dead && !std::count(group.members.begin(), group.members.end(), reader));
        }
        if (wanted) values.push_back(id);
      }
    }
    return values;
  }

  std::pair<std::vector<int>, std::optional<PointwiseProgram>> build(const Group& group) const {
    ProgramBuilder builder(graph_);
    for (int member : group.members) builder.append(graph_.node(member));
    std::optional<PointwiseProgram> program = builder.finish(group.shape, results(group));
    return {builder.inputs(), std::move(program)};
  }

  Node program_node(const Group& group) const {
    auto [inputs, program] = build(group);
    return {.op = &fused_pointwise,
            .inputs = inputs,
            .outputs = results(group),
            .attributes = {},
            .layer = graph_.node(group.members.front()).layer,
            .dead = false,
            .program = std::make_shared<const PointwiseProgram>(std::move(*program))};
  }

  Graph& graph_;
  int prepared_;
  std::vector<int> group_of_;  // by node, -1 for none
  std::vector<std::vector<int>> readers_;
  std::vector<Group> groups_;
};

}  // namespace

void lower_pointwise(Graph& graph) {
  graph.remove_unused(graph.outputs);
  PointwiseFuser(graph, 0).run(false);
}

void fuse(Graph& graph, int prepared) {
  graph.remove_unused(graph.outputs);
  for (int i = 0; i < graph.node_count(); ++i) {
    const Node& node = graph.node(i);
    if (!node.dead && node.op->rewrite && node.op->rewrite(graph, i)) graph.remove_unused(graph.outputs);
  }
  for (int i = 0; i < graph.node_count(); ++i) {
    while (!graph.node(i).dead && fold_reader(graph, i, prepared)) {
    }
  }
  PointwiseFuser(graph, prepared).run(true);
}

}  // namespace linnet
