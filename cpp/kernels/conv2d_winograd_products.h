// The products of Winograd's forward pass: at each of some positions, m (tiles, panel) = v (tiles, c) . u (c, panel).
//
// The register tile is gemm's (gemm_micro.h): up to kMaxRows tiles times a panel of one or two vectors of output
// channels. What differs: it runs through the positions itself, so that with few channels no time goes into calls; the
// tiles lie in chunks of 16 channels, so that every broadcast is at a constant distance from one pointer; and while it
// multiplies it asks for the lines of y that will be written next, which would otherwise be waited for one by one.
//
// Sums over the channels are taken in stretches, each from 0, and then added: rounding errors grow with the length of
// a stretch, not with c. The order does not depend on the number of tiles.
#pragma once
#include "kernels/conv2d_algorithms.h"
#include "kernels/gemm_micro.h"

namespace linnet::LINNET_ISA {

inline constexpr int64_t kStretch = 128;

struct Products {
  int64_t positions, c;
  const float* v;  // (c / kChunk, tiles, kChunk) at each position; chunks may lie apart
  int64_t v_position, v_chunk;
  bool v_far;      // asks for the lines of the chunk after the next
  const float* u;  // (c, vectors * kLanes) at each position
  int64_t u_position;
  float* m;  // (tiles, vectors * kLanes) at each position
  int64_t m_position;
  bool add;     // to what is in m
  Fetch ahead;  // called once for every chunk of channels
  // At the first `touches` positions the lines at touch[tile] + touch_offset[position] are asked for.
  int64_t touches;
  const float* const* touch;    // (tiles)
  const int64_t* touch_offset;  // (touches)
};

using ProductsFunction = void (*)(const Products&);

// For 1 <= tiles <= kMaxRows, vectors 1 or 2.
ProductsFunction products_for(int64_t tiles, int64_t vectors);

}  // namespace linnet::LINNET_ISA
