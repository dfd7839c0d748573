// Which launch must stay behind which (schedule.h).
//
// The graph's own order is right. A node may move in front of another if neither needs what the other makes or changes:
// if it reads nothing that the other computes, and if no bytes of a variable are written by one and used by the other.
// Two views of one flat array are different bytes, which is what lets the update of one layer's weights pass those
// launches of backward that read the weights of others.
#include "graph/schedule.h"

#include <algorithm>

namespace linnet {
namespace {

// Bytes [begin, end) of a variable.
struct Access {
  int variable;
  int64_t begin, end;
  bool written;
};

bool collide(const Access& a, const Access& b) {
  return a.variable == b.variable && (a.written || b.written) && a.begin < b.end && b.begin < a.end;
}

// Where value `id` begins in the memory of its root.
int64_t offset_in_root(const Graph& graph, int id) {
  int64_t offset = 0;
  for (const int root = graph.alias_root(id); id != root;) {
    const Node& node = graph.node(graph.value(id).node);
    if (node.op->alias_offset) offset += node.op->alias_offset(node);
    id = node.inputs[0];
  }
  return offset;
}

std::vector<Access> accesses(const Graph& graph, const Node& node) {
  std::vector<Access> found;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const int id = node.inputs[i], root = graph.alias_root(id);
    if (graph.value(root).kind != ValueKind::variable) continue;
    const Type& type = graph.type(id);
    const int64_t begin = offset_in_root(graph, id);
    const std::vector<int>& mutates = node.op->mutates;
    const bool written = std::find(mutates.begin(), mutates.end(), static_cast<int>(i)) != mutates.end();
    if (written && node.op->touched_bytes) {
      const auto [first, last] = node.op->touched_bytes(graph, node);
      found.push_back({root, begin + first, begin + last, true});
    } else {
      found.push_back({root, begin, begin + element_count(type.shape, 0) * item_size(type.dtype), written});
    }
  }
  return found;
}

bool computes_input_of(const Graph& graph, int first, const Node& second) {
  return std::any_of(second.inputs.begin(), second.inputs.end(),
                     [&](int id) { return graph.value(graph.alias_root(id)).node == first; });
}

bool collide(const std::vector<Access>& some, const std::vector<Access>& others) {
  return std::any_of(some.begin(), some.end(), [&](const Access& a) {
    return std::any_of(others.begin(), others.end(), [&](const Access& b) { return collide(a, b); });
  });
}

bool may_run_early(const Graph& graph, const Node& node) {
  if (node.op->effect()) return node.op->touched_bytes != nullptr;
  return std::all_of(node.outputs.begin(), node.outputs.end(),
                     [&](int id) { return element_count(graph.type(id).shape, 0) == 1; });
}

}  // namespace

std::vector<int> launch_order(const Graph& graph) {
  std::vector<int> order;
  std::vector<std::vector<Access>> used;  // by position in `order`
  for (int i = 0; i < graph.node_count(); ++i) {
    const Node& node = graph.node(i);
    if (node.dead || node.op->alias) continue;
    std::vector<Access> own = accesses(graph, node);
    const bool early = may_run_early(graph, node);
    size_t place = order.size();
    while (early && place > 0) {
      if (collide(own, used[place - 1]) || computes_input_of(graph, order[place - 1], node)) break;
      --place;
    }
    order.insert(order.begin() + static_cast<std::ptrdiff_t>(place), i);
    used.insert(used.begin() + static_cast<std::ptrdiff_t>(place), std::move(own));
  }
  return order;
}

std::vector<int> bring_together(const Graph& graph, std::vector<int>& order, std::vector<bool>& marked) {
  const auto needs = [&](int second, int first) {
    return computes_input_of(graph, first, graph.node(second)) ||
           collide(accesses(graph, graph.node(first)), accesses(graph, graph.node(second)));
  };
  std::vector<int> counts(order.size(), 1);
  size_t begin = 0, end = 0;  // the last group, [begin, end)
  for (size_t i = 0; i < order.size(); ++i) {
    if (!marked[i]) continue;
    // What stands between the group and this node, and the node itself, must not need any of the group.
    const auto free = [&](size_t later) {
      return std::none_of(order.begin() + static_cast<std::ptrdiff_t>(begin),
                          order.begin() + static_cast<std::ptrdiff_t>(end),
                          [&](int member) { return needs(order[later], member); });
    };
    size_t later = end;
    while (later <= i && end > begin && free(later)) ++later;
    if (later <= i) {
      begin = i, end = i + 1;
      continue;
    }
    const auto at = [](auto& all, size_t position) { return all.begin() + static_cast<std::ptrdiff_t>(position); };
    std::rotate(at(order, begin), at(order, end), at(order, i));
    std::rotate(at(marked, begin), at(marked, end), at(marked, i));
    counts[begin] = 1;
    begin += i - end, end = i + 1;
    counts[begin] = static_cast<int>(end - begin);
  }
  return counts;
}

}  // namespace linnet
