// The loops of conv2d_winograd_few.h, one instance for each window, number of tiles, and row of positions.
#include "kernels/conv2d_winograd_few.h"

namespace linnet::LINNET_ISA {
namespace {

// Positions (kRow, 0 .. 5).
template <int kWindow, int Tiles, int kRow>
void row_products(const FewProducts& p) {
  const float* v = p.v + kRow * kPatchSize * p.v_position;
  const float* w = p.windows;
  const int64_t position = p.v_position;
  Vec acc[kPatchSize][Tiles] = {};
  for (int64_t left = p.c; left > 0; left -= kChunk) {
    const float* fourth = v + 3 * position;
    for (int64_t k = min_of(left, kChunk); k > 0; --k) {
      Vec half[kWindow], u[kPatchSize];
#pragma GCC unroll 5
      for (int j = 0; j < kWindow; ++j) {
        Vec in[kWindow], out[kPatchSize];
#pragma GCC unroll 5
        for (int i = 0; i < kWindow; ++i) in[i] = load(w + (i * kWindow + j) * kLanes);
        WindowLine<kWindow>::apply(in, out);
        half[j] = out[kRow];
      }
      WindowLine<kWindow>::apply(half, u);
      // In two loops: of (j < 3 ? v : fourth)[j % 3 * position] GCC 12 makes the same address for j = 3, 4 and 5 when
      // it checks for overflow.
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j)
#pragma GCC unroll 4
        for (int t = 0; t < Tiles; ++t) acc[j][t] += broadcast(v[j * position + t * kChunk]) * u[j];
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j)
#pragma GCC unroll 4
        for (int t = 0; t < Tiles; ++t) acc[3 + j][t] += broadcast(fourth[j * position + t * kChunk]) * u[3 + j];
      ++v, ++fourth;
      pin(v);
      pin(fourth);
      w += kWindow * kWindow * kLanes;
    }
    v += (Tiles - 1) * kChunk;
    p.ahead->some();
  }
  float* m = p.m + kRow * kPatchSize * p.m_position;
#pragma GCC unroll 6
  for (int j = 0; j < kPatchSize; ++j, m += p.m_position)
#pragma GCC unroll 4
    for (int t = 0; t < Tiles; ++t) store(m + t * p.width, p.add ? acc[j][t] + load(m + t * p.width) : acc[j][t]);
}

template <int kWindow, int Tiles>
void products(const FewProducts& p) {
  row_products<kWindow, Tiles, 1>(p);  // reads all taps, as not every row does
  row_products<kWindow, Tiles, 2>(p);
  row_products<kWindow, Tiles, 3>(p);
  row_products<kWindow, Tiles, 4>(p);
  row_products<kWindow, Tiles, 0>(p);
  row_products<kWindow, Tiles, 5>(p);
}

template <int kWindow, int Tiles>
FewProductsFunction find(int64_t tiles) {
  if constexpr (Tiles == 0) {
    return nullptr;
  } else {
    return tiles == Tiles ? products<kWindow, Tiles> : find<kWindow, Tiles - 1>(tiles);
  }
}

}  // namespace

FewProductsFunction few_products_for(int64_t window, int64_t tiles) {
  return window == 3 ? find<3, kFewTiles>(tiles) : find<5, kFewTiles>(tiles);
}

}  // namespace linnet::LINNET_ISA
