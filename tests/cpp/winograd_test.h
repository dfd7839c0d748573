// How far a result of Winograd's algorithm may be from the sum as it is written: magnitudes behind every element.
//
// An output is A^T (sum over c of G g G^T . B^T d B) A. Each of the linear maps, and the sum, adds at most a few
// roundings to each product that it is made of, so the error is at most gamma_K times the same expression with the
// absolute values of everything (Higham, sections 3.1 and 3.5), K = c and the roundings of the maps. The matrices are
// built here from the points by Lagrange's formula, in double; those of a narrow tile at an edge are nowhere larger.
#pragma once
#include <array>
#include <cmath>
#include <functional>
#include <vector>

#include "conv2d_test.h"

namespace linnet::test {

// Additions, multiplications and rounded constants on the longest path through the maps, in both dimensions.
inline constexpr int64_t kMapRoundings = 40;

// At most 6 by 6, row after row.
struct Matrix {
  Matrix(size_t row_count, size_t column_count) : rows(row_count), columns(column_count) {}
  double& operator()(size_t i, size_t j) { return values[i * 6 + j]; }
  double operator()(size_t i, size_t j) const { return values[i * 6 + j]; }
  size_t rows, columns;
  std::array<double, 36> values = {};
};

// The absolute values of A^T (tile, 6), G (6, taps) and B^T (6, 6): tiles of 4 with windows of 3, of 2 with 5.
struct Maps {
  Matrix output, window, patch;
  explicit Maps(size_t taps) : output(7 - taps, 6), window(6, taps), patch(6, 6) {
    const size_t tile = 7 - taps;
    const std::array<double, 5> points = {0, 0.75, -0.75, 1.5, -1.5};
    for (size_t i = 0; i < 6; ++i) {
      std::vector<double> factors = {1};  // of the polynomial that is 0 at the other points, lowest first
      double scale = 1;
      for (size_t j = 0; j < 5; ++j) {
        if (i == j) continue;
        if (i < 5) scale *= points[i] - points[j];
        std::vector<double> next(factors.size() + 1);
        for (size_t k = 0; k < factors.size(); ++k) {
          next[k] -= points[j] * factors[k];
          next[k + 1] += factors[k];
        }
        factors = next;
      }
      for (size_t k = 0; k < factors.size(); ++k) patch(i, k) = std::abs(factors[k]);
      for (size_t k = 0; k < taps; ++k) window(i, k) = i < 5 ? std::abs(std::pow(points[i], k) / scale) : k == taps - 1;
      for (size_t k = 0; k < tile; ++k) output(k, i) = i < 5 ? std::abs(std::pow(points[i], k)) : k == tile - 1;
    }
  }
};

inline Matrix transposed(const Matrix& a) {
  Matrix t(a.columns, a.rows);
  for (size_t i = 0; i < a.rows; ++i)
    for (size_t j = 0; j < a.columns; ++j) t(j, i) = a(i, j);
  return t;
}

// a m a^T
inline Matrix mapped(const Matrix& a, const Matrix& m) {
  Matrix half(a.rows, m.rows), result(a.rows, a.rows);
  for (size_t i = 0; i < a.rows; ++i)
    for (size_t j = 0; j < m.rows; ++j)
      for (size_t k = 0; k < m.rows; ++k) half(i, j) += a(i, k) * m(k, j);
  for (size_t i = 0; i < a.rows; ++i)
    for (size_t j = 0; j < a.rows; ++j)
      for (size_t k = 0; k < m.rows; ++k) result(i, j) += half(i, k) * a(j, k);
  return result;
}

// |data[y .. y + size, x .. x + size, channel]| of an image (h, w, c); 0 outside.
inline Matrix piece(const float* image, int64_t h, int64_t w, int64_t c, int64_t y, int64_t x, int64_t channel,
                    int64_t size) {
  Matrix m(static_cast<size_t>(size), static_cast<size_t>(size));
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < size; ++j)
      if (y + i >= 0 && y + i < h && x + j >= 0 && x + j < w)
        m(static_cast<size_t>(i), static_cast<size_t>(j)) =
            std::abs(static_cast<double>(image[((y + i) * w + x + j) * c + channel]));
  return m;
}

