// Reductions of x (outer, mid, inner) over mid: sum, mean, max, min, product, and the index of an extreme.
//
// Each of the `outer` matrices (mid, inner) is cut into chunks of rows (column_sums.h). A chunk is reduced into an
// accumulator row, and the chunks are combined in double, in order. Chunks depend on (mid, inner) alone: one matrix
// gives the same bits whatever stands beside it. A sum of n floats thus goes through at most about 64 additions in one
// accumulator, 9 foldings and n / 16384 additions in double.
//
// The gradient of an extreme asks where it stands and how many elements are equal to it: each chunk is looked at again
// while it is in the second-level cache (find_equal). The gradient then is written without reading x, but for columns
// in which several elements share.
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

constexpr int32_t kSeveral = -1;  // where: not one element alone

// out (2^k n) = first (n), again and again; `step` more each time where they are numbers.
template <class T>
void repeat(int64_t n, int64_t length, T* out, T step) {
  for (; n < length; n *= 2, step *= 2) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) out[n + i] = out[i] + step;
  }
}

// Which elements of x (n) are equal to `value`: how many, and in `where`, or null, which one, counted from `first`.
void find_equal_in_row(int64_t n, int64_t first, const float* x, float value, float* count, int32_t* where) {
  constexpr int kChains = 4;
  alignas(sizeof(Vec)) float lane[kLanes];
  for (int i = 0; i < kLanes; ++i) lane[i] = static_cast<float>(i);
  const Vec lanes = load(lane);
  Vec hits[kChains] = {}, last[kChains];  // n is at most kChunk: numbers of elements are exact
  for (Vec& l : last) l = broadcast(static_cast<float>(kSeveral));
  const auto look = [&](int chain, Vec from, int64_t i) {
    hits[chain] += from == value ? broadcast(1.0f) : Vec{};
    last[chain] = from == value ? lanes + static_cast<float>(i) : last[chain];
  };
  int64_t i = 0;
  for (; i + kChains * kLanes <= n; i += kChains * kLanes)
    for (int v = 0; v < kChains; ++v) look(v, load(x + i + v * kLanes), i + v * kLanes);
  for (; i < n; i += kLanes) look(0, load_some(x + i, min_of(n - i, kLanes), kNan), i);
  count[0] = sum_lanes((hits[0] + hits[1]) + (hits[2] + hits[3]));
  if (!where) return;
  const float found = max_lanes(max_vec(max_vec(last[0], last[1]), max_vec(last[2], last[3])));
  where[0] = count[0] == 1.0f ? static_cast<int32_t>(first) + static_cast<int32_t>(found) : kSeveral;
}

// Which rows of x (rows, width), `stride` apart, are equal to `row` (width): count (width) says how many, where
// (width), or null, which one, as a row of the matrix in which x begins with row `first`. scratch holds 3 (2 kGroup +
// width) floats.
void find_equal(int64_t rows, int64_t width, int64_t stride, int64_t first, const float* x, const float* row,
                float* count, int32_t* where, float* scratch) {
  if (stride == 1) return find_equal_in_row(rows, first, x, row[0], count, where);
  // What a hit in the first group of rows adds, one more in each group behind it: a chunk has at most 65 groups, so
  // that the sum in a lane tells how many hits it had, and which group it was where that is one. It is exact.
  constexpr int32_t kHit = 8192;
  const int64_t group = stride == width ? rows_in_group(rows, width, kGroup) : 1, wide = group * width;
  const int64_t room = 2 * kGroup + width;
  float *wanted = scratch, *hits = scratch + room;  // (wide)
  for (int64_t i = 0; i < width; ++i) wanted[i] = row[i];
  repeat(width, wide, wanted, 0.0f);
  for (int64_t i = 0; i < wide; ++i) hits[i] = 0.0f;
  const auto look = [&](int64_t n, const float* from, int64_t number) {
    const float hit = static_cast<float>(kHit + number);
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) hits[i] += from[i] == wanted[i] ? hit : 0.0f;
  };
  const int64_t groups = rows / group;
  for (int64_t g = 0; g < groups; ++g) look(wide, x + g * group * stride, g);
  look((rows - groups * group) * width, x + groups * group * stride, groups);

  int32_t* last = reinterpret_cast<int32_t*>(scratch + 2 * room);  // (wide): the row of a hit, or kSeveral
  const int32_t step = static_cast<int32_t>(group);
#pragma omp simd
  for (int64_t i = 0; i < wide; ++i) {
    const int32_t hit = static_cast<int32_t>(hits[i]);
    hits[i] = static_cast<float>(hit / kHit);
    last[i] = hit >= kHit ? hit % kHit * step : kSeveral;
  }
  for (int64_t half = wide / 2, rows_on = group / 2; rows_on > 0; half /= 2, rows_on /= 2) {
    const int32_t on = static_cast<int32_t>(rows_on);
#pragma omp simd
    for (int64_t i = 0; i < half; ++i) {
      hits[i] += hits[half + i];
      last[i] = last[half + i] == kSeveral ? last[i] : last[half + i] + on;
    }
  }
  for (int64_t j = 0; j < width; ++j) count[j] = hits[j];
  const int32_t begin = static_cast<int32_t>(first);
  for (int64_t j = 0; where && j < width; ++j) where[j] = hits[j] == 1.0f ? begin + last[j] : kSeveral;
}

