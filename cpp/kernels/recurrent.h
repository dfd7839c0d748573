// Recurrent layers (kernels.h): what the forward pass (recurrent.cpp) and the gradient (recurrent_grad.cpp) share.
//
// One idea: the batch is cut into tiles of rows, and one thread takes a tile through all steps. Nobody waits for
// anybody, the weights are packed once and stay in the cache, and the state never leaves it. What the rows of a tile
// meet in a step is one product, [x | h] . [kernel; recurrent], whose columns are put in the order in which the
// gates need them: a *block* is one vector of units, and the values of all gates for a block, its *slots*, lie
// together.
//
// Blocks come in groups of two, since a register tile is two vectors wide. Slots of a row in a group of b blocks:
//   simple            h for each block                                 b vectors
//   lstm              i f c o for each block                           4 b
//   gru               z r for each block, then x . kernel_h, then h . recurrent_h
//                                                                      2 b + b + b
//   gru_reset_before  z r for each block, then both products of h      2 b + b
// A step of a tile is (group, row, slots). The gates replace the sums in place, which is what `saved` holds: tile after
// tile, step after step; behind the slots of a step of lstm follow the cell states (row, units_padded).
//
// Few rows are a single tile, and the groups are shared out among threads instead.
//
// With a mask, rows are sorted by where their sequences begin and end, so that the rows of a tile that have something
// to do at a step are its first `active` ones, and what is padding costs nothing.
#pragma once
#include "kernels/gemm_tile.h"

namespace linnet::LINNET_ISA {

inline constexpr int64_t kWide = 2 * kLanes;  // columns of a panel of packed weights

// So many rows are one tile, whose groups are shared out step by step.
inline constexpr int64_t kFewRows = 4;
// Floats of the recurrent weights of such a part, at least: what reading them takes must pay for a launch (about one
// microsecond between threads that are awake).
inline constexpr int64_t kPartWeights = int64_t{1} << 15;

inline int64_t round_to(int64_t x, int64_t unit) { return ceil_div(x, unit) * unit; }
inline size_t bytes_of(int64_t floats) { return static_cast<size_t>(round_to(floats, 16)) * sizeof(float); }

// The sizes that follow from the arguments.
struct RecurrentSizes {
  explicit RecurrentSizes(const RecurrentArgs& a)
      : cell(a.cell),
        gates(recurrent_gates(a.cell)),
        slots(cell == RecurrentCell::simple             ? 1
              : cell == RecurrentCell::gru_reset_before ? 3
                                                        : 4),
        in(a.in),
        units(a.units),
        blocks(ceil_div(a.units, kLanes)),
        groups(ceil_div(blocks, 2)),
        units_padded(blocks * kLanes),
        saved_row((slots + (cell == RecurrentCell::lstm ? 1 : 0)) * units_padded) {
    // Each tile has sums of its own for the gradient of the weights: no more of them than a few threads need. Where
    // the weights are beyond the cache of a core, more rows must share what is read of them.
    const int64_t weights = (in + units) * gates * units_padded;
    far = weights > (int64_t{1} << 18);
    const int64_t rows = far ? 32 : 16;
    const int64_t most = larger(2, smaller(16, (int64_t{1} << 23) / larger(weights, 1) * 2));
    tiles = a.n <= kFewRows ? 1 : smaller(most, round_to(ceil_div(a.n, rows), 2));
    tile_rows = ceil_div(a.n, tiles);
    parts = smaller(groups / 2, a.n * units * gates * units_padded / kPartWeights);
    parts = larger(1, parts / 2 * 2);  // even, as the threads mostly are
  }
  RecurrentCell cell;
  int gates, slots;
  int64_t in, units, blocks, groups, units_padded;
  int64_t saved_row;  // floats of `saved` that a row needs for a step
  int64_t tiles;      // tile i is the rows [n * i / tiles, n * (i + 1) / tiles)
  int64_t tile_rows;  // of the largest
  bool far;           // the weights are beyond the cache of a core
  int64_t parts;      // of few rows: part i is the groups [groups * i / parts, groups * (i + 1) / parts)

  bool few() const { return tiles == 1; }
  // Of packed weights: where the biases begin, and all of it.
  int64_t biases() const { return round_to((in + units) * gates * units_padded, 16); }
  int64_t packed_floats() const { return biases() + round_to(slots * units_padded, 16); }

