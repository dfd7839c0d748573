// Planar convolution, gradient of the weights (conv2d_planar.h says how the planes are laid out).
//
// dy is copied into planes as well, with zeros in the junk columns, so that dkernel[tap, o] is the product of two long
// vectors: x's plane from offset(tap) on, and dy's plane o. A register tile is some taps times all channels; each lane
// sums its own part, and lanes are added up only at the very end. dbias falls out of the copying of dy.
//
// A unit is a band of one image. Units are cut into chunks by the shape; every chunk has its own sums in the workspace,
// (taps, oc) vectors and oc vectors for dbias, and they are added up in order.
// scratch: offsets of the taps, planes of x, planes of dy.
#include "kernels/conv2d_planar.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kChunks = 16;

struct Args {
  Conv2dShape s;
  Planes p;
  const float* x;   // (n, h, w, c)
  const float* dy;  // (n, oh, ow, oc)
  float* partial;   // (chunks, taps + 1, oc) vectors
  int64_t chunks;
};

int64_t taps_of(const Conv2dShape& s) { return s.kh * s.kw * s.c; }
int64_t partial_floats(const Conv2dShape& s) { return (taps_of(s) + 1) * s.oc * kLanes; }

// sums (taps, channels) += or = the products of `floats` floats of the planes.
template <int Taps, int Channels>
void product_tile(const float* planes, const int64_t* offsets, const float* dy, int64_t dy_plane, int64_t floats,
                  bool add, float* sums) {
  Vec acc[Taps][Channels];
  const float* from[Taps];
#pragma GCC unroll 8
  for (int t = 0; t < Taps; ++t) {
    from[t] = planes + offsets[t];
#pragma GCC unroll 8
    for (int o = 0; o < Channels; ++o) acc[t][o] = add ? load(sums + (t * Channels + o) * kLanes) : Vec{};
  }
  for (int64_t f = 0; f < floats; f += kLanes) {
    Vec d[Channels];
#pragma GCC unroll 8
    for (int o = 0; o < Channels; ++o) d[o] = load(dy + o * dy_plane + f);
#pragma GCC unroll 8
    for (int t = 0; t < Taps; ++t) {
      const Vec x = load(from[t] + f);
#pragma GCC unroll 8
      for (int o = 0; o < Channels; ++o) acc[t][o] += x * d[o];
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < Taps; ++t)
#pragma GCC unroll 8
    for (int o = 0; o < Channels; ++o) store(sums + (t * Channels + o) * kLanes, acc[t][o]);
}

using ProductTile = void (*)(const float*, const int64_t*, const float*, int64_t, int64_t, bool, float*);

template <int Channels>
constexpr int max_taps() {
  return kPlanarTile / Channels < 8 ? kPlanarTile / Channels : 8;
}
template <int Taps, int Channels>
ProductTile find_tile(int64_t taps) {
  if constexpr (Taps == 1) {
    return product_tile<1, Channels>;
  } else {
    return taps == Taps ? product_tile<Taps, Channels> : find_tile<Taps - 1, Channels>(taps);
  }
}

// Lanes l < count as they are, the others zero.
inline Vec keep_first(Vec v, int64_t count) {
  Lanes32 lane;
#pragma GCC unroll 16
  for (int l = 0; l < kLanes; ++l) lane[l] = l;
  return lane < static_cast<int32_t>(count) ? v : Vec{};
}

// dy (rows, ow, channels) to planes (channels, band_floats), zeros behind each row. `room`: floats of dy that may be
// read from here on. sums: one vector for each channel.
template <int Channels>
void fill_dy(const Conv2dShape& shape, const Planes& p, const float* dy, int64_t rows, int64_t room, bool add,
             float* planes, float* sums) {
  const int64_t ow = shape.ow, pitch = p.pitch, plane = p.band_floats;
  Vec total[Channels];
  for (int o = 0; o < Channels; ++o) total[o] = add ? load(sums + o * kLanes) : Vec{};
  for (int64_t r = 0; r < rows; ++r, dy += ow * Channels, room -= ow * Channels) {
    int64_t q = 0;
    for (; q < ow; q += kLanes) {
      float part[Channels * kLanes];
      const float* from = dy + q * Channels;
      if (room < (q + kLanes) * Channels) {
        for (int64_t i = 0; i < Channels * kLanes; ++i) part[i] = q * Channels + i < room ? from[i] : 0.0f;
        from = part;
      }
      Vec pixels[Channels], channels[Channels];
#pragma GCC unroll 8
      for (int o = 0; o < Channels; ++o) pixels[o] = load(from + o * kLanes);
      deinterleave<Channels>(pixels, channels);
#pragma GCC unroll 8
      for (int o = 0; o < Channels; ++o) {
        const Vec inside = keep_first(channels[o], ow - q);
        total[o] += inside;
        store(planes + o * plane + r * pitch + q, inside);  // what spills over the pitch, the next row overwrites
      }
    }
    for (int64_t o = 0; o < Channels && q < pitch; ++o)
      for (int64_t i = q; i < pitch; ++i) planes[o * plane + r * pitch + i] = 0.0f;
  }
  for (int64_t o = 0; o < Channels; ++o)
    for (int64_t f = rows * pitch; f < plane; ++f) planes[o * plane + f] = 0.0f;
  for (int o = 0; o < Channels; ++o) store(sums + o * kLanes, total[o]);
}

template <int Channels>
void chunk_job(const void* args, int64_t chunk, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape s = a.s;
  const Planes p = a.p;
  const int64_t taps = taps_of(s), units = s.n * p.bands, tiles = divide_up(taps, max_taps<Channels>());
  int64_t* const offsets = reinterpret_cast<int64_t*>(scratch);
  float* const planes = scratch + 2 * kPlanarTaps;
  float* const dy_planes = planes + divide_up(input_floats(p), 16) * 16;
  float* const sums = a.partial + chunk * partial_floats(s);
  list_taps(s, p, offsets);
  const int64_t first = part_begin(units, a.chunks, chunk), last = part_begin(units, a.chunks, chunk + 1);
  for (int64_t unit = first; unit < last; ++unit) {
    const int64_t n = unit / p.bands, y0 = unit % p.bands * p.band_rows, rows = min_of(p.band_rows, s.oh - y0);
    fill_planes(s, p, a.x + n * s.h * s.w * s.c, y0, planes);
    const int64_t dy_at = (n * s.oh + y0) * s.ow * Channels;
    fill_dy<Channels>(s, p, a.dy + dy_at, rows, s.n * s.oh * s.ow * Channels - dy_at, unit > first, dy_planes,
                      sums + taps * Channels * kLanes);
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t begin = part_begin(taps, tiles, i), count = part_begin(taps, tiles, i + 1) - begin;
      find_tile<max_taps<Channels>(), Channels>(count)(planes, offsets + begin, dy_planes, p.band_floats,
                                                       (rows - 1) * p.pitch + s.ow, unit > first,
                                                       sums + begin * Channels * kLanes);
    }
  }
}

