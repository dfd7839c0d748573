// One to four rows of a by a b that does not fit the caches: the time goes into reading b once.
//
// b is read as it lies, a few long rows side by side, because memory delivers few long streams fastest; the
// micro-kernel's order, a panel of columns through all of k, would jump between as many pages as it takes steps. The
// sums wait in c, which stays in L1. Every element is the same chain of FMAs over k as everywhere (gemm_micro.h).
#include "kernels/gemm_tile.h"
#include "kernels/lanes.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int kStreams = 4;  // rows of b at a time: with 2 MB pages 2 to 4 are fastest, with 4 KB pages 4 to 8

// c (rows, columns) += a (rows, steps) . b (steps, columns); c is overwritten when `first`.
template <int kRows, int kSteps>
void add_rows(const float* a, int64_t stride_row, int64_t stride_k, const float* b, int64_t ldb, float* c, int64_t ldc,
              int64_t columns, bool first) {
  Vec factor[kRows][kSteps];
  for (int r = 0; r < kRows; ++r)
    for (int l = 0; l < kSteps; ++l) factor[r][l] = broadcast(a[r * stride_row + l * stride_k]);
  const auto vector = [&](int64_t j, auto load_from, auto store_to) {
    Vec row[kSteps];
#pragma GCC unroll 4
    for (int l = 0; l < kSteps; ++l) row[l] = load_from(b + l * ldb + j);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      Vec sum = first ? Vec{} : load_from(c + r * ldc + j);
#pragma GCC unroll 4
      for (int l = 0; l < kSteps; ++l) sum += factor[r][l] * row[l];
      store_to(c + r * ldc + j, sum);
    }
  };
  int64_t j = 0;
  for (; j + kLanes <= columns; j += kLanes) vector(j, load, store);
  const int64_t rest = columns - j;
  if (rest > 0) {
    vector(
        j, [rest](const float* p) { return load_part(p, rest, 0); },
        [rest](float* p, Vec v) { store_part(p, v, rest); });
  }
}

template <int kRows>
void stream(const Product& p, int64_t j, int64_t columns, float* c, int64_t ldc) {
  const int64_t stride_row = p.trans_a ? 1 : p.lda, stride_k = p.trans_a ? p.lda : 1;
  int64_t l = 0;
  for (; l + kStreams <= p.k; l += kStreams) {
    add_rows<kRows, kStreams>(p.a + l * stride_k, stride_row, stride_k, p.b + l * p.ldb + j, p.ldb, c, ldc, columns,
                              l == 0);
  }
  for (; l < p.k; ++l) {
    add_rows<kRows, 1>(p.a + l * stride_k, stride_row, stride_k, p.b + l * p.ldb + j, p.ldb, c, ldc, columns, l == 0);
  }
}

constexpr int64_t kColumns = 1024;  // of a tile, at least: runs of a page

struct Job {
  const GemmArgs* args;
  Product product;
  int64_t tiles;
};

void stream_tile(const void* pointer, int64_t index, float*) {
  const Job& job = *static_cast<const Job*>(pointer);
  const Product& p = job.product;
  const GemmArgs& g = *job.args;
  const int64_t vectors = ceil_div(p.n, kLanes);
  const int64_t j0 = vectors * index / job.tiles * kLanes;
  const int64_t j1 = smaller(p.n, vectors * (index + 1) / job.tiles * kLanes);
  constexpr void (*kStream[])(const Product&, int64_t, int64_t, float*, int64_t) = {stream<1>, stream<2>, stream<3>,
                                                                                    stream<4>};
  static_assert(sizeof(kStream) / sizeof(*kStream) == kStreamedRows);
  kStream[p.m - 1](p, j0, j1 - j0, g.c + j0, g.ldc);
  const Epilogue& e = g.epilogue;
  finish_rows({e.bias ? e.bias + j0 : nullptr, e.residual ? e.residual + j0 : nullptr, e.activation}, g.c + j0, g.ldc,
              p.m, j1 - j0);
}

}  // namespace

bool streams_b(const Product& p) {
  return p.m <= kStreamedRows && p.n >= kColumns && p.k > 0 && !p.trans_b && p.k * p.n > (int64_t{1} << 18);
}

void multiply_streaming(const GemmArgs& g, const Product& p, const Launch& launch) {
  const Job job = {&g, p, smaller(8, p.n / kColumns)};
  launch.parallel(launch.pool, job.tiles, stream_tile, &job);
}

}  // namespace linnet::LINNET_ISA