// What find_equal finds; null where it is not wanted.
struct Equal {
  float* count = nullptr;    // (outer, inner)
  int32_t* where = nullptr;  // (outer, inner); only with count
};

template <class Op>
void reduce_all(bool mean, int64_t outer, int64_t mid, int64_t inner, const float* x, float* y, const Equal& equal,
                const Launch& launch) {
  const float divisor = static_cast<float>(mid);
  const Pieces p = cut(mid, inner);
  const int64_t units = p.chunks * p.blocks;
  float* const partial = static_cast<float*>(launch.workspace);
  float* const results = p.chunks == 1 ? y : partial;  // (outer, chunks, inner)
  Equal found = equal;                                 // (outer, chunks, inner)
  if (p.chunks > 1 && equal.count) found.count = partial + outer * p.chunks * inner;
  if (p.chunks > 1 && equal.where) found.where = reinterpret_cast<int32_t*>(partial + 2 * outer * p.chunks * inner);
  const int64_t cost = min_of(mid * inner, p.chunk_rows * min_of(inner, kColumnBlock));
  for_tiles(launch, outer * units, (equal.count ? 2 : 1) * cost + 100, [=](int64_t begin, int64_t end, float* scratch) {
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
      if (found.count)
        find_equal(rows, width, inner, chunk * p.chunk_rows, from, to, found.count + at,
                   found.where ? found.where + at : nullptr, scratch);
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
      if (!equal.count) continue;
      const int64_t out = o * inner + column;
      for (int64_t j = 0; j < width; ++j) result[j] = 0;
      for (int64_t chunk = 0; chunk < p.chunks; ++chunk)
        for (int64_t j = 0, at = first + chunk * inner; j < width; ++j, ++at)
          result[j] += partial[at] == to[j] ? double{found.count[at]} : 0;
      for (int64_t j = 0; j < width; ++j) equal.count[out + j] = static_cast<float>(result[j]);
      if (!equal.where) continue;
      for (int64_t j = 0; j < width; ++j) equal.where[out + j] = kSeveral;
      for (int64_t chunk = 0; chunk < p.chunks; ++chunk)
        for (int64_t j = 0, at = first + chunk * inner; j < width; ++j, ++at)
          if (partial[at] == to[j] && result[j] == 1) equal.where[out + j] = found.where[at];
    }
  });
}

// dx (rows, width), `stride` apart, of the gradient of an extreme: `share` (width) at the row `where` (width) of the
// matrix, in which dx begins with row `first`. Where that is kSeveral, at the elements of x (as dx) equal to y (width),
// and NaN everywhere if y is NaN; but a share of 0 (behind a dead relu) goes nowhere.
struct Spread {
  int64_t rows, width, stride, first;
  const float* share;
  const int32_t* where;
  const float *x, *y;
  float* dx;
};

constexpr int64_t kLongRow = 1024;  // floats that are written in a row: what is left of the outer lines does not matter
constexpr int32_t kNowhere = -(1 << 30);

IntVec load_rows(const int32_t* p) { return bits_of(load(reinterpret_cast<const float*>(p))); }

// out (n) = value(at, lanes), upwards.
template <bool past, class F>
void write(float* out, int64_t n, F value) {
  if (past) return write_aligned<true>(out, n, value);
  each_vector(n, [&](int64_t at, int64_t lanes) { store_some(out + at, value(at, lanes), lanes); });
}

// One column, rows next to each other.
template <bool past>
void spread_share_in_row(const Spread& s) {
  const float share = s.share[0], y = s.y[0];
  const int64_t where = s.where[0] == kSeveral || share == 0.0f ? kNowhere : s.where[0] - s.first;
  const bool look = s.where[0] == kSeveral && share != 0.0f;
  const Vec rest = broadcast(y == y ? 0.0f : y);
  write<past>(s.dx, s.rows, [=](int64_t at, int64_t lanes) __attribute__((always_inline)) {
    if (look) return load_some(s.x + at, lanes, 0.0f) == y ? broadcast(share) : rest;
    Vec v = {};
    if (where >= at && where < at + lanes) v[where - at] = share;
    return v;
  });
}

