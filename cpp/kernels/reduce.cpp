// Reductions of x (outer, mid, inner) over mid: sum, mean, max, min, product, and the index of an extreme.
//
// Each of the `outer` matrices (mid, inner) is cut into chunks of rows (column_sums.h). A chunk is reduced into an
// accumulator row, and the chunks are combined in double, in order. Chunks depend on (mid, inner) alone: one matrix
// gives the same bits whatever stands beside it. A sum of n floats thus goes through at most about 64 additions in one
// accumulator, 9 foldings and n / 16384 additions in double. Where the elements that are equal to the extreme are
// counted, too, each chunk is looked at again while it is in the second-level cache.
#include "kernels/column_sums.h"
#include "kernels/declare.h"
#include "kernels/lanes.h"
#include "kernels/math.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

struct Sum {
  static constexpr float start = 0.0f;
  template <class T>
  static T combine(T a, T b) {
    return a + b;
  }
};

struct Product {
  static constexpr float start = 1.0f;
  template <class T>
  static T combine(T a, T b) {
    return a * b;
  }
};

// A NaN on either side wins.
struct Max {
  static constexpr float start = -kInfinity;
  template <class T>
  static T combine(T a, T b) {
    const T larger = a > b ? a : b;  // b when either is NaN
    return a != a ? a : larger;
  }
};

struct Min {
  static constexpr float start = kInfinity;
  template <class T>
  static T combine(T a, T b) {
    const T smaller = a < b ? a : b;
    return a != a ? a : smaller;
  }
};

// Narrow rows are taken together until they have this many floats: few enough for L1, and many chains of additions.
constexpr int64_t kGroup = 512;

// y (width) = combination of the rows of x (rows, width), `stride` apart. acc holds 2 kGroup + width floats. Strictly
// upwards in memory: four rows at once are no stream to the processor's prefetcher, and took twice as long beyond L3.
template <class Op>
void reduce_rows(int64_t rows, int64_t width, int64_t stride, const float* x, float* y, float* acc) {
  const int64_t group = stride == width ? rows_in_group(rows, width, kGroup) : 1;
  const int64_t wide = group * width, step = group * stride, groups = rows / group;
  for (int64_t i = 0; i < wide; ++i) acc[i] = Op::start;
  for (int64_t g = 0; g < groups; ++g) {
    const float* a = x + g * step;
#pragma omp simd
    for (int64_t i = 0; i < wide; ++i) acc[i] = Op::combine(acc[i], a[i]);
  }
  const float* rest = x + groups * step;  // fewer than `group` rows
  const int64_t left = (rows - groups * group) * width;
#pragma omp simd
  for (int64_t i = 0; i < left; ++i) acc[i] = Op::combine(acc[i], rest[i]);

  for (int64_t half = wide / 2; half >= width && half > 0; half /= 2) {
#pragma omp simd
    for (int64_t i = 0; i < half; ++i) acc[i] = Op::combine(acc[i], acc[i + half]);
    if (half == width) break;
  }
  for (int64_t i = 0; i < width; ++i) y[i] = acc[i];
}

// `Count` vectors from x on, halves upon halves.
template <class Op, int Count>
Vec reduce_tree(const float* x) {
  if constexpr (Count == 1) {
    return load(x);
  } else {
    return Op::combine(reduce_tree<Op, Count / 2>(x), reduce_tree<Op, Count / 2>(x + Count / 2 * kLanes));
  }
}

// The same for one column, x (n) in a row: eight vectors side by side, so that their chains of additions overlap, and
// as few additions in a chain at every vector width.
template <class Op>
float reduce_row(int64_t n, const float* x) {
  constexpr int kChains = 8, kWide = kGroup / kChains / kLanes;
  Vec acc[kChains];
  for (Vec& a : acc) a = broadcast(Op::start);
  int64_t i = 0;
  for (; i + kGroup <= n; i += kGroup)
    for (int v = 0; v < kChains; ++v) acc[v] = Op::combine(acc[v], reduce_tree<Op, kWide>(x + i + v * kWide * kLanes));
  for (; i + kChains * kLanes <= n; i += kChains * kLanes)
    for (int v = 0; v < kChains; ++v) acc[v] = Op::combine(acc[v], load(x + i + v * kLanes));
  for (; i < n; i += kLanes) acc[0] = Op::combine(acc[0], load_some(x + i, min_of(n - i, kLanes), Op::start));
  for (int half = kChains / 2; half > 0; half /= 2)
    for (int v = 0; v < half; ++v) acc[v] = Op::combine(acc[v], acc[v + half]);
  return combine_lanes(acc[0], [](Vec a, Vec b) { return Op::combine(a, b); });
}

