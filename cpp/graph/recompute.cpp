// Choosing what runs twice (recompute.h). Start at `Recompute::consider`.
//
// Time is the position of a node. Only values that are alive at the peak and read again behind it are considered, and
// only if their operands are still there by then for somebody else's sake.
#include "graph/recompute.h"

#include <algorithm>

#include "graph/fuse.h"

namespace linnet {
namespace {

size_t bytes_of(const Graph& graph, int value, int64_t capacity) {
  const Type& type = graph.type(value);
  return static_cast<size_t>(element_count(type.shape, capacity) * item_size(type.dtype));
}

// By alias root: the last node that reads it; node_count for what must survive the run, -1 for what nobody reads.
std::vector<int> last_uses(const Graph& graph) {
  std::vector<int> last(static_cast<size_t>(graph.value_count()), -1);
  for (int i = 0; i < graph.node_count(); ++i) {
    const Node& node = graph.node(i);
    if (node.dead || node.op->alias) continue;
    for (int id : node.inputs) last[static_cast<size_t>(graph.alias_root(id))] = i;
  }
  for (int id : graph.outputs) last[static_cast<size_t>(graph.alias_root(id))] = graph.node_count();
  return last;
}

// Bytes alive while each node runs.
std::vector<size_t> live_bytes(const Graph& graph, int64_t capacity) {
  const std::vector<int> last = last_uses(graph);
  std::vector<size_t> change(static_cast<size_t>(graph.node_count()) + 2, 0);  // wraps around, as sums of it do back
  for (int i = 0; i < graph.node_count(); ++i) {
    const Node& node = graph.node(i);
    if (node.dead || node.op->alias) continue;
    for (int id : node.outputs) {
      const size_t bytes = bytes_of(graph, id, capacity);
      change[static_cast<size_t>(i)] += bytes;
      change[static_cast<size_t>(std::max(last[static_cast<size_t>(id)], i)) + 1] -= bytes;
    }
  }
  std::vector<size_t> live(static_cast<size_t>(graph.node_count()), 0);
  size_t now = 0;
  for (size_t i = 0; i < live.size(); ++i) live[i] = now += change[i];
  return live;
}

class Recompute {
 public:
  Recompute(Graph& graph, int64_t capacity)
      : graph_(graph),
        capacity_(capacity),
        last_(last_uses(graph)),
        pinned_(static_cast<size_t>(graph.value_count()), false),
        before_(static_cast<size_t>(graph.node_count())) {
    const std::vector<size_t> live = live_bytes(graph, capacity);
    const auto most = std::max_element(live.begin(), live.end());
    peak_ = static_cast<int>(most - live.begin());
    least_ = live.empty() ? 0 : *most / 400;  // smaller values are not worth a launch
  }

  void run() {
    const int count = graph_.node_count();
    // From the back: a chain's last sum is recomputed first, and holds the one before it.
    for (int i = std::min(peak_, count) - 1; i >= 0; --i) consider(i);
    std::vector<int> order;
    for (int i = 0; i < count; ++i) {
      const std::vector<int>& clones = before_[static_cast<size_t>(i)];
      order.insert(order.end(), clones.rbegin(), clones.rend());
      order.push_back(i);
    }
    graph_.reorder(order);
  }

 private:
  // Node i runs again before its first reader behind the peak, if that is possible and worth it.
  void consider(int i) {
    const Node& node = graph_.node(i);
    if (node.dead || !node.op->cheap || node.outputs.empty()) return;
    const int value = node.outputs[0];
    const size_t bytes = bytes_of(graph_, value, capacity_);
    if (bytes < least_ || pinned_[static_cast<size_t>(value)] || last_[static_cast<size_t>(value)] <= peak_) return;
    for (size_t j = 1; j < node.outputs.size(); ++j) {
      if (bytes_of(graph_, node.outputs[j], capacity_) > bytes / 16) return;
    }
    if (std::count(graph_.outputs.begin(), graph_.outputs.end(), value)) return;
    const std::vector<int> readers = graph_.consumers(value);
    int target = -1;
    for (int reader : readers) {
      if (graph_.node(reader).op->alias || reader == peak_) return;
      if (reader > peak_ && target < 0) target = reader;
    }
    if (target < 0) return;
    for (int id : node.inputs) {
      if (!there(id, i, target)) return;
    }
    run_again(i, target, readers);
  }

  // True when the value can be read before node `target` as it was read by node i.
  bool there(int value, int i, int target) const {
    const int root = graph_.alias_root(value);
    if (graph_.value(root).kind == ValueKind::computed) return last_[static_cast<size_t>(root)] >= target;
    return !written_between(graph_, value, i, target);
  }

  void run_again(int i, int target, const std::vector<int>& readers) {
    const int value = graph_.node(i).outputs[0];
    Node clone = graph_.node(i);
    clone.outputs.clear();
    const int again = graph_.append(std::move(clone), graph_.type(value));
    const int slot = graph_.node_count() - 1;
    for (size_t j = 1; j < graph_.node(i).outputs.size(); ++j) {
      graph_.add_output(slot, Type(graph_.type(graph_.node(i).outputs[j])));
    }
    for (int reader : readers) {
      if (reader < target) continue;
      std::vector<int>& inputs = graph_.node(reader).inputs;
      std::replace(inputs.begin(), inputs.end(), value, again);
    }
    before_[static_cast<size_t>(target)].push_back(slot);
    for (int id : graph_.node(i).inputs) pinned_[static_cast<size_t>(graph_.alias_root(id))] = true;
  }

  Graph& graph_;
  int64_t capacity_;
  std::vector<int> last_;
  std::vector<bool> pinned_;              // by value: an operand of a second run
  std::vector<std::vector<int>> before_;  // by node: the second runs that come right before it
  int peak_ = 0;
  size_t least_ = 0;
};

}  // namespace

size_t peak_bytes(const Graph& graph, int64_t capacity) {
  const std::vector<size_t> live = live_bytes(graph, capacity);
  return live.empty() ? 0 : *std::max_element(live.begin(), live.end());
}

bool recompute(Graph& graph, int64_t capacity, size_t least) {
  const size_t before = peak_bytes(graph, capacity);
  if (before < least) return false;
  Graph smaller = graph;
  Recompute(smaller, capacity).run();
  const size_t after = peak_bytes(smaller, capacity);
  if (after + least >= before || after > before - before / 8) return false;
  graph = std::move(smaller);
  return true;
}

}  // namespace linnet
