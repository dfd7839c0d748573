// Gradient of the input of a stride-1 convolution, as a forward convolution of dy.
//
// Each dx is a sum over a window of dy with the kernel turned by 180 degrees and its channels swapped. With enough
// input channels to fill vectors this is as fast as forward; with few, the direct gradient fills them better.
//
// workspace: the turned kernel (kh, kw, oc / groups, c), then what forward needs.
#include "kernels/conv2d_algorithms.h"

namespace linnet::LINNET_ISA {
namespace {

Conv2dShape turned_shape(const Conv2dShape& s) {
  Conv2dShape t = s;
  t.h = s.oh, t.w = s.ow, t.c = s.oc;
  t.oh = s.h, t.ow = s.w, t.oc = s.c;
  t.pad_top = (s.kh - 1) * s.dilation_h - s.pad_top;
  t.pad_left = (s.kw - 1) * s.dilation_w - s.pad_left;
  return t;
}

struct Args {
  Conv2dShape s;
  const float* kernel;  // (kh, kw, c / groups, oc)
  float* turned;        // (kh, kw, oc / groups, c)
};

void turn_position(const void* args, int64_t position, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const int64_t c = a.s.c, oc = a.s.oc, cg = c / a.s.groups, og = oc / a.s.groups;
  const float* const from = a.kernel + (a.s.kh * a.s.kw - 1 - position) * cg * oc;
  float* const to = a.turned + position * og * c;
  // Through a small square, so that both sides move whole cache lines.
  constexpr int64_t kSide = 16;
  float square[kSide * kSide];
  for (int64_t g = 0; g < a.s.groups; ++g)
    for (int64_t o0 = 0; o0 < og; o0 += kSide)
      for (int64_t i0 = 0; i0 < cg; i0 += kSide) {
        const int64_t width = min_of(kSide, og - o0), height = min_of(kSide, cg - i0);
        for (int64_t i = 0; i < height; ++i)
          for (int64_t o = 0; o < width; ++o) square[o * kSide + i] = from[(i0 + i) * oc + g * og + o0 + o];
        for (int64_t o = 0; o < width; ++o)
          for (int64_t i = 0; i < height; ++i) to[(o0 + o) * c + g * cg + i0 + i] = square[o * kSide + i];
      }
}

int64_t kernel_bytes(const Conv2dShape& s) {
  return static_cast<int64_t>(workspace_bytes(s.kh * s.kw * s.oc / s.groups * s.c));
}

bool accepts(const Conv2dShape& s) {
  const int64_t cg = s.c / s.groups;
  const Conv2dShape t = turned_shape(s);
  return s.stride_h == 1 && s.stride_w == 1 && t.pad_top >= 0 && t.pad_left >= 0 &&
         (cg % kLanes == 0 || cg >= 4 * kLanes) && conv_forward_direct.accepts(t);
}

size_t workspace(const Conv2dShape& s) {
  return static_cast<size_t>(kernel_bytes(s)) + conv_forward_direct.workspace(turned_shape(s));
}

void run(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  const Args args = {s, kernel, static_cast<float*>(launch.workspace)};
  run_jobs(launch, s.kh * s.kw, 8.0 * static_cast<double>(s.kh * s.kw * s.oc / s.groups * s.c), turn_position, &args);
  Launch rest = launch;
  rest.workspace = static_cast<char*>(launch.workspace) + kernel_bytes(s);
  conv_forward_direct.run(turned_shape(s), dy, args.turned, dx, {}, rest);
}

}  // namespace

const ConvGradInput conv_grad_input_rotated = {accepts, workspace, run};

}  // namespace linnet::LINNET_ISA
