// The register tiles of conv2d_winograd_products.h, one instance for every number of tiles: any number of them is cut
// into nearly equal parts, so that none runs much slower than another.
#include "kernels/conv2d_winograd_products.h"

namespace linnet::LINNET_ISA {
namespace {

template <int Tiles, int Vectors>
void products(const Products& p) {
  Fetch ahead = p.ahead;
  constexpr int64_t kWidth = Vectors * kLanes;
  const int64_t next_chunk = p.v_chunk - kChunk;
  for (int64_t position = 0; position < p.positions; ++position) {
    const float* v = p.v + position * p.v_position;
    const float* u = p.u + position * p.u_position;
    float* const m = p.m + position * p.m_position;
    if (position < p.touches) {
      const int64_t offset = p.touch_offset[position];
      for (int t = 0; t < Tiles; ++t)
#pragma GCC unroll 2
        for (int i = 0; i < Vectors; ++i) __builtin_prefetch(p.touch[t] + offset + i * kLanes, 1);
    }
    bool add = p.add;
    for (int64_t rest = p.c; rest > 0; rest -= kStretch) {
      Vec acc[Tiles][Vectors];
#pragma GCC unroll 14
      for (int t = 0; t < Tiles; ++t)
#pragma GCC unroll 2
        for (int i = 0; i < Vectors; ++i) acc[t][i] = Vec{};
      for (int64_t left = min_of(rest, kStretch); left > 0; left -= kChunk) {
        for (int64_t k = min_of(left, kChunk); k > 0; --k) {
          Vec b[Vectors];
#pragma GCC unroll 2
          for (int i = 0; i < Vectors; ++i) b[i] = load(u + i * kLanes);
#pragma GCC unroll 14
          for (int t = 0; t < Tiles; ++t) {
            const Vec a = broadcast(v[t * kChunk]);
#pragma GCC unroll 2
            for (int i = 0; i < Vectors; ++i) acc[t][i] += a * b[i];
          }
          u += kWidth;
          ++v;
          pin(v);
        }
        v += next_chunk;
        if (p.v_far) {
#pragma GCC unroll 14
          for (int t = 0; t < Tiles; ++t) __builtin_prefetch(v + p.v_chunk + t * kChunk);
        }
        ahead.some();
      }
      if (add) {
#pragma GCC unroll 14
        for (int t = 0; t < Tiles; ++t)
#pragma GCC unroll 2
          for (int i = 0; i < Vectors; ++i) acc[t][i] += load(m + t * kWidth + i * kLanes);
      }
#pragma GCC unroll 14
      for (int t = 0; t < Tiles; ++t)
#pragma GCC unroll 2
        for (int i = 0; i < Vectors; ++i) store(m + t * kWidth + i * kLanes, acc[t][i]);
      add = true;
    }
  }
}

template <int Tiles, int Vectors>
ProductsFunction find(int64_t tiles) {
  if constexpr (Tiles == 1) {
    return products<1, Vectors>;
  } else {
    return tiles == Tiles ? products<Tiles, Vectors> : find<Tiles - 1, Vectors>(tiles);
  }
}

}  // namespace

ProductsFunction products_for(int64_t tiles, int64_t vectors) {
  return vectors == 1 ? find<kMaxRows, 1>(tiles) : find<kMaxRows, 2>(tiles);
}

}  // namespace linnet::LINNET_ISA
