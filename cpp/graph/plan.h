// Where every buffer of a step lies, known before the first step.
//
//   arena        activations, gradients of activations and kernel workspace, from first to last use; buffers that never
//                live at the same time share bytes
//   prepared     values that are computed once and kept (prepare.h)
//   persistent   packed gradients, the twin of the flat parameters
//   variable     pointwise results that an `assign` would copy into a variable at once: computed right there
// Variables, inputs and constants lie elsewhere (executable.h).
#pragma once
#include <cstddef>
#include <vector>

#include "graph/graph.h"

namespace linnet {

// A buffer of `bytes` that is in use from launch `first` to launch `last`, both included.
struct Interval {
  int first = 0, last = 0;
  size_t bytes = 0;
};

// Offsets (multiples of 64) such that intervals that overlap in time do not overlap in memory; *total receives the
// size. Largest first, each at the lowest offset that is free. share = false gives every buffer memory of its own.
std::vector<size_t> place(const std::vector<Interval>& intervals, bool share, size_t* total);

struct Placement {
  enum class Where : uint8_t { none, arena, persistent, prepared, variable };
  Where where = Where::none;
  size_t offset = 0;  // `variable`: its number
};

struct Plan {
  std::vector<Placement> values;          // by value; `none` for aliases and for what lies elsewhere
  std::vector<size_t> workspace_offsets;  // by launch, in the arena
  size_t arena_bytes = 0;
  size_t persistent_bytes = 0;
  size_t prepared_bytes = 0;
};

// `launches`: the nodes that run, in order. `workspace`: bytes for each. The first `prepared` launches do not run every
// time: what later ones read of them is kept. `counts`, if not empty: so many launches, from this one on, run at once.
Plan make_plan(const Graph& graph, const std::vector<int>& launches, const std::vector<size_t>& workspace,
               int64_t capacity, bool share, size_t prepared = 0, const std::vector<int>& counts = {});

}  // namespace linnet
