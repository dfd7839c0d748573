// Preparing and running a plan (executable.h). Start at `execute`: it is the whole step.
//
// The constructor copies the graph, fuses it, asks every node for its launch (`lower_nodes`) and places all buffers
// (`place_buffers`). After that a value is an entry of `buffers_`, and a run only changes the entries of the inputs and
// of what aliases them. Nothing here allocates once the constructor and the bind calls are done.
#include "graph/executable.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <sstream>

#include "graph/fuse.h"
#include "graph/pointwise.h"
#include "graph/prepare.h"
#include "graph/recompute.h"
#include "graph/schedule.h"
#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace linnet {

const Type& LowerContext::input(size_t i) const { return graph.type(node.inputs[i]); }
const Type& LowerContext::output(size_t i) const { return graph.type(node.outputs[i]); }

DebugOptions DebugOptions::parse(const std::string& text) {
  DebugOptions options;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    if (word.empty()) continue;
    bool* flag = word == "nofuse"        ? &options.no_fusion
                 : word == "norecompute" ? &options.no_recompute
                 : word == "noplan"      ? &options.no_plan
                 : word == "reference"   ? &options.reference
                 : word == "trace"       ? &options.trace
                 : word == "nan"         ? &options.check_finite
                                         : nullptr;
    if (!flag)
      throw std::invalid_argument("LINNET_DEBUG: unknown word '" + word +
                                  "'; known are nofuse, norecompute, noplan, reference, trace, nan");
    *flag = true;
  }
  return options;
}

Executable::Executable(const Graph& graph, const std::vector<int>& outputs, int64_t capacity, DebugOptions debug,
                       bool prepare)
    : graph_(graph), capacity_(capacity), debug_(debug) {
  if (capacity < 0) throw std::invalid_argument("the capacity must not be negative, got " + std::to_string(capacity));
  for (int id : outputs) graph_.value(id);
  graph_.outputs = outputs;
  kernels_ = debug.reference ? find_kernels("reference") : &kernels();
  for (int id = 0; id < graph_.value_count(); ++id) {
    if (graph_.value(id).kind == ValueKind::input) inputs_.push_back(id);
  }
  if (debug.no_fusion) {
    lower_pointwise(graph_);
  } else {
    if (prepare) fold_factors(graph_);
    fuse(graph_, prepare ? move_prepared_first(graph_) : 0);
    if (prepare) pack_weights(graph_, *kernels_, capacity_);
    if (!debug.no_recompute) recompute(graph_, capacity_);
  }
  sources_.resize(inputs_.size());
  lower_nodes(prepare && !debug.no_fusion);
  place_buffers();
}

void Executable::lower_nodes(bool prepare) {
  const std::vector<bool> steady = prepare ? steady_values(graph_) : std::vector<bool>{};
  for (int i : launch_order(graph_)) {
    const Node& node = graph_.node(i);
    Step step{.node = i, .lowered = node.op->lower({graph_, node, *kernels_, capacity_})};
    workspace_bytes_ = std::max(workspace_bytes_, step.lowered.workspace);
    (prepare && is_prepared(node, steady) ? prologue_ : steps_).push_back(std::move(step));
  }
  bring_steps_together();
  const auto bytes = [&](int id) {
    return static_cast<size_t>(element_count(graph_.type(id).shape, 0) * item_size(graph_.type(id).dtype));
  };
  for (const Step& step : prologue_) {
    for (int id : graph_.node(step.node).inputs) {
      const int root = graph_.alias_root(id);
      if (graph_.value(root).kind == ValueKind::variable) watched_.push_back(root);
    }
  }
  for (const Step& step : steps_) {
    const Node& node = graph_.node(step.node);
    for (int position : node.op->mutates) {
      const int root = graph_.alias_root(node.inputs[static_cast<size_t>(position)]);
      written_.emplace_back(root, bytes(root));
    }
  }
}

