// Executable: a graph made ready to run. Copying the graph, fusing it, placing its buffers and choosing kernels happen
// once; after that a run is a loop over launches that allocates nothing.
//
// Memory: `arena`, `persistent` and `prepared` (plan.h) belong to the executable; variables belong to the caller, who
// binds them once; inputs are given per run, or gathered by row number from a bound data set.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "graph/plan.h"
#include "graph/watch.h"

namespace linnet {

// LINNET_DEBUG: modes that trade speed for sight.
struct DebugOptions {
  bool no_fusion = false;     // nofuse: one launch per operation
  bool no_recompute = false;  // norecompute: every value is computed once
  bool no_plan = false;       // noplan: every buffer has memory of its own
  bool reference = false;     // reference: the naive kernels
  bool trace = false;         // trace: one line per launch on stderr
  bool check_finite = false;  // nan: NonFiniteError at the first launch that makes a NaN or an infinity

  // Parses "nofuse,nan". Throws std::invalid_argument for an unknown word.
  static DebugOptions parse(const std::string& text);
};

class Executable {
 public:
  // `capacity`: the most rows of a run. `prepare`: what depends on variables alone is computed once and kept, and
  // weights are folded and packed (prepare.h); the caller promises to report every change of their memory
  // (memory_written in watch.h), but for those that executables make.
  Executable(const Graph& graph, const std::vector<int>& outputs, int64_t capacity, DebugOptions debug,
             bool prepare = false);

  int64_t capacity() const { return capacity_; }
  const std::vector<int>& inputs() const { return inputs_; }
  const Type& output_type(size_t index) const { return graph_.type(graph_.outputs.at(index)); }
  size_t output_count() const { return graph_.outputs.size(); }
  const Graph& graph() const { return graph_; }

  // The caller keeps the memory alive while the executable may run.
  void bind_variable(int variable, void* data);
  // The data set behind an input: `rows` samples of `row` elements each.
  void bind_rows(int input, SourceType type, const void* data, int64_t rows, int64_t row);

  // True when a launch writes this variable.
  bool writes(int variable) const;

  // Throws std::invalid_argument for n below 0 or above the capacity.
  void check_rows(int64_t n) const;

  // One pass over all launches. `inputs` in the order of creation. Throws std::invalid_argument (unbound memory, n
  // above the capacity, a label out of range), NonFiniteError.
  void run(int64_t n, const std::vector<const void*>& inputs, uint64_t seed, uint64_t step);
  // The same on rows indices[start, start + n) of the bound data sets; null indices: rows start ... start + n - 1.
  void run_rows(const int64_t* indices, int64_t start, int64_t n, uint64_t seed, uint64_t step);

  // Output of the last run, and its rows then.
  const void* output(size_t index) const { return buffers_[static_cast<size_t>(graph_.outputs[index])]; }
  // -1 before the first.
  int64_t last_rows() const { return last_rows_; }

  size_t arena_bytes() const { return plan_.arena_bytes; }
  size_t persistent_bytes() const { return plan_.persistent_bytes; }
  size_t prepared_bytes() const { return plan_.prepared_bytes; }
  size_t workspace_bytes() const { return workspace_bytes_; }
  size_t constant_bytes() const;
  std::string dump() const;

  struct Timing {
    std::string operation, layer;
    double seconds;
  };
  // Median time of every launch (but those that prepare) over `repeats` runs on the given inputs. Variables are written
  // as in a run.
  std::vector<Timing> profile(int64_t n, const std::vector<const void*>& inputs, int repeats);

  std::mutex& mutex() { return mutex_; }

 private:
  struct Step {
    int node = -1;
    Lowered lowered;
    void* workspace = nullptr;
    int together = 1;  // so many steps, from this one on, may run at once
  };
  struct RowSource {
    SourceType type = SourceType::f32;
    const std::byte* data = nullptr;
    int64_t rows = 0, row = 0;
    AlignedBuffer gathered;  // rows of one batch
  };

  void lower_nodes(bool prepare);
  void bring_steps_together();
  void place_buffers();
  void watch_variables();
  void resolve_aliases(bool inputs_only);
  void check_ready(int64_t n) const;
  void execute(int64_t n, uint64_t seed, uint64_t step, const int64_t* indices, int64_t start);
  void run_checked(const std::vector<Step>& steps, Run& run, const int64_t* indices, int64_t start);
  void run_step(const Step& step, Run& run);
  bool runs_together(const Step& step) const;
  void run_together(const Step& step, Run& run);
  void fail_row(const Step& step, Run& run, const int64_t* indices, int64_t start) const;
  void check_finite(const Step& step, const Run& run) const;
  void trace(const Step& step, const Run& run) const;

  Graph graph_;
  int64_t capacity_;
  DebugOptions debug_;
  const KernelTable* kernels_;
  std::vector<int> inputs_;
  std::vector<int> variables_;
  std::vector<Step> prologue_;  // runs when a variable it reads has changed
  std::vector<Step> steps_;
  std::vector<int> watched_;                     // the variables that the prologue reads
  std::vector<std::pair<int, size_t>> written_;  // the variables that the steps write, and their bytes
  Watch watch_;
  std::vector<RowSource> sources_;  // by position in inputs_
  Plan plan_;
  size_t workspace_bytes_ = 0;
  AlignedBuffer arena_, persistent_, prepared_;
  std::vector<void*> buffers_;  // by value
  struct Alias {
    int value, root;
    int64_t offset;
    bool of_input;
  };
  std::vector<Alias> aliases_;
  int64_t last_rows_ = -1;
  std::mutex mutex_;
};

}  // namespace linnet
