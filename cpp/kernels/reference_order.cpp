// The reference table, last part: the order of values, values picked by number, running sums.
#include <cmath>

#include "kernels/declare.h"

namespace linnet::LINNET_ISA {
namespace {

// Whether a comes before b, which lies behind it in the row if `behind`.
template <class T>
bool before(T a, T b, bool descending, bool behind) {
  const bool nan_a = a != a, nan_b = b != b;
  if (nan_a || nan_b) return nan_a && nan_b ? behind : nan_a == descending;
  if (a == b) return behind;
  return (a < b) != descending;
}

template <class T>
void order_rows(bool descending, int64_t rows, int64_t n, int64_t k, const T* x, int32_t* order) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < n; ++i) {
      int64_t place = 0;  // how many values come before this one
      for (int64_t j = 0; j < n; ++j) place += j != i && before(x[r * n + j], x[r * n + i], descending, i > j);
      if (place < k) order[r * k + place] = static_cast<int32_t>(i);
    }
}

}  // namespace

size_t sort_order_workspace(int64_t, int64_t) { return 0; }

void sort_order(bool integers, bool descending, int64_t rows, int64_t n, int64_t k, const void* x, int32_t* order,
                const Launch&) {
  if (integers) return order_rows(descending, rows, n, k, static_cast<const int32_t*>(x), order);
  order_rows(descending, rows, n, k, static_cast<const float*>(x), order);
}

void take_along(int64_t rows, int64_t n, int64_t k, const void* x, const int32_t* ids, void* y, int64_t* bad_row,
                const Launch&) {
  *bad_row = -1;
  for (int64_t i = 0; i < rows * k; ++i) {
    const int64_t id = ids[i] < 0 ? ids[i] + n : ids[i];
    if (id < 0 || id >= n) {
      *bad_row = i;
      return;
    }
    static_cast<int32_t*>(y)[i] = static_cast<const int32_t*>(x)[i / k * n + id];
  }
}

void take_along_grad(int64_t rows, int64_t n, int64_t k, const int32_t* ids, const float* dy, float* dx,
                     const Launch&) {
  for (int64_t i = 0; i < rows * n; ++i) dx[i] = 0;
  for (int64_t i = 0; i < rows * k; ++i) {
    const int64_t id = ids[i] < 0 ? ids[i] + n : ids[i];
    if (id >= 0 && id < n) dx[i / k * n + id] += dy[i];
  }
}

void cumulative_sum(bool reverse, int64_t outer, int64_t mid, int64_t inner, const float* x, float* y, const Launch&) {
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      double sum = 0;
      for (int64_t m = 0; m < mid; ++m) {
        const int64_t at = (o * mid + (reverse ? mid - 1 - m : m)) * inner + i;
        sum += static_cast<double>(x[at]);
        y[at] = static_cast<float>(sum);
      }
    }
}

}  // namespace linnet::LINNET_ISA
