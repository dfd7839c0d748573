// The register tiles of conv2d_tile.h, one instance for every number of pixels: a row of output is cut into tiles of
// nearly equal width, so any width runs at about the same speed.
//
// Pixels are addressed as base + {0, 1, 2, 3, 4} * stride with a base for every five pixels. x86 has the factors 1, 2
// and 4 in the address itself, so the 14 or 28 streams cost three or six registers. The empty asm keeps GCC from
// turning them back into one pointer each, which it would then have to spill.
#include "kernels/conv2d_tile.h"

#include "kernels/lanes.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int kPixelsPerBase = 5;

// Stores the columns that exist. Out of line: it is rarely needed, and there are dozens of tiles.
[[gnu::noinline]] void store_columns(const ConvTile& t, const Vec* acc, int64_t pixels, int64_t vectors) {
  for (int64_t p = 0; p < pixels; ++p)
    for (int64_t v = 0; v < vectors; ++v)
      store_first(t.y + t.y_offsets[p] + v * kLanes, acc[p * vectors + v], t.columns - v * kLanes);
}

template <int Pixels, int Vectors>
void tile(const ConvTile& t) {
  constexpr int kBases = (Pixels + kPixelsPerBase - 1) / kPixelsPerBase;
  Vec acc[Pixels][Vectors];
#pragma GCC unroll 2
  for (int v = 0; v < Vectors; ++v) {
    const Vec start = t.bias ? load(t.bias + v * kLanes) : Vec{};
#pragma GCC unroll 28
    for (int p = 0; p < Pixels; ++p) acc[p][v] = start;
  }

  const int64_t stride = t.pixel * static_cast<int64_t>(sizeof(float));
  for (int64_t r = 0; r < t.run_count; ++r) {
    const char* base[kBases];
#pragma GCC unroll 6
    for (int b = 0; b < kBases; ++b)
      base[b] = reinterpret_cast<const char*>(t.runs[r].x + t.x_offset) + b * kPixelsPerBase * stride;
    const float* w = t.weights + t.runs[r].k * (Vectors * kLanes);
    const float* w_end = w + t.run_length * (Vectors * kLanes);
    for (; w != w_end; w += Vectors * kLanes) {
      Vec weights[Vectors];
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) weights[v] = load(w + v * kLanes);
#pragma GCC unroll 28
      for (int p = 0; p < Pixels; ++p) {
        const Vec x =
            broadcast(*reinterpret_cast<const float*>(base[p / kPixelsPerBase] + p % kPixelsPerBase * stride));
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) acc[p][v] += x * weights[v];
      }
#pragma GCC unroll 6
      for (int b = 0; b < kBases; ++b) {
        base[b] += sizeof(float);
        asm("" : "+r"(base[b]));
      }
    }
  }

  if (t.relu) {
#pragma GCC unroll 28
    for (int p = 0; p < Pixels; ++p)
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) acc[p][v] = acc[p][v] < 0.0f ? Vec{} : acc[p][v];  // keeps NaN
  }
  if (t.past_caches) {
#pragma GCC unroll 28
    for (int p = 0; p < Pixels; ++p)
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) store_past_caches(t.y + t.y_offsets[p] + v * kLanes, acc[p][v]);
  } else if (t.columns == Vectors * kLanes) {
#pragma GCC unroll 28
    for (int p = 0; p < Pixels; ++p)
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) store(t.y + t.y_offsets[p] + v * kLanes, acc[p][v]);
  } else {
    // A copy, so that the accumulators' address is never taken: GCC would keep them in memory from the start.
    Vec copy[Pixels][Vectors];
#pragma GCC unroll 28
    for (int p = 0; p < Pixels; ++p)
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) copy[p][v] = acc[p][v];
    store_columns(t, copy[0], Pixels, Vectors);
  }
}

template <int Pixels, int Vectors>
ConvTileFunction find(int64_t pixels) {
  if constexpr (Pixels == 1) {
    return tile<1, Vectors>;
  } else {
    return pixels == Pixels ? tile<Pixels, Vectors> : find<Pixels - 1, Vectors>(pixels);
  }
}

// One step of a rest tile: `count` floats of a run.
template <int Pixels, int Columns>
inline void rest_step(const float* x, int64_t pixel, const float* w, int64_t weight_row, int64_t count,
                      Vec (&acc)[Pixels][Columns]) {
  Vec weights[Columns];
#pragma GCC unroll 4
  for (int j = 0; j < Columns; ++j) weights[j] = load(w + j * weight_row);
#pragma GCC unroll 8
  for (int p = 0; p < Pixels; ++p) {
    const Vec v = load_some(x + p * pixel, count, 0.0f);
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) acc[p][j] += v * weights[j];
  }
}

template <int Pixels, int Columns>
void rest_tile(const ConvTile& t) {
  Vec acc[Pixels][Columns] = {};
  for (int64_t r = 0; r < t.run_count; ++r) {
    const float* x = t.runs[r].x + t.x_offset;
    const float* w = t.weights + t.runs[r].k;
    int64_t k = t.run_length;
    for (; k >= kLanes; k -= kLanes, x += kLanes, w += kLanes)
      rest_step<Pixels, Columns>(x, t.pixel, w, t.weight_row, kLanes, acc);
    if (k > 0) rest_step<Pixels, Columns>(x, t.pixel, w, t.weight_row, k, acc);
  }
#pragma GCC unroll 8
  for (int p = 0; p < Pixels; ++p)
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) {
      const float y = sum_lanes(acc[p][j]) + (t.bias ? t.bias[j] : 0.0f);
      t.y[t.y_offsets[p] + j] = t.relu && y < 0.0f ? 0.0f : y;
    }
}

template <int Pixels, int Columns>
ConvTileFunction find_rest(int64_t pixels, int64_t columns) {
  if constexpr (Columns > 1)
    if (columns < Columns) return find_rest<Pixels, Columns - 1>(pixels, columns);
  if constexpr (Pixels > 1)
    if (pixels < Pixels) return find_rest<Pixels - 1, Columns>(pixels, columns);
  return rest_tile<Pixels, Columns>;
}

}  // namespace

ConvTileFunction conv_rest_tile(int64_t pixels, int64_t columns) {
  return find_rest<kRestPixels, kMaxRest>(pixels, columns);
}

ConvTileFunction conv_tile(int64_t pixels, int64_t vectors) {
  return vectors == 1 ? find<max_tile_pixels(1), 1>(pixels) : find<max_tile_pixels(2), 2>(pixels);
}

}  // namespace linnet::LINNET_ISA