// Steps that are too small for all threads each, one beside the other.
void Executable::bring_steps_together() {
  std::vector<int> order;
  std::vector<bool> marked;
  std::vector<Step> before = std::move(steps_);
  std::map<int, Step*> by_node;
  for (Step& step : before) {
    order.push_back(step.node);
    marked.push_back(step.lowered.parts > 0);
    by_node[step.node] = &step;
  }
  const std::vector<int> counts = bring_together(graph_, order, marked);
  steps_.clear();
  for (size_t i = 0; i < order.size(); ++i) {
    steps_.push_back(std::move(*by_node[order[i]]));
    steps_.back().together = counts[i];
  }
}

void Executable::place_buffers() {
  std::vector<int> launches, counts;
  std::vector<size_t> workspace;
  for (const std::vector<Step>* steps : {&prologue_, &steps_}) {
    for (const Step& step : *steps) {
      launches.push_back(step.node);
      workspace.push_back(step.lowered.workspace);
      counts.push_back(step.together);
    }
  }
  plan_ = make_plan(graph_, launches, workspace, capacity_, !debug_.no_plan, prologue_.size(), counts);
  arena_ = allocate_zeroed(plan_.arena_bytes);
  persistent_ = allocate_zeroed(plan_.persistent_bytes);
  prepared_ = allocate_zeroed(plan_.prepared_bytes);
  const size_t* place = plan_.workspace_offsets.data();
  for (Step& step : prologue_) step.workspace = arena_.get() + *place++;
  for (Step& step : steps_) step.workspace = arena_.get() + *place++;

  buffers_.assign(static_cast<size_t>(graph_.value_count()), nullptr);
  std::vector<bool> used(buffers_.size(), false);
  for (int id : graph_.outputs) used[static_cast<size_t>(id)] = true;
  for (int i = graph_.node_count(); i-- > 0;) {
    if (graph_.node(i).dead) continue;
    for (int id : graph_.node(i).inputs) used[static_cast<size_t>(id)] = true;
  }
  for (int id = 0; id < graph_.value_count(); ++id) {
    const Value& value = graph_.value(id);
    const Placement& placement = plan_.values[static_cast<size_t>(id)];
    void*& buffer = buffers_[static_cast<size_t>(id)];
    if (placement.where == Placement::Where::arena) buffer = arena_.get() + placement.offset;
    if (placement.where == Placement::Where::persistent) buffer = persistent_.get() + placement.offset;
    if (placement.where == Placement::Where::prepared) buffer = prepared_.get() + placement.offset;
    if (value.kind == ValueKind::constant) buffer = value.data.get();
    if (value.kind == ValueKind::variable && used[static_cast<size_t>(id)]) variables_.push_back(id);
    if (placement.where == Placement::Where::variable) {
      aliases_.push_back({id, static_cast<int>(placement.offset), 0, false});
      continue;
    }
    const int root = graph_.alias_root(id);
    if (root == id || graph_.node(value.node).dead) continue;
    int64_t offset = 0;
    for (int link = id; link != root; link = graph_.node(graph_.value(link).node).inputs[0]) {
      const Node& node = graph_.node(graph_.value(link).node);
      if (node.op->alias_offset) offset += node.op->alias_offset(node);
    }
    aliases_.push_back({id, root, offset, graph_.value(root).kind == ValueKind::input});
  }
  resolve_aliases(false);
}

void Executable::resolve_aliases(bool inputs_only) {
  for (const Alias& alias : aliases_) {
    if (inputs_only && !alias.of_input) continue;
    std::byte* root = static_cast<std::byte*>(buffers_[static_cast<size_t>(alias.root)]);
    buffers_[static_cast<size_t>(alias.value)] = root ? root + alias.offset : nullptr;
  }
}

void Executable::bind_variable(int variable, void* data) {
  if (graph_.value(variable).kind != ValueKind::variable) {
    throw std::invalid_argument("value " + std::to_string(variable) + " is not a variable");
  }
  buffers_[static_cast<size_t>(variable)] = data;
  resolve_aliases(false);
  if (std::count(watched_.begin(), watched_.end(), variable)) watch_variables();
}

