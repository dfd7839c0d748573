// Strided copies: transpose, slice, broadcast, concatenate and their gradients, for elements of 1, 4 or 8 bytes.
//
// Axes that both sides walk as one are merged first; what is left is copied along the innermost axis in runs, and the
// outer axes count up like an odometer. Three kinds of run matter: contiguous on both sides, one element repeated, and
// the transpose, where the source is contiguous along another axis than the destination: that one goes in square blocks
// so that both sides touch whole cache lines. A block is turned round in registers: every line is read once and written
// once, and so it does not matter that with rows a power of two apart all lines of a block fall into one set of the
// cache.
#include <utility>

#include "kernels/column_sums.h"
#include "kernels/declare.h"
#include "kernels/simd.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kPiece = 1 << 16;  // elements of the innermost axis copied at a time
constexpr int64_t kSquare = 16;      // block of a transpose: a cache line of floats on each side

// Axes from the outermost; strides in elements. `rows` is the axis that a transpose pairs with the last one, or -1.
struct Plan {
  int rank = 0, rows = -1;
  int64_t shape[kMaxRank], from[kMaxRank], to[kMaxRank];
};

Plan make_plan(const StridedCopyArgs& args) {
  int64_t contiguous[kMaxRank];
  bool given = false;  // all dst_strides 0: dst is contiguous
  for (int64_t d = args.rank - 1, stride = 1; d >= 0; stride *= args.shape[d--]) {
    contiguous[d] = stride;
    given = given || args.dst_strides[d] != 0;
  }
  const int64_t* dst_strides = given ? args.dst_strides : contiguous;
  Plan plan;
  for (int d = 0; d < args.rank; ++d) {
    const int64_t length = args.shape[d], from = args.src_strides[d], to = dst_strides[d];
    if (length == 1) continue;
    const int last = plan.rank - 1;
    if (last >= 0 && plan.from[last] == from * length && plan.to[last] == to * length) {
      plan.shape[last] *= length;
      plan.from[last] = from;
      plan.to[last] = to;
    } else {
      plan.shape[plan.rank] = length;
      plan.from[plan.rank] = from;
      plan.to[plan.rank++] = to;
    }
  }
  if (plan.rank == 0) plan = {1, -1, {1}, {1}, {1}};
  const int last = plan.rank - 1;
  if (plan.from[last] > 1 && plan.to[last] == 1) {
    for (int d = 0; d < last; ++d)
      if (plan.from[d] == 1) plan.rows = d;
  }
  return plan;
}

template <class T>
void copy_run(int64_t n, const T* src, int64_t from, T* dst, int64_t to) {
  if (to == 1 && from == 1) {
    __builtin_memcpy(dst, src, static_cast<size_t>(n) * sizeof(T));
  } else if (to == 1 && from == 0) {
    for (int64_t i = 0; i < n; ++i) dst[i] = src[0];
  } else {
    for (int64_t i = 0; i < n; ++i) dst[i * to] = src[i * from];
  }
}

// The lanes of a and b in turns: of their lower halves, or of the upper ones.
template <bool upper, int... Lane>
Vec interleave(Vec a, Vec b, std::integer_sequence<int, Lane...>) {
  return __builtin_shufflevector(a, b, ((upper ? kLanes / 2 : 0) + Lane / 2 + (Lane % 2 ? kLanes : 0))...);
}

// dst (kLanes, kLanes) = transpose of src. Each round interleaves vector i with vector i + kLanes / 2; after
// log2(kLanes) rounds every element has moved to its mirror image. Moving floats about keeps any 4 bytes.
void transpose_vectors(const float* src, int64_t from, float* dst, int64_t to) {
  constexpr auto kAll = std::make_integer_sequence<int, kLanes>();
  Vec rows[kLanes], next[kLanes];
  for (int i = 0; i < kLanes; ++i) rows[i] = load(src + i * from);
#pragma GCC unroll 4
  for (int round = 1; round < kLanes; round *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < kLanes / 2; ++i) {
      next[2 * i] = interleave<false>(rows[i], rows[i + kLanes / 2], kAll);
      next[2 * i + 1] = interleave<true>(rows[i], rows[i + kLanes / 2], kAll);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) rows[i] = next[i];
  }
  for (int i = 0; i < kLanes; ++i) store(dst + i * to, rows[i]);
}

