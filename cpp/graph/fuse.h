// Rewrites a graph so that it runs faster and computes the same.
//
// Two small mechanisms and no code generator:
//   epilogues   gemm and conv apply a bias, a residual and an activation on the way to memory; batch normalisation a
//               residual and an activation. `matmul -> add -> relu` becomes one launch.
//   pointwise   chains of pointwise nodes over the same shape become one program (pointwise.h).
// Operations may bring rewrites of their own (OpDef::rewrite). LINNET_DEBUG=nofuse skips all of it: the oracle.
#pragma once
#include "graph/graph.h"

namespace linnet {

// graph.outputs must hold the values that are wanted. Leaves no pointwise operation but `fused_pointwise`. Nothing
// joins one of the first `prepared` nodes with a later one: they run at other times (prepare.h).
void fuse(Graph& graph, int prepared = 0);

// True when an effect in slots (from, to) writes the memory that `value` reads: for rewrites that move a reader.
bool written_between(const Graph& graph, int value, int from, int to);

// What must happen even without fusion: every pointwise node becomes a program of its own.
void lower_pointwise(Graph& graph);

}  // namespace linnet
