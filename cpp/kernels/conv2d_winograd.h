// Winograd's F(4x4, 3x3): 3x3 windows at stride 1 with a quarter of the multiplications.
//
// A tile of 4x4 outputs depends on a patch of 6x6 inputs. Both the patch d and the window g are evaluated, as
// polynomials in two variables, at 6x6 points; there the convolution is a product, and the outputs are found from the
// 36 products by interpolation (Winograd 1980; Lavin & Gray 2016). In one dimension, with the points 0, +-a, +-b and
// infinity, and all three being linear:
//
//   output(4) = A^T (G g (6)  .  B^T d (6))          in two dimensions A^T (G g G^T . B^T d B) A
//
// The sum over the input channels can be taken before interpolating: at each of the 36 positions it is a product of
// matrices, (tiles, c) x (c, oc). That is where the time goes; 36 multiplications stand for 16 * 9.
// The gradient of the weights is the transposed map: G^T (sum over tiles of A dy A^T . B^T d B) G.
//
// a = 3/4 and b = 3/2 make the constants of A and B exact in float, and the error half that of the usual 1 and 2: the
// powers that a patch is multiplied with stay nearer to 1. docs/performance.md has the measured errors.
//
//   conv2d_winograd.cpp         forward and gradient of the input
//   conv2d_winograd_weight.cpp  gradient of the weights
#pragma once
#include "kernels/conv2d_algorithms.h"
#include "kernels/conv2d_tile.h"
#include "kernels/lanes.h"

