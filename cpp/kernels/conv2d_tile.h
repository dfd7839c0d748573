// The register tile of the direct convolutions: a few neighbouring pixels times one or two vectors of output channels.
//
// In NHWC the part of a window that lies in one row of x is contiguous: kw * c floats when the columns are not dilated.
// Such a stretch is called a run. A tile goes through the runs of its window float by float; each float of each pixel
// is broadcast and multiplied with the vectors of weights that belong to it, so nothing is gathered or packed:
//
//   for each run, for each k in it:   acc[pixel][v] += x[run + k + pixel * stride] * weights[k][v]
//
// grad_input is the same loop: there "x" is dy, a run is one pixel of dy (oc floats), and the "channels" are the
// kw * c inputs below the window. The sum of one output runs over k in order, whatever the tile's size.
//
// Output channels that do not fill a vector cost as much as a vector. The last few of them ("rest") are better off the
// other way round: a rest tile keeps a vector of sums over k for each pixel and channel, whose lanes are added up at
// the end. There the order of the sum is that of the lanes, again whatever the tile's size.
#pragma once
#include "kernels/simd.h"

namespace linnet::LINNET_ISA {

struct Run {
  const float* x;  // its first float at pixel 0
  int64_t k;       // the row of weights that belongs to it
};

struct ConvTile {
  const Run* runs;
  int64_t run_count;
  int64_t run_length;
  int64_t x_offset;      // of the tile's first pixel, added to every run
  int64_t pixel;         // floats from one pixel to the next in x
  const float* weights;  // (k, vectors * kLanes), or of a rest tile (columns, k), rows weight_row apart
  int64_t weight_row;
  const float* bias;         // (vectors * kLanes), or null
  float* y;                  // pixel p, column j goes to y[y_offsets[p] + j]
  const int64_t* y_offsets;  // (pixels)
  int64_t columns;           // that are stored, <= vectors * kLanes
  bool relu;
  bool past_caches = false;  // y goes past them: whole, aligned vectors
};

using ConvTileFunction = void (*)(const ConvTile&);

// Tiles hold up to two vectors of channels; the accumulators, the weights and a broadcast fill the registers.
inline constexpr int kTileVectors = 2;
inline constexpr int max_tile_pixels(int vectors) {
  return kVectorRegisters == 32 ? (vectors == 1 ? 28 : 14) : (vectors == 1 ? 12 : 6);
}

// The tile for 1 <= pixels <= max_tile_pixels(vectors), vectors 1 or 2.
ConvTileFunction conv_tile(int64_t pixels, int64_t vectors);

// The rest tile for 1 <= pixels <= kRestPixels and 1 <= columns <= kMaxRest. Reads whole vectors of weights.
inline constexpr int kRestPixels = kVectorRegisters == 32 ? 6 : 3, kMaxRest = kLanes < 8 ? kLanes - 1 : 4;
ConvTileFunction conv_rest_tile(int64_t pixels, int64_t columns);

// How many of `columns` output channels, each a sum of k products, are best left to rest tiles. Adding up the lanes
// costs about as much as 10 multiplications.
inline int64_t rest_of(int64_t columns, int64_t k) {
  const int64_t rest = columns % kLanes;
  return rest <= kMaxRest && 5 * rest * (k / kLanes + 10) < 4 * k ? rest : 0;
}

// A panel of weights: `columns` output channels from `column` on, padded to `vectors` vectors. Panels follow each other
// in the packed weights, each (k, vectors * kLanes), so panel i starts at k_total * column.
struct Panel {
  int64_t column;
  int64_t columns;
  int64_t vectors;
};

inline int64_t round_to_lanes(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }
inline int64_t panel_count(int64_t columns) { return (columns + kTileVectors * kLanes - 1) / (kTileVectors * kLanes); }
inline Panel panel_at(int64_t columns, int64_t index) {
  const int64_t column = index * kTileVectors * kLanes;
  const int64_t rest = columns - column;
  const int64_t count = rest < kTileVectors * kLanes ? rest : kTileVectors * kLanes;
  return {column, count, (count + kLanes - 1) / kLanes};
}

}  // namespace linnet::LINNET_ISA