// dst (rows, columns), rows `to` apart = transpose of src (columns, rows), columns `from` apart.
template <class T>
void copy_square(int64_t rows, int64_t columns, const T* src, int64_t from, T* dst, int64_t to) {
  if constexpr (sizeof(T) == sizeof(float)) {
    if (rows == kSquare && columns == kSquare) {
      for (int64_t r = 0; r < kSquare; r += kLanes)
        for (int64_t c = 0; c < kSquare; c += kLanes)
          transpose_vectors(reinterpret_cast<const float*>(src + c * from + r), from,
                            reinterpret_cast<float*>(dst + r * to + c), to);
      return;
    }
  }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) dst[r * to + c] = src[c * from + r];
}

// Where index `at` of the axes `axes` (the last one fastest) begins in src and dst.
struct Offsets {
  int64_t from, to;
};

Offsets locate(const Plan& plan, int axes, int skip, int64_t at) {
  Offsets offsets = {0, 0};
  for (int d = axes - 1; d >= 0; --d) {
    if (d == skip) continue;
    const int64_t index = at % plan.shape[d];
    at /= plan.shape[d];
    offsets.from += index * plan.from[d];
    offsets.to += index * plan.to[d];
  }
  return offsets;
}

template <class T>
void copy(const StridedCopyArgs& args, const Launch& launch) {
  const Plan plan = make_plan(args);
  const T* src = static_cast<const T*>(args.src);
  T* dst = static_cast<T*>(args.dst);
  const int last = plan.rank - 1;
  const int64_t length = plan.shape[last];
  int64_t outer = 1;  // runs, or matrices to transpose
  for (int d = 0; d < last; ++d)
    if (d != plan.rows) outer *= plan.shape[d];

  if (plan.rows < 0) {
    const int64_t pieces = (length + kPiece - 1) / kPiece;
    for_tiles(launch, outer * pieces, 2 * min_of(length, kPiece) + 50, [=](int64_t begin, int64_t end, float*) {
      for (int64_t unit = begin; unit < end; ++unit) {
        const Offsets at = locate(plan, last, -1, unit / pieces);
        const int64_t first = unit % pieces * kPiece, n = min_of(kPiece, length - first);
        copy_run(n, src + at.from + first * plan.from[last], plan.from[last], dst + at.to + first * plan.to[last],
                 plan.to[last]);
      }
    });
    return;
  }
  const int64_t rows = plan.shape[plan.rows], strips = (rows + kSquare - 1) / kSquare;
  const int64_t from = plan.from[last], to = plan.to[plan.rows];
  for_tiles(launch, outer * strips, 6 * kSquare * length, [=](int64_t begin, int64_t end, float*) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const Offsets at = locate(plan, last, plan.rows, unit / strips);
      const int64_t row = unit % strips * kSquare, height = min_of(kSquare, rows - row);
      for (int64_t column = 0; column < length; column += kSquare)
        copy_square(height, min_of(kSquare, length - column), src + at.from + row + column * from, from,
                    dst + at.to + row * to + column, to);
    }
  });
}

}  // namespace

void strided_copy(const StridedCopyArgs& args, const Launch& launch) {
  for (int d = 0; d < args.rank; ++d)
    if (args.shape[d] == 0) return;
  switch (args.item) {
    case 1:
      return copy<uint8_t>(args, launch);
    case 4:
      return copy<uint32_t>(args, launch);
    case 8:
      return copy<uint64_t>(args, launch);
  }
}

}  // namespace linnet::LINNET_ISA
