// The micro-kernel of GEMM: an MR x (NV * kLanes) tile of c held in registers while k runs.
//
// One idea: per step of k, NV vectors of b and MR broadcast values of a give MR * NV independent FMAs. There are no
// edges in here: MR and NV are template parameters, so an 11-row tile is as good as a 14-row one, and a tile that hangs
// over the right side of c is redirected into a small buffer by the caller (gemm.cpp).
//
// Every element of c is one chain of FMAs over k = 0, 1, 2, ... that starts at 0. When k is cut into blocks the chain
// is put down in c and taken up again, which changes no bit. That is why nothing a caller decides (tile shape, blocks
// of k, packing or not, threads, computing the transpose) can change a result: all of them only choose who adds when.
//
// a is read where it lies, in one of two layouts, with no packing needed for either:
//   by rows    (a is (m, k)):  a[r * a_stride + p]
//   by columns (a is (k, m)):  a[p * a_stride + r]
// A packed copy of a is by rows too: chunks of kChunk steps, [k / kChunk][MR][kChunk], so packing never transposes.
#pragma once
#include "kernels/simd.h"

namespace linnet::LINNET_ISA {

inline constexpr int kMaxRows = kVectorRegisters == 32 ? 14 : 6;  // 14 x 2 vectors + 2 of b + 1 of a = 31 registers
inline constexpr int kMaxVectors = 8;
inline constexpr int kChunk = 16;  // floats: one cache line

// Does a tile fit the registers: accumulators, a step of b and one broadcast? (One row needs no registers for b.)
inline constexpr bool tile_fits(int rows, int vectors) {
  return rows == 1 || rows * vectors + vectors + 1 <= kVectorRegisters;
}

// Lines of a matrix that will soon be needed. Micro-kernels ask for them a few at a time while they compute, more at
// once would have to queue; the processor itself does not foresee many short streams.
struct Fetch {
  const float* line = nullptr;  // the next
  int64_t rows = 0;             // left, with the one that `line` is in
  int64_t lines = 0;            // left in this row
  int64_t row_lines = 0;        // of a whole row
  int64_t gap = 0;              // floats from behind a row's last line to the next row
  int64_t at_once = 0;

  void some() {
    for (int64_t i = 0; i < at_once && rows > 0; ++i) {
      __builtin_prefetch(line, 0, 2);
      line += kChunk;
      if (--lines == 0) {
        lines = row_lines;
        line += gap;
        --rows;
      }
    }
  }
};

// All lines of `rows` rows of `columns` floats, ld apart, in `calls` calls of some().
inline Fetch fetch_lines(const float* from, int64_t rows, int64_t columns, int64_t ld, int64_t calls) {
  const int64_t lines = (columns + kChunk - 1) / kChunk;
  return {from, rows, lines, lines, ld - lines * kChunk, calls > 0 ? (rows * lines + calls - 1) / calls : 0};
}

inline constexpr int kFetches = 3;

struct MicroTile {
  const float* a;
  int64_t a_stride;  // floats between rows (by rows) or between steps of k (by columns)
  int64_t a_chunk;   // steps of k after which `a_skip` is added to a
  int64_t a_skip;
  const float* b;  // (k, NV * kLanes), rows ldb apart
  int64_t ldb;
  int64_t b_pair = 2 * kLanes;  // floats from one pair of vectors of b to the next; packed b: a panel
  int64_t k;
  float* c;  // (MR, NV * kLanes), rows ldc apart
  int64_t ldc;
  const float* bias;      // (NV * kLanes) or null
  const float* residual;  // rows ld_residual apart, or null
  int64_t ld_residual;
  bool accumulate;  // c holds the sums of earlier blocks of k
  bool relu;
  Fetch* ahead;  // kFetches of them, each called once every a_chunk steps; or null
};

// Keeps the compiler from turning a few base pointers into one induction variable per row, which would spill.
template <class Pointer>
inline void pin(Pointer& p) {
  asm("" : "+r"(p));
}

template <int MR, int NV, bool kByRows>
void micro_kernel(const MicroTile& t) {
  Vec acc[MR][NV];
  if (t.accumulate) {
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) acc[r][v] = load(t.c + r * t.ldc + v * kLanes);
  } else {
    // Asks for the lines of c while k runs: otherwise every store would wait for its line.
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) {
        if (v * kLanes % kChunk == 0) __builtin_prefetch(t.c + r * t.ldc + v * kLanes, 1);
        acc[r][v] = Vec{};
      }
  }

  // By rows, one base pointer serves three rows: x86 can address base + 0, + stride and + 2 * stride.
  constexpr int kBases = kByRows ? (MR + 2) / 3 : 1;
  const float* a[kBases];
  const int64_t stride = t.a_stride;
#pragma GCC unroll 8
  for (int i = 0; i < kBases; ++i) a[i] = t.a + 3 * i * stride;
  const int64_t step = kByRows ? 1 : stride;
  const float* b = t.b;
  for (int64_t left = t.k; left > 0; left -= t.a_chunk) {
    for (int64_t p = left < t.a_chunk ? left : t.a_chunk; p > 0; --p) {
      Vec bv[NV];
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) bv[v] = load(b + v / 2 * t.b_pair + v % 2 * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) {
        const Vec av = broadcast(kByRows ? a[r / 3][r % 3 * stride] : a[0][r]);
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) acc[r][v] += av * bv[v];
      }
      b += t.ldb;
#pragma GCC unroll 8
      for (int i = 0; i < kBases; ++i) {
        a[i] += step;
        pin(a[i]);
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < kBases; ++i) a[i] += t.a_skip;
    if (t.ahead) {
      for (int i = 0; i < kFetches; ++i) t.ahead[i].some();
    }
  }

  if (t.bias) {
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) {
      const Vec bias = load(t.bias + v * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) acc[r][v] += bias;
    }
  }
  if (t.residual) {
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) acc[r][v] += load(t.residual + r * t.ld_residual + v * kLanes);
  }
  if (t.relu) {
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) acc[r][v] = acc[r][v] < 0 ? Vec{} : acc[r][v];  // keeps NaN
  }
#pragma GCC unroll 16
  for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) store(t.c + r * t.ldc + v * kLanes, acc[r][v]);
}

using MicroKernel = void (*)(const MicroTile&);

// The micro-kernel for `rows` in 1 .. kMaxRows and `vectors` in {1, 2, 4, 8} with tile_fits(rows, vectors).
MicroKernel micro_kernel_for(int rows, int vectors, bool by_rows);

}  // namespace linnet::LINNET_ISA
