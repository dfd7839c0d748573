// Less memory for training: what is cheap to compute is computed again where backward reads it, instead of being kept
// from forward.
//
// At the end of forward everything that backward needs is alive. A convolution's output x must be kept, but the
// normalised, activated y = act(bn(x) + residual) behind it follows from x in one pass over memory, so between its last
// use in forward and its first in backward its bytes are free for others. The second run is the same launch on the same
// operands: the bits stay. An operand of a second run must be kept itself, so in a chain of residual sums every other
// one is recomputed.
//
// Done only where the plan's peak falls by a good part of it and by many bytes: small networks keep what they have.
// LINNET_DEBUG=norecompute switches it off.
#pragma once
#include "graph/graph.h"

namespace linnet {

// The most bytes that are alive at one time, without workspace. A placement needs at least that.
size_t peak_bytes(const Graph& graph, int64_t capacity);

// Rewrites the graph and returns true, or leaves it alone when it would gain less than `least` bytes. After fusion.
bool recompute(Graph& graph, int64_t capacity, size_t least = size_t{24} << 20);

}  // namespace linnet