// sum += a b, element by element. What a smaller matrix lacks is 0.
inline void add_product(Matrix& sum, const Matrix& a, const Matrix& b) {
  for (size_t i = 0; i < sum.values.size(); ++i) sum.values[i] += a.values[i] * b.values[i];
}

using Windows = std::function<float(int64_t ky, int64_t kx, int64_t i, int64_t o)>;

// The magnitudes behind every output of a forward convolution of this shape.
inline std::vector<double> forward_magnitude(const Conv2dShape& s, const float* x, const Windows& kernel) {
  const Maps maps(static_cast<size_t>(s.kh));
  const int64_t taps = s.kh, tile = 7 - taps;
  std::vector<Matrix> windows;
  for (int64_t i = 0; i < s.c; ++i)
    for (int64_t o = 0; o < s.oc; ++o) {
      Matrix g(static_cast<size_t>(taps), static_cast<size_t>(taps));
      for (int64_t tap = 0; tap < taps * taps; ++tap)
        g(static_cast<size_t>(tap / taps), static_cast<size_t>(tap % taps)) =
            std::abs(kernel(tap / taps, tap % taps, i, o));
      windows.push_back(mapped(maps.window, g));
    }
  std::vector<double> magnitude(static_cast<size_t>(y_size(s)));
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t y = 0; y < s.oh; y += tile)
      for (int64_t xx = 0; xx < s.ow; xx += tile) {
        std::vector<Matrix> patches;
        for (int64_t i = 0; i < s.c; ++i)
          patches.push_back(
              mapped(maps.patch, piece(x + n * s.h * s.w * s.c, s.h, s.w, s.c, y - s.pad_top, xx - s.pad_left, i, 6)));
        for (int64_t o = 0; o < s.oc; ++o) {
          Matrix sum(6, 6);
          for (int64_t i = 0; i < s.c; ++i)
            add_product(sum, windows[static_cast<size_t>(i * s.oc + o)], patches[static_cast<size_t>(i)]);
          const Matrix out = mapped(maps.output, sum);
          for (int64_t i = 0; i < std::min(tile, s.oh - y); ++i)
            for (int64_t j = 0; j < std::min(tile, s.ow - xx); ++j)
              magnitude[static_cast<size_t>(((n * s.oh + y + i) * s.ow + xx + j) * s.oc + o)] =
                  out(static_cast<size_t>(i), static_cast<size_t>(j));
        }
      }
  return magnitude;
}

inline std::vector<double> weight_magnitude(const Conv2dShape& s, const float* x, const float* dy) {
  const Maps maps(static_cast<size_t>(s.kh));
  const int64_t taps = s.kh, tile = 7 - taps;
  std::vector<Matrix> sums(static_cast<size_t>(s.c * s.oc), Matrix(6, 6));
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t y = 0; y < s.oh; y += tile)
      for (int64_t xx = 0; xx < s.ow; xx += tile) {
        std::vector<Matrix> patches, tiles;
        for (int64_t i = 0; i < s.c; ++i)
          patches.push_back(
              mapped(maps.patch, piece(x + n * s.h * s.w * s.c, s.h, s.w, s.c, y - s.pad_top, xx - s.pad_left, i, 6)));
        for (int64_t o = 0; o < s.oc; ++o)
          tiles.push_back(
              mapped(transposed(maps.output), piece(dy + n * s.oh * s.ow * s.oc, s.oh, s.ow, s.oc, y, xx, o, tile)));
        for (int64_t i = 0; i < s.c; ++i)
          for (int64_t o = 0; o < s.oc; ++o)
            add_product(sums[static_cast<size_t>(i * s.oc + o)], patches[static_cast<size_t>(i)],
                        tiles[static_cast<size_t>(o)]);
      }
  std::vector<double> magnitude(static_cast<size_t>(kernel_size(s)));
  for (int64_t io = 0; io < s.c * s.oc; ++io) {
    const Matrix g = mapped(transposed(maps.window), sums[static_cast<size_t>(io)]);
    for (int64_t tap = 0; tap < taps * taps; ++tap)
      magnitude[static_cast<size_t>(tap * s.c * s.oc + io)] =
          g(static_cast<size_t>(tap / taps), static_cast<size_t>(tap % taps));
  }
  return magnitude;
}

}  // namespace linnet::test