constexpr int64_t kStrip = 64;  // columns whose chunks are combined together: whole cache lines

// A matrix of at most this many elements is reduced column by column: setting up more would take longer.
constexpr int64_t kTiny = 48;

template <class Op>
void reduce_tiny(int64_t rows, int64_t width, const float* x, float* y) {
  for (int64_t j = 0; j < width; ++j) {
    float result = Op::start;
    for (int64_t r = 0; r < rows; ++r) result = Op::combine(result, x[r * width + j]);
    y[j] = result;
  }
}

// count (width) = how many of the rows of x (rows, width), `stride` apart, are equal to `row` (width). scratch holds
// 2 (2 kGroup + width) floats.
void count_equal(int64_t rows, int64_t width, int64_t stride, const float* x, const float* row, float* count,
                 float* scratch) {
  const int64_t group = stride == width ? rows_in_group(rows, width, kGroup) : 1, wide = group * width;
  float *wanted = scratch, *hits = scratch + 2 * kGroup + width;
  for (int64_t i = 0; i < wide; ++i) {
    wanted[i] = i < width ? row[i] : wanted[i - width];
    hits[i] = 0.0f;
  }
  const auto add = [&](int64_t n, const float* from) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) hits[i] += from[i] == wanted[i] ? 1.0f : 0.0f;
  };
  int64_t r = 0;
  for (; r + group <= rows; r += group) add(wide, x + r * stride);
  add((rows - r) * width, x + r * stride);
  for (int64_t j = 0; j < width; ++j) count[j] = hits[j];
  for (int64_t i = width; i < wide; i += width)
    for (int64_t j = 0; j < width; ++j) count[j] += hits[i + j];
}

// count (outer, inner), or null: how many elements are equal to the result.
template <class Op>
void reduce_all(bool mean, int64_t outer, int64_t mid, int64_t inner, const float* x, float* y, float* count,
                const Launch& launch) {
  const float divisor = static_cast<float>(mid);
  const Pieces p = cut(mid, inner);
  const int64_t units = p.chunks * p.blocks;
  float* const partial = static_cast<float*>(launch.workspace);
  float* const results = p.chunks == 1 ? y : partial;  // (outer, chunks, inner)
  float* const counts = p.chunks == 1 || !count ? count : partial + outer * p.chunks * inner;
  const int64_t cost = min_of(mid * inner, p.chunk_rows * min_of(inner, kColumnBlock));
  for_tiles(launch, outer * units, (count ? 2 : 1) * cost + 100, [=](int64_t begin, int64_t end, float* scratch) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t o = unit / units, chunk = unit % units / p.blocks, column = unit % p.blocks * kColumnBlock;
      const float* from = x + (o * mid + chunk * p.chunk_rows) * inner + column;
      const int64_t rows = min_of(p.chunk_rows, mid - chunk * p.chunk_rows);
      const int64_t width = min_of(kColumnBlock, inner - column);
      const int64_t at = (o * p.chunks + chunk) * inner + column;  // (width)
      float* to = results + at;
      if (mid * inner <= kTiny) {
        reduce_tiny<Op>(rows, width, from, to);
      } else if (inner == 1) {
        to[0] = reduce_row<Op>(rows, from);
      } else {
        reduce_rows<Op>(rows, width, inner, from, to, scratch);
      }
      if (counts) count_equal(rows, width, inner, from, to, counts + at, scratch);
      if (mean && p.chunks == 1)
        for (int64_t j = 0; j < width; ++j) to[j] /= divisor;
    }
  });
  if (p.chunks == 1) return;
  const int64_t strips = (inner + kStrip - 1) / kStrip;
  for_tiles(launch, outer * strips, p.chunks * min_of(inner, kStrip), [=](int64_t begin, int64_t end, float*) {
    double result[kStrip];
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t o = unit / strips, column = unit % strips * kStrip, width = min_of(kStrip, inner - column);
      const int64_t first = o * p.chunks * inner + column;
      const float* of_chunk = partial + first;  // (width)
      for (int64_t j = 0; j < width; ++j) result[j] = Op::start;
      for (int64_t chunk = 0; chunk < p.chunks; ++chunk, of_chunk += inner)
        for (int64_t j = 0; j < width; ++j) result[j] = Op::combine(result[j], double{of_chunk[j]});
      float* to = y + o * inner + column;
      for (int64_t j = 0; j < width; ++j)
        to[j] = static_cast<float>(mean ? result[j] / static_cast<double>(mid) : result[j]);
      if (!count) continue;
      of_chunk = partial + first;
      const float* in_chunk = counts + first;
      for (int64_t j = 0; j < width; ++j) result[j] = 0;
      for (int64_t chunk = 0; chunk < p.chunks; ++chunk, of_chunk += inner, in_chunk += inner)
        for (int64_t j = 0; j < width; ++j) result[j] += of_chunk[j] == to[j] ? double{in_chunk[j]} : 0;
      for (int64_t j = 0; j < width; ++j) count[o * inner + column + j] = static_cast<float>(result[j]);
    }
  });
}