// scratch holds 4 (2 kLongRow + width + kLanes) floats.
template <bool past>
void spread_share(const Spread& s, float* scratch) {
  if (s.stride == 1) return spread_share_in_row<past>(s);
  const int64_t group = s.stride == s.width ? rows_in_group(s.rows, s.width, past ? kLongRow : kGroup) : 1;
  const int64_t wide = group * s.width, room = 2 * kLongRow + s.width + kLanes;
  float *share = scratch, *extreme = scratch + room;                // (wide): the columns, group times
  int32_t* where = reinterpret_cast<int32_t*>(scratch + 2 * room);  // (wide): counted from the first row of a group
  int32_t* look = reinterpret_cast<int32_t*>(scratch + 3 * room);   // (wide / kLanes): whether x is looked at
  int32_t any = 0;
#pragma omp simd reduction(| : any)
  for (int64_t j = 0; j < s.width; ++j) {
    const bool dead = s.share[j] == 0.0f;  // gives 0, not -0 or NaN, whatever the columns beside it need
    share[j] = dead ? 0.0f : s.share[j];
    extreme[j] = dead ? 0.0f : s.y[j];
    where[j] = s.where[j] == kSeveral ? kNowhere : s.where[j];
    any |= (s.where[j] == kSeveral) & !dead;
  }
  repeat(s.width, wide, share, 0.0f);
  repeat(s.width, wide, where, -1);
  if (any) {
    repeat(s.width, wide, extreme, 0.0f);
    for (int64_t i = 0; i <= wide / kLanes; ++i) look[i] = 0;
    for (int64_t i = 0; i < wide; ++i) look[i / kLanes] |= (where[i] < -kLongRow * 2) & (share[i] != 0.0f);
  }
  for (int64_t r = 0; r < s.rows; r += group) {
    const int32_t row = static_cast<int32_t>(s.first + r);
    const float* x = s.x + r * s.stride;
    write<past>(s.dx + r * s.stride, min_of(group, s.rows - r) * s.width,
                [=](int64_t at, int64_t lanes) __attribute__((always_inline)) {
                  if (any && (look[at / kLanes] | look[(at + lanes - 1) / kLanes])) {
                    const Vec y = load(extreme + at), rest = y == y ? Vec{} : y;
                    return load_some(x + at, lanes, 0.0f) == y ? load(share + at) : rest;
                  }
                  return load_rows(where + at) == row ? load(share + at) : Vec{};
                });
  }
}

// Whether dx (outer, mid, inner) is too large to be found in the caches, and its rows, taken together, are long enough
// to be stored past them.
bool past_caches(int64_t outer, int64_t mid, int64_t inner, const Launch& launch) {
  const int64_t bytes = outer * mid * inner * static_cast<int64_t>(sizeof(float));
  return bytes >= launch.cache / 2 && mid * inner >= kLongRow;
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
      return reduce_all<Sum>(reduction == Reduction::mean, outer, mid, inner, x, y, {}, launch);
    case Reduction::max:
      return reduce_all<Max>(false, outer, mid, inner, x, y, {}, launch);
    case Reduction::min:
      return reduce_all<Min>(false, outer, mid, inner, x, y, {}, launch);
    case Reduction::prod:
      return reduce_all<Product>(false, outer, mid, inner, x, y, {}, launch);
  }
}

size_t reduce_workspace(int64_t outer, int64_t mid, int64_t inner) {
  const Pieces p = cut(mid, inner);
  if (p.chunks == 1) return 0;
  return (static_cast<size_t>(outer * p.chunks * inner) * sizeof(float) + 63) / 64 * 64;
}

void reduce_extreme(bool least, int64_t outer, int64_t mid, int64_t inner, const float* x, float* y, float* count,
                    int32_t* where, const Launch& launch) {
  (least ? reduce_all<Min> : reduce_all<Max>)(false, outer, mid, inner, x, y, {count, where}, launch);
}

size_t reduce_extreme_workspace(int64_t outer, int64_t mid, int64_t inner) {
  return 3 * reduce_workspace(outer, mid, inner);
}

void reduce_extreme_grad(int64_t outer, int64_t mid, int64_t inner, const float* share, const int32_t* where,
                         const float* x, const float* y, float* dx, const Launch& launch) {
  const Pieces p = cut(mid, inner);
  const int64_t units = p.chunks * p.blocks;
  const bool past = past_caches(outer, mid, inner, launch);
  const int64_t cost = min_of(mid * inner, p.chunk_rows * min_of(inner, kColumnBlock));
  for_tiles(launch, outer * units, cost + 100, [=](int64_t begin, int64_t end, float* scratch) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t o = unit / units, chunk = unit % units / p.blocks, column = unit % p.blocks * kColumnBlock;
      const int64_t first = chunk * p.chunk_rows, at = (o * mid + first) * inner + column, out = o * inner + column;
      const Spread s = {min_of(p.chunk_rows, mid - first),
                        min_of(kColumnBlock, inner - column),
                        inner,
                        first,
                        share + out,
                        where + out,
                        x + at,
                        y + out,
                        dx + at};
      (past ? spread_share<true> : spread_share<false>)(s, scratch);
    }
    if (past) finish_past_caches();
  });
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
