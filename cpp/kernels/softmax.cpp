// Softmax and log-softmax over rows of n values, and their gradients.
//
// A row is handled by one thread in three passes that stay in L1 for usual n: maximum, exp(x - maximum) with its sum,
// scale. Subtracting the maximum keeps exp from overflowing. A NaN or +infinity in a row makes the whole row NaN.
#include "kernels/declare.h"
#include "kernels/row_softmax.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {

void softmax_forward(bool log, int64_t rows, int64_t n, const float* x, float* y, const Launch& launch) {
  if (n == 0) return;
  for_tiles(launch, rows, 6 * n + 200, [=](int64_t begin, int64_t end, float*) {
    for (int64_t r = begin; r < end; ++r) {
      const float* from = x + r * n;  // (n)
      float* to = y + r * n;          // (n)
      const RowSum row = exponentials(n, from, to);
      if (log) {
        const Vec shift = broadcast(log_vec(broadcast(row.sum))[0]), largest = broadcast(row.largest);
        each_vector(n, [&](int64_t i, int64_t count) {
          store_some(to + i, (load_some(from + i, count, 0.0f) - largest) - shift, count);
        });
      } else {
        scale(n, to, 1.0f / row.sum);
      }
    }
  });
}

// dx = y (dy - sum_j dy_j y_j); for the log form dx = dy - exp(y) sum_j dy_j.
void softmax_grad(bool log, int64_t rows, int64_t n, const float* dy, const float* y, float* dx, const Launch& launch) {
  for_tiles(launch, rows, 4 * n + 200, [=](int64_t begin, int64_t end, float*) {
    for (int64_t r = begin; r < end; ++r) {
      const float *g = dy + r * n, *out = y + r * n;  // (n)
      float* to = dx + r * n;                         // (n)
      Vec sums = {};
      each_vector(n, [&](int64_t i, int64_t count) {
        const Vec gradient = load_some(g + i, count, 0.0f);
        sums += log ? gradient : gradient * load_some(out + i, count, 0.0f);
      });
      const Vec sum = broadcast(sum_lanes(sums));
      each_vector(n, [&](int64_t i, int64_t count) {
        const Vec gradient = load_some(g + i, count, 0.0f), value = load_some(out + i, count, 0.0f);
        store_some(to + i, log ? gradient - exp_vec(value) * sum : value * (gradient - sum), count);
      });
    }
  });
}

}  // namespace linnet::LINNET_ISA
