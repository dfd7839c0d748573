// Reverse-mode differentiation on the graph: appends the nodes that compute d loss / d targets.
//
// The one idea: walk the nodes backwards once; each operation's own rule (OpDef::gradient) turns the gradients of its
// outputs into gradients of its inputs by appending ordinary nodes; where a value is read more than once, the
// contributions are added. Only nodes on a path from a target to the loss take part.
#pragma once
#include <vector>

#include "graph/graph.h"

namespace linnet {

// One value per target, -1 where the loss does not depend on it. `loss` must be a float32 scalar, or of any shape if
// `seed` is given, the gradient that flows into it. Throws std::invalid_argument otherwise.
std::vector<int> append_gradients(Graph& graph, int loss, const std::vector<int>& targets, int seed = -1);

}  // namespace linnet
