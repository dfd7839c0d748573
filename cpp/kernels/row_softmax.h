// The part that softmax and cross-entropy share: exponentials of one row, safe from overflow.
#pragma once
#include "kernels/lanes.h"
#include "kernels/math.h"

namespace linnet::LINNET_ISA {

struct RowSum {
  float largest;  // maximum of the row, NaN if it holds one
  float sum;      // of exp(x - largest)
};

// y (n) = exp(x (n) - largest). y may be x. n >= 1.
inline RowSum exponentials(int64_t n, const float* x, float* y) {
  Vec most = broadcast(-kInfinity);
  each_vector(n, [&](int64_t i, int64_t count) { most = max_vec(load_some(x + i, count, -kInfinity), most); });
  const float largest = max_lanes(most);
  const Vec shift = broadcast(largest);
  Vec sums = {};
  each_vector(n, [&](int64_t i, int64_t count) {
    const Vec e = exp_vec(load_some(x + i, count, -kInfinity) - shift);  // 0 in lanes past the end
    store_some(y + i, e, count);
    sums += e;
  });
  return {largest, sum_lanes(sums)};
}

// y (n) *= factor.
inline void scale(int64_t n, float* y, float factor) {
  each_vector(n, [&](int64_t i, int64_t count) { store_some(y + i, load_some(y + i, count, 0.0f) * factor, count); });
}

}  // namespace linnet::LINNET_ISA
