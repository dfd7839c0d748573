// Batch normalisation of x (rows, c) over its rows (Ioffe & Szegedy 2015) with a residual and an activation, forward
// and gradient. Bound by memory: each direction reads its inputs twice and writes its result once.
//
// Pass one takes sums chunk by chunk (column_sums.h), in float within a chunk and in double across them. Forward takes
// them of x - s, where s is the mean of the chunk's first rows, and merges mean and squared deviations of the chunks by
// the formula of Chan, Golub & LeVeque (1979). So nothing cancels when the mean is large beside the deviation: s is
// within about one deviation of it, and a chunk that begins with an outlier of any size loses at most the factor (rows
// of the chunk) / (rows in s), about 128, of float's accuracy. For the same reason the output is (x - mean) * scale +
// beta and not x * scale + shift.
//
// Pass two goes over the same chunks in the opposite direction, so that what pass one read last is still in cache
// (`again`). Rows of few channels are handled several at a time. Memory is walked strictly upwards within a piece: four
// rows at once would load the coefficients once for four, but took up to twice as long, since the processor's
// prefetcher sees no stream in that.
//
// The gradient of a relu needs no pass of its own: dz = dy where the output was positive. Whether it was is read from
// y, or, without a residual, computed again from x, which is read anyway: the very expression of forward, the same
// bits.
#include "kernels/column_sums.h"
#include "kernels/declare.h"
#include "kernels/lanes.h"
#include "kernels/math.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

// Columns of a piece: few enough that four rows and their coefficients stay in L1.
constexpr int64_t kColumns = 512;

// One piece of x: some rows of a block of columns, seen as `groups` rows of `wide` floats and `left` floats more.
struct Piece {
  int64_t chunk, column, row, rows, width;
  int64_t step, wide, groups, left;  // step: floats from one group of rows to the next
};

Piece piece_at(const Pieces& p, int64_t unit) {
  Piece piece;
  piece.chunk = unit / p.blocks;
  piece.column = unit % p.blocks * kColumns;
  piece.row = piece.chunk * p.chunk_rows;
  piece.rows = min_of(p.chunk_rows, p.rows - piece.row);
  piece.width = min_of(kColumns, p.width - piece.column);
  const int64_t group = p.blocks == 1 ? rows_in_group(piece.rows, piece.width) : 1;
  piece.step = group * p.width;
  piece.wide = group * piece.width;
  piece.groups = piece.rows / group;
  piece.left = (piece.rows - piece.groups * group) * piece.width;
  return piece;
}

// The piece that pass two takes at `unit`. Threads take units from both ends and meet in the middle (threads.cpp), so
// pass two begins in the middle and goes outwards.
int64_t again(const Pieces& p, int64_t unit) {
  const int64_t units = p.chunks * p.blocks, half = units / 2;
  return unit < half ? half - 1 - unit : units - 1 - (unit - half);
}

