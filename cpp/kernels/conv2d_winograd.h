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
//   conv2d_winograd_tiles.h     tiles, and those that hang over the edge of an image
#pragma once
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

// Values at all six points, or at the four of a narrow tile: which of the six is the i-th?
constexpr int point(int points, int i) { return points == 4 && i == 3 ? 5 : i; }

// B^T: patch of x, kPoints wide.
template <int kPoints>
struct PatchLine;
template <>
struct PatchLine<6> {
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
// F(2)'s, times what lacks in the scales of WindowLine: (p - b) (p + b) at a finite point p.
template <>
struct PatchLine<4> {
  static constexpr int kIn = 4, kOut = 4;
  static void apply(const Vec* d, Vec* t) {
    const Vec even = (kA2 - kB2) * d[2], odd = (kA2 - kB2) * kA * d[1];
    t[0] = kA2 * kB2 * d[0] - kB2 * d[2];
    t[1] = even + odd;
    t[2] = even - odd;
    t[3] = d[3] - kA2 * d[1];
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
template <int kWindow, int kPoints>
struct OutputLine;
template <>
struct OutputLine<3, 6> {
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
struct OutputLine<3, 4> {
  static constexpr int kIn = 4, kOut = 2;
  static void apply(const Vec* t, Vec* y) {
    y[0] = t[0] + (t[1] + t[2]);
    y[1] = kA * (t[1] - t[2]) + t[3];
  }
};
template <>
struct OutputLine<5, 6> {
  static constexpr int kIn = 6, kOut = 2;
  static void apply(const Vec* t, Vec* y) {
    y[0] = t[0] + (t[1] + t[2]) + (t[3] + t[4]);
    y[1] = kA * (t[1] - t[2]) + kB * (t[3] - t[4]) + t[5];
  }
};

// A: gradients of the outputs.
template <int kWindow, int kPoints>
struct OutputGradLine;
template <>
struct OutputGradLine<3, 6> {
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
struct OutputGradLine<3, 4> {
  static constexpr int kIn = 2, kOut = 4;
  static void apply(const Vec* y, Vec* t) {
    t[0] = y[0];
    t[1] = y[0] + kA * y[1];
    t[2] = y[0] - kA * y[1];
    t[3] = y[1];
  }
};
template <>
struct OutputGradLine<5, 6> {
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
template <int kRows>
struct Columns {
  const float* from;
  int64_t row, column;
  [[gnu::always_inline]] void operator()(int, Vec* in) {
    const float* const lower = from + 3 * row;
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) in[i] = load((i < 3 ? from : lower) + i % 3 * row);
    from += column;
    pin(from);
  }
};

// The same where the inputs are at the points of a tile, of which kDown x kAcross exist.
template <int kDown, int kAcross>
struct Points {
  const float* from;
  int64_t position;
  [[gnu::always_inline]] void operator()(int j, Vec* in) {
    const float* const lower = from + 3 * kPatchSize * position;
#pragma GCC unroll 6
    for (int i = 0; i < kDown; ++i) in[i] = load((i < 3 ? from : lower) + point(kDown, i) % 3 * kPatchSize * position);
    from += (point(kAcross, j + 1) - point(kAcross, j)) * position;
    pin(from);
  }
};

// The same where each input has an address of its own: pixels[i * kColumns + j] + offset.
template <int kRows, int kColumns>
struct Pixels {
  const float* const* pixels;
  int64_t offset;
  [[gnu::always_inline]] void operator()(int j, Vec* in) const {
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) in[i] = load(pixels[i * kColumns + j] + offset);
  }
};

// The maps in two dimensions, columns first, then rows. get(j, in) gives a column of inputs; row i of the outputs goes
// to put(i, outputs). Unrolled, so that what fits stays in registers.
template <class Down, class Across, class Get, class Put>
[[gnu::always_inline]] inline void transform_2d(Get get, Put put) {
  Vec half[Down::kOut][Across::kIn];
#pragma GCC unroll 6
  for (int j = 0; j < Across::kIn; ++j) {
    Vec in[Down::kIn], out[Down::kOut];
    get(j, in);
    Down::apply(in, out);
#pragma GCC unroll 6
    for (int i = 0; i < Down::kOut; ++i) half[i][j] = out[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < Down::kOut; ++i) {
    Vec out[Across::kOut];
    Across::apply(half[i], out);
    put(i, out);
  }
}

// Takes the outputs of maps to kDown x kAcross points and stores each `position` floats behind the one before.
template <int kDown, int kAcross>
struct PutPositions {
  float* to;
  int64_t position;
  [[gnu::always_inline]] void operator()(int i, const Vec* row) {
    float* const fourth = to + 3 * position;
#pragma GCC unroll 6
    for (int j = 0; j < kAcross; ++j) store((j < 3 ? to : fourth) + point(kAcross, j) % 3 * position, row[j]);
    to += (point(kDown, i + 1) - point(kDown, i)) * kPatchSize * position;
    pin(to);
  }
};

// To the points of a tile, stored. Out of line: between other code the compiler would put twice as many registers
// aside. Plain arguments: a structure would travel through memory.
template <class Down, class Across>
[[gnu::noinline]] void columns_to_positions(const float* from, int64_t row, int64_t column, float* to,
                                            int64_t position) {
  transform_2d<Down, Across>(Columns<Down::kIn>{from, row, column},
                             PutPositions<Down::kOut, Across::kOut>{to, position});
}
template <class Down, class Across>
[[gnu::noinline]] void pixels_to_positions(const float* const* pixels, int64_t offset, float* to, int64_t position) {
  transform_2d<Down, Across>(Pixels<Down::kIn, Across::kIn>{pixels, offset},
                             PutPositions<Down::kOut, Across::kOut>{to, position});
}

}  // namespace linnet::LINNET_ISA
