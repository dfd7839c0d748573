// Cross-entropy of softmax(logits) with integer labels or with target distributions, fused with the softmax: the loss
// is log(sum exp(x - m)) - (x_label - m) with m the row's maximum, never the logarithm of a rounded probability. The
// forward pass keeps the probabilities, from which the gradient is one subtraction and one product.
//
// A label outside [0, classes) gives that row the loss NaN; nothing is read or written through it.
#include "kernels/declare.h"
#include "kernels/row_softmax.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

int64_t row_cost(int64_t classes) { return 6 * classes + 300; }

}  // namespace

void sparse_cross_entropy_forward(int64_t rows, int64_t classes, const float* logits, const int32_t* labels,
                                  float* loss, float* probs, int64_t* bad_row, const Launch& launch) {
  *bad_row = -1;
  for (int64_t r = rows; r-- > 0;)
    if (labels[r] < 0 || labels[r] >= classes) *bad_row = r;

  for_tiles(launch, rows, row_cost(classes), [=](int64_t begin, int64_t end, float*) {
    for (int64_t r = begin; r < end; ++r) {
      const float* x = logits + r * classes;  // (classes)
      if (classes == 0) {
        loss[r] = kNan;
        continue;
      }
      const RowSum row = exponentials(classes, x, probs + r * classes);
      scale(classes, probs + r * classes, 1.0f / row.sum);
      const bool good = labels[r] >= 0 && labels[r] < classes;
      loss[r] = good ? log_vec(broadcast(row.sum))[0] - (x[labels[r]] - row.largest) : kNan;
    }
  });
}

void sparse_cross_entropy_grad(int64_t rows, int64_t classes, const float* probs, const int32_t* labels,
                               const float* dloss, float* dlogits, const Launch& launch) {
  for_tiles(launch, rows, 2 * classes + 50, [=](int64_t begin, int64_t end, float*) {
    for (int64_t r = begin; r < end; ++r) {
      const float* p = probs + r * classes;  // (classes)
      float* dx = dlogits + r * classes;     // (classes)
      const float g = dloss[r];
      for (int64_t j = 0; j < classes; ++j) dx[j] = p[j] * g;
      if (labels[r] >= 0 && labels[r] < classes) dx[labels[r]] = (p[labels[r]] - 1.0f) * g;
    }
  });
}

void cross_entropy_forward(int64_t rows, int64_t classes, const float* logits, const float* targets, float* loss,
                           float* probs, const Launch& launch) {
  for_tiles(launch, rows, row_cost(classes), [=](int64_t begin, int64_t end, float*) {
    for (int64_t r = begin; r < end; ++r) {
      const float *x = logits + r * classes, *t = targets + r * classes;  // (classes)
      if (classes == 0) {
        loss[r] = 0.0f;
        continue;
      }
      const RowSum row = exponentials(classes, x, probs + r * classes);
      scale(classes, probs + r * classes, 1.0f / row.sum);
      const Vec log_sum = broadcast(log_vec(broadcast(row.sum))[0]), largest = broadcast(row.largest);
      Vec sums = {};
      each_vector(classes, [&](int64_t i, int64_t count) {
        const Vec minus_log = log_sum - (load_some(x + i, count, 0.0f) - largest);
        sums += load_some(t + i, count, 0.0f) * minus_log;
      });
      loss[r] = sum_lanes(sums);
    }
  });
}

void cross_entropy_grad(int64_t rows, int64_t classes, const float* probs, const float* targets, const float* dloss,
                        float* dlogits, const Launch& launch) {
  for_tiles(launch, rows, 3 * classes + 50, [=](int64_t begin, int64_t end, float*) {
    for (int64_t r = begin; r < end; ++r) {
      const float *p = probs + r * classes, *t = targets + r * classes;  // (classes)
      float* dx = dlogits + r * classes;                                 // (classes)
      Vec sums = {};
      each_vector(classes, [&](int64_t i, int64_t count) { sums += load_some(t + i, count, 0.0f); });
      const float sum = sum_lanes(sums), g = dloss[r];
      for (int64_t j = 0; j < classes; ++j) dx[j] = (p[j] * sum - t[j]) * g;
    }
  });
}

}  // namespace linnet::LINNET_ISA