// Calls f(at, lanes, i) for vectors that cover the piece: `lanes` floats that begin `at` floats into it, columns i ..
// of the `wide` ones.
template <class F>
void each_vector_of(const Piece& piece, F f) {
  const auto cover = [&](int64_t from, int64_t count) {
    each_vector(count, [&](int64_t i, int64_t lanes) { f(from + i, lanes, i); });
  };
  for (int64_t g = 0; g < piece.groups; ++g) cover(g * piece.step, piece.wide);
  if (piece.left > 0) cover(piece.groups * piece.step, piece.left);
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

// The scratch of a thread holds rows of `wide` floats, kRow apart.
constexpr int64_t kRow = kColumns + 128 + 16;

Pieces cut_up(int64_t rows, int64_t c) { return cut(rows, c, kColumns); }

int64_t piece_cost(const Pieces& p, int64_t streams) {
  return streams * min_of(p.rows, p.chunk_rows) * min_of(p.width, kColumns) + 1000;
}

// The workspace: doubles (2, c), then floats (chunks, 2, c).
struct Sums {
  double *first, *second;  // (c)
  float* chunks;           // (chunks, 2, c)
};

Sums sums_in(const Launch& launch, int64_t c) {
  double* first = static_cast<double*>(launch.workspace);
  return {first, first + c, reinterpret_cast<float*>(first + 2 * c)};
}

// sums.chunks: mean and sum of squared deviations of every chunk.
void chunk_moments(const Pieces& p, const float* x, float* sums, const Launch& launch) {
  for_tiles(launch, p.chunks * p.blocks, piece_cost(p, 1), [=](int64_t begin, int64_t end, float* scratch) {
    float *plain = scratch, *squares = scratch + kRow, *center = scratch + 2 * kRow;  // (wide)
    for (int64_t unit = begin; unit < end; ++unit) {
      const Piece piece = piece_at(p, unit);
      const float* from = x + piece.row * p.width + piece.column;
      const float first_rows = static_cast<float>(piece.wide / piece.width);
      for (int64_t i = 0; i < piece.wide; ++i) plain[i] = from[i];
      fold(piece, plain);
      for (int64_t j = 0; j < piece.width; ++j) plain[j] /= first_rows;
      repeat(piece, plain, center);

      for (int64_t i = 0; i < piece.wide; ++i) plain[i] = squares[i] = 0.0f;
      each_vector_of(piece, [&](int64_t at, int64_t lanes, int64_t i) {
        const Vec deviation = load_some(from + at, lanes, 0.0f) - load(center + i);
        store_some(plain + i, load(plain + i) + deviation, lanes);
        store_some(squares + i, load(squares + i) + deviation * deviation, lanes);
      });
      fold(piece, plain);
      fold(piece, squares);
      const float share = 1.0f / static_cast<float>(piece.rows);
      float* to = sums + piece.chunk * 2 * p.width + piece.column;
      for (int64_t j = 0; j < piece.width; ++j) {
        const float offset = plain[j] * share, spread = squares[j] - plain[j] * offset;
        to[j] = center[j] + offset;
        to[p.width + j] = spread < 0.0f ? 0.0f : spread;  // rounding; keeps NaN
      }
    }
  });
}

// Mean and variance of each column from those of its chunks.
void merge_moments(const Pieces& p, const Sums& sums, float* mean, float* variance) {
  double *center = sums.first, *squares = sums.second;
  for (int64_t j = 0; j < p.width; ++j) center[j] = squares[j] = 0;
  for (int64_t chunk = 0; chunk < p.chunks; ++chunk) {
    const float* of_chunk = sums.chunks + chunk * 2 * p.width;  // (2, c)
    const double count = static_cast<double>(chunk * p.chunk_rows);
    const double n = static_cast<double>(min_of(p.chunk_rows, p.rows - chunk * p.chunk_rows));
    const double share = n / (count + n), cross = count * share;
#pragma omp simd
    for (int64_t j = 0; j < p.width; ++j) {
      const double delta = of_chunk[j] - center[j];
      center[j] += delta * share;
      squares[j] += of_chunk[p.width + j] + delta * delta * cross;
    }
  }
  for (int64_t j = 0; j < p.width; ++j) {
    mean[j] = static_cast<float>(center[j]);
    variance[j] = static_cast<float>(squares[j] / static_cast<double>(p.rows));
  }
}

float rsqrt(float x) { return 1.0f / __builtin_sqrtf(x); }

// What a piece's columns are multiplied with: rows of scratch (wide).
struct Coefficients {
  float *center, *factor, *shift;

  Coefficients(const Piece& piece, const float* mean, const float* variance, float epsilon, const float* gamma,
               const float* beta, float* scratch)
      : center(scratch), factor(scratch + kRow), shift(scratch + 2 * kRow) {
    float* row = scratch + 3 * kRow;
    repeat(piece, mean + piece.column, center);
    for (int64_t j = 0; j < piece.width; ++j) {
      const int64_t channel = piece.column + j;
      row[j] = (gamma ? gamma[channel] : 1.0f) * rsqrt(variance[channel] + epsilon);
    }
    repeat(piece, row, factor);
    for (int64_t j = 0; j < piece.width; ++j) row[j] = beta ? beta[piece.column + j] : 0.0f;
    repeat(piece, row, shift);
  }

  // The output without residual and activation. One place, so that the gradient finds the same sign.
  Vec normalize(Vec x, int64_t i) const { return (x - load(center + i)) * load(factor + i) + load(shift + i); }
};

template <Activation kind>
Vec activate(Vec v) {
  if constexpr (kind == Activation::relu) return v < 0.0f ? Vec{} : v;  // keeps NaN
  if constexpr (kind == Activation::tanh) return tanh_vec(v);
  if constexpr (kind == Activation::sigmoid) return sigmoid_vec(v);
  return v;
}

template <Activation kind>
void normalize(const BatchNormArgs& args, const Pieces& p, const Launch& launch) {
  const BatchNormArgs a = args;
  for_tiles(launch, p.chunks * p.blocks, piece_cost(p, a.residual ? 4 : 3),
            [=](int64_t begin, int64_t end, float* scratch) {
              for (int64_t unit = begin; unit < end; ++unit) {
                const Piece piece = piece_at(p, again(p, unit));
                const Coefficients of(piece, a.mean, a.variance, a.epsilon, a.gamma, a.beta, scratch);
                const int64_t first = piece.row * p.width + piece.column;
                const float *x = a.x + first, *residual = a.residual ? a.residual + first : nullptr;
                float* y = a.y + first;
                each_vector_of(piece, [&](int64_t at, int64_t lanes, int64_t i) {
                  Vec value = of.normalize(load_some(x + at, lanes, 0.0f), i);
                  if (residual) value += load_some(residual + at, lanes, 0.0f);
                  store_some(y + at, activate<kind>(value), lanes);
                });
              }
            });
}

// What flows back to a piece, vector by vector.
template <ReluMask mask>
struct Backflow {
  const float *dy, *more_dy, *y;  // of the piece; more_dy may be null

  Backflow(const BatchNormGradArgs& a, int64_t first)
      : dy(a.dy + first),
        more_dy(a.more_dy ? a.more_dy + first : nullptr),
        y(mask == ReluMask::from_y ? a.y + first : nullptr) {}

  // dz for x at `at`, which is column i.
  Vec dz(int64_t at, int64_t lanes, Vec x, const Coefficients& of, int64_t i) const {
    Vec g = load_some(dy + at, lanes, 0.0f);
    if (more_dy) g += load_some(more_dy + at, lanes, 0.0f);
    if constexpr (mask == ReluMask::from_x) return of.normalize(x, i) > 0.0f ? g : Vec{};
    if constexpr (mask == ReluMask::from_y) return load_some(y + at, lanes, 0.0f) > 0.0f ? g : Vec{};
    return g;
  }
};

// sums.chunks: of dz and of dz (x - mean). Writes dz where it is wanted.
template <ReluMask mask>
void chunk_products(const BatchNormGradArgs& args, const Pieces& p, float* sums, const Launch& launch) {
  const BatchNormGradArgs a = args;
  for_tiles(launch, p.chunks * p.blocks, piece_cost(p, 2 + 2 * (a.dz != nullptr) + (a.more_dy != nullptr)),
            [=](int64_t begin, int64_t end, float* scratch) {
              float *plain = scratch, *product = scratch + kRow;  // (wide)
              for (int64_t unit = begin; unit < end; ++unit) {
                const Piece piece = piece_at(p, unit);
                const Coefficients of(piece, a.mean, a.variance, a.epsilon, a.gamma, a.beta, scratch + 2 * kRow);
                const int64_t first = piece.row * p.width + piece.column;
                const float* x = a.x + first;
                const Backflow<mask> back(a, first);
                float* dz = a.dz ? a.dz + first : nullptr;
                for (int64_t i = 0; i < piece.wide; ++i) plain[i] = product[i] = 0.0f;
                each_vector_of(piece, [&](int64_t at, int64_t lanes, int64_t i) {
                  const Vec value = load_some(x + at, lanes, 0.0f), g = back.dz(at, lanes, value, of, i);
                  store_some(plain + i, load(plain + i) + g, lanes);
                  store_some(product + i, load(product + i) + g * (value - load(of.center + i)), lanes);
                  if (dz) store_some(dz + at, g, lanes);
                });
                fold(piece, plain);
                fold(piece, product);
                float* to = sums + piece.chunk * 2 * p.width + piece.column;
                for (int64_t j = 0; j < piece.width; ++j) {
                  to[j] = plain[j];
                  to[p.width + j] = product[j];
                }
              }
            });
}

// dbeta and dgamma from the sums of the chunks.
void merge_products(const BatchNormGradArgs& a, const Pieces& p, const Sums& sums) {
  double *plain = sums.first, *product = sums.second;
  for (int64_t j = 0; j < p.width; ++j) plain[j] = product[j] = 0;
  for (int64_t chunk = 0; chunk < p.chunks && p.rows > 0; ++chunk) {
    const float* of_chunk = sums.chunks + chunk * 2 * p.width;  // (2, c)
#pragma omp simd
    for (int64_t j = 0; j < p.width; ++j) {
      plain[j] += of_chunk[j];
      product[j] += of_chunk[p.width + j];
    }
  }
  for (int64_t j = 0; j < p.width; ++j) {
    a.dbeta[j] = static_cast<float>(plain[j]);
    a.dgamma[j] = static_cast<float>(product[j] * rsqrt(a.variance[j] + a.epsilon));
  }
}

// With xn = (x - mean) rstd: dx = gamma rstd (dz - dbeta / rows - xn dgamma / rows).
template <ReluMask mask>
void grad_input(const BatchNormGradArgs& args, const Pieces& p, const Launch& launch) {
  const BatchNormGradArgs a = args;
  const float share = 1.0f / static_cast<float>(p.rows);
  for_tiles(launch, p.chunks * p.blocks, piece_cost(p, 4), [=](int64_t begin, int64_t end, float* scratch) {
    float *offset = scratch, *slope = scratch + kRow;  // (wide)
    for (int64_t unit = begin; unit < end; ++unit) {
      const Piece piece = piece_at(p, again(p, unit));
      const Coefficients of(piece, a.mean, a.variance, a.epsilon, a.gamma, a.beta, scratch + 2 * kRow);
      float* row = scratch + 6 * kRow;
      for (int64_t j = 0; j < piece.width; ++j) row[j] = a.dbeta[piece.column + j] * share;
      repeat(piece, row, offset);
      for (int64_t j = 0; j < piece.width; ++j)
        row[j] = a.dgamma[piece.column + j] * share * rsqrt(a.variance[piece.column + j] + a.epsilon);
      repeat(piece, row, slope);
      const int64_t first = piece.row * p.width + piece.column;
      const float* x = a.x + first;
      const Backflow<mask> back(a, first);
      float* dx = a.dx + first;
      each_vector_of(piece, [&](int64_t at, int64_t lanes, int64_t i) {
        const Vec value = load_some(x + at, lanes, 0.0f), g = back.dz(at, lanes, value, of, i);
        const Vec tilt = (value - load(of.center + i)) * load(slope + i);
        store_some(dx + at, load(of.factor + i) * (g - load(offset + i) - tilt), lanes);
      });
    }
  });
}

template <ReluMask mask>
void gradients(const BatchNormGradArgs& a, const Launch& launch) {
  const Pieces p = cut_up(a.rows, a.c);
  const Sums sums = sums_in(launch, a.c);
  if (a.rows > 0) chunk_products<mask>(a, p, sums.chunks, launch);
  merge_products(a, p, sums);
  if (a.rows == 0) return;
  if (!a.dz) return grad_input<mask>(a, p, launch);
  BatchNormGradArgs rest = a;
  rest.dy = a.dz;
  rest.more_dy = nullptr;
  grad_input<ReluMask::none>(rest, p, launch);
}

}  // namespace