// Index of the first extreme of x (n). `sign` is -1 for the smallest.
int32_t arg_extreme(int64_t n, float sign, const float* x) {
  Vec most = broadcast(-kInfinity);
  each_vector(n, [&](int64_t i, int64_t count) { most = max_vec(load_some(x + i, count, x[0]) * sign, most); });
  const float best = max_lanes(most) * sign;
  int64_t i = 0;
  while (best == best ? x[i] != best : x[i] == x[i]) ++i;
  return static_cast<int32_t>(i);
}

}  // namespace

void reduce(Reduction reduction, int64_t outer, int64_t mid, int64_t inner, const float* x, float* y,
            const Launch& launch) {
  switch (reduction) {
    case Reduction::sum:
    case Reduction::mean:
      return reduce_all<Sum>(reduction == Reduction::mean, outer, mid, inner, x, y, nullptr, launch);
    case Reduction::max:
      return reduce_all<Max>(false, outer, mid, inner, x, y, nullptr, launch);
    case Reduction::min:
      return reduce_all<Min>(false, outer, mid, inner, x, y, nullptr, launch);
    case Reduction::prod:
      return reduce_all<Product>(false, outer, mid, inner, x, y, nullptr, launch);
  }
}

size_t reduce_workspace(int64_t outer, int64_t mid, int64_t inner) {
  const Pieces p = cut(mid, inner);
  if (p.chunks == 1) return 0;
  return (static_cast<size_t>(outer * p.chunks * inner) * sizeof(float) + 63) / 64 * 64;
}

void reduce_extreme(bool least, int64_t outer, int64_t mid, int64_t inner, const float* x, float* y, float* count,
                    const Launch& launch) {
  (least ? reduce_all<Min> : reduce_all<Max>)(false, outer, mid, inner, x, y, count, launch);
}

size_t reduce_extreme_workspace(int64_t outer, int64_t mid, int64_t inner) {
  return 2 * reduce_workspace(outer, mid, inner);
}

void arg_reduce(bool least, int64_t outer, int64_t mid, int64_t inner, const float* x, int32_t* y,
                const Launch& launch) {
  const float sign = least ? -1.0f : 1.0f;
  if (mid == 0) {
    for (int64_t i = 0; i < outer * inner; ++i) y[i] = 0;
    return;
  }
  for_tiles(launch, outer, 2 * mid * inner + 100, [=](int64_t begin, int64_t end, float* scratch) {
    float* best = scratch;  // (width), times sign
    for (int64_t o = begin; o < end; ++o) {
      const float* matrix = x + o * mid * inner;  // (mid, inner)
      if (inner == 1) {
        y[o] = arg_extreme(mid, sign, matrix);
        continue;
      }
      for (int64_t column = 0; column < inner; column += kColumnBlock) {
        const int64_t width = min_of(kColumnBlock, inner - column);
        int32_t* where = y + o * inner + column;  // (width)
        for (int64_t j = 0; j < width; ++j) {
          best[j] = matrix[column + j] * sign;
          where[j] = 0;
        }
        for (int64_t m = 1; m < mid; ++m) {
          const float* row = matrix + m * inner + column;  // (width)
#pragma omp simd
          for (int64_t j = 0; j < width; ++j) {
            const float value = row[j] * sign;
            const bool better = (best[j] == best[j]) & ((value > best[j]) | (value != value));
            best[j] = better ? value : best[j];
            where[j] = better ? static_cast<int32_t>(m) : where[j];
          }
        }
      }
    }
  });
}

}  // namespace linnet::LINNET_ISA
