// Batch normalisation of x (rows, c) over its rows (Ioffe & Szegedy 2015), forward and gradient.
//
// Statistics are taken chunk by chunk (column_sums.h): while a chunk of about 64 KB is in L2, its mean and then its sum
// of squared deviations from that mean, and the chunks are merged in double by the formula of Chan, Golub & LeVeque
// (1979). So memory is read once and nothing cancels when the mean is large beside the deviation; for the same reason
// the output is (x - mean) * scale + beta and not x * scale + shift. Rows of few channels are handled several at a
// time.
#include "kernels/column_sums.h"
#include "kernels/declare.h"
#include "kernels/lanes.h"
#include "kernels/math.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

// One piece of x: some rows of a block of columns, seen as `groups` rows of `wide` floats and `left` floats more.
struct Piece {
  int64_t chunk, column, row, rows, width;
  int64_t step, wide, groups, left;  // step: floats from one group of rows to the next
};

Piece piece_at(const Pieces& p, int64_t unit) {
  Piece piece;
  piece.chunk = unit / p.blocks;
  piece.column = unit % p.blocks * kColumnBlock;
  piece.row = piece.chunk * p.chunk_rows;
  piece.rows = min_of(p.chunk_rows, p.rows - piece.row);
  piece.width = min_of(kColumnBlock, p.width - piece.column);
  const int64_t group = p.blocks == 1 ? rows_in_group(piece.rows, piece.width) : 1;
  piece.step = group * p.width;
  piece.wide = group * piece.width;
  piece.groups = piece.rows / group;
  piece.left = (piece.rows - piece.groups * group) * piece.width;
  return piece;
}

// Calls f(first, count) for each row of `wide` floats of the piece: `first` counts from the piece's first element.
template <class F>
void each_group(const Piece& piece, F f) {
  for (int64_t g = 0; g < piece.groups; ++g) f(g * piece.step, piece.wide);
  if (piece.left > 0) f(piece.groups * piece.step, piece.left);
}

// Folds acc (wide) to its first `width` entries, halves upon halves.
void fold(const Piece& piece, float* acc) {
  for (int64_t half = piece.wide / 2; half >= piece.width && half > 0; half /= 2)
    for (int64_t i = 0; i < half; ++i) acc[i] += acc[i + half];
}

// to (wide) = from (width), repeated.
void repeat(const Piece& piece, const float* from, float* to) {
  for (int64_t i = 0; i < piece.wide; i += piece.width)
    for (int64_t j = 0; j < piece.width; ++j) to[i + j] = from[j];
}

// Scratch of a thread: rows of `wide` floats.
constexpr int64_t kRow = kColumnBlock + 128;

int64_t piece_cost(const Pieces& p) { return 2 * min_of(p.rows, p.chunk_rows) * min_of(p.width, kColumnBlock) + 1000; }

// sums (chunks, 2, c): mean and sum of squared deviations of every chunk.
void chunk_moments(const Pieces& p, const float* x, float* sums, const Launch& launch) {
  for_tiles(launch, p.chunks * p.blocks, piece_cost(p), [=](int64_t begin, int64_t end, float* scratch) {
    float *acc = scratch, *center = scratch + kRow;  // (wide)
    for (int64_t unit = begin; unit < end; ++unit) {
      const Piece piece = piece_at(p, unit);
      const float* from = x + piece.row * p.width + piece.column;
      float* mean = sums + piece.chunk * 2 * p.width + piece.column;  // (width)
      float* squares = mean + p.width;                                // (width)
      for (int64_t i = 0; i < piece.wide; ++i) acc[i] = 0.0f;
      each_group(piece, [&](int64_t first, int64_t count) {
#pragma omp simd
        for (int64_t i = 0; i < count; ++i) acc[i] += from[first + i];
      });
      fold(piece, acc);
      const float rows = static_cast<float>(piece.rows);
      for (int64_t j = 0; j < piece.width; ++j) mean[j] = acc[j] / rows;

      repeat(piece, mean, center);
      for (int64_t i = 0; i < piece.wide; ++i) acc[i] = 0.0f;
      each_group(piece, [&](int64_t first, int64_t count) {
#pragma omp simd
        for (int64_t i = 0; i < count; ++i) {
          const float deviation = from[first + i] - center[i];
          acc[i] += deviation * deviation;
        }
      });
      fold(piece, acc);
      for (int64_t j = 0; j < piece.width; ++j) squares[j] = acc[j];
    }
  });
}

