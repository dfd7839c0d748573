// Copies around the micro-kernel of GEMM: packing a and b into cache-sized pieces, and transposing.
//
// Layouts
//   packed a   [k / kChunk][rows][kChunk]: each row's values stay in the order of k, so packing is copying.
//   packed b   panels of `width` columns one after the other, each [k][width]; what stands in columns beyond n is never
//   used.
// The sources are never read outside the matrix: the last columns go through load_partial.
#pragma once
#include <utility>

#include "kernels/gemm_micro.h"

namespace linnet::LINNET_ISA {

// dst[0, count) = src[0, count) for count < 2 * kPiece, in pieces of constant size (no call, no loop).
template <int kPiece = kLanes>
inline void copy_partial(float* dst, const float* src, int64_t count) {
  if constexpr (kPiece > 0) {
    if (count & kPiece) {
      __builtin_memcpy(dst, src, kPiece * sizeof(float));
      dst += kPiece, src += kPiece;
    }
    copy_partial<kPiece / 2>(dst, src, count);
  }
}

// dst[0, count) = src[0, count) for short rows.
inline void copy_row(float* dst, const float* src, int64_t count) {
  for (; count >= kLanes; count -= kLanes, dst += kLanes, src += kLanes) store(dst, load(src));
  copy_partial<kLanes / 2>(dst, src, count);
}

// The first `count` lanes from or to memory that ends there; the other lanes read as 0. 0 <= count <= kLanes.
inline Vec load_partial(const float* p, int64_t count) {
  alignas(64) float lanes[kLanes] = {};
  copy_partial(lanes, p, count);
  return load(lanes);
}
inline void store_partial(float* p, Vec v, int64_t count) {
  alignas(64) float lanes[kLanes];
  store(lanes, v);
  copy_partial(p, lanes, count);
}

// One step of a transposition in registers: swaps the off-diagonal blocks of kHalf lanes. log2(kLanes) steps transpose.
template <int kHalf, int... kLane>
inline void transpose_step(Vec (&v)[kLanes], std::integer_sequence<int, kLane...> lanes) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if (i & kHalf) continue;
    const Vec a = v[i], b = v[i + kHalf];
    v[i] = __builtin_shufflevector(a, b, (kLane & kHalf ? kLanes + kLane - kHalf : kLane)...);
    v[i + kHalf] = __builtin_shufflevector(a, b, (kLane & kHalf ? kLanes + kLane : kLane + kHalf)...);
  }
  if constexpr (kHalf > 1) transpose_step<kHalf / 2>(v, lanes);
}

// Lanes and vectors change places: v[i][j] becomes v[j][i].
inline void transpose(Vec (&v)[kLanes]) { transpose_step<kLanes / 2>(v, std::make_integer_sequence<int, kLanes>{}); }

// Loads kLanes rows of kLanes floats, `ld` apart, of which `rows` and `columns` exist; the rest is unspecified. Loads
// of whole vectors may run past `columns` up to `end`: in a matrix without gaps that is the next row, and much cheaper
// than a partial load.
inline void load_block(Vec (&v)[kLanes], const float* src, int64_t ld, int64_t rows, int64_t columns,
                       const float* end) {
  if (rows >= kLanes && (columns >= kLanes || src + (kLanes - 1) * ld + kLanes <= end)) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) v[i] = load(src + i * ld);
  } else {
    for (int i = 0; i < kLanes; ++i) {
      const float* row = src + i * ld;
      const bool whole = columns >= kLanes || row + kLanes <= end;
      v[i] = i >= rows ? Vec{} : whole ? load(row) : load_partial(row, columns);
    }
  }
}

// One sliver of a (rows, k), rows lda apart, to [k / kChunk][rows][kChunk].
inline void pack_a(const float* a, int64_t lda, int64_t rows, int64_t k, float* packed) {
  for (int64_t p = 0; p < k; p += kChunk, packed += rows * kChunk) {
    const int64_t count = k - p < kChunk ? k - p : kChunk;
    for (int64_t r = 0; r < rows; ++r) {
      if (count == kChunk) {
        for (int64_t i = 0; i < kChunk; i += kLanes) store(packed + r * kChunk + i, load(a + r * lda + p + i));
      } else {
        copy_row(packed + r * kChunk, a + r * lda + p, count);
      }
    }
  }
}

// One panel of b (k, columns), rows ldb apart, to [k][width], columns <= width. `end` as in load_block.
inline void pack_b(const float* b, int64_t ldb, int64_t k, int64_t columns, int64_t width, const float* end,
                   float* packed) {
  for (int64_t p = 0; p < k; ++p, b += ldb, packed += width) {
    for (int64_t j = 0; j < width; j += kLanes) {
      const bool whole = j + kLanes <= columns || b + j + kLanes <= end;
      store(packed + j, whole ? load(b + j) : load_partial(b + j, j < columns ? columns - j : 0));
    }
  }
}

// The same from b stored transposed: (columns, k), rows ldb apart.
inline void pack_b_transposed(const float* b, int64_t ldb, int64_t k, int64_t columns, int64_t width, const float* end,
                              float* packed) {
  for (int64_t j = 0; j < width; j += kLanes)
    for (int64_t p = 0; p < k; p += kLanes) {
      Vec v[kLanes];
      load_block(v, b + j * ldb + p, ldb, columns - j, k - p, end);
      transpose(v);
      const int64_t count = k - p < kLanes ? k - p : kLanes;
      float* row = packed + p * width + j;
      if (count == kLanes) {
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i) store(row + i * width, v[i]);
      } else {
        for (int64_t i = 0; i < count; ++i) store(row + i * width, v[i]);
      }
    }
}

}  // namespace linnet::LINNET_ISA