template <int Channels>
Launch::Tile find_job(int64_t oc) {
  if constexpr (Channels == 1) {
    return chunk_job<1>;
  } else {
    return oc == Channels ? chunk_job<Channels> : find_job<Channels - 1>(oc);
  }
}

// A copy of the sums must fit L2 beside the planes.
bool accepts(const Conv2dShape& s) { return planar_pays(s) && partial_floats(s) <= 64 * 1024; }

int64_t chunks_of(const Conv2dShape& s) { return min_of(kChunks, s.n * choose_planes(s).bands); }
float sum_lanes(Vec v) {
  float lanes[kLanes];
  store(lanes, v);
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) lanes[i] += lanes[i + width];
  return lanes[0];
}

size_t workspace(const Conv2dShape& s) { return workspace_bytes(chunks_of(s) * partial_floats(s)); }

void run(const Conv2dShape& s, const float* x, const float* dy, float* dkernel, float* dbias, const Launch& launch) {
  const Args args = {s, choose_planes(s), x, dy, static_cast<float*>(launch.workspace), chunks_of(s)};
  run_jobs(launch, args.chunks, flops_of(s), find_job<kPlanarChannels>(s.oc), &args);
  const int64_t sums = taps_of(s) * s.oc;
  for (int64_t i = 0; i < sums + (dbias ? s.oc : 0); ++i) {
    Vec sum = load(args.partial + i * kLanes);
    for (int64_t chunk = 1; chunk < args.chunks; ++chunk)
      sum += load(args.partial + chunk * partial_floats(s) + i * kLanes);
    (i < sums ? dkernel[i] : dbias[i - sums]) = sum_lanes(sum);
  }
}

}  // namespace

const ConvGradWeight conv_grad_weight_planar = {accepts, workspace, run};

}  // namespace linnet::LINNET_ISA