// Mean and variance of each column from those of its chunks.
void merge_moments(const Pieces& p, const float* sums, float* mean, float* variance) {
  for (int64_t j = 0; j < p.width; ++j) {
    double count = 0, center = 0, squares = 0;
    for (int64_t chunk = 0; chunk < p.chunks; ++chunk) {
      const float* of_chunk = sums + chunk * 2 * p.width + j;
      const double n = static_cast<double>(min_of(p.chunk_rows, p.rows - chunk * p.chunk_rows));
      const double delta = of_chunk[0] - center, total = count + n;
      center += delta * n / total;
      squares += of_chunk[p.width] + delta * delta * count * n / total;
      count = total;
    }
    mean[j] = static_cast<float>(center);
    variance[j] = static_cast<float>(squares / count);
  }
}

void activate(Activation activation, int64_t n, float* y) {
  switch (activation) {
    case Activation::none:
      return;
    case Activation::relu:
      for (int64_t i = 0; i < n; ++i) y[i] = y[i] < 0.0f ? 0.0f : y[i];  // keeps NaN
      return;
    case Activation::tanh:
      return each_vector(
          n, [&](int64_t i, int64_t count) { store_some(y + i, tanh_vec(load_some(y + i, count, 0.0f)), count); });
    case Activation::sigmoid:
      return each_vector(
          n, [&](int64_t i, int64_t count) { store_some(y + i, sigmoid_vec(load_some(y + i, count, 0.0f)), count); });
  }
}

float rsqrt(float x) { return 1.0f / __builtin_sqrtf(x); }

}  // namespace

void batch_norm_forward(int64_t rows, int64_t c, const float* x, const float* gamma, const float* beta, float epsilon,
                        Activation activation, float* y, float* mean, float* variance, const Launch& launch) {
  if (rows == 0) {
    for (int64_t j = 0; j < c; ++j) mean[j] = variance[j] = 0.0f;
    return;
  }
  const Pieces p = cut(rows, c);
  float* sums = static_cast<float*>(launch.workspace);  // (chunks, 2, c)
  chunk_moments(p, x, sums, launch);
  merge_moments(p, sums, mean, variance);

  for_tiles(launch, p.chunks * p.blocks, piece_cost(p), [=](int64_t begin, int64_t end, float* scratch) {
    float *center = scratch, *factor = scratch + kRow, *shift = scratch + 2 * kRow,
          *row = scratch + 3 * kRow;  // (wide)
    for (int64_t unit = begin; unit < end; ++unit) {
      const Piece piece = piece_at(p, unit);
      repeat(piece, mean + piece.column, center);
      for (int64_t j = 0; j < piece.width; ++j) {
        const int64_t channel = piece.column + j;
        row[j] = (gamma ? gamma[channel] : 1.0f) * rsqrt(variance[channel] + epsilon);
      }
      repeat(piece, row, factor);
      for (int64_t j = 0; j < piece.width; ++j) row[j] = beta ? beta[piece.column + j] : 0.0f;
      repeat(piece, row, shift);
      const float* from = x + piece.row * c + piece.column;
      float* to = y + piece.row * c + piece.column;
      each_group(piece, [&](int64_t first, int64_t count) {
#pragma omp simd
        for (int64_t i = 0; i < count; ++i) to[first + i] = (from[first + i] - center[i]) * factor[i] + shift[i];
        activate(activation, count, to + first);
      });
    }
  });
}

