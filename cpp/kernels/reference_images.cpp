// The reference table, images: sampling at transformed places, and resizing. Each kernel says what it computes in the
// fewest lines; affine_transform.cpp and resize.cpp are the fast forms. Start at `pixel`, which says what lies outside.
#include <cmath>

#include "kernels/declare.h"

namespace linnet::LINNET_ISA {
namespace {

// The pixel that stands for position i, or -1 for none.
int64_t pixel(int64_t i, int64_t n, FillMode fill) {
  if (i >= 0 && i < n) return i;
  const auto modulo = [](int64_t a, int64_t b) { return (a % b + b) % b; };
  switch (fill) {
    case FillMode::constant:
      return -1;
    case FillMode::nearest:
      return i < 0 ? 0 : n - 1;
    case FillMode::wrap:
      return modulo(i, n);
    case FillMode::mirror: {
      const int64_t r = n > 1 ? modulo(i, 2 * n - 2) : 0;
      return r < n ? r : 2 * n - 2 - r;
    }
    case FillMode::reflect: {
      const int64_t r = modulo(i, 2 * n);
      return r < n ? r : 2 * n - 1 - r;
    }
  }
  return -1;
}

float bounded(float v) {
  const float most = 4194304.0f;
  return v > -most ? (v < most ? v : most) : -most;  // NaN, too
}

// The pixels that make up pixel (oy, ox) of image i: body(offset in the image, or -1 for the constant; weight).
template <class Body>
void each_tap(const AffineArgs& a, int64_t i, int64_t oy, int64_t ox, Body body) {
  const float* t = a.transforms + (a.one_transform ? 0 : 8 * i);
  const auto x = static_cast<float>(ox), y = static_cast<float>(oy);
  const float k = t[6] * x + t[7] * y + 1;
  const float sx = bounded((t[0] * x + (t[1] * y + t[2])) / k), sy = bounded((t[3] * x + (t[4] * y + t[5])) / k);
  const auto visit = [&](int64_t py, int64_t px, float weight) {
    const int64_t iy = pixel(py, a.h, a.fill), ix = pixel(px, a.w, a.fill);
    body(iy < 0 || ix < 0 ? -1 : (iy * a.w + ix) * a.c, weight);
  };
  if (!a.bilinear) {
    visit(static_cast<int64_t>(std::round(sy)), static_cast<int64_t>(std::round(sx)), 1.0f);
    return;
  }
  const float fx = std::floor(sx), fy = std::floor(sy);
  for (int64_t dy = 0; dy < 2; ++dy)
    for (int64_t dx = 0; dx < 2; ++dx)
      visit(static_cast<int64_t>(fy) + dy, static_cast<int64_t>(fx) + dx,
            (dy ? sy - fy : 1 - (sy - fy)) * (dx ? sx - fx : 1 - (sx - fx)));
}

}  // namespace

void affine_transform_forward(const AffineArgs& a, const float* x, float* y, const Launch&) {
  for (int64_t i = 0; i < a.n; ++i)
    for (int64_t oy = 0; oy < a.oh; ++oy)
      for (int64_t ox = 0; ox < a.ow; ++ox, y += a.c) {
        for (int64_t c = 0; c < a.c; ++c) y[c] = 0;
        each_tap(a, i, oy, ox, [&](int64_t from, float weight) {
          for (int64_t c = 0; c < a.c; ++c)
            y[c] += weight * (from < 0 ? a.fill_value : x[i * a.h * a.w * a.c + from + c]);
        });
      }
}

void affine_transform_grad(const AffineArgs& a, const float* dy, float* dx, const Launch&) {
  for (int64_t j = 0; j < a.n * a.h * a.w * a.c; ++j) dx[j] = 0;
  for (int64_t i = 0; i < a.n; ++i)
    for (int64_t oy = 0; oy < a.oh; ++oy)
      for (int64_t ox = 0; ox < a.ow; ++ox, dy += a.c)
        each_tap(a, i, oy, ox, [&](int64_t to, float weight) {
          for (int64_t c = 0; c < a.c && to >= 0; ++c) dx[i * a.h * a.w * a.c + to + c] += weight * dy[c];
        });
}

void resize(int64_t n, int64_t c, const ResizeAxis& rows, const ResizeAxis& columns, const float* x, float* y,
            const Launch&) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t oy = 0; oy < rows.out; ++oy)
      for (int64_t ox = 0; ox < columns.out; ++ox)
        for (int64_t j = 0; j < c; ++j) {
          float sum = 0;
          for (int64_t kx = 0; kx < columns.taps; ++kx) {
            float column = 0;
            for (int64_t ky = 0; ky < rows.taps; ++ky)
              column += rows.weight[oy * rows.taps + ky] *
                        x[((i * rows.in + rows.first[oy] + ky) * columns.in + columns.first[ox] + kx) * c + j];
            sum += columns.weight[ox * columns.taps + kx] * column;
          }
          y[((i * rows.out + oy) * columns.out + ox) * c + j] = sum;
        }
}

}  // namespace linnet::LINNET_ISA
