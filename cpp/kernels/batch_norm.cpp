// Batch normalisation of x (rows, c) over its rows (Ioffe & Szegedy 2015) with a residual and an activation, forward
// and gradient. Bound by memory: each direction reads its inputs twice and writes its result once.
//
// Pass one takes sums chunk by chunk (column_sums.h), in float within a chunk and in double across them. Forward takes
// them of x - s, where s is the mean of the chunk's first rows, and merges mean and squared deviations of the chunks by
// the formula of Chan, Golub & LeVeque (1979). So nothing cancels when the mean is large beside the deviation: s is
// within about one deviation of it, and a chunk that begins with an outlier of any size loses at most the factor (rows
// of the chunk) / (rows in s), 128 to 256, of float's accuracy. For the same reason the output is (x - mean) * scale +
// beta and not x * scale + shift.
//
// Pass two goes over the same chunks in the opposite direction, so that what pass one read last is still in cache
// (`again`). Rows of few channels are handled several at a time. Pass one keeps its sums in registers (`sum_rows`): in
// memory they cost more than the floats that are added. Pass two walks strictly upwards, in vectors that lie as memory
// does; results that no cache could hold until they are read go past it, since a plain store reads its line first.
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

// Columns of a piece: few enough that the coefficients stay in L1.
constexpr int64_t kColumns = 1024;

// Pass one goes down so many vectors of columns at a time, with their sums in registers. Rows of few channels are taken
// together, up to kStripFloats.
constexpr int kStrip = kVectorRegisters >= 32 ? 8 : 4;
constexpr int64_t kStripFloats = 128;

int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

// One piece of x: some rows of a block of columns, seen as `groups` rows of `wide` floats and `left` floats more.
struct Piece {
  int64_t chunk, column, row, rows, width;
  int64_t step, wide, groups, left;  // step: floats from one group of rows to the next
};