// With xn = (x - mean) rstd: dbeta = sum dy, dgamma = sum dy xn, dx = gamma rstd (dy - dbeta / rows - xn dgamma /
// rows).
void batch_norm_grad(int64_t rows, int64_t c, const float* x, const float* dy, const float* gamma, const float* mean,
                     const float* variance, float epsilon, float* dx, float* dgamma, float* dbeta,
                     const Launch& launch) {
  const Pieces p = cut(rows, c);
  float* sums = static_cast<float*>(launch.workspace);  // (chunks, 2, c): of dy, of dy (x - mean)
  for_tiles(launch, p.chunks * p.blocks, piece_cost(p), [=](int64_t begin, int64_t end, float* scratch) {
    float *plain = scratch, *product = scratch + kRow, *center = scratch + 2 * kRow;  // (wide)
    for (int64_t unit = begin; unit < end; ++unit) {
      const Piece piece = piece_at(p, unit);
      const int64_t at = piece.row * c + piece.column;
      repeat(piece, mean + piece.column, center);
      for (int64_t i = 0; i < piece.wide; ++i) plain[i] = product[i] = 0.0f;
      each_group(piece, [&](int64_t first, int64_t count) {
        const float *g = dy + at + first, *from = x + at + first;  // (count)
#pragma omp simd
        for (int64_t i = 0; i < count; ++i) {
          plain[i] += g[i];
          product[i] += g[i] * (from[i] - center[i]);
        }
      });
      fold(piece, plain);
      fold(piece, product);
      float* to = sums + piece.chunk * 2 * c + piece.column;
      for (int64_t j = 0; j < piece.width; ++j) {
        to[j] = plain[j];
        to[c + j] = product[j];
      }
    }
  });
  for (int64_t j = 0; j < c; ++j) {
    double plain = 0, product = 0;
    for (int64_t chunk = 0; chunk < p.chunks; ++chunk) {
      plain += sums[chunk * 2 * c + j];
      product += sums[chunk * 2 * c + c + j];
    }
    dbeta[j] = static_cast<float>(plain);
    dgamma[j] = static_cast<float>(product * rsqrt(variance[j] + epsilon));
  }
  if (rows == 0) return;

  const float share = 1.0f / static_cast<float>(rows);
  for_tiles(launch, p.chunks * p.blocks, piece_cost(p), [=](int64_t begin, int64_t end, float* scratch) {
    float *center = scratch, *factor = scratch + kRow, *offset = scratch + 2 * kRow;  // (wide)
    float *slope = scratch + 3 * kRow, *row = scratch + 4 * kRow;
    for (int64_t unit = begin; unit < end; ++unit) {
      const Piece piece = piece_at(p, unit);
      const int64_t at = piece.row * c + piece.column;
      const float* spread = variance + piece.column;  // (width)
      repeat(piece, mean + piece.column, center);
      for (int64_t j = 0; j < piece.width; ++j)
        row[j] = (gamma ? gamma[piece.column + j] : 1.0f) * rsqrt(spread[j] + epsilon);
      repeat(piece, row, factor);
      for (int64_t j = 0; j < piece.width; ++j) row[j] = dbeta[piece.column + j] * share;
      repeat(piece, row, offset);
      for (int64_t j = 0; j < piece.width; ++j) row[j] = dgamma[piece.column + j] * share * rsqrt(spread[j] + epsilon);
      repeat(piece, row, slope);
      each_group(piece, [&](int64_t first, int64_t count) {
        const float *g = dy + at + first, *from = x + at + first;  // (count)
        float* to = dx + at + first;                               // (count)
#pragma omp simd
        for (int64_t i = 0; i < count; ++i) to[i] = factor[i] * (g[i] - offset[i] - (from[i] - center[i]) * slope[i]);
      });
    }
  });
}

size_t batch_norm_workspace(int64_t rows, int64_t c) {
  return (static_cast<size_t>(cut(rows, c).chunks * 2 * c) * sizeof(float) + 63) / 64 * 64;
}

}  // namespace linnet::LINNET_ISA