void Executable::watch_variables() {
  std::vector<Watch::Range> ranges;
  for (int id : watched_) {
    const std::byte* data = static_cast<const std::byte*>(buffers_[static_cast<size_t>(id)]);
    const Type& type = graph_.type(id);
    if (data) ranges.emplace_back(data, data + element_count(type.shape, 0) * item_size(type.dtype));
  }
  watch_.set(std::move(ranges));
}

void Executable::bind_rows(int input, SourceType type, const void* data, int64_t rows, int64_t row) {
  const auto position = std::find(inputs_.begin(), inputs_.end(), input);
  if (position == inputs_.end()) throw std::invalid_argument("value " + std::to_string(input) + " is not an input");
  const Value& value = graph_.value(input);
  const int64_t expected = element_count(value.type.shape, 1);
  if (value.type.shape.empty() || value.type.shape[0] != -1 || row != expected) {
    throw ShapeError("input '" + value.name + "' has shape " + to_string(value.type.shape) + ", got rows of " +
                     std::to_string(row) + " elements");
  }
  RowSource& source = sources_[static_cast<size_t>(position - inputs_.begin())];
  source.type = type;
  source.data = static_cast<const std::byte*>(data);
  source.rows = rows;
  source.row = row;
  if (!source.gathered) source.gathered = allocate_zeroed(static_cast<size_t>(capacity_ * row) * sizeof(float));
}

bool Executable::writes(int variable) const {
  return std::any_of(written_.begin(), written_.end(), [&](const auto& entry) { return entry.first == variable; });
}

void Executable::check_rows(int64_t n) const {
  if (n < 0 || n > capacity_) {
    throw std::invalid_argument("a run of " + std::to_string(n) + " rows was asked of a plan for " +
                                std::to_string(capacity_));
  }
}

void Executable::check_ready(int64_t n) const {
  check_rows(n);
  for (int id : variables_) {
    if (!buffers_[static_cast<size_t>(id)]) {
      throw std::invalid_argument("variable '" + graph_.value(id).name + "' has no memory yet: call bind_variable");
    }
  }
}

void Executable::run(int64_t n, const std::vector<const void*>& inputs, uint64_t seed, uint64_t step) {
  if (inputs.size() != inputs_.size()) {
    throw std::invalid_argument("the graph has " + std::to_string(inputs_.size()) + " inputs, got " +
                                std::to_string(inputs.size()));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    buffers_[static_cast<size_t>(inputs_[i])] = const_cast<void*>(inputs[i]);  // launches never write an input
  }
  execute(n, seed, step, nullptr, 0);
}

void Executable::run_rows(const int64_t* indices, int64_t start, int64_t n, uint64_t seed, uint64_t step) {
  check_ready(n);
  ActiveRegion active;
  const Launch launch = make_launch(nullptr);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    RowSource& source = sources_[i];
    const Value& value = graph_.value(inputs_[i]);
    if (!source.data) throw std::invalid_argument("input '" + value.name + "' has no data: call bind_rows");
    if (!indices && (start < 0 || start > source.rows - n)) {
      throw std::out_of_range(std::to_string(n) + " rows from row " + std::to_string(start) + " on were asked of " +
                              std::to_string(source.rows));
    }
    for (int64_t r = 0; indices && r < n; ++r) {
      if (indices[start + r] < 0 || indices[start + r] >= source.rows) {
        throw std::out_of_range("row " + std::to_string(indices[start + r]) + " of " + std::to_string(source.rows) +
                                " was asked for");
      }
    }
    const bool to_int = value.type.dtype == DType::i32;
    void*& buffer = buffers_[static_cast<size_t>(inputs_[i])];
    const std::byte* from = source.data;
    if (!indices && source.type == (to_int ? SourceType::i32 : SourceType::f32)) {
      buffer = const_cast<std::byte*>(from + start * source.row * 4);
      continue;
    }
    static constexpr int64_t kItemBytes[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 1};
    if (!indices) from += start * source.row * kItemBytes[static_cast<size_t>(source.type)];
    kernels_->gather_rows(source.type, to_int, from, source.row, indices ? indices + start : nullptr, n,
                          source.gathered.get(), launch);
    buffer = source.gathered.get();
  }
  execute(n, seed, step, indices, start);
}

