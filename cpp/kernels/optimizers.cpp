// Adam and SGD: one pass over the parameters, limited by memory. Each element stands for itself, so how the range is
// cut does not show in the result.
#include "kernels/declare.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {

void adam(const AdamArgs& args, const Launch& launch) {
  for_tiles(launch, args.n, 8, [a = args](int64_t begin, int64_t end, float*) {
    float *w = a.w, *m = a.m, *v = a.v;  // (n)
    const float* g = a.g;                // (n)
    const float rate_1 = 1.0f - a.beta_1, rate_2 = 1.0f - a.beta_2;
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const float gradient = g[i];
      const float mean = m[i] + (gradient - m[i]) * rate_1;
      const float square = v[i] + (gradient * gradient - v[i]) * rate_2;
      m[i] = mean;
      v[i] = square;
      w[i] -= a.lr_t * mean / (__builtin_sqrtf(square) + a.epsilon);
    }
  });
}

void sgd(const SgdArgs& args, const Launch& launch) {
  for_tiles(launch, args.n, 5, [a = args](int64_t begin, int64_t end, float*) {
    float *w = a.w, *velocity = a.velocity;  // (n)
    const float* g = a.g;                    // (n)
    if (!velocity || a.momentum == 0.0f) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) w[i] -= a.lr * g[i];
    } else if (a.nesterov) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        const float step = a.lr * g[i], next = a.momentum * velocity[i] - step;
        velocity[i] = next;
        w[i] += a.momentum * next - step;
      }
    } else {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        const float next = a.momentum * velocity[i] - a.lr * g[i];
        velocity[i] = next;
        w[i] += next;
      }
    }
  });
}

}  // namespace linnet::LINNET_ISA