namespace linnet::LINNET_ISA {

inline constexpr int kTileSize = 4, kPatchSize = 6, kPositions = 36;

inline constexpr float kA = 0.75f, kB = 1.5f;
inline constexpr float kA2 = kA * kA, kB2 = kB * kB;
// One over the product of the differences to the other points, which Lagrange's interpolation divides by.
inline constexpr float kScale0 = 1 / (kA2 * kB2), kScaleA = 1 / (2 * kA2 * (kA2 - kB2)),
                       kScaleB = 1 / (2 * kB2 * (kB2 - kA2));

// ---- the maps in one dimension -------------------------------------------------------------------------------------

// B^T: patch of x.
struct PatchLine {
  static constexpr int kIn = 6, kOut = 6;
  static void apply(const Vec* d, Vec* t) {
    const Vec even_a = d[4] - kB2 * d[2], odd_a = d[3] - kB2 * d[1];
    const Vec even_b = d[4] - kA2 * d[2], odd_b = d[3] - kA2 * d[1];
    t[0] = d[4] - (kA2 + kB2) * d[2] + kA2 * kB2 * d[0];
    t[1] = even_a + kA * odd_a;
    t[2] = even_a - kA * odd_a;
    t[3] = even_b + kB * odd_b;
    t[4] = even_b - kB * odd_b;
    t[5] = d[5] - (kA2 + kB2) * d[3] + kA2 * kB2 * d[1];
  }
};

// G: window.
struct WindowLine {
  static constexpr int kIn = 3, kOut = 6;
  static void apply(const Vec* g, Vec* t) {
    const Vec even_a = kScaleA * g[0] + kScaleA * kA2 * g[2], odd_a = kScaleA * kA * g[1];
    const Vec even_b = kScaleB * g[0] + kScaleB * kB2 * g[2], odd_b = kScaleB * kB * g[1];
    t[0] = kScale0 * g[0];
    t[1] = even_a + odd_a;
    t[2] = even_a - odd_a;
    t[3] = even_b + odd_b;
    t[4] = even_b - odd_b;
    t[5] = g[2];
  }
};

// A^T: products to outputs.
struct OutputLine {
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

// A: gradients of the outputs.
struct OutputGradLine {
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

// G^T: to the gradient of the window.
struct WindowGradLine {
  static constexpr int kIn = 6, kOut = 3;
  static void apply(const Vec* t, Vec* g) {
    const Vec sum_a = kScaleA * (t[1] + t[2]), difference_a = kScaleA * kA * (t[1] - t[2]);
    const Vec sum_b = kScaleB * (t[3] + t[4]), difference_b = kScaleB * kB * (t[3] - t[4]);
    g[0] = kScale0 * t[0] + sum_a + sum_b;
    g[1] = difference_a + difference_b;
    g[2] = kA2 * sum_a + kB2 * sum_b + t[5];
  }
};

// The map in two dimensions: columns first, then rows. load(i, j) gives the inputs, store(i, j, v) takes the outputs.
template <class Line, class Load, class Store>
[[gnu::always_inline]] inline void transform_2d(Load load_at, Store store_at) {
  Vec half[Line::kOut][Line::kIn];
#pragma GCC unroll 1
  for (int j = 0; j < Line::kIn; ++j) {
    Vec in[Line::kIn], out[Line::kOut];
#pragma GCC unroll 6
    for (int i = 0; i < Line::kIn; ++i) in[i] = load_at(i, j);
    Line::apply(in, out);
#pragma GCC unroll 6
    for (int i = 0; i < Line::kOut; ++i) half[i][j] = out[i];
  }
#pragma GCC unroll 1
  for (int i = 0; i < Line::kOut; ++i) {
    Vec out[Line::kOut];
    Line::apply(half[i], out);
#pragma GCC unroll 6
    for (int j = 0; j < Line::kOut; ++j) store_at(i, j, out[j]);
  }
}

// ---- tiles ---------------------------------------------------------------------------------------------------------

// Tiles of 4x4 outputs, those of one image after those of the other; the last row and column may hang over.
struct TileGrid {
  explicit TileGrid(const Conv2dShape& s)
      : rows(divide_up(s.oh, kTileSize)), columns(divide_up(s.ow, kTileSize)), tiles(s.n * rows * columns) {}
  int64_t rows, columns;  // of an image
  int64_t tiles;          // of the batch
};

struct TilePlace {
  TilePlace(const TileGrid& g, int64_t tile)
      : n(tile / (g.rows * g.columns)), y(tile / g.columns % g.rows * kTileSize), x(tile % g.columns * kTileSize) {}
  int64_t n, y, x;  // of the first output
};

// Where transformed tiles lie: channels in chunks of `width`, `position` floats between the 36 values of a tile.
struct TileLayout {
  int64_t width, chunk, tile, position;
  int64_t at(int64_t t, int64_t channel) const { return channel / width * chunk + t * tile + channel % width; }
};

// Were the positions a power of two apart, the 36 streams would meet in one set of the cache: a line between them.
inline constexpr int64_t kPositionGap = 16;

// A piece of an image of which the rows [y, y + Line::kIn) and columns [x, x + Line::kIn) are transformed; what lies
// outside the image is 0. Writes whole vectors; the lanes behind the last channel are 0.
template <class Line>
void transform_patch(const float* image, int64_t h, int64_t w, int64_t c, int64_t y, int64_t x, float* out,
                     const TileLayout& layout, int64_t t) {
  static constexpr float kZeros[kLanes] = {};
  const bool inside = y >= 0 && y + Line::kIn <= h && x >= 0 && x + Line::kIn <= w;
  const float* const origin = image + (y * w + x) * c;
  for (int64_t channel = 0; channel < c; channel += kLanes) {
    const int64_t count = min_of(kLanes, c - channel);
    float* const to = out + layout.at(t, channel);
    const float* const from = origin + channel;
    const auto put = [&](int64_t i, int64_t j, Vec v) { store(to + (i * kPatchSize + j) * layout.position, v); };
    if (inside && count == kLanes) {
      transform_2d<Line>([&](int64_t i, int64_t j) { return load(from + (i * w + j) * c); }, put);
    } else {
      const auto get = [&](int64_t i, int64_t j) {
        const bool exists = y + i >= 0 && y + i < h && x + j >= 0 && x + j < w;
        const float* p = exists ? from + (i * w + j) * c : kZeros;
        return load_some(p, count, 0.0f);
      };
      transform_2d<Line>(get, put);
    }
  }
}

// Does the algorithm apply at all?
inline bool is_winograd_shape(const Conv2dShape& s) {
  return !s.direct_only && s.kh == 3 && s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 &&
         s.dilation_w == 1 && s.groups == 1;
}

// Is it faster than direct convolution? Counts multiply-adds at full speed; what moves memory weighs more. Depends on
// the shape without n, so that an image's result does not depend on its batch; windows are taken to serve two images.
// bench_conv2d, with and without LINNET_CONV_ALGORITHM=direct, re-measures the weights.
inline bool winograd_pays(const Conv2dShape& s) {
  constexpr double kTransform = 12;                    // of a patch or an output, for a number of the 36
  constexpr double kWindow = 8, kWindowFromAfar = 32;  // of a window, when u stays in L2, and what it costs more if not
  constexpr double kFar = 9.4e6;                       // floats of u that go to memory and back
  if (s.c < 8 || s.oc < 8) return false;
  const double c = static_cast<double>(s.c), oc = static_cast<double>(s.oc), products = c * oc;
  const double tiles = static_cast<double>(divide_up(s.oh, kTileSize) * divide_up(s.ow, kTileSize));
  const double far = kPositions * products / kFar;
  const double window = kWindow + kWindowFromAfar * (far < 1 ? far : 1);
  const double winograd = kPositions * (tiles * (products + kTransform * (c + oc)) + window * products / 2);
  return winograd < 0.9 * 9 * static_cast<double>(s.oh * s.ow) * products;
}

}  // namespace linnet::LINNET_ISA
