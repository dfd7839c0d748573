// The order in which the nodes of a graph are launched.
#pragma once
#include <vector>

#include "graph/graph.h"

namespace linnet {

// The live nodes that have a launch, in the order of the graph, but for those that may run early: effects with
// OpDef::touched_bytes, and single numbers (the learning rate, which a schedule computes). Each of them stands right
// behind the last node that it must follow. So the weights of a layer are updated during backward, and a gradient gives
// its memory back while it may still lie in a cache, instead of waiting with all others for the end.
std::vector<int> launch_order(const Graph& graph);

// Moves nodes of `order` back, as far as what others need allows, so that those with `marked[i]` (by position) that do
// not need each other stand together: the two directions of a bidirectional layer. `marked` moves along. Returns, by
// position, how many nodes from there on may run at once: 1 for most, and behind the first of such a group.
std::vector<int> bring_together(const Graph& graph, std::vector<int>& order, std::vector<bool>& marked);

}  // namespace linnet
