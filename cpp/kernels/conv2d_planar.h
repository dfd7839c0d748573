// Convolution with few output channels: vectors run along the width, through one plane per channel.
//
// NHWC would fill only oc lanes of a vector. So an image, or a band of its output rows, is copied into planes in
// scratch, with the zero padding written out and, for strides, one plane for each phase (row mod stride_h, column mod
// stride_w). All planes have the same pitch, and so does the output: with f = row * pitch + column, every tap of the
// window (a position and an input channel) is one constant offset,
//
//   y[f] = sum over taps of weight[tap] * planes[offset(tap) + f]
//
// for any stride, dilation and padding, and vectors may run on over the end of a row. The columns between ow and pitch
// are junk that nobody reads. Copying to and from NHWC interleaves channels with constant shuffles.
#pragma once
#include "kernels/conv2d_algorithms.h"

namespace linnet::LINNET_ISA {

// More channels fill vectors, or nearly.
inline constexpr int kPlanarChannels = 8;
// Vectors of accumulators in one register tile.
inline constexpr int kPlanarTile = kVectorRegisters == 32 ? 24 : 12;
inline constexpr int64_t kPlanarTaps = 4096;

struct Planes {
  int64_t pitch;             // of x's planes and of the output
  int64_t plane_rows;        // of x's planes, for a band
  int64_t plane_floats;      // of one of x's planes
  int64_t planes;            // c * stride_h * stride_w
  int64_t band_rows, bands;  // of the output
  int64_t band_floats;       // band_rows * pitch and a vector that may spill over, rounded up to whole register tiles
};

inline Planes planes_of(const Conv2dShape& s, int64_t band_rows) {
  Planes p;
  p.pitch = s.ow + (s.kw - 1) * s.dilation_w / s.stride_w;
  p.band_rows = divide_up(s.oh, divide_up(s.oh, band_rows));
  p.bands = divide_up(s.oh, p.band_rows);
  p.plane_rows = p.band_rows + (s.kh - 1) * s.dilation_h / s.stride_h;
  p.plane_floats = p.plane_rows * p.pitch;
  p.planes = s.c * s.stride_h * s.stride_w;
  constexpr int64_t kTileFloats = 8 * kLanes;
  p.band_floats = divide_up(p.band_rows * p.pitch + kLanes, kTileFloats) * kTileFloats;
  return p;
}

// Floats of scratch for the planes of x and of the output's channels. Register tiles read past the last plane.
inline int64_t input_floats(const Planes& p) {
  return p.planes * p.plane_floats + p.band_floats - p.band_rows * p.pitch;
}
inline int64_t output_floats(const Planes& p, int64_t oc) { return p.band_floats * oc; }

// The planes for bands that stay in L1 and L2 where possible, or bands == 0 if not even one row fits scratch.
inline Planes choose_planes(const Conv2dShape& s) {
  constexpr int64_t kFloats = 16 * 1024, kMostFloats = kScratchFloats - 2 * kPlanarTaps;
  int64_t rows = s.oh;
  const auto floats = [&](int64_t r) { return input_floats(planes_of(s, r)) + output_floats(planes_of(s, r), s.oc); };
  while (rows > 1 && floats(rows) > kFloats) rows = (rows + 1) / 2;
  Planes p = planes_of(s, rows);
  if (floats(rows) > kMostFloats) p.bands = 0;
  return p;
}

// Better than vectors along the channels? Those pay for whole vectors, and about 8 steps to begin a run
// (conv2d_tile.h); these pay for whole rows of the pitch, and some 15 % for copying.
inline bool planar_pays(const Conv2dShape& s) {
  if (s.groups != 1 || s.oc > kPlanarChannels || s.kh * s.kw * s.c > kPlanarTaps) return false;
  const Planes p = choose_planes(s);
  const int64_t run = s.dilation_w == 1 ? s.kw * s.c : s.c, lanes = divide_up(s.oc, kLanes) * kLanes;
  const double direct = static_cast<double>(lanes * (run + 8)) / static_cast<double>(s.oc * run);
  const double planar = 1.15 * static_cast<double>(p.pitch) / static_cast<double>(s.ow);
  return p.bands > 0 && s.oh * s.ow >= kLanes && planar < direct;
}

// Offsets of all taps, in the order of the kernel's rows (ky, kx, i).
inline void list_taps(const Conv2dShape& s, const Planes& p, int64_t* offsets) {
  for (int64_t ky = 0; ky < s.kh; ++ky)
    for (int64_t kx = 0; kx < s.kw; ++kx)
      for (int64_t i = 0; i < s.c; ++i) {
        const int64_t y = ky * s.dilation_h, x = kx * s.dilation_w;
        const int64_t plane = (i * s.stride_h + y % s.stride_h) * s.stride_w + x % s.stride_w;
        *offsets++ = plane * p.plane_floats + y / s.stride_h * p.pitch + x / s.stride_w;
      }
}

// Writes the planes for output rows from y0 on of image x (h, w, c).
void fill_planes(const Conv2dShape& s, const Planes& p, const float* x, int64_t y0, float* planes);

// ---- interleaving: N vectors of one channel each <-> kLanes pixels of N channels ------------------------------------
// Units are floats, or pairs of floats when N is even: that halves the number of sources a result is gathered from.
typedef int32_t Lanes32 __attribute__((vector_size(kLanes * sizeof(float))));
typedef int64_t Lanes64 __attribute__((vector_size(kLanes * sizeof(float))));

// Builds result `j` from in[0 .. n) two sources at a time: unit l comes from in[source(l)], unit lane(l).
template <class V, class Source, class Lane>
inline V gather_units(const V* in, int n, Source source, Lane lane) {
  constexpr int kUnits = static_cast<int>(sizeof(V) / sizeof(in[0][0]));
  V result = in[0];
#pragma GCC unroll 8
  for (int i = 0; i < n; ++i) {
    if (i == 1) continue;  // joins with 0
    const bool first = i == 0;
    if (first && n == 1) return result;
    V mask{};
#pragma GCC unroll 16
    for (int l = 0; l < kUnits; ++l) {
      const int from = source(l);
      mask[l] = first ? (from == 1 ? kUnits : 0) + lane(l) : (from == i ? kUnits + lane(l) : l);
    }
    result = __builtin_shuffle(result, in[first ? 1 : i], mask);
  }
  return result;
}

// out[j] = units j * U .. of the sequence in[0][0], in[1][0], ... in[N-1][0], in[0][1], ...
template <int N, class V>
inline void interleave_units(const V* in, V* out) {
  constexpr int kUnits = static_cast<int>(sizeof(V) / sizeof(in[0][0]));
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j)
    out[j] =
        gather_units(in, N, [j](int l) { return (j * kUnits + l) % N; }, [j](int l) { return (j * kUnits + l) / N; });
}
template <int N, class V>
inline void deinterleave_units(const V* in, V* out) {
  constexpr int kUnits = static_cast<int>(sizeof(V) / sizeof(in[0][0]));
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j)
    out[j] =
        gather_units(in, N, [j](int l) { return (l * N + j) / kUnits; }, [j](int l) { return (l * N + j) % kUnits; });
}

