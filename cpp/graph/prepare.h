// Values that stay the same from run to run are computed once and kept: what depends on constants and on variables that
// the graph does not write, and on nothing else (no input, no random number, no size of the batch).
//
// The nodes that compute them come first in the graph, and an Executable runs these only when a variable has changed
// (watch.h). In a prediction that is all work on weights; in a training step weights are written, so that nothing here
// applies to them. Two rewrites make more of it:
//   fold_factors   convolution or product, then a factor and an offset per channel (batch normalisation with moving
//                  averages): both move into the weights and the bias. Rounding differs from the graph as written.
//   pack_weights   weights are brought into the kernel's own layout, where it has one.
// Order: fold_factors, move_prepared_first, fuse, pack_weights. LINNET_DEBUG=nofuse skips all of it.
#pragma once
#include <vector>

#include "graph/graph.h"

namespace linnet {

// By value: true when it stays the same from run to run.
std::vector<bool> steady_values(const Graph& graph);

// True when the node computes only steady values.
bool is_prepared(const Node& node, const std::vector<bool>& steady);

// Moves factors and offsets per channel behind operations that are OpDef::scalable into their weights and bias. What
// computes those comes last in the graph: move_prepared_first must follow.
void fold_factors(Graph& graph);

// Reorders the nodes; returns how many are prepared.
int move_prepared_first(Graph& graph);

// Calls OpDef::pack for nodes that are not prepared and whose weights are; the first nodes are the prepared ones again.
void pack_weights(Graph& graph, const KernelTable& kernels, int64_t capacity);

}  // namespace linnet
