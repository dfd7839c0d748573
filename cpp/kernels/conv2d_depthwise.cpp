// Depthwise convolution: every channel has its own window, so vectors run along the channels and nothing is shared.
//
// forward and grad_input both sum, for one pixel, a list of taps: a pixel of the other image times a row of the kernel
// (kh, kw, 1, c). The list holds only positions inside the image. grad_weight keeps the channels of one tap in
// registers and runs over the pixels; every chunk of images has its own sums in the workspace, added up in order.
//
// Channels are taken four vectors, then one vector at a time; the last vector overlaps the one before rather than leave
// the array. Fewer channels than a vector are left to the other algorithms.
#include "kernels/conv2d_algorithms.h"

namespace linnet::LINNET_ISA {
namespace {

struct Tap {
  const float* x;  // (c): a pixel of x, or of dy
  const float* w;  // (c)
};
constexpr int64_t kTaps = 4096;  // of a window; the list lies in scratch
constexpr int64_t kChunks = 16;

struct Args {
  Conv2dShape s;
  const float* in;      // x, or dy in grad_input
  const float* kernel;  // (kh, kw, 1, c)
  const float* dy;      // grad_weight only
  float* out;
  Epilogue epilogue;
  int64_t chunks;  // of the images
};

template <int Vectors>
void sum_taps(const Tap* taps, int64_t count, int64_t c, const float* bias, bool relu, float* y) {
  Vec acc[Vectors];
  for (int v = 0; v < Vectors; ++v) acc[v] = bias ? load(bias + c + v * kLanes) : Vec{};
  for (int64_t t = 0; t < count; ++t)
    for (int v = 0; v < Vectors; ++v) acc[v] += load(taps[t].x + c + v * kLanes) * load(taps[t].w + c + v * kLanes);
  for (int v = 0; v < Vectors; ++v) store(y + c + v * kLanes, !relu ? acc[v] : acc[v] < 0.0f ? Vec{} : acc[v]);
}

// Calls four(c), then one(c), so that all channels are covered.
template <class Four, class One>
void each_channel(int64_t channels, Four four, One one) {
  int64_t c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) four(c);
  for (; c + kLanes <= channels; c += kLanes) one(c);
  if (c < channels) one(channels - kLanes);
}

void sum_pixel(const Tap* taps, int64_t count, int64_t channels, const float* bias, bool relu, float* y) {
  each_channel(
      channels, [&](int64_t c) { sum_taps<4>(taps, count, c, bias, relu, y); },
      [&](int64_t c) { sum_taps<1>(taps, count, c, bias, relu, y); });
}

void forward_row(const void* args, int64_t row, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  Tap* const taps = reinterpret_cast<Tap*>(scratch);
  const int64_t n = row / s.oh, iy = row % s.oh * s.stride_h - s.pad_top;
  const Range rows = taps_inside(iy, s.dilation_h, s.kh, s.h);
  const bool relu = a.epilogue.activation == Activation::relu && !a.epilogue.residual;
  float* const y = a.out + row * s.ow * s.c;
  for (int64_t ox = 0; ox < s.ow; ++ox) {
    const int64_t ix = ox * s.stride_w - s.pad_left;
    const Range columns = taps_inside(ix, s.dilation_w, s.kw, s.w);
    int64_t count = 0;
    for (int64_t ky = rows.begin; ky < rows.end; ++ky)
      for (int64_t kx = columns.begin; kx < columns.end; ++kx)
        taps[count++] = {a.in + ((n * s.h + iy + ky * s.dilation_h) * s.w + ix + kx * s.dilation_w) * s.c,
                         a.kernel + (ky * s.kw + kx) * s.c};
    sum_pixel(taps, count, s.c, a.epilogue.bias, relu, y + ox * s.c);
  }
  if (!relu && (a.epilogue.residual || a.epilogue.activation != Activation::none))
    finish(y, a.epilogue.residual ? a.epilogue.residual + row * s.ow * s.c : nullptr, a.epilogue.activation,
           s.ow * s.c);
}

void forward(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue,
             const Launch& launch) {
  const Args args = {s, x, kernel, nullptr, y, epilogue, 0};
  run_jobs(launch, s.n * s.oh, 4 * flops_of(s), forward_row, &args);
}

void grad_input_row(const void* args, int64_t row, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  Tap* const taps = reinterpret_cast<Tap*>(scratch);
  const int64_t n = row / s.h, y = row % s.h;
  for (int64_t x = 0; x < s.w; ++x) {
    int64_t count = 0;
    for (int64_t ky = 0; ky < s.kh; ++ky) {
      const int64_t iy = y + s.pad_top - ky * s.dilation_h;
      if (iy < 0 || iy % s.stride_h != 0 || iy / s.stride_h >= s.oh) continue;
      for (int64_t kx = 0; kx < s.kw; ++kx) {
        const int64_t ix = x + s.pad_left - kx * s.dilation_w;
        if (ix < 0 || ix % s.stride_w != 0 || ix / s.stride_w >= s.ow) continue;
        taps[count++] = {a.in + ((n * s.oh + iy / s.stride_h) * s.ow + ix / s.stride_w) * s.c,
                         a.kernel + (ky * s.kw + kx) * s.c};
      }
    }
    sum_pixel(taps, count, s.c, nullptr, false, a.out + (row * s.w + x) * s.c);
  }
}

void grad_input(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  const Args args = {s, dy, kernel, nullptr, dx, {}, 0};
  run_jobs(launch, s.n * s.h, 4 * flops_of(s), grad_input_row, &args);
}

// out[c ...] = sum of images [first, last) of one tap, channels from c on.
template <int Vectors>
void sum_images(const Args& a, int64_t first, int64_t last, int64_t tap, int64_t c, float* out) {
  const Conv2dShape& s = a.s;
  const int64_t top = tap / s.kw * s.dilation_h - s.pad_top, left = tap % s.kw * s.dilation_w - s.pad_left;
  const Range rows = taps_inside(top, s.stride_h, s.oh, s.h), columns = taps_inside(left, s.stride_w, s.ow, s.w);
  Vec acc[Vectors] = {};
  for (int64_t n = first; n < last; ++n)
    for (int64_t oy = rows.begin; oy < rows.end; ++oy) {
      const float* x = a.in + ((n * s.h + oy * s.stride_h + top) * s.w + columns.begin * s.stride_w + left) * s.c + c;
      const float* dy = a.dy + ((n * s.oh + oy) * s.ow + columns.begin) * s.c + c;
      for (int64_t ox = columns.begin; ox < columns.end; ++ox, x += s.stride_w * s.c, dy += s.c)
        for (int v = 0; v < Vectors; ++v) acc[v] += load(x + v * kLanes) * load(dy + v * kLanes);
    }
  for (int v = 0; v < Vectors; ++v) store(out + c + v * kLanes, acc[v]);
}

void grad_weight_job(const void* args, int64_t index, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  const int64_t taps = s.kh * s.kw, tap = index % taps, chunk = index / taps;
  const int64_t first = part_begin(s.n, a.chunks, chunk), last = part_begin(s.n, a.chunks, chunk + 1);
  float* const out = a.out + index * s.c;
  each_channel(
      s.c, [&](int64_t c) { sum_images<4>(a, first, last, tap, c, out); },
      [&](int64_t c) { sum_images<1>(a, first, last, tap, c, out); });
}

void combine_tap(const void* args, int64_t tap, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const int64_t taps = a.s.kh * a.s.kw, c = a.s.c;
  float* const to = a.out + tap * c;
  const float* const from = a.in + tap * c;
  for (int64_t i = 0; i < c; ++i) to[i] = from[i];
  for (int64_t chunk = 1; chunk < a.chunks; ++chunk)
#pragma omp simd
    for (int64_t i = 0; i < c; ++i) to[i] += from[chunk * taps * c + i];
}

int64_t partial_bytes(const Conv2dShape& s) {
  return static_cast<int64_t>(workspace_bytes(min_of(s.n, kChunks) * s.kh * s.kw * s.c));
}
size_t grad_weight_workspace(const Conv2dShape& s) {
  return static_cast<size_t>(partial_bytes(s)) + bias_sums_workspace(s);
}
void grad_weight(const Conv2dShape& s, const float* x, const float* dy, float* dkernel, float* dbias,
                 const Launch& launch) {
  float* const partial = static_cast<float*>(launch.workspace);
  const int64_t chunks = min_of(s.n, kChunks);
  const Args sum = {s, x, nullptr, dy, partial, {}, chunks};
  run_jobs(launch, chunks * s.kh * s.kw, 4 * flops_of(s), grad_weight_job, &sum);
  const Args combine = {s, partial, nullptr, nullptr, dkernel, {}, chunks};
  run_jobs(launch, s.kh * s.kw, 8.0 * static_cast<double>(chunks * s.kh * s.kw * s.c), combine_tap, &combine);
  Launch rest = launch;
  rest.workspace = static_cast<char*>(launch.workspace) + partial_bytes(s);
  if (dbias) bias_sums(s, dy, dbias, rest);
}

bool accepts(const Conv2dShape& s) { return s.groups == s.c && s.oc == s.c && s.c >= kLanes && s.kh * s.kw <= kTaps; }
size_t no_workspace(const Conv2dShape&) { return 0; }

}  // namespace

const ConvForward conv_forward_depthwise = {accepts, no_workspace, forward};
const ConvGradInput conv_grad_input_depthwise = {accepts, no_workspace, grad_input};
const ConvGradWeight conv_grad_weight_depthwise = {accepts, grad_weight_workspace, grad_weight};

}  // namespace linnet::LINNET_ISA
