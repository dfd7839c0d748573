// Winograd's F(4x4, 3x3) and F(2x2, 5x5): 3x3 windows at stride 1 with a quarter of the multiplications, 5x5 windows
// with a third.
//
// With 3x3 windows a tile of 4x4 outputs depends on a patch of 6x6 inputs; with 5x5 windows it is one of 2x2. Both the
// patch d and the window g are evaluated, as polynomials in two variables, at 6x6 points; there the convolution is a
// product, and the outputs are found from the 36 products by interpolation (Winograd 1980; Lavin & Gray 2016). In one
// dimension, with the points 0, +-a, +-b and infinity, and all three being linear:
//
//   output(4 or 2) = A^T (G g (6)  .  B^T d (6))     in two dimensions A^T (G g G^T . B^T d B) A
//
// The sum over the input channels can be taken before interpolating: at each of the 36 positions it is a product of
// matrices, (tiles, c) x (c, oc). That is where the time goes; 36 multiplications stand for 16 * 9, or 4 * 25.
// The gradient of the weights is the transposed map: G^T (sum over tiles of A dy A^T . B^T d B) G.
//
// a = 3/4 and b = 3/2 make the constants of A and B exact in float, and the error half that of the usual 1 and 2: the
// powers that a patch is multiplied with stay nearer to 1. docs/performance.md has the measured errors.
//
//   conv2d_winograd.cpp         forward and gradient of the input
//   conv2d_winograd_weight.cpp  gradient of the weights; ..._few.cpp: with few channels
#pragma once
#include "kernels/conv2d_algorithms.h"
#include "kernels/conv2d_tile.h"
#include "kernels/conv2d_winograd_products.h"
#include "kernels/gemm_micro.h"
#include "kernels/lanes.h"

