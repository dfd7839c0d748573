// Liveness and placement (plan.h). `place` is the whole idea; start there: the largest buffers choose first. Measured
// on residual networks the arena is within 1 % of the bytes that are alive at the peak, which no placement can go
// below. `Planner` finds from when to when each buffer lives, and lets a pointwise result take the place of a dying
// operand.
#include "graph/plan.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "graph/pointwise.h"

namespace linnet {

std::vector<size_t> place(const std::vector<Interval>& intervals, bool share, size_t* total) {
  std::vector<size_t> order(intervals.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return intervals[a].bytes > intervals[b].bytes; });
  std::vector<size_t> offsets(intervals.size(), 0);
  std::vector<size_t> placed;  // sorted by offset
  *total = 0;
  for (size_t index : order) {
    const Interval& interval = intervals[index];
    const size_t bytes = round_up(interval.bytes);
    size_t offset = share ? 0 : *total;
    for (size_t other : placed) {
      if (!share) break;
      if (intervals[other].last < interval.first || intervals[other].first > interval.last) continue;
      if (offsets[other] >= offset + bytes) break;
      offset = std::max(offset, offsets[other] + round_up(intervals[other].bytes));
    }
    offsets[index] = offset;
    *total = std::max(*total, offset + bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), offset,
                                   [&](size_t value, size_t other) { return value < offsets[other]; }),
                  index);
  }
  return offsets;
}

namespace {

class Planner {
 public:
  Planner(const Graph& graph, const std::vector<int>& launches, int64_t capacity, size_t prepared)
      : graph_(graph),
        launches_(launches),
        capacity_(capacity),
        prepared_(static_cast<int>(prepared)),
        storage_(static_cast<size_t>(graph.value_count()), -1) {}

  Plan run(const std::vector<size_t>& workspace, bool share, const std::vector<int>& counts) {
    plan_.values.resize(static_cast<size_t>(graph_.value_count()));
    find_last_uses();
    place_persistent();
    if (share) place_assigned();
    for (size_t i = 0; i < launches_.size(); ++i) {
      for (size_t output = 0; output < graph_.node(launches_[i]).outputs.size(); ++output) {
        open(static_cast<int>(i), output, share);
      }
    }
    const size_t buffers = intervals_.size();
    for (size_t i = 0; i < launches_.size(); ++i) {
      intervals_.push_back({static_cast<int>(i), static_cast<int>(i), workspace[i]});
    }
    for (size_t i = 0; i < counts.size(); ++i) last_together(static_cast<int>(i), counts[i]);
    const std::vector<size_t> offsets = place(intervals_, share, &plan_.arena_bytes);
    for (size_t id = 0; id < storage_.size(); ++id) {
      if (storage_[id] >= 0) plan_.values[id] = {Placement::Where::arena, offsets[static_cast<size_t>(storage_[id])]};
    }
    plan_.workspace_offsets.assign(offsets.begin() + static_cast<std::ptrdiff_t>(buffers), offsets.end());
    return std::move(plan_);
  }

 private:
  size_t bytes(int value) const {
    const Type& type = graph_.type(value);
    return static_cast<size_t>(element_count(type.shape, capacity_) * item_size(type.dtype));
  }

  void find_last_uses() {
    last_use_.assign(static_cast<size_t>(graph_.value_count()), -1);
    for (size_t i = 0; i < launches_.size(); ++i) {
      for (int id : graph_.node(launches_[i]).inputs) {
        last_use_[static_cast<size_t>(graph_.alias_root(id))] = static_cast<int>(i);
      }
    }
    for (int id : graph_.outputs) {
      last_use_[static_cast<size_t>(graph_.alias_root(id))] = static_cast<int>(launches_.size());
    }
  }

  // Packed values, and the inputs that can be computed right where they belong.
  void place_persistent() {
    for (int launch : launches_) {
      const Node& node = graph_.node(launch);
      if (!node.op->input_offset) continue;
      const size_t base = plan_.persistent_bytes;
      plan_.values[static_cast<size_t>(node.outputs[0])] = {Placement::Where::persistent, base};
      plan_.persistent_bytes += round_up(bytes(node.outputs[0]));
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        const int root = graph_.alias_root(node.inputs[i]);
        Placement& placement = plan_.values[static_cast<size_t>(root)];
        if (graph_.value(root).kind != ValueKind::computed || placement.where != Placement::Where::none) continue;
        if (bytes(root) != bytes(node.inputs[i])) continue;  // a part of something larger
        placement = {Placement::Where::persistent, base + static_cast<size_t>(node.op->input_offset(node, i))};
      }
    }
  }

  // Values whose `assign` is the next thing that happens to the variable: they are computed in its memory, and the
  // launch of the assignment finds nothing to copy.
  void place_assigned() {
    std::vector<int> launch_of(static_cast<size_t>(graph_.node_count()), -1);
    for (size_t i = 0; i < launches_.size(); ++i) launch_of[static_cast<size_t>(launches_[i])] = static_cast<int>(i);
    for (size_t i = 0; i < launches_.size(); ++i) {
      const Node& node = graph_.node(launches_[i]);
      if (std::string_view(node.op->name) != "assign") continue;
      const int variable = node.inputs[0], value = graph_.alias_root(node.inputs[1]);
      if (graph_.value(variable).kind != ValueKind::variable || graph_.value(value).kind != ValueKind::computed)
        continue;
      if (std::count(graph_.outputs.begin(), graph_.outputs.end(), value)) continue;
      const int producer = launch_of[static_cast<size_t>(graph_.value(value).node)];
      if (producer < prepared_ || !in_place(producer, value, variable, static_cast<int>(i))) continue;
      plan_.values[static_cast<size_t>(value)] = {Placement::Where::variable, static_cast<size_t>(variable)};
    }
  }

