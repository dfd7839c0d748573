// Running sums of x (outer, mid, inner) along mid, from the front or from the back.
//
// The sum runs in double, so that its error does not grow with mid. A piece of up to 64 neighbouring columns is summed
// side by side; pieces are the parallel work, as the steps of one sum cannot be.
#include "kernels/declare.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {

void cumulative_sum(bool reverse, int64_t outer, int64_t mid, int64_t inner, const float* x, float* y,
                    const Launch& launch) {
  constexpr int64_t kColumns = 64;
  const int64_t pieces = (inner + kColumns - 1) / kColumns;
  const int64_t width = inner < kColumns ? inner : kColumns;
  for_tiles(launch, outer * pieces, mid * (2 * width + 10), [=](int64_t begin, int64_t end, float*) {
    for (int64_t piece = begin; piece < end; ++piece) {
      const int64_t first = piece % pieces * kColumns;
      const int64_t columns = inner - first < kColumns ? inner - first : kColumns;
      const int64_t start = piece / pieces * mid * inner + first;
      double sums[kColumns] = {};
      for (int64_t m = 0; m < mid; ++m) {
        const int64_t row = start + (reverse ? mid - 1 - m : m) * inner;
#pragma omp simd
        for (int64_t i = 0; i < columns; ++i) {
          sums[i] += static_cast<double>(x[row + i]);
          y[row + i] = static_cast<float>(sums[i]);
        }
      }
    }
  });
}

}  // namespace linnet::LINNET_ISA
