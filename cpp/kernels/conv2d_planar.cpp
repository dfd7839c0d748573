// Planar convolution, forward (conv2d_planar.h says how the planes are laid out).
//
// A register tile is all output channels times some vectors of f. For each tap it loads those vectors of one plane once
// and multiplies them with oc broadcast weights, which lie next to each other in the kernel (kh, kw, c, oc). Finished
// tiles are interleaved back to NHWC in registers and go to a strip in scratch, whose rows are then copied to y without
// the junk between them. A job is a band of one image.
//
// scratch: offsets of the taps, planes of x, strip (band_floats, oc).
#include "kernels/conv2d_planar.h"

namespace linnet::LINNET_ISA {

void fill_planes(const Conv2dShape& shape, const Planes& p, const float* x, int64_t y0, float* planes) {
  const Conv2dShape s = shape;  // a copy: the compiler need not fear that a store changes it
  // All zeros in one go, then the rows: cheaper than many short runs of zeros around them.
  __builtin_memset(planes, 0, static_cast<size_t>(input_floats(p)) * sizeof(float));
  for (int64_t py = 0; py < s.stride_h; ++py) {
    const Range rows = taps_inside(y0 * s.stride_h + py - s.pad_top, s.stride_h, p.plane_rows, s.h);
    for (int64_t px = 0; px < s.stride_w; ++px) {
      // Columns q for which 0 <= q * stride_w + px - pad_left < w.
      const Range columns = taps_inside(px - s.pad_left, s.stride_w, p.pitch, s.w);
      const int64_t step = s.stride_w * s.c;
      for (int64_t i = 0; i < s.c; ++i) {
        float* const plane = planes + ((i * s.stride_h + py) * s.stride_w + px) * p.plane_floats;
        for (int64_t r = rows.begin; r < rows.end; ++r) {
          const int64_t iy = (y0 + r) * s.stride_h + py - s.pad_top;
          const float* const from = x + (iy * s.w + px - s.pad_left) * s.c + i;
          float* const to = plane + r * p.pitch;
          if (step == 1) {
#pragma omp simd
            for (int64_t q = columns.begin; q < columns.end; ++q) to[q] = from[q];
          } else {
            for (int64_t q = columns.begin; q < columns.end; ++q) to[q] = from[q * step];
          }
        }
      }
    }
  }
}

namespace {

struct Args {
  Conv2dShape s;
  Planes p;
  const float* x;       // (n, h, w, c)
  const float* kernel;  // (kh, kw, c, oc)
  float* y;             // (n, oh, ow, oc)
  Epilogue epilogue;
};

// As many vectors as the registers allow; more than 8 are not needed to hide latency.
constexpr int tile_vectors(int oc) { return kPlanarTile / oc < 8 ? kPlanarTile / oc : 8; }

// f .. f + vectors * kLanes for all channels, to strip (f, oc).
template <int Channels>
void planar_tile(const float* planes, const int64_t* offsets, int64_t taps, const float* kernel, const float* bias,
                 bool relu, float* strip) {
  constexpr int kVectors = tile_vectors(Channels);
  Vec acc[kVectors][Channels];
#pragma GCC unroll 8
  for (int o = 0; o < Channels; ++o) {
    const Vec start = broadcast(bias ? bias[o] : 0.0f);
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) acc[v][o] = start;
  }
  for (int64_t t = 0; t < taps; ++t, kernel += Channels) {
    const float* const from = planes + offsets[t];
    Vec x[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) x[v] = load(from + v * kLanes);
#pragma GCC unroll 8
    for (int o = 0; o < Channels; ++o) {
      const Vec weight = broadcast(kernel[o]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) acc[v][o] += x[v] * weight;
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    Vec pixels[Channels];
    if (relu) {
#pragma GCC unroll 8
      for (int o = 0; o < Channels; ++o) acc[v][o] = acc[v][o] < 0.0f ? Vec{} : acc[v][o];  // keeps NaN
    }
    interleave<Channels>(acc[v], pixels);
#pragma GCC unroll 8
    for (int o = 0; o < Channels; ++o) store(strip + (v * Channels + o) * kLanes, pixels[o]);
  }
}

template <int Channels>
void band_job(const void* args, int64_t index, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape s = a.s;
  const Planes p = a.p;
  const int64_t n = index / p.bands, y0 = index % p.bands * p.band_rows;
  const int64_t rows = min_of(p.band_rows, s.oh - y0), taps = s.kh * s.kw * s.c;
  int64_t* const offsets = reinterpret_cast<int64_t*>(scratch);
  float* const planes = scratch + 2 * kPlanarTaps;
  float* const strip = planes + divide_up(input_floats(p), 16) * 16;
  list_taps(s, p, offsets);
  fill_planes(s, p, a.x + n * s.h * s.w * s.c, y0, planes);

  const bool relu = a.epilogue.activation == Activation::relu && !a.epilogue.residual;
  constexpr int64_t kTileFloats = tile_vectors(Channels) * kLanes;
  for (int64_t f = 0; f < (rows - 1) * p.pitch + s.ow; f += kTileFloats)
    planar_tile<Channels>(planes + f, offsets, taps, a.kernel, a.epilogue.bias, relu, strip + f * Channels);

  const int64_t row_floats = s.ow * Channels, y_at = (n * s.oh + y0) * row_floats;
  for (int64_t r = 0; r < rows; ++r)
    __builtin_memcpy(a.y + y_at + r * row_floats, strip + r * p.pitch * Channels, static_cast<size_t>(row_floats) * 4);
  if (a.epilogue.residual || (a.epilogue.activation != Activation::none && !relu))
    finish(a.y + y_at, a.epilogue.residual ? a.epilogue.residual + y_at : nullptr, a.epilogue.activation,
           rows * row_floats);
}

template <int Channels>
Launch::Tile find_job(int64_t oc) {
  if constexpr (Channels == 1) {
    return band_job<1>;
  } else {
    return oc == Channels ? band_job<Channels> : find_job<Channels - 1>(oc);
  }
}

size_t workspace(const Conv2dShape&) { return 0; }

void run(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue,
         const Launch& launch) {
  const Args args = {s, choose_planes(s), x, kernel, y, epilogue};
  run_jobs(launch, s.n * args.p.bands, flops_of(s), find_job<kPlanarChannels>(s.oc), &args);
}

}  // namespace

const ConvForward conv_forward_planar = {planar_pays, workspace, run};

}  // namespace linnet::LINNET_ISA