  bool gru() const { return cell == RecurrentCell::gru || cell == RecurrentCell::gru_reset_before; }
  int64_t blocks_of(int64_t group) const { return smaller(2, blocks - 2 * group); }
  // Floats between the rows of a group, and from the first group to this one in a step of `rows` rows.
  int64_t row_stride(int64_t group) const { return slots * blocks_of(group) * kLanes; }
  int64_t group_offset(int64_t group, int64_t rows) const { return group * 2 * slots * kLanes * rows; }
};

// The rows of the batch in the order in which tiles take them. Without a mask that is the batch's own, and all null.
struct RowOrder {
  const int32_t* row = nullptr;    // (n): which row is i-th
  const int32_t* begin = nullptr;  // (n), of the i-th: its first step that the mask leaves,
  const int32_t* end = nullptr;    // and one past its last; both 0 where it leaves none

  int64_t operator[](int64_t i) const { return row ? row[i] : i; }
  // How many of the rows [first, first + rows) come before and with the last that has something to do at step s.
  int64_t active(int64_t first, int64_t rows, int64_t s) const {
    while (row && rows > 0 && !(begin[first + rows - 1] <= s && s < end[first + rows - 1])) --rows;
    return rows;
  }
};

inline bool masked_out(const RecurrentArgs& a, int64_t row, int64_t s) {
  return a.mask && a.mask[row * a.t + (a.reverse ? a.t - 1 - s : s)] == 0;
}

// Asks for `count` floats that the next step will read (or write). They are rows of large arrays, a few lines in each,
// which the processor does not see coming. The first is read indeed: rows lie in pages of their own, and a mere request
// is dropped where the page's address is not at hand.
inline void fetch(const float* p, int64_t count) {
  if (count > 0) static_cast<void>(*static_cast<const volatile float*>(p));
  for (int64_t i = 16; i < count; i += 16) __builtin_prefetch(p + i, 0, 2);
}

// Sorts the rows: by their first step, then by their last one, longest first.
inline int64_t row_order_ints(const RecurrentArgs& a) { return a.n * 5 + a.t + 2; }
RowOrder sort_rows(const RecurrentArgs& a, int32_t* memory);

// A single step with weights as they lie goes another way (recurrent_step.cpp).
bool is_single_step(const RecurrentArgs& a);
size_t recurrent_step_workspace(const RecurrentArgs& a);
void recurrent_step(const RecurrentArgs& a, const Launch& launch);

// How many vectors a register tile of so many rows takes at a time: few rows need more of them, or every FMA would wait
// for the one before.
inline int tile_vectors(int64_t rows, int64_t vectors) {
  const int tallest = static_cast<int>(ceil_div(rows, ceil_div(rows, kMaxRows)));
  int most = kMaxVectors;
  while (most > 1 && (most > vectors || !tile_fits(tallest, most))) most /= 2;
  return most;
}

// c (rows, vectors * kLanes) = a (rows, k) . b, rows of a and c `lda` and `ldc` apart; added to c when `accumulate`. b
// lies in panels of kWide columns (the last may be one vector), `panel_stride` apart, and this begins with row 0 of
// one. Every element is one chain over k, whatever the rows.
inline void multiply_rows(const float* a, int64_t lda, int64_t rows, int64_t k, const float* b, int64_t panel_stride,
                          int64_t vectors, float* c, int64_t ldc, bool accumulate) {
  const int64_t slivers = ceil_div(rows, kMaxRows);
  for (int64_t v = 0; v < vectors;) {
    const int some = tile_vectors(rows, vectors - v);
    for (int64_t i = 0; i < slivers; ++i) {
      const int64_t r0 = rows * i / slivers, r1 = rows * (i + 1) / slivers;
      MicroTile t = {};
      t.a = a + r0 * lda, t.a_stride = lda, t.a_chunk = k;
      t.b = b + v / 2 * panel_stride, t.ldb = some == 1 ? kLanes : kWide, t.b_pair = panel_stride, t.k = k;
      t.c = c + r0 * ldc + v * kLanes, t.ldc = ldc, t.accumulate = accumulate;
      micro_kernel_for(static_cast<int>(r1 - r0), some, true)(t);
    }
    v += some;
  }
}

}  // namespace linnet::LINNET_ISA