  // Whether launch `producer` may write `value` into the variable's memory instead of launch `assignment`.
  bool in_place(int producer, int value, int variable, int assignment) const {
    const Node& node = graph_.node(launches_[static_cast<size_t>(producer)]);
    if (!node.program || plan_.values[static_cast<size_t>(value)].where != Placement::Where::none) return false;
    if (graph_.type(value).dtype != DType::f32 || bytes(value) != bytes(variable)) return false;
    const auto output =
        static_cast<int>(std::find(node.outputs.begin(), node.outputs.end(), value) - node.outputs.begin());
    if (reads_twice(node, variable)) return false;
    for (size_t input = 0; input < node.inputs.size(); ++input) {
      if (graph_.alias_root(node.inputs[input]) != variable) continue;
      if (graph_.type(node.inputs[input]).shape != node.program->shape) return false;
      if (!node.program->may_overwrite(static_cast<int>(input), output)) return false;
    }
    for (size_t i = static_cast<size_t>(producer) + 1; i < launches_.size(); ++i) {
      const Node& other = graph_.node(launches_[i]);
      if (static_cast<int>(i) == assignment) continue;
      const bool written = std::any_of(other.op->mutates.begin(), other.op->mutates.end(), [&](int position) {
        return graph_.alias_root(other.inputs[static_cast<size_t>(position)]) == variable;
      });
      const bool read =
          static_cast<int>(i) < assignment &&
          std::any_of(
              other.inputs.begin(), other.inputs.end(), [&](int id) { return graph_.alias_root(id) == variable; });
      if (written || read) return false;
    }
    // Another output of the same launch must not go there as well.
    return std::none_of(node.outputs.begin(), node.outputs.end(), [&](int id) {
      const Placement& placement = plan_.values[static_cast<size_t>(id)];
      return placement.where == Placement::Where::variable && placement.offset == static_cast<size_t>(variable);
    });
  }

  // Gives an output of launch i a storage interval: that of a dying input of the same layout, or a new one.
  void open(int i, size_t output, bool share) {
    const Node& node = graph_.node(launches_[static_cast<size_t>(i)]);
    const int value = node.outputs[output];
    if (plan_.values[static_cast<size_t>(value)].where != Placement::Where::none) return;
    if (node.op->skips_unused && last_use_[static_cast<size_t>(value)] < 0) return;
    const int last = std::max(last_use_[static_cast<size_t>(value)], i);
    if (i < prepared_ && last >= prepared_) {
      plan_.values[static_cast<size_t>(value)] = {Placement::Where::prepared, plan_.prepared_bytes};
      plan_.prepared_bytes += round_up(bytes(value));
      return;
    }
    for (size_t input = 0; share && node.program && input < node.inputs.size(); ++input) {
      const int root = graph_.alias_root(node.inputs[input]);
      const int storage = storage_[static_cast<size_t>(root)];
      if (storage < 0 || intervals_[static_cast<size_t>(storage)].last != i || bytes(root) != bytes(value)) continue;
      if (graph_.type(node.inputs[input]).shape != node.program->shape) continue;
      if (!node.program->may_overwrite(static_cast<int>(input), static_cast<int>(output))) continue;
      if (reads_twice(node, root)) continue;
      intervals_[static_cast<size_t>(storage)].last = last;
      storage_[static_cast<size_t>(value)] = storage;
      return;
    }
    storage_[static_cast<size_t>(value)] = static_cast<int>(intervals_.size());
    intervals_.push_back({i, last, bytes(value)});
  }

  // What is in use at one of the launches [first, first + count) is so at all of them.
  void last_together(int first, int count) {
    const int last = first + count - 1;
    for (Interval& interval : intervals_) {
      if (count == 1 || interval.first > last || interval.last < first) continue;
      interval.first = std::min(interval.first, first);
      interval.last = std::max(interval.last, last);
    }
  }

  bool reads_twice(const Node& node, int root) const {
    int count = 0;
    for (int id : node.inputs) count += graph_.alias_root(id) == root;
    return count > 1;
  }

  const Graph& graph_;
  const std::vector<int>& launches_;
  int64_t capacity_;
  int prepared_;
  std::vector<int> storage_;   // by value: index into intervals_, -1 for none
  std::vector<int> last_use_;  // by alias root: the last launch that reads it
  std::vector<Interval> intervals_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const Graph& graph, const std::vector<int>& launches, const std::vector<size_t>& workspace,
               int64_t capacity, bool share, size_t prepared, const std::vector<int>& counts) {
  return Planner(graph, launches, capacity, prepared).run(workspace, share, counts);
}

}  // namespace linnet
