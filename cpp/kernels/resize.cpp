// Resampling of both axes of images: every interpolation, and its gradient, is a table of taps (ops/resize.cpp makes
// them). A tile is rows of output.
//
// The rows of x that make up a row of output are first added up, floats side by side, into a row of the thread's
// scratch; then its columns are combined pixel by pixel. Pixels of 2 to 4 channels are moved as one vector of four
// floats, the next pixel overwriting what was too many. Where a single row makes up the row of output (the nearest
// neighbour, or an axis that keeps its size) nothing is added up.
//
// Sums run over rows first, in the order of the taps, then over columns. Start reading at `resize_row`.
#include "kernels/declare.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kSmallPixel = 4;  // channels of the pixels that are moved as one vector
constexpr int64_t kRoom = static_cast<int64_t>(kThreadScratchBytes / sizeof(float)) - kSmallPixel;
static_assert(kMostResizeTaps <= kRoom);

typedef float Pixel __attribute__((vector_size(4 * sizeof(float))));
typedef float PixelUnaligned __attribute__((vector_size(4 * sizeof(float)), aligned(4), may_alias));

Pixel load_pixel(const float* p) { return *reinterpret_cast<const PixelUnaligned*>(p); }
void store_pixel(float* p, Pixel v) { *reinterpret_cast<PixelUnaligned*>(p) = v; }

// sum = the rows of x, `stride` floats apart, times their weights. Two at a time: sum is then passed over half as
// often.
void add_rows(int64_t count, const float* weight, const float* x, int64_t stride, int64_t n, float* sum) {
  int64_t k = 0;
  if (count % 2 != 0) {
    const float w = weight[0];
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) sum[j] = w * x[j];
    k = 1;
  } else {
    const float w0 = weight[0], w1 = weight[1];
    const float* const next = x + stride;
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) sum[j] = w0 * x[j] + w1 * next[j];
    k = 2;
  }
  for (; k < count; k += 2) {
    const float w0 = weight[k], w1 = weight[k + 1];
    const float *const row = x + k * stride, *const next = row + stride;
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) sum[j] += w0 * row[j] + w1 * next[j];
  }
}

// One pixel of output from `taps` pixels of the row.
void combine(int64_t taps, const float* weight, const float* row, int64_t c, float* y) {
  const float w = weight[0];
#pragma omp simd
  for (int64_t j = 0; j < c; ++j) y[j] = w * row[j];
  for (int64_t k = 1; k < taps; ++k) {
    const float wk = weight[k];
    const float* const pixel = row + k * c;
#pragma omp simd
    for (int64_t j = 0; j < c; ++j) y[j] += wk * pixel[j];
  }
}

// Columns begin .. end of a row of output. row: the pixel `base` of the row they are made of. `spill`: up to four
// floats behind a pixel of it may be read.
template <int Taps>
void combine_columns(const ResizeAxis& columns, int64_t begin, int64_t end, int64_t c, const float* row, int64_t base,
                     bool spill, float* y) {
  const int64_t taps = Taps > 0 ? Taps : columns.taps;
  int64_t o = begin;
  if (c == 1) {
#pragma omp simd
    for (int64_t p = begin; p < end; ++p) {
      const float *const weight = columns.weight + p * taps, *const from = row + columns.first[p] - base;
      float sum = weight[0] * from[0];
      for (int64_t k = 1; k < taps; ++k) sum += weight[k] * from[k];
      y[p] = sum;
    }
    return;
  }
  if (c <= kSmallPixel && spill)
    for (; o < end - 1; ++o) {
      const float *const weight = columns.weight + o * taps, *from = row + (columns.first[o] - base) * c;
      Pixel sum = weight[0] * load_pixel(from);
      for (int64_t k = 1; k < taps; ++k) sum += weight[k] * load_pixel(from + k * c);
      store_pixel(y + o * c, sum);
    }
  for (; o < end; ++o) combine(taps, columns.weight + o * taps, row + (columns.first[o] - base) * c, c, y + o * c);
}

struct Job {
  int64_t n, c;
  ResizeAxis rows, columns;
  bool columns_stay;
  const float* x;
  float* y;
};

// Whether every output is the input in its place.
bool stays(const ResizeAxis& axis) {
  bool same = axis.taps == 1 && axis.in == axis.out;
  for (int64_t o = 0; o < axis.out && same; ++o) same = axis.first[o] == o && axis.weight[o] == 1;
  return same;
}

// Row oy of image i.
void resize_row(const Job& job, int64_t i, int64_t oy, float* scratch) {
  const ResizeAxis &rows = job.rows, &columns = job.columns;
  const int64_t c = job.c, stride = columns.in * c;
  const float* const x = job.x + (i * rows.in + rows.first[oy]) * stride;
  float* const y = job.y + (i * rows.out + oy) * columns.out * c;
  const float* const weight = rows.weight + oy * rows.taps;
  if (job.columns_stay) return add_rows(rows.taps, weight, x, stride, stride, y);
  const auto columns_of = columns.taps == 1   ? combine_columns<1>
                          : columns.taps == 2 ? combine_columns<2>
                          : columns.taps == 4 ? combine_columns<4>
                                              : combine_columns<0>;
  if (rows.taps == 1 && weight[0] == 1) {
    const bool last = i == job.n - 1 && rows.first[oy] == rows.in - 1;  // nothing lies behind its last pixel
    return columns_of(columns, 0, columns.out, c, x, 0, !last, y);
  }
  // As many columns of output at a time as have room for what they are made of.
  for (int64_t begin = 0, end; begin < columns.out; begin = end) {
    const int64_t base = columns.first[begin];
    for (end = begin + 1; end < columns.out && (columns.first[end] + columns.taps - base) * c <= kRoom;) ++end;
    add_rows(rows.taps, weight, x + base * c, stride, (columns.first[end - 1] + columns.taps - base) * c, scratch);
    columns_of(columns, begin, end, c, scratch, base, true, y);
  }
}

}  // namespace

void resize(int64_t n, int64_t c, const ResizeAxis& rows, const ResizeAxis& columns, const float* x, float* y,
            const Launch& launch) {
  if (c == 0) return;  // a small pixel is stored as four floats
  const Job job = {n, c, rows, columns, stays(columns), x, y};
  const int64_t cost = (rows.taps * columns.in + columns.taps * columns.out * (c < 4 ? 4 : 1)) * c + 50;
  for_tiles(launch, n * rows.out, cost, [&](int64_t begin, int64_t end, float* scratch) {
    for (int64_t row = begin; row < end; ++row) resize_row(job, row / rows.out, row % rows.out, scratch);
  });
}

}  // namespace linnet::LINNET_ISA