void batch_norm_forward(const BatchNormArgs& a, const Launch& launch) {
  if (a.rows == 0) {
    for (int64_t j = 0; j < a.c; ++j) a.mean[j] = a.variance[j] = 0.0f;
    return;
  }
  const Pieces p = cut_up(a.rows, a.c);
  const Sums sums = sums_in(launch, a.c);
  chunk_moments(p, a.x, sums.chunks, launch);
  merge_moments(p, sums, a.mean, a.variance);
  switch (a.activation) {
    case Activation::none:
      return normalize<Activation::none>(a, p, launch);
    case Activation::relu:
      return normalize<Activation::relu>(a, p, launch);
    case Activation::tanh:
      return normalize<Activation::tanh>(a, p, launch);
    case Activation::sigmoid:
      return normalize<Activation::sigmoid>(a, p, launch);
  }
}

void batch_norm_grad(const BatchNormGradArgs& a, const Launch& launch) {
  switch (a.relu) {
    case ReluMask::none:
      return gradients<ReluMask::none>(a, launch);
    case ReluMask::from_x:
      return gradients<ReluMask::from_x>(a, launch);
    case ReluMask::from_y:
      return gradients<ReluMask::from_y>(a, launch);
  }
}

size_t batch_norm_workspace(int64_t rows, int64_t c) {
  const size_t floats = static_cast<size_t>(cut_up(rows, c).chunks * 2 * c);
  return (static_cast<size_t>(2 * c) * sizeof(double) + floats * sizeof(float) + 63) / 64 * 64;
}

}  // namespace linnet::LINNET_ISA
