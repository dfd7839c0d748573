// Convolution by plain loops that check every position: correct for every shape, also those with a size of 0.
//
// The innermost loop runs over the output channels of a group (forward, grad_weight) or its input channels
// (grad_input), which is contiguous in memory, or short. What comes here is empty or so large in one direction that a
// window does not fit the scratch of the other algorithms. A job is an image; grad_weight's job is a row of the kernel
// window and an input channel, so that nothing has to be combined afterwards.
#include "kernels/conv2d_algorithms.h"

namespace linnet::LINNET_ISA {
namespace {

struct Args {
  Conv2dShape s;
  const float* x;       // (n, h, w, c)
  const float* kernel;  // (kh, kw, c / groups, oc)
  const float* dy;      // (n, oh, ow, oc)
  float* out;           // y, dx or dkernel
  Epilogue epilogue;
};

int64_t group_c(const Conv2dShape& s) { return s.groups > 0 ? s.c / s.groups : 0; }
int64_t group_oc(const Conv2dShape& s) { return s.groups > 0 ? s.oc / s.groups : 0; }

void forward_image(const void* args, int64_t n, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  const int64_t cg = group_c(s), og = group_oc(s);
  float* const out = a.out + n * s.oh * s.ow * s.oc;
  for (int64_t oy = 0; oy < s.oh; ++oy)
    for (int64_t ox = 0; ox < s.ow; ++ox) {
      float* const y = out + (oy * s.ow + ox) * s.oc;
      for (int64_t o = 0; o < s.oc; ++o) y[o] = a.epilogue.bias ? a.epilogue.bias[o] : 0.0f;
      const int64_t iy = oy * s.stride_h - s.pad_top, ix = ox * s.stride_w - s.pad_left;
      const Range rows = taps_inside(iy, s.dilation_h, s.kh, s.h), columns = taps_inside(ix, s.dilation_w, s.kw, s.w);
      for (int64_t ky = rows.begin; ky < rows.end; ++ky)
        for (int64_t kx = columns.begin; kx < columns.end; ++kx)
          for (int64_t g = 0; g < s.groups; ++g)
            for (int64_t i = 0; i < cg; ++i) {
              const float v =
                  a.x[((n * s.h + iy + ky * s.dilation_h) * s.w + ix + kx * s.dilation_w) * s.c + g * cg + i];
              const float* const w = a.kernel + ((ky * s.kw + kx) * cg + i) * s.oc + g * og;
#pragma omp simd
              for (int64_t o = 0; o < og; ++o) y[g * og + o] += v * w[o];
            }
    }
  const float* const residual = a.epilogue.residual ? a.epilogue.residual + n * s.oh * s.ow * s.oc : nullptr;
  if (residual || a.epilogue.activation != Activation::none)
    finish(out, residual, a.epilogue.activation, s.oh * s.ow * s.oc);
}

void forward(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue,
             const Launch& launch) {
  const Args args = {s, x, kernel, nullptr, y, epilogue};
  run_jobs(launch, s.n, flops_of(s), forward_image, &args);
}

void grad_input_image(const void* args, int64_t n, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  const int64_t cg = group_c(s), og = group_oc(s);
  float* const dx = a.out + n * s.h * s.w * s.c;
  for (int64_t i = 0; i < s.h * s.w * s.c; ++i) dx[i] = 0.0f;
  for (int64_t oy = 0; oy < s.oh; ++oy)
    for (int64_t ox = 0; ox < s.ow; ++ox) {
      const float* const dy = a.dy + ((n * s.oh + oy) * s.ow + ox) * s.oc;
      const int64_t iy = oy * s.stride_h - s.pad_top, ix = ox * s.stride_w - s.pad_left;
      const Range rows = taps_inside(iy, s.dilation_h, s.kh, s.h), columns = taps_inside(ix, s.dilation_w, s.kw, s.w);
      for (int64_t ky = rows.begin; ky < rows.end; ++ky)
        for (int64_t kx = columns.begin; kx < columns.end; ++kx)
          for (int64_t g = 0; g < s.groups; ++g)
            for (int64_t i = 0; i < cg; ++i) {
              const float* const w = a.kernel + ((ky * s.kw + kx) * cg + i) * s.oc + g * og;
              float sum = 0;
              for (int64_t o = 0; o < og; ++o) sum += dy[g * og + o] * w[o];
              dx[((iy + ky * s.dilation_h) * s.w + ix + kx * s.dilation_w) * s.c + g * cg + i] += sum;
            }
    }
}

void grad_input(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  const Args args = {s, nullptr, kernel, dy, dx, {}};
  run_jobs(launch, s.n, flops_of(s), grad_input_image, &args);
}

// dkernel[ky, kx, i, :] for all groups.
void grad_weight_row(const void* args, int64_t row, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  const int64_t cg = group_c(s), og = group_oc(s);
  const int64_t i = row % cg, kx = row / cg % s.kw, ky = row / cg / s.kw;
  float* const dw = a.out + row * s.oc;
  for (int64_t o = 0; o < s.oc; ++o) dw[o] = 0.0f;
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t oy = 0; oy < s.oh; ++oy)
      for (int64_t ox = 0; ox < s.ow; ++ox) {
        const int64_t iy = oy * s.stride_h - s.pad_top + ky * s.dilation_h;
        const int64_t ix = ox * s.stride_w - s.pad_left + kx * s.dilation_w;
        if (iy < 0 || iy >= s.h || ix < 0 || ix >= s.w) continue;
        for (int64_t g = 0; g < s.groups; ++g) {
          const float v = a.x[((n * s.h + iy) * s.w + ix) * s.c + g * cg + i];
          const float* const dy = a.dy + ((n * s.oh + oy) * s.ow + ox) * s.oc + g * og;
#pragma omp simd
          for (int64_t o = 0; o < og; ++o) dw[g * og + o] += v * dy[o];
        }
      }
}

void grad_weight(const Conv2dShape& s, const float* x, const float* dy, float* dkernel, float* dbias,
                 const Launch& launch) {
  const Args args = {s, x, nullptr, dy, dkernel, {}};
  run_jobs(launch, s.kh * s.kw * group_c(s), flops_of(s), grad_weight_row, &args);
  if (dbias) column_sums(dy, s.n * s.oh * s.ow, s.oc, false, dbias);
}

bool accepts(const Conv2dShape&) { return true; }
size_t workspace(const Conv2dShape&) { return 0; }

}  // namespace

const ConvForward conv_forward_general = {accepts, workspace, forward};
const ConvGradInput conv_grad_input_general = {accepts, workspace, grad_input};
const ConvGradWeight conv_grad_weight_general = {accepts, workspace, grad_weight};

}  // namespace linnet::LINNET_ISA