void Executable::execute(int64_t n, uint64_t seed, uint64_t step, const int64_t* indices, int64_t start) {
  check_ready(n);
  resolve_aliases(true);
  ActiveRegion active;
  Run run{
      .n = n, .seed = seed, .step = step, .buffers = buffers_.data(), .launch = make_launch(nullptr), .bad_row = -1};
  if (!prologue_.empty() && watch_.take_stale()) {
    try {
      run_checked(prologue_, run, indices, start);
    } catch (...) {
      watch_.mark_stale();
      throw;
    }
  }
  // Also after an error in the middle of a step.
  struct Report {
    const Executable& owner;
    ~Report() {
      for (const auto& [id, bytes] : owner.written_) memory_written(owner.buffers_[static_cast<size_t>(id)], bytes);
    }
  } report{*this};
  run_checked(steps_, run, indices, start);
  last_rows_ = n;
}

void Executable::run_checked(const std::vector<Step>& steps, Run& run, const int64_t* indices, int64_t start) {
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& s = steps[i];
    if (s.together > 1 && runs_together(s)) {
      run_together(s, run);
      i += static_cast<size_t>(s.together) - 1;
      continue;
    }
    run_step(s, run);
    if (run.bad_row >= 0) fail_row(s, run, indices, start);
    if (debug_.trace) trace(s, run);
    if (debug_.check_finite) check_finite(s, run);
  }
}

void Executable::run_step(const Step& step, Run& run) {
  run.launch.workspace = step.workspace;
  step.lowered.run(run);
}

// Each on a thread of its own, unless they are worth more threads than they are.
bool Executable::runs_together(const Step& step) const {
  const int64_t threads = num_threads();
  bool pays = threads > 1 && !debug_.trace && !debug_.check_finite;
  for (int i = 0; i < step.together; ++i) pays &= std::min(threads, (&step)[i].lowered.parts) <= step.together;
  return pays;
}

void Executable::run_together(const Step& step, Run& run) {
  struct Group {
    const Step* steps;
    const Run& run;
  } const group = {&step, run};
  run.launch.parallel(
      run.launch.pool, step.together,
      [](const void* args, int64_t index, float*) {
        const Group& all = *static_cast<const Group*>(args);
        Run own = all.run;
        own.launch.workspace = all.steps[index].workspace;
        all.steps[index].lowered.run(own);  // its own launches run inline
      },
      &group);
}

void Executable::fail_row(const Step& step, Run& run, const int64_t* indices, int64_t start) const {
  std::string message = graph_.node(step.node).label() + ": " + step.lowered.explain_bad_row(run);
  message += " (row " + std::to_string(run.bad_row) + " of the batch";
  if (indices || start)
    message += ", sample " + std::to_string(indices ? indices[start + run.bad_row] : start + run.bad_row);
  throw std::invalid_argument(message + ")");
}

void Executable::check_finite(const Step& step, const Run& run) const {
  const Node& node = graph_.node(step.node);
  std::vector<int> written = node.outputs;
  for (int position : node.op->mutates) written.push_back(node.inputs[static_cast<size_t>(position)]);
  for (int id : written) {
    if (graph_.type(id).dtype != DType::f32) continue;
    const float* data = run.f32(id);
    const int64_t count = data ? element_count(graph_.type(id).shape, run.n) : 0;
    for (int64_t i = 0; i < count; ++i) {
      if (std::isfinite(data[i])) continue;
      throw NonFiniteError(node.label() + ": the first " + (std::isnan(data[i]) ? "NaN" : "infinity") +
                           " of this step appears here, at element " + std::to_string(i) + " of " +
                           to_string(graph_.type(id).shape) + ", n = " + std::to_string(run.n));
    }
  }
}

