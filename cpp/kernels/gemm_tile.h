// One tile of GEMM's c: what a single thread computes, and what the planner (gemm.cpp) decides about it.
//
// A tile is a range of slivers (up to kMaxRows rows) by a range of panels (two vectors of columns, more where slivers
// have few rows). b comes from one of three places: panels packed beforehand for all tiles (gemm.cpp), panels that the
// tile packs itself, or the matrix as it lies. a is packed by the tile, or read where it lies when few columns use it.
//
//   for each block of k                c carries the sums from block to block
//     pack the slivers of a
//     for each group of columns        Blocks::columns: it stays in L2
//       pack the panels of b
//       for each sliver                it stays in L1
//         for each panel: micro-kernel
//
// Three kinds of product would wait for memory that way. In them, all columns of the tile are one group, and the
// micro-kernels ask for what comes next while they compute (Fetch):
//
//   by sliver  a block of k of the tile's columns stays in L2. Then a sliver is used up at once, read where it lies;
//              a and c pass by once. (1x1 convolutions: m is all pixels, n and k are channels.)
//   by step    k is long, a is stored by columns and c stays in L2. Then blocks of k are short, and a and b pass by.
//              (Gradients of weights: m and n are channels, k is all pixels.)
//   by panel   all of a is a few slivers, and b, packed beforehand, comes from memory. (Predictions, one at a time.)
//
// Neighbouring panels follow each other, and not neighbouring slivers, because rows of c a power of two apart share
// their low address bits: loading the sums of one sliver would wait for the stores of the one before.
#pragma once
#include "kernels/gemm_micro.h"

namespace linnet::LINNET_ISA {

constexpr int64_t ceil_div(int64_t x, int64_t y) { return (x + y - 1) / y; }
constexpr int64_t smaller(int64_t x, int64_t y) { return x < y ? x : y; }
constexpr int64_t larger(int64_t x, int64_t y) { return x > y ? x : y; }

constexpr int64_t kPanel = 2 * kLanes;  // columns of a panel when a sliver is full, and of b packed for all tiles
constexpr int64_t kSliver = ceil_div(kMaxRows, kLanes) * kLanes;  // rows of a sliver, packed by columns of a
constexpr int64_t kEdge = kMaxRows * kPanel > kMaxVectors* kLanes ? kMaxRows * kPanel : kMaxVectors * kLanes;

// Sizes in floats. What a tile packs is to stay in L2, a sliver of a in L1.
struct Blocks {
  static constexpr int64_t columns = kMaxVectors * kLanes;   // of a group
  static constexpr int64_t packed_a = int64_t{1} << 17;      // slivers that a tile packs
  static constexpr int64_t packed_b = 512 * columns;         // and panels
  static constexpr int64_t turned = 3 * (int64_t{1} << 14);  // a tile of c^T
  static constexpr int64_t shared = int64_t{1} << 20;        // elements of b packed at a time for all tiles

  static constexpr int64_t resident = int64_t{1} << 17;  // of b by sliver, of c by step

  // Steps of k between visits to c: even blocks of whole chunks.
  static constexpr int64_t even_steps(int64_t k, int64_t most) {
    return k > 0 ? ceil_div(ceil_div(k, ceil_div(k, most)), kChunk) * kChunk : kChunk;
  }
  static constexpr int64_t steps(int64_t k, bool copy_a) {
    return even_steps(k, copy_a ? packed_b / columns : (packed_a + packed_b) / columns);
  }
  // By sliver, when `width` columns are to be resident; 0 when they cannot.
  static constexpr int64_t sliver_steps(int64_t k, int64_t width) {
    const int64_t most = even_steps(k, larger(512, smaller(1024, resident / larger(width, 1))));
    const bool fits = most * width <= resident && most * (width + kSliver + kLanes) <= packed_a + packed_b;
    return fits ? most : 0;
  }
  // By step: rows of a and of b that stay in L2 until the next are there, too. 0 when it does not pay.
  static constexpr int64_t deep_steps(int64_t k, int64_t height, int64_t width) {
    constexpr int64_t kDeep = 512, kPassing = int64_t{1} << 16;
    if (k < kDeep || width < kLanes || height * width > resident) return 0;
    return larger(1, smaller(kPassing / (height + width), packed_b / (width + kLanes)) / kChunk) * kChunk;
  }
};

// What a thread's scratch is cut into.
struct Scratch {
  float edge_c[kEdge];  // a micro-tile that hangs over the right side of c
  float edge_residual[kEdge];
  float edge_bias[kMaxVectors * kLanes];
  float packed[Blocks::packed_a + Blocks::packed_b];  // slivers of a, panels of b; only b where a is read in place
  float turned[Blocks::turned];                       // a tile of c^T
};
static_assert(sizeof(Scratch) <= kThreadScratchBytes);

// A product, or its transpose, in the orientation in which it is computed.
struct Product {
  int64_t m, n, k;
  const float* a;  // (m, k), or (k, m) when trans_a
  int64_t lda, stride_a;
  bool trans_a;
  const float* b;  // (k, n), or (n, k) when trans_b
  int64_t ldb, stride_b;
  bool trans_b;
};

struct Plan {
  const GemmArgs* args;
  Product product;
  bool turned;      // `product` is c^T = op(b)^T . op(a)^T
  int64_t slivers;  // sliver i is the rows [m * i / slivers, m * (i + 1) / slivers)
  int vectors;      // of a full panel: the columns [i, i + 1) * vectors * kLanes
  int64_t panels;
  int64_t row_tiles, column_tiles;  // of one product: tile i is the slivers [slivers * i / row_tiles, ...)
  int64_t products_per_tile;        // more than one when a product is too small to be a tile
  bool large;                       // b is packed for all tiles (gemm.cpp)
  // b in panels of kPanel columns, each (k, kPanel), `panel_stride` floats apart. Null: tiles pack b or read it in
  // place.
  const float* packed_b = nullptr;
  int64_t panel_stride = 0;
  // `product` may be a part of args': its columns from n0 on, and a range of k that begins a sum, ends it, or neither.
  int64_t n0 = 0;
  bool first = true, last = true;
};

// Tile `index` of a launch with a Plan: a range of slivers and panels of one product, or a few whole products.
void gemm_tile(const void* plan, int64_t index, float* scratch);

// y = activation(y + bias + residual) for y (rows, columns), rows ld apart, as those of the residual.
void finish_rows(const Epilogue& e, float* y, int64_t ld, int64_t rows, int64_t columns);

// Few rows by a b larger than L2 (gemm_stream.cpp).
inline constexpr int64_t kStreamedRows = 4;
bool streams_b(const Product& p);
void multiply_streaming(const GemmArgs& g, const Product& p, const Launch& launch);

}  // namespace linnet::LINNET_ISA