namespace linnet::LINNET_ISA {

inline constexpr int kPatchSize = 6, kPositions = kPatchSize * kPatchSize;

// Outputs in a row of a tile: 4 with 3x3 windows, 2 with 5x5. B is the same for both, as the points are.
constexpr int64_t tile_size(int64_t window) { return kPatchSize + 1 - window; }

inline constexpr float kA = 0.75f, kB = 1.5f;
inline constexpr float kA2 = kA * kA, kB2 = kB * kB;
// One over the product of the differences to the other points, which Lagrange's interpolation divides by.
inline constexpr float kScale0 = 1 / (kA2 * kB2), kScaleA = 1 / (2 * kA2 * (kA2 - kB2)),
                       kScaleB = 1 / (2 * kB2 * (kB2 - kA2));

// ---- the maps in one dimension -------------------------------------------------------------------------------------

// B^T: patch of x. In parts, so that a row of the result can be had without the others.
struct PatchLine {
  static constexpr int kIn = 6, kOut = 6;
  // t[0] of d[0], d[2], d[4]; t[5] of d[1], d[3], d[5]
  static Vec end(Vec first, Vec second, Vec third) { return third - (kA2 + kB2) * second + kA2 * kB2 * first; }
  // t[1] and t[2], or t[3] and t[4]: at the points +-point, which `others` is the square of the others of.
  static void pair(float point, float others, const Vec* d, Vec& plus, Vec& minus) {
    const Vec even = d[4] - others * d[2], odd = point * d[3] - point * others * d[1];
    plus = even + odd;
    minus = even - odd;
  }
  static void apply(const Vec* d, Vec* t) {
    t[0] = end(d[0], d[2], d[4]);
    pair(kA, kB2, d, t[1], t[2]);
    pair(kB, kA2, d, t[3], t[4]);
    t[5] = end(d[1], d[3], d[5]);
  }
};

// The compiler may make one FMA of a * b + c * d in two ways. Where several functions must compute the same bits, this
// says which product is rounded.
inline Vec rounded(Vec v) {
#if defined(__aarch64__)
  asm("" : "+w"(v));
#else
  asm("" : "+v"(v));
#endif
  return v;
}

// G: window.
template <int kWindow>
struct WindowLine;
template <>
struct WindowLine<3> {
  static constexpr int kIn = 3, kOut = 6;
  static void apply(const Vec* g, Vec* t) {
    // kScaleA * kA2 = -kScaleB * kB2
    const Vec third = rounded(kScaleA * kA2 * g[2]);
    const Vec even_a = kScaleA * g[0] + third, odd_a = kScaleA * kA * g[1];
    const Vec even_b = kScaleB * g[0] - third, odd_b = kScaleB * kB * g[1];
    t[0] = kScale0 * g[0];
    t[1] = even_a + odd_a;
    t[2] = even_a - odd_a;
    t[3] = even_b + odd_b;
    t[4] = even_b - odd_b;
    t[5] = g[2];
  }
};
template <>
struct WindowLine<5> {
  static constexpr int kIn = 5, kOut = 6;
  static void pair(float point, float scale, const Vec* g, Vec& plus, Vec& minus) {
    const float square = point * point;
    const Vec even = rounded(scale * g[0]) + scale * square * g[2] + scale * square * square * g[4];
    const Vec odd = rounded(scale * point * g[1]) + scale * square * point * g[3];
    plus = even + odd;
    minus = even - odd;
  }
  static void apply(const Vec* g, Vec* t) {
    t[0] = kScale0 * g[0];
    pair(kA, kScaleA, g, t[1], t[2]);
    pair(kB, kScaleB, g, t[3], t[4]);
    t[5] = g[4];
  }
};

// A^T: products to outputs.
template <int kWindow>
struct OutputLine;
template <>
struct OutputLine<3> {
  static constexpr int kIn = 6, kOut = 4;
  static void apply(const Vec* t, Vec* y) {
    const Vec sum_a = t[1] + t[2], difference_a = t[1] - t[2];
    const Vec sum_b = t[3] + t[4], difference_b = t[3] - t[4];
    y[0] = t[0] + sum_a + sum_b;
    y[1] = kA * difference_a + kB * difference_b;
    y[2] = kA2 * sum_a + kB2 * sum_b;
    y[3] = kA2 * kA * difference_a + kB2 * kB * difference_b + t[5];
  }
};
template <>
struct OutputLine<5> {
  static constexpr int kIn = 6, kOut = 2;
  static void apply(const Vec* t, Vec* y) {
    y[0] = t[0] + (t[1] + t[2]) + (t[3] + t[4]);
    y[1] = kA * (t[1] - t[2]) + kB * (t[3] - t[4]) + t[5];
  }
};

// A: gradients of the outputs.
template <int kWindow>
struct OutputGradLine;
template <>
struct OutputGradLine<3> {
  static constexpr int kIn = 4, kOut = 6;
  static void apply(const Vec* y, Vec* t) {
    const Vec even_a = y[0] + kA2 * y[2], odd_a = y[1] + kA2 * y[3];
    const Vec even_b = y[0] + kB2 * y[2], odd_b = y[1] + kB2 * y[3];
    t[0] = y[0];
    t[1] = even_a + kA * odd_a;
    t[2] = even_a - kA * odd_a;
    t[3] = even_b + kB * odd_b;
    t[4] = even_b - kB * odd_b;
    t[5] = y[3];
  }
};
template <>
struct OutputGradLine<5> {
  static constexpr int kIn = 2, kOut = 6;
  static void apply(const Vec* y, Vec* t) {
    t[0] = y[0];
    t[1] = y[0] + kA * y[1];
    t[2] = y[0] - kA * y[1];
    t[3] = y[0] + kB * y[1];
    t[4] = y[0] - kB * y[1];
    t[5] = y[1];
  }
};

// G^T: to the gradient of the window.
template <int kWindow>
struct WindowGradLine;
template <>
struct WindowGradLine<3> {
  static constexpr int kIn = 6, kOut = 3;
  static void apply(const Vec* t, Vec* g) {
    const Vec sum_a = kScaleA * (t[1] + t[2]), difference_a = kScaleA * kA * (t[1] - t[2]);
    const Vec sum_b = kScaleB * (t[3] + t[4]), difference_b = kScaleB * kB * (t[3] - t[4]);
    g[0] = kScale0 * t[0] + sum_a + sum_b;
    g[1] = difference_a + difference_b;
    g[2] = kA2 * sum_a + kB2 * sum_b + t[5];
  }
};
template <>
struct WindowGradLine<5> {
  static constexpr int kIn = 6, kOut = 5;
  static void apply(const Vec* t, Vec* g) {
    const Vec sum_a = kScaleA * (t[1] + t[2]), difference_a = kScaleA * kA * (t[1] - t[2]);
    const Vec sum_b = kScaleB * (t[3] + t[4]), difference_b = kScaleB * kB * (t[3] - t[4]);
    g[0] = kScale0 * t[0] + sum_a + sum_b;
    g[1] = difference_a + difference_b;
    g[2] = kA2 * sum_a + kB2 * sum_b;
    g[3] = kA2 * difference_a + kB2 * difference_b;
    g[4] = kA2 * kA2 * sum_a + kB2 * kB2 * sum_b + t[5];
  }
};

// Column j of the inputs, input (i, j) at from + i * row + j * column. To be called for j = 0, 1, ...: x86 adds a
// stride or two in the address itself; with a pointer that runs along, and pinned, no address is kept for each of
// the 36. (One pointer: GCC 12 would add to two in one vector, by way of memory, which takes longer than everything
// else here.)
template <int kSize>
struct Columns {
  const float* from;
  int64_t row, column;
  [[gnu::always_inline]] void operator()(int, Vec* in) {
    const float* const lower = from + 3 * row;
#pragma GCC unroll 6
    for (int i = 0; i < kSize; ++i) in[i] = load((i < 3 ? from : lower) + i % 3 * row);
    from += column;
    pin(from);
  }
};

// The same where each input has an address of its own: pixels[i * kSize + j] + offset.
template <int kSize>
struct Pixels {
  const float* const* pixels;
  int64_t offset;
  [[gnu::always_inline]] void operator()(int j, Vec* in) const {
#pragma GCC unroll 6
    for (int i = 0; i < kSize; ++i) in[i] = load(pixels[i * kSize + j] + offset);
  }
};

// The map in two dimensions, columns first, then rows. get(j, in) gives a column of inputs; row i of the outputs goes
// to put(i, outputs). Unrolled, so that what fits stays in registers.
template <class Line, class Get, class Put>
[[gnu::always_inline]] inline void transform_2d(Get get, Put put) {
  Vec half[Line::kOut][Line::kIn];
#pragma GCC unroll 6
  for (int j = 0; j < Line::kIn; ++j) {
    Vec in[Line::kIn], out[Line::kOut];
    get(j, in);
    Line::apply(in, out);
#pragma GCC unroll 6
    for (int i = 0; i < Line::kOut; ++i) half[i][j] = out[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < Line::kOut; ++i) {
    Vec out[Line::kOut];
    Line::apply(half[i], out);
    put(i, out);
  }
}

// Takes the outputs of a map to 6 x 6 and stores each `position` floats behind the one before.
struct PutPositions {
  float* to;
  int64_t position;
  [[gnu::always_inline]] void operator()(int, const Vec* row) {
    float* const fourth = to + 3 * position;
#pragma GCC unroll 6
    for (int j = 0; j < kPatchSize; ++j) store((j < 3 ? to : fourth) + j % 3 * position, row[j]);
    to += kPatchSize * position;
    pin(to);
  }
};

// To 6 x 6, stored. Out of line: between other code the compiler would put twice as many registers aside. Plain
// arguments: a structure would travel through memory.
template <class Line>
[[gnu::noinline]] void columns_to_positions(const float* from, int64_t row, int64_t column, float* to,
                                            int64_t position) {
  transform_2d<Line>(Columns<Line::kIn>{from, row, column}, PutPositions{to, position});
}
template <class Line>
[[gnu::noinline]] void pixels_to_positions(const float* const* pixels, int64_t offset, float* to, int64_t position) {
  transform_2d<Line>(Pixels<Line::kIn>{pixels, offset}, PutPositions{to, position});
}

// ---- tiles ---------------------------------------------------------------------------------------------------------

// Tiles of outputs, those of one image after those of the other; the last row and column may hang over.
struct TileGrid {
  explicit TileGrid(const Conv2dShape& s)
      : size(tile_size(s.kh)),
        rows(divide_up(s.oh, size)),
        columns(divide_up(s.ow, size)),
        tiles(s.n * rows * columns) {}
  int64_t size;           // of a tile: outputs in a row of it
  int64_t rows, columns;  // of an image
  int64_t tiles;          // of the batch
};

struct TilePlace {
  TilePlace(const TileGrid& g, int64_t tile)
      : n(tile / (g.rows * g.columns)), y(tile / g.columns % g.rows * g.size), x(tile % g.columns * g.size) {}
  // To the next tile. Divisions would take as long as the transformation of a few channels.
  void step(const TileGrid& g) {
    if ((x += g.size) < g.columns * g.size) return;
    x = 0;
    if ((y += g.size) < g.rows * g.size) return;
    y = 0, ++n;
  }
  int64_t n, y, x;  // of the first output
};

// Where a transformed tile lies: channels in chunks of `width`, `chunk` floats apart, and `position` floats between its
// 36 values.
struct TileSpot {
  float* first;
  int64_t width, chunk, position;
  float* at(int64_t channel) const { return first + channel / width * chunk + channel % width; }
};

// Were the positions a power of two apart, the 36 streams would meet in one set of the cache: a line between them.
inline constexpr int64_t kPositionGap = 16;

// Zeros that stand for a pixel of so many channels.
inline int64_t zero_floats(int64_t channels) { return divide_up(channels, kChunk) * kChunk; }
inline const float* make_zeros(float* scratch, int64_t channels) {
  for (int64_t i = 0; i < channels; i += kLanes) store(scratch + i, Vec{});
  return scratch;
}

// So many tiles of a vector of channels.
inline constexpr int64_t kTilesAhead = 8;

// Images whose patches are transformed.
struct Images {
  const float* x;  // (n, h, w, c)
  int64_t n, h, w, c;
  const float* zeros;  // (c, and up to a whole vector), what stands for pixels outside
};

// Maps the kIn x kIn pixels of each tile in [begin, end), which begin (top, left) before the tile's place. What lies
// outside the image is 0. spot(t) says where tile t goes; whole vectors are written, and what stands in
// them beyond c is never used.
template <int kWindow, class Line, class Spot>
void transform_patches(const Images& images, const TileGrid& grid, int64_t top, int64_t left, int64_t begin,
                       int64_t end, Spot spot) {
  constexpr int64_t kSize = Line::kIn, kStep = tile_size(kWindow);
  const int64_t h = images.h, w = images.w, c = images.c, row = w * c;
  const float* const images_end = images.x + images.n * h * row;
  const auto start = [&](const TilePlace& p) { return ((p.n * h + p.y - top) * w + p.x - left) * c; };
  // A tile so far ahead that its lines are there in time.
  TilePlace place(grid, begin), ahead(grid, begin + max_of(1, kTilesAhead * kLanes / c));
  for (int64_t t = begin; t < end; ++t, place.step(grid), ahead.step(grid)) {
    const int64_t y = place.y - top, x = place.x - left;
    const float* const origin = images.x + start(place);
    const float* const next = images.x + start(ahead);
    const TileSpot to = spot(t);
    // Whole vectors may be read as far as the images reach: what follows a pixel is the next one.
    const bool inside = y >= 0 && y + kSize <= h && x >= 0 && x + kSize <= w;
    const int64_t after = images_end - (origin + (kSize - 1) * (row + c));
    const int64_t in_place = inside ? after / kLanes * kLanes : 0;
    const float* pixels[kSize * kSize];
    alignas(64) float last[kSize * kSize * kLanes];
    for (int64_t i = 0; i < kSize && in_place < c; ++i)
      for (int64_t j = 0; j < kSize; ++j) {
        const bool exists = y + i >= 0 && y + i < h && x + j >= 0 && x + j < w;
        pixels[i * kSize + j] = exists ? origin + i * row + j * c : images.zeros;
      }
    for (int64_t channel = 0; channel < c; channel += kLanes) {
      // What that tile adds to its neighbours: too short a stretch for the hardware to foresee.
      for (int64_t i = kSize - kStep; i < kSize; ++i)
        for (int64_t j = kSize - kStep; j < kSize; ++j) __builtin_prefetch(next + channel + i * row + j * c);
      if (channel < in_place) {
        columns_to_positions<Line>(origin + channel, row, c, to.at(channel), to.position);
        continue;
      }
      for (int64_t i = 0; i < kSize * kSize && channel + kLanes > c; ++i) {
        if (pixels[i] == images.zeros || pixels[i] + channel + kLanes <= images_end) continue;
        store(last + i * kLanes, load_part(pixels[i] + channel, c - channel, 0.0f));
        pixels[i] = last + i * kLanes - channel;
      }
      pixels_to_positions<Line>(pixels, channel, to.at(channel), to.position);
    }
  }
}

// c (rows, panel) = a . b, or on top of c, in stretches of k that are summed each from 0 and then added: rounding
// errors grow with the length of a stretch, not with k. `next` floats lie between two stretches in a.
inline void multiply_in_stretches(MicroKernel kernel, MicroTile t, int64_t next, bool add) {
  const int64_t k = t.k;
  t.ld_residual = t.ldc;
  for (int64_t p = 0; p < k; p += kStretch) {
    t.k = min_of(kStretch, k - p);
    t.residual = add || p > 0 ? t.c : nullptr;
    kernel(t);
    t.a += next;
    t.b += kStretch * t.ldb;
  }
}

// Beyond these a pixel of zeros would not fit scratch.
inline constexpr int64_t kMostChannels = kScratchFloats / 2;

// Does the algorithm apply at all?
inline bool is_winograd_shape(const Conv2dShape& s) {
  return !s.direct_only && (s.kh == 3 || s.kh == 5) && s.kw == s.kh && s.stride_h == 1 && s.stride_w == 1 &&
         s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1 && s.c <= kMostChannels && s.oc <= kMostChannels;
}

// What it takes to transform a window, for a number of the 36.
inline double window_weight(const Conv2dShape& s) { return s.kh == 3 ? 8 : 16; }

// Is it faster than what else there is? Counts multiply-adds at full speed; what moves memory weighs more. Depends on
// the shape without n, so that an image's result does not depend on its batch; windows are taken to serve two images.
// Whole vectors of channels are what is paid for, `beside` a planar convolution only here: that copies instead.
// bench_conv2d, with and without direct_only in its shapes, re-measures the weights.
inline bool winograd_pays(const Conv2dShape& s, double window, bool beside_planar) {
  const double patch = s.kh == 3 ? 4 : 12, outputs = 8;  // of a tile, as `window`
  const int64_t least = s.kh == 3 ? 4 : 8;
  if (s.c < least || s.oc < least) return false;
  const double c = static_cast<double>(round_to_lanes(s.c)), oc = static_cast<double>(round_to_lanes(s.oc));
  const double products = static_cast<double>(s.c) * oc;
  const double tiles = static_cast<double>(divide_up(s.oh, tile_size(s.kh)) * divide_up(s.ow, tile_size(s.kw)));
  const double winograd = kPositions * (tiles * (products + patch * c + outputs * oc) + window * products / 2);
  const double taps = static_cast<double>(s.kh * s.kw * s.oh * s.ow * s.c);
  return winograd < 0.9 * taps * (beside_planar ? 1.15 * static_cast<double>(s.oc) : oc);
}

}  // namespace linnet::LINNET_ISA
