// Winograd's gradient of the weights: what its two orders of the work share (conv2d_winograd_weight.cpp for many
// channels, conv2d_winograd_weight_few.cpp for few).
#pragma once
#include "kernels/conv2d_tile.h"
#include "kernels/conv2d_winograd_products.h"
#include "kernels/conv2d_winograd_tiles.h"

namespace linnet::LINNET_ISA {

// sums (oc) += the pixels of a tile of dy, of which (rows, columns) exist.
inline void add_pixels(const float* dy, int64_t rows, int64_t columns, int64_t row, int64_t oc, float* sums) {
  for (int64_t o = 0; o < oc; o += kLanes) {
    const int64_t count = min_of(kLanes, oc - o);
    Vec part[2] = {load_some(sums + o, count, 0.0f), Vec{}};
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) part[j % 2] += load_some(dy + i * row + j * oc + o, count, 0.0f);
    store_some(sums + o, part[0] + part[1], count);
  }
}

// From the sums of one input channel and a vector of output channels, those at each position `position` floats behind
// the ones before, to dkernel (kh, kw, c, oc).
template <int kWindow>
void window_gradient(const Conv2dShape& s, int64_t channel, int64_t o, const float* sums, int64_t position,
                     float* dkernel) {
  const int64_t count = min_of(kLanes, s.oc - o);
  float* const to = dkernel + channel * s.oc + o;
  using Line = WindowGradLine<kWindow>;
  transform_2d<Line, Line>(Points<kPatchSize, kPatchSize>{sums, position}, [&](int64_t i, const Vec* row) {
    for (int64_t j = 0; j < kWindow; ++j) store_some(to + (i * kWindow + j) * s.c * s.oc, row[j], count);
  });
}

// Sums that are fewer stay near a core.
bool few_window_sums(const Conv2dShape& s);

}  // namespace linnet::LINNET_ISA
