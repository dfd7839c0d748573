// Between vectors (simd.h) and the arrays and scalars around them: partial loads and stores for the end of a row, and
// sums and maxima over the lanes of one vector, always in the same order.
#pragma once
#include <utility>

#include "kernels/simd.h"

namespace linnet::LINNET_ISA {

// The first n <= kLanes lanes from p, the others `fill`. Reads nothing beyond p[n - 1]: where the processor can, this
// becomes one masked load.
inline Vec load_part(const float* p, int64_t n, float fill) {
  alignas(sizeof(Vec)) float lanes[kLanes];
  const int32_t count = static_cast<int32_t>(n);
#pragma omp simd
  for (int32_t i = 0; i < kLanes; ++i) lanes[i] = i < count ? p[i] : fill;
  return load(lanes);
}

inline void store_part(float* p, Vec v, int64_t n) {
  alignas(sizeof(Vec)) float lanes[kLanes];
  store(lanes, v);
  const int32_t count = static_cast<int32_t>(n);
#pragma omp simd
  for (int32_t i = 0; i < kLanes; ++i)
    if (i < count) p[i] = lanes[i];
}

// Calls f(first, count) for 0 .. n in vectors: `count` is kLanes but for the last.
template <class F>
inline void each_vector(int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(i, int64_t{kLanes});
  if (i < n) f(i, n - i);
}

// load_part and store_part where n is often kLanes.
inline Vec load_some(const float* p, int64_t n, float fill) { return n == kLanes ? load(p) : load_part(p, n, fill); }
inline void store_some(float* p, Vec v, int64_t n) { return n == kLanes ? store(p, v) : store_part(p, v, n); }

// out (n) = value(at, lanes), a vector at a time and upwards, where vectors lie as `out` is aligned: `lanes` is kLanes
// but for the first and the last. Memory takes whole lines best, and past the caches nothing else.
template <bool PastCaches, class F>
inline void write_aligned(float* out, int64_t n, F value) {
  const int64_t misaligned = reinterpret_cast<intptr_t>(out) / static_cast<int64_t>(sizeof(float)) % kLanes;
  int64_t at = misaligned == 0 ? 0 : kLanes - misaligned < n ? kLanes - misaligned : n;
  if (at > 0) store_part(out, value(int64_t{0}, at), at);
  for (; at + kLanes <= n; at += kLanes) {
    const Vec v = value(at, int64_t{kLanes});
    PastCaches ? store_past_caches(out + at, v) : store(out + at, v);
  }
  if (at < n) store_part(out + at, value(at, n - at), n - at);
}

// Lane i + Width of v in lane i.
template <int Width, int... Lane>
inline Vec rotate(Vec v, std::integer_sequence<int, Lane...>) {
  return __builtin_shufflevector(v, v, ((Lane + Width) % kLanes)...);
}

// Halves are combined until one lane is left.
template <int Width = kLanes / 2, class Combine>
inline float combine_lanes(Vec v, Combine combine) {
  if constexpr (Width == 0) {
    return v[0];
  } else {
    return combine_lanes<Width / 2>(combine(v, rotate<Width>(v, std::make_integer_sequence<int, kLanes>())), combine);
  }
}

inline float sum_lanes(Vec v) {
  return combine_lanes(v, [](Vec a, Vec b) { return a + b; });
}

// The larger of a and b; a NaN on either side wins.
inline Vec max_vec(Vec a, Vec b) { return (a > b) | (a != a) ? a : b; }
inline Vec min_vec(Vec a, Vec b) { return (a < b) | (a != a) ? a : b; }

inline float max_lanes(Vec v) {
  return combine_lanes(v, [](Vec a, Vec b) { return max_vec(a, b); });
}

}  // namespace linnet::LINNET_ISA
