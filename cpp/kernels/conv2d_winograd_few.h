// Products of Winograd's forward pass for few tiles: the windows are transformed in registers, one row of the 36
// positions at a time, and multiplied there and then.
//
// Predicting one image at a time, a layer of 7x7 or 14x14 pixels has a handful of tiles and hundreds of channels. The
// transformed windows, four times the size of the kernel, would each be used a handful of times: bringing them from
// memory takes longer than everything else, and so does writing them down. So the kernel is read (laid out in the order
// in which it is needed, RelaidKernel), and for each of the six rows of positions
//
//   for each input channel:  6 vectors of transformed windows from 3 x 3, times as many tiles as the registers hold
//
// The sums are those of conv2d_winograd_products.h, in the same order.
#pragma once
#include "kernels/conv2d_algorithms.h"
#include "kernels/conv2d_winograd.h"

namespace linnet::LINNET_ISA {

// Tiles at a time: 6 accumulators each, and the vectors of a row of windows. None where there are few registers.
inline constexpr int kFewTiles = kVectorRegisters == 32 ? 4 : 0;

// The kernel by vectors of output channels, each (c, taps, kLanes), zeros behind the last channel.
struct RelaidKernel {
  const float* kernel;
  int64_t c, taps;
  const float* at(int64_t vector, int64_t channel) const { return kernel + (vector * c + channel) * taps * kLanes; }
};

struct FewProducts {
  int64_t c;       // input channels, up to kStretch
  const float* v;  // (c / kChunk, tiles, kChunk) at each position
  int64_t v_position;
  const float* windows;  // (c, taps, kLanes)
  float* m;              // one vector of (tiles, width) at each position
  int64_t m_position, width;
  bool add;      // to what is in m
  Fetch* ahead;  // called once for every chunk of channels and row of positions
};
using FewProductsFunction = void (*)(const FewProducts&);

// For 1 <= tiles <= kFewTiles; computes all positions, also those that a tile does not take: nobody reads them.
FewProductsFunction few_products_for(int64_t window, int64_t tiles);

}  // namespace linnet::LINNET_ISA
