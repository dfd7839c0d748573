// int32 <-> float32. To int truncates towards zero; what does not fit becomes the nearest int32, NaN becomes 0, so that
// the result never depends on what a processor does with them.
#include "kernels/declare.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {

void cast_to_float(int64_t count, const int32_t* x, float* y, const Launch& launch) {
  for_tiles(launch, count, 2, [=](int64_t begin, int64_t end, float*) {
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) y[i] = static_cast<float>(x[i]);
  });
}

void cast_to_int(int64_t count, const float* x, int32_t* y, const Launch& launch) {
  for_tiles(launch, count, 2, [=](int64_t begin, int64_t end, float*) {
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const bool fits = (x[i] >= -0x1p31f) & (x[i] < 0x1p31f);
      const int32_t limit = x[i] > 0.0f ? 0x7fffffff : x[i] < 0.0f ? -0x7fffffff - 1 : 0;
      const int32_t truncated = static_cast<int32_t>(fits ? x[i] : 0.0f);
      y[i] = fits ? truncated : limit;
    }
  });
}

}  // namespace linnet::LINNET_ISA