void Executable::trace(const Step& step, const Run& run) const {
  const Node& node = graph_.node(step.node);
  std::string line = "linnet: " + node.label();
  for (int id : node.outputs) {
    line += " " + to_string(graph_.type(id).shape);
    if (graph_.type(id).dtype != DType::f32) continue;
    double sum = 0.0;
    const int64_t count = element_count(graph_.type(id).shape, run.n);
    for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(run.f32(id)[i]);
    line += " mean " + std::to_string(count ? sum / static_cast<double>(count) : 0.0);
  }
  std::fprintf(stderr, "%s\n", line.c_str());
}

size_t Executable::constant_bytes() const {
  size_t total = 0;
  for (int id = 0; id < graph_.value_count(); ++id) {
    const Value& value = graph_.value(id);
    if (value.kind != ValueKind::constant) continue;
    total += static_cast<size_t>(element_count(value.type.shape, 0) * item_size(value.type.dtype));
  }
  return total;
}

std::string Executable::dump() const {
  std::ostringstream out;
  out << "capacity " << capacity_ << ", kernels " << kernels_->name << ", arena " << plan_.arena_bytes
      << " B, persistent " << plan_.persistent_bytes << " B, prepared " << plan_.prepared_bytes << " B, "
      << steps_.size() << " launches\n";
  const auto line = [&](const Step& step) {
    const Node& node = graph_.node(step.node);
    out << node.label() << " (";
    for (size_t i = 0; i < node.inputs.size(); ++i) out << (i ? ", %" : "%") << node.inputs[i];
    out << ")";
    for (int id : node.outputs) {
      const Placement& placement = plan_.values[static_cast<size_t>(id)];
      out << " -> %" << id << to_string(graph_.type(id).shape)
          << (placement.where == Placement::Where::persistent ? " persistent+"
              : placement.where == Placement::Where::prepared ? " prepared+"
                                                              : " arena+")
          << placement.offset;
    }
    if (step.lowered.workspace) out << " workspace " << step.lowered.workspace;
    if (step.together > 1) out << " together " << step.together;
    if (!node.attributes.items().empty()) out << " {" << to_string(node.attributes) << "}";
    if (node.program) out << " [" << to_string(*node.program) << "]";
    out << "\n";
  };
  for (const Step& step : prologue_) {
    out << "prepare ";
    line(step);
  }
  for (const Step& step : steps_) line(step);
  return out.str();
}

std::vector<Executable::Timing> Executable::profile(int64_t n, const std::vector<const void*>& inputs, int repeats) {
  using Clock = std::chrono::steady_clock;
  run(n, inputs, 0, 0);
  std::vector<std::vector<double>> seconds(steps_.size());
  for (int repeat = 0; repeat < std::max(repeats, 1); ++repeat) {
    ActiveRegion active;
    Run run{.n = n, .seed = 0, .step = 0, .buffers = buffers_.data(), .launch = make_launch(nullptr), .bad_row = -1};
    for (size_t i = 0; i < steps_.size(); ++i) {
      const Clock::time_point begin = Clock::now();
      run_step(steps_[i], run);
      seconds[i].push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    }
  }
  std::vector<Timing> result;
  for (size_t i = 0; i < steps_.size(); ++i) {
    std::nth_element(seconds[i].begin(), seconds[i].begin() + static_cast<std::ptrdiff_t>(seconds[i].size() / 2),
                     seconds[i].end());
    const Node& node = graph_.node(steps_[i].node);
    result.push_back(
        {node.program ? to_string(*node.program) : node.op->name, node.layer, seconds[i][seconds[i].size() / 2]});
  }
  return result;
}

}  // namespace linnet
