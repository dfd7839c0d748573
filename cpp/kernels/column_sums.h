// Walking a matrix (rows, width) down its columns, several rows at a time: the loop under reductions and batch
// normalisation.
//
// Narrow matrices (bias gradients of 6 or 16 channels) would waste vectors if each row were a vector of its own. But
// `group` rows of `width` floats lie one after the other, so they can be treated as one long row of group * width, and
// the group partial results of a column are folded at the end, halves upon halves. Which rows meet in which order
// depends on (rows, width) alone. Folding also shortens the chains of additions, and so the rounding error.
#pragma once
#include "kernels/isa.h"

namespace linnet::LINNET_ISA {

inline constexpr int64_t kColumnBlock = 4096;  // columns handled at once: accumulators stay in L1 or L2
inline constexpr int64_t kChunk = 16384;       // floats that make one partial result

// Rows that are treated as one, `least` floats or more: a power of two.
inline int64_t rows_in_group(int64_t rows, int64_t width, int64_t least = 128) {
  int64_t group = 1;
  while (group * width < least && group * 2 <= rows) group *= 2;
  return group;
}

// Rows of one chunk of a matrix. Never fewer than 64, so that partial results stay few beside the data.
inline int64_t rows_in_chunk(int64_t width, int64_t block) {
  const int64_t columns = width < block ? width : block;
  const int64_t rows = columns > 0 ? kChunk / columns : 1;
  return rows < 64 ? 64 : rows;
}

// A matrix is cut into chunks x blocks pieces: rows_in_chunk rows by `block` columns.
struct Pieces {
  int64_t rows, width, chunk_rows, chunks, blocks;
};

inline Pieces cut(int64_t rows, int64_t width, int64_t block = kColumnBlock) {
  const int64_t chunk_rows = rows_in_chunk(width, block);
  const int64_t chunks = rows > 0 ? (rows + chunk_rows - 1) / chunk_rows : 1;
  return {rows, width, chunk_rows, chunks, (width + block - 1) / block};
}

inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

}  // namespace linnet::LINNET_ISA