Piece piece_at(const Pieces& p, int64_t unit) {
  Piece piece;
  piece.chunk = unit / p.blocks;
  const int64_t block = unit % p.blocks, vectors = (p.width + kLanes - 1) / kLanes;  // blocks of nearly equal widths
  piece.column = vectors * block / p.blocks * kLanes;
  piece.row = piece.chunk * p.chunk_rows;
  piece.rows = min_of(p.chunk_rows, p.rows - piece.row);
  piece.width = min_of(vectors * (block + 1) / p.blocks * kLanes, p.width) - piece.column;
  const int64_t group = p.blocks == 1 ? max_of(1, min_of(piece.rows, kStripFloats / piece.width)) : 1;
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

// One strip of sum_rows: N vectors from column i on, the last of which has `last` lanes. `add` and `ask` are copies, so
// that the compiler sees that no store changes what they hold.
template <int N, class Add, class Ask>
void sum_strip(const Piece& piece, int64_t i, int64_t last, float* first, float* second, Add add, Ask ask) {
  Vec a[N] = {}, b[N] = {};
  for (int64_t at = i; at < piece.groups * piece.step; at += piece.step) {
#pragma GCC unroll 8
    for (int v = 0; v < N; ++v) {
      ask(at + v * kLanes);
      add(at + v * kLanes, v == N - 1 ? last : kLanes, i + v * kLanes, a[v], b[v]);
    }
  }
  for (int v = 0; v < N; ++v) {
    store(first + i + v * kLanes, a[v]);
    store(second + i + v * kLanes, b[v]);
  }
}
template <int Most, class Add, class Ask>
void sum_strip(int64_t n, const Piece& piece, int64_t i, int64_t last, float* first, float* second, const Add& add,
               const Ask& ask) {
  if constexpr (Most > 1)
    if (n < Most) return sum_strip<Most - 1>(n, piece, i, last, first, second, add, ask);
  sum_strip<Most>(piece, i, last, first, second, add, ask);
}

// Two sums over the rows of a piece, to first and second (wide, and a vector of room behind). add(at, lanes, i, a, b)
// adds to a and b what `lanes` floats give that begin `at` floats into the piece, in column i of the `wide` ones.
//
// A strip of at most kStrip vectors of columns is taken from top to bottom. The processor's prefetcher sees no stream
// in that, so where there are several strips ask(at) asks for a line some rows ahead.
template <class Add, class Ask>
void sum_rows(const Piece& piece, float* first, float* second, Add add, Ask ask) {
  const int64_t vectors = (piece.wide + kLanes - 1) / kLanes, strips = (vectors + kStrip - 1) / kStrip;
  for (int64_t s = 0, i = 0; s < strips; ++s) {
    const int64_t n = vectors / strips + (s < vectors % strips),
                  last = min_of(kLanes, piece.wide - i - (n - 1) * kLanes);
    if (strips > 1) {
      sum_strip<kStrip>(n, piece, i, last, first, second, add, ask);
    } else {
      sum_strip<kStrip>(n, piece, i, last, first, second, add, [](int64_t) {});
    }
    i += n * kLanes;
  }
  each_vector(piece.left, [&](int64_t i, int64_t lanes) {
    Vec a = load(first + i), b = load(second + i);
    add(piece.groups * piece.step + i, lanes, i, a, b);
    store_some(first + i, a, lanes);
    store_some(second + i, b, lanes);
  });
}

// Brings a line to the second-level cache, so many rows before it is needed. The next piece instead was too early.
constexpr int64_t kRowsAhead = 12;
void ask_for(const float* line) { __builtin_prefetch(line, 0, 2); }

// Folds acc (wide) to its first `width` entries, halves upon halves.
void fold(const Piece& piece, float* acc) {
  for (int64_t rows = piece.wide / piece.width; rows > 1;) {
    const int64_t half = rows / 2, from = (rows - half) * piece.width;
    for (int64_t i = 0; i < half * piece.width; ++i) acc[i] += acc[i + from];
    rows -= half;
  }
}

// The scratch of a thread holds rows of `wide` floats, kRow apart, and behind those the first ones again.
constexpr int64_t kRow = kColumns + 128 + kLanes;

// to (wide + kLanes) = from (width), repeated.
void repeat(const Piece& piece, const float* from, float* to) {
  for (int64_t i = 0; i < piece.wide; i += piece.width)
    for (int64_t j = 0; j < piece.width; ++j) to[i + j] = from[j];
  for (int64_t j = 0; j < kLanes; ++j) to[piece.wide + j] = to[j];
}

// Writes a piece of a result: vectors value(at, lanes, i), `at` floats into the piece, which is column i of `wide`.
// Functions are copies, so that the compiler sees that no store changes what they hold.
template <bool PastCaches, class F>
void write_piece(const Piece& piece, float* out, F value) {
  const auto write = [out, value, wide = piece.wide](int64_t from, int64_t count) {
    write_aligned<PastCaches>(out + from, count,
                              [=, i = int64_t{0}](int64_t at, int64_t lanes) mutable __attribute__((always_inline)) {
                                const Vec result = value(from + at, lanes, i);
                                for (i += lanes; i >= wide;) i -= wide;
                                return result;
                              });
  };
  if (piece.step == piece.wide) return write(0, piece.rows * piece.width);  // one row lies behind the other
  for (int64_t row = 0; row < piece.rows; ++row) write(row * piece.step, piece.width);
}
template <class F>
void write_piece(const Piece& piece, float* out, bool past_caches, F value) {
  past_caches ? write_piece<true>(piece, out, value) : write_piece<false>(piece, out, value);
}

// Results that would push themselves out of the cache before anyone reads them need not enter it.
bool past_caches(const Pieces& p, const Launch& launch) { return p.rows * p.width * 4 > launch.cache / 2; }

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

      const float* next = from + kRowsAhead * piece.step;
      sum_rows(
          piece, plain, squares,
          [from, center](int64_t at, int64_t lanes, int64_t i, Vec& sum, Vec& square) __attribute__((always_inline)) {
            const Vec deviation = load_some(from + at, lanes, 0.0f) - load(center + i);
            sum += deviation;
            square += deviation * deviation;
          },
          [next](int64_t at) { ask_for(next + at); });
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
  [[gnu::always_inline]] Vec normalize(Vec x, int64_t i) const {
    return (x - load(center + i)) * load(factor + i) + load(shift + i);
  }
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
  const bool past = past_caches(p, launch);
  for_tiles(launch, p.chunks * p.blocks, piece_cost(p, a.residual ? 4 : 3),
            [=](int64_t begin, int64_t end, float* scratch) {
              for (int64_t unit = begin; unit < end; ++unit) {
                const Piece piece = piece_at(p, again(p, unit));
                const Coefficients of(piece, a.mean, a.variance, a.epsilon, a.gamma, a.beta, scratch);
                const int64_t first = piece.row * p.width + piece.column;
                const float *x = a.x + first, *residual = a.residual ? a.residual + first : nullptr;
                float* y = a.y + first;
                write_piece(piece, y, past, [=](int64_t at, int64_t lanes, int64_t i) __attribute__((always_inline)) {
                  Vec value = of.normalize(load_some(x + at, lanes, 0.0f), i);
                  if (residual) value += load_some(residual + at, lanes, 0.0f);
                  return activate<kind>(value);
                });
              }
              finish_past_caches();
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

  void ask(const float* x, int64_t at) const {
    ask_for(x + at);
    ask_for(dy + at);
    if (more_dy) ask_for(more_dy + at);
    if (mask == ReluMask::from_y) ask_for(y + at);
  }

  // dz for x at `at`, which is column i.
  [[gnu::always_inline]] Vec dz(int64_t at, int64_t lanes, Vec x, const Coefficients& of, int64_t i) const {
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
                const int64_t next = kRowsAhead * piece.step;
                sum_rows(
                    piece, plain, product,
                    [=](int64_t at, int64_t lanes, int64_t i, Vec& sum, Vec& with_x) __attribute__((always_inline)) {
                      const Vec value = load_some(x + at, lanes, 0.0f), g = back.dz(at, lanes, value, of, i);
                      sum += g;
                      with_x += g * (value - load(of.center + i));
                      if (dz) store_some(dz + at, g, lanes);
                    },
                    [=](int64_t at) __attribute__((always_inline)) { back.ask(x, at + next); });
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
  const bool past = past_caches(p, launch);
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
      write_piece(piece, dx, past, [=](int64_t at, int64_t lanes, int64_t i) __attribute__((always_inline)) {
        const Vec value = load_some(x + at, lanes, 0.0f), g = back.dz(at, lanes, value, of, i);
        const Vec tilt = (value - load(of.center + i)) * load(slope + i);
        return load(of.factor + i) * (g - load(offset + i) - tilt);
      });
    }
    finish_past_caches();
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