// in: N vectors of one channel each; out: the same kLanes pixels in NHWC, N vectors. And back.
template <int N>
inline void interleave(const Vec* in, Vec* out) {
  if constexpr (N == 1) {
    out[0] = in[0];
  } else if constexpr (N % 2 == 0) {
    Lanes64 pairs[2][N / 2], mixed[2][N / 2];  // [first or second half of the pixels][pair of channels]
#pragma GCC unroll 4
    for (int i = 0; i < N / 2; ++i) {
      const Lanes32 two[2] = {__builtin_bit_cast(Lanes32, in[2 * i]), __builtin_bit_cast(Lanes32, in[2 * i + 1])};
      Lanes32 both[2];
      interleave_units<2>(two, both);
      pairs[0][i] = __builtin_bit_cast(Lanes64, both[0]);
      pairs[1][i] = __builtin_bit_cast(Lanes64, both[1]);
    }
    interleave_units<N / 2>(pairs[0], mixed[0]);
    interleave_units<N / 2>(pairs[1], mixed[1]);
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) out[i] = __builtin_bit_cast(Vec, mixed[i / (N / 2)][i % (N / 2)]);
  } else {
    Lanes32 from[N], to[N];
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) from[i] = __builtin_bit_cast(Lanes32, in[i]);
    interleave_units<N>(from, to);
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) out[i] = __builtin_bit_cast(Vec, to[i]);
  }
}

template <int N>
inline void deinterleave(const Vec* in, Vec* out) {
  if constexpr (N == 1) {
    out[0] = in[0];
  } else if constexpr (N % 2 == 0) {
    Lanes64 mixed[2][N / 2], pairs[2][N / 2];
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) mixed[i / (N / 2)][i % (N / 2)] = __builtin_bit_cast(Lanes64, in[i]);
    deinterleave_units<N / 2>(mixed[0], pairs[0]);
    deinterleave_units<N / 2>(mixed[1], pairs[1]);
#pragma GCC unroll 4
    for (int i = 0; i < N / 2; ++i) {
      const Lanes32 both[2] = {__builtin_bit_cast(Lanes32, pairs[0][i]), __builtin_bit_cast(Lanes32, pairs[1][i])};
      Lanes32 two[2];
      deinterleave_units<2>(both, two);
      out[2 * i] = __builtin_bit_cast(Vec, two[0]);
      out[2 * i + 1] = __builtin_bit_cast(Vec, two[1]);
    }
  } else {
    Lanes32 from[N], to[N];
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) from[i] = __builtin_bit_cast(Lanes32, in[i]);
    deinterleave_units<N>(from, to);
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) out[i] = __builtin_bit_cast(Vec, to[i]);
  }
}

}  // namespace linnet::LINNET_ISA
