// What turns a 3-D convolution into a 2-D one: the depths of a window laid side by side in the channels, and back.
//
// y[o] = sum over k of conv2d(x[o stride - pad + k dilation], kernel[k]) is one 2-D convolution of frames with kd times
// as many channels. So 3-D convolutions run on whatever is fastest in 2-D (Winograd included, which likes the many
// channels), with all its strides, groups and dilations, for one copy of x. The copy costs 4 (kd + 1) bytes per element
// beside 2 kd kh kw oc operations.
//
// A tile is a run of pixels of a frame; layouts are in kernels.h. In the gradient each element of dx gathers its copies
// in the order of k, so nothing is added concurrently. The convolution itself is called by ops/conv3d.cpp.
#include "kernels/conv2d_algorithms.h"
#include "kernels/declare.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

void copy(const float* from, float* to, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) to[i] = from[i];
}

}  // namespace

void depth_windows(const DepthWindows& shape, const float* x, float* windows, const Launch& launch) {
  const int64_t row = shape.groups * shape.c, cost = 2 * row * shape.kd;
  for_tiles(launch, shape.n * shape.od * shape.pixels, cost, [=, s = shape](int64_t begin, int64_t end, float*) {
    for (int64_t at = begin; at < end; ++at) {
      const int64_t frame = at / s.pixels, p = at % s.pixels;
      const int64_t top = frame % s.od * s.stride - s.pad;
      const Range inside = taps_inside(top, s.dilation, s.kd, s.d);
      const float* const image = x + (frame / s.od * s.d * s.pixels + p) * row;
      for (int64_t g = 0; g < s.groups; ++g)
        for (int64_t k = 0; k < s.kd; ++k) {
          float* const to = windows + (at * s.groups + g) * s.kd * s.c + k * s.c;
          if (k >= inside.begin && k < inside.end) {
            copy(image + (top + k * s.dilation) * s.pixels * row + g * s.c, to, s.c);
          } else {
            for (int64_t i = 0; i < s.c; ++i) to[i] = 0.0f;
          }
        }
    }
  });
}

void depth_windows_grad(const DepthWindows& shape, const float* dwindows, float* dx, const Launch& launch) {
  const int64_t row = shape.groups * shape.c, cost = row * (shape.kd + 1);
  for_tiles(launch, shape.n * shape.d * shape.pixels, cost, [=, s = shape](int64_t begin, int64_t end, float*) {
    for (int64_t at = begin; at < end; ++at) {
      const int64_t frame = at / s.pixels, p = at % s.pixels, image = frame / s.d, depth = frame % s.d;
      float* const to = dx + at * row;
      for (int64_t i = 0; i < row; ++i) to[i] = 0.0f;
      for (int64_t k = 0; k < s.kd; ++k) {
        const int64_t top = depth + s.pad - k * s.dilation;
        if (top < 0 || top % s.stride != 0 || top / s.stride >= s.od) continue;
        const float* const from = dwindows + ((image * s.od + top / s.stride) * s.pixels + p) * row * s.kd + k * s.c;
        for (int64_t g = 0; g < s.groups; ++g) {
          const float* const own = from + g * s.kd * s.c;
          float* const sum = to + g * s.c;
#pragma omp simd
          for (int64_t i = 0; i < s.c; ++i) sum[i] += own[i];
        }
      }
    }
  });
}

}  // namespace linnet::LINNET_ISA
