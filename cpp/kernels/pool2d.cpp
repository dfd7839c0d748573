// Max and average pooling, forward and gradient. The channels of a pixel are contiguous, so vectors run along them.
//
// With fewer channels than lanes a vector reaches into the next pixel. That is harmless: pixels are written in
// ascending order, so the next one overwrites what spilled, and close to the end of what a job may touch only the lanes
// that exist are used. With more channels the last vector of a pixel overlaps the one before. `Lanes` is chosen by c:
// half vectors cost half as much.
//
// argmax is kept as int32 next to the floats it belongs to while a block of a row is worked on, and narrowed to bytes
// (or widened) a whole block at a time, which GCC does well, unlike a vector at a time. Blocks are small: they stay in
// L1.
//
// Gradients: a row of dx belongs to one job. Windows that do not overlap are written out one after the other ("apart");
// otherwise each pixel of dx adds up the windows that contain it, in the order of (oy, ox). A job is some rows of
// output (forward, apart) or of dx.
#include "kernels/conv2d_algorithms.h"
#include "kernels/declare.h"
#include "kernels/simd.h"

namespace linnet::LINNET_ISA {
namespace {

// Columns of a block times channels: what a block reads and writes should stay in L1. Beyond that many channels a block
// is part of a pixel.
constexpr int64_t kBlockFloats = 2048;
// Positions of a window that the fast path can list; as many as argmax can tell apart.
constexpr int64_t kTaps = 256;

template <int Lanes>
struct Vector {
  typedef float Type __attribute__((vector_size(Lanes * sizeof(float))));
  typedef int32_t Index __attribute__((vector_size(Lanes * sizeof(float))));
};
template <int Lanes>
using Floats = typename Vector<Lanes>::Type;
template <int Lanes>
using Indices = typename Vector<Lanes>::Index;

// The first `count` lanes of a vector at p; the others are not touched. (memcpy, because a template parameter drops the
// attribute that would allow an unaligned vector.)
template <class V, class T>
V load_lanes(const T* p, int64_t count) {
  V v{};
  if (count >= static_cast<int64_t>(sizeof(V) / sizeof(T))) {
    __builtin_memcpy(&v, p, sizeof(V));
  } else {
    for (int64_t i = 0; i < count; ++i) v[i] = p[i];
  }
  return v;
}
template <class V, class T>
void store_lanes(T* p, V v, int64_t count) {
  if (count >= static_cast<int64_t>(sizeof(V) / sizeof(T))) {
    __builtin_memcpy(p, &v, sizeof(V));
  } else {
    for (int64_t i = 0; i < count; ++i) p[i] = v[i];
  }
}

// The same, as a masked store where the level has one.
template <int Lanes>
inline void store_masked(float* p, Floats<Lanes> v, int64_t count) {
#pragma omp simd
  for (int i = 0; i < Lanes; ++i)
    if (i < static_cast<int>(count)) p[i] = v[i];
}

struct Args {
  Pool2dShape s;
  const float* in;  // x, or dy
  const uint8_t* argmax_in;
  float* out;           // y, or dx
  uint8_t* argmax_out;  // or null
  int64_t jobs;
  bool past_caches;  // out goes past them
  bool asks_ahead;   // for rows of x
};

// Calls visit(c, Vectors<n>) for n vectors from c on that cover the channels [begin, end), four where they fit, then
// two: what is worked out for a window then serves all of them, and memory is read in longer runs. Whole vectors may be
// touched, and channels visited twice.
template <int N>
struct Vectors {
  static constexpr int count = N;
};
template <int Lanes, class Visit>
void each_vector(int64_t begin, int64_t end, Visit visit) {
  if (end - begin <= Lanes) return visit(begin, Vectors<1>());
  int64_t c = begin;
  for (; c + 4 * Lanes <= end; c += 4 * Lanes) visit(c, Vectors<4>());
  for (; c + Lanes < end && end - begin >= 2 * Lanes; c += 2 * Lanes)
    visit(c + 2 * Lanes <= end ? c : end - 2 * Lanes, Vectors<2>());
  for (; c < end; c += Lanes) visit(c + Lanes <= end ? c : end - Lanes, Vectors<1>());
}

// Blocks of a row of output: some columns, all channels; or one column, some channels.
struct Block {
  int64_t x0, x1, c0, c1;
};
int64_t channel_parts(const Pool2dShape& s) { return divide_up(s.c, kBlockFloats); }
int64_t block_columns(const Pool2dShape& s) { return max_of(1, kBlockFloats / s.c); }
int64_t block_count(const Pool2dShape& s) { return divide_up(s.ow, block_columns(s)) * channel_parts(s); }
Block block_at(const Pool2dShape& s, int64_t i) {
  const int64_t parts = channel_parts(s), x0 = i / parts * block_columns(s);
  return {x0, min_of(s.ow, x0 + block_columns(s)), part_begin(s.c, parts, i % parts),
          part_begin(s.c, parts, i % parts + 1)};
}

// The kernel rows or columns of window o that lie inside, and where in x they begin.
struct Window {
  int64_t start;
  Range inside;
};
Window window_at(int64_t o, int64_t stride, int64_t pad, int64_t taps, int64_t size) {
  const int64_t start = o * stride - pad;
  return {start, {max_of(0, -start), min_of(taps, size - start)}};
}
int64_t positions(const Window& rows, const Window& columns) {
  return (rows.inside.end - rows.inside.begin) * (columns.inside.end - columns.inside.begin);
}
// What a sum over so many positions is multiplied with.
float share_of(const Pool2dShape& s, int64_t count) { return s.mean ? 1.0f / static_cast<float>(count) : 1.0f; }

// The columns of output whose windows lie inside.
Range columns_inside(const Pool2dShape& s) {
  const int64_t room = s.w + s.pad_left - s.kw;  // for the first column of the last window
  return {divide_up(s.pad_left, s.stride_w), room < 0 ? 0 : room / s.stride_w + 1};
}
// Those of a block around which whole vectors may be touched: all but the last few.
template <class Safe>
Range whole_columns(const Range& inside, const Block& b, Safe safe) {
  const int64_t begin = min_of(max_of(b.x0, inside.begin), b.x1);
  int64_t end = max_of(begin, min_of(b.x1, inside.end));
  while (end > begin && !safe(end - 1)) --end;
  return {begin, end};
}

// What a window asks for: the rows of x, `start` floats on and `row` apart, that the next row of output will read.
struct Ahead {
  int64_t start, row, rows, columns;
};

// `columns` windows side by side, `step` floats apart in x. `taps` are the offsets of a window's positions, which have
// the numbers k, k + 1, ... Taps > 0 says how many at compile time: the usual windows are worth an unrolled loop.
template <int Lanes, bool Max, int Taps>
void pool_windows(const float* x, int64_t step, int64_t columns, const int64_t* taps, int64_t count, int32_t k,
                  float scale, const Block& block, int64_t pixel, const Ahead& next_row, float* y, int32_t* index_out) {
  const Block b = block;
  const Ahead ahead = next_row;
  for (int64_t i = 0; i < columns; ++i, x += step, y += pixel, index_out += pixel)
    each_vector<Lanes>(b.c0, b.c1, [&](int64_t c, auto vectors) {
      constexpr int n = decltype(vectors)::count;
      for (int64_t row = 0; row < ahead.rows; ++row)
        for (int64_t column = 0; column < ahead.columns; ++column)
          for (int v = 0; v < n; ++v)
            __builtin_prefetch(x + ahead.start + row * ahead.row + column * pixel + c + v * Lanes, 0, 2);
      Floats<Lanes> best[n];
      Indices<Lanes> index[n], position = k + Indices<Lanes>{};
      for (int v = 0; v < n; ++v) {
        best[v] = load_lanes<Floats<Lanes>>(x + taps[0] + c + v * Lanes, Lanes);
        index[v] = position;
      }
#pragma GCC unroll 9
      for (int64_t t = 1; t < (Taps > 0 ? Taps : count); ++t) {
        position += 1;
        for (int v = 0; v < n; ++v) {
          const auto value = load_lanes<Floats<Lanes>>(x + taps[t] + c + v * Lanes, Lanes);
          if constexpr (Max) {
            // larger or NaN, unless a NaN was there first
            const Indices<Lanes> better = ~(value <= best[v]) & (best[v] == best[v]);
            best[v] = better ? value : best[v];
            index[v] = better ? position : index[v];
          } else {
            best[v] += value;
          }
        }
      }
      for (int v = 0; v < n; ++v) {
        if constexpr (Max) {
          store_lanes(index_out + c + v * Lanes, index[v], Lanes);
        } else {
          best[v] *= scale;
        }
        store_lanes(y + c + v * Lanes, best[v], Lanes);
      }
    });
}

// The same for one channel, position by position.
template <bool Max>
[[gnu::noinline]] void pool_channel(Pool2dShape s, Window rows, Window columns, const float* x, float scale, float* y,
                                    int32_t* index) {
  float best = 0;
  bool first = true;
  for (int64_t ky = rows.inside.begin; ky < rows.inside.end; ++ky)
    for (int64_t kx = columns.inside.begin; kx < columns.inside.end; ++kx) {
      const float v = x[(ky * s.w + kx) * s.c];
      if (!Max) {
        best += v;
      } else if (first || (!(v <= best) && best == best)) {
        best = v;
        *index = static_cast<int32_t>(ky * s.kw + kx);
      }
      first = false;
    }
  *y = Max ? best : best * scale;
}

template <int Lanes, bool Max>
void forward_job(const void* args, int64_t job, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Pool2dShape s = a.s;  // a copy: the compiler need not fear that a store changes it
  const int64_t begin = part_begin(s.n * s.oh, a.jobs, job), end = part_begin(s.n * s.oh, a.jobs, job + 1);
  const int64_t blocks = block_count(s), x_floats = s.n * s.h * s.w * s.c;
  const int64_t spill = max_of(0, Lanes - s.c);  // lanes beyond a pixel
  const Range inside = columns_inside(s);
  const Block whole = {0, s.ow, 0, s.c};
  const Ahead ahead = {s.kh * s.w * s.c, s.w * s.c, a.asks_ahead ? s.stride_h : 0, s.stride_w};
  int64_t taps[kTaps];
  int32_t* const index_row = reinterpret_cast<int32_t*>(scratch);
  for (int64_t row = begin; row < end; ++row) {
    const Window rows = window_at(row % s.oh, s.stride_h, s.pad_top, s.kh, s.h);
    const int64_t image_row = row / s.oh * s.h + rows.start;  // of the window, counted over all images
    const int64_t inside_rows = rows.inside.end - rows.inside.begin, count = inside_rows * s.kw;
    for (int64_t ky = 0, t = 0; ky < inside_rows && count <= kTaps; ++ky)
      for (int64_t kx = 0; kx < s.kw; ++kx) taps[t++] = ((rows.inside.begin + ky) * s.w + kx) * s.c;
    for (int64_t i = 0; i < blocks; ++i) {
      const Block b = blocks == 1 ? whole : block_at(s, i);
      const int64_t x_row = image_row * s.w * s.c, last_row = (rows.inside.end - 1) * s.w;
      const Range fast = whole_columns(inside, b, [&](int64_t ox) {
        return count <= kTaps &&
               (spill == 0 || (x_row + (last_row + ox * s.stride_w - s.pad_left + s.kw) * s.c + spill <= x_floats &&
                               (row * s.ow + ox + 1) * s.c + spill <= end * s.ow * s.c));
      });
      const auto slow = [&](int64_t x0, int64_t x1) {
        for (int64_t ox = x0; ox < x1; ++ox) {
          const Window columns = window_at(ox, s.stride_w, s.pad_left, s.kw, s.w);
          const float scale = share_of(s, positions(rows, columns));
          for (int64_t c = b.c0; c < b.c1; ++c)
            pool_channel<Max>(s, rows, columns, a.in + x_row + columns.start * s.c + c, scale,
                              a.out + (row * s.ow + ox) * s.c + c, index_row + (ox - b.x0) * s.c + c - b.c0);
        }
      };
      slow(b.x0, fast.begin);
      const auto pool = count == 4   ? pool_windows<Lanes, Max, 4>
                        : count == 9 ? pool_windows<Lanes, Max, 9>
                                     : pool_windows<Lanes, Max, 0>;
      pool(a.in + x_row + (fast.begin * s.stride_w - s.pad_left) * s.c, s.stride_w * s.c, fast.end - fast.begin, taps,
           count, static_cast<int32_t>(rows.inside.begin * s.kw), share_of(s, count), b, s.c, ahead,
           a.out + (row * s.ow + fast.begin) * s.c, index_row + (fast.begin - b.x0) * s.c - b.c0);
      slow(fast.end, b.x1);
      if (Max && a.argmax_out) {
        uint8_t* const argmax = a.argmax_out + (row * s.ow + b.x0) * s.c + b.c0;
        const int64_t floats = b.c1 - b.c0 < s.c ? b.c1 - b.c0 : (b.x1 - b.x0) * s.c;
#pragma omp simd
        for (int64_t j = 0; j < floats; ++j) argmax[j] = static_cast<uint8_t>(index_row[j]);
      }
    }
  }
}

// dy of window (oy, ox) as far as position k got it.
template <int Lanes, bool Max>
Floats<Lanes> share(Floats<Lanes> dy, Indices<Lanes> index, int64_t k, float scale) {
  if constexpr (Max) {
    return index == static_cast<int32_t>(k) ? dy : Floats<Lanes>{};
  } else {
    return dy * scale;
  }
}

// How share_windows stores: whole vectors, the lanes of the pixel only, or past the caches.
enum class Put { whole, partial, past_caches };

// One row of `columns` windows side by side: kernel row k / kw of each. Width > 0 is kw at compile time.
template <int Lanes, bool Max, int Width, Put put>
void share_windows(const float* dy, const int32_t* index, int64_t columns, int64_t k, int64_t kw, int64_t stride,
                   float scale, const Block& block, int64_t pixel, float* dx) {
  const Block b = block;
  for (int64_t i = 0; i < columns; ++i, dy += pixel, index += pixel, dx += stride * pixel)
    each_vector<Lanes>(b.c0, b.c1, [&](int64_t first, auto vectors) {
      for (int64_t c = first; c < first + vectors.count * Lanes; c += Lanes) {
        const auto value = load_lanes<Floats<Lanes>>(dy + c, Lanes);
        Indices<Lanes> argmax{};
        if constexpr (Max) argmax = load_lanes<Indices<Lanes>>(index + c, Lanes);
        for (int64_t kx = 0; kx < (Width > 0 ? Width : kw); ++kx)
          if constexpr (put == Put::partial) {
            store_masked<Lanes>(dx + kx * pixel + c, share<Lanes, Max>(value, argmax, k + kx, scale), pixel);
          } else if constexpr (put == Put::past_caches && Lanes == kLanes) {
            store_past_caches(dx + kx * pixel + c, share<Lanes, Max>(value, argmax, k + kx, scale));
          } else {
            store_lanes(dx + kx * pixel + c, share<Lanes, Max>(value, argmax, k + kx, scale), Lanes);
          }
      }
    });
}

// Windows that do not overlap: the rows of dx that belong to some rows of output, from the first window to the next.
template <int Lanes, bool Max>
void grad_apart_job(const void* args, int64_t job, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Pool2dShape s = a.s;
  const int64_t begin = part_begin(s.n * s.oh, a.jobs, job), end = part_begin(s.n * s.oh, a.jobs, job + 1);
  const auto first_row = [&](int64_t row) {  // of dx, counted over all images
    const int64_t n = row / s.oh, oy = row % s.oh;
    return n * s.h + (oy == 0 ? 0 : min_of(s.h, max_of(0, oy * s.stride_h - s.pad_top)));
  };
  const int64_t dx_begin = first_row(begin) * s.w * s.c, dx_end = first_row(end) * s.w * s.c;
  const int64_t dy_floats = s.n * s.oh * s.ow * s.c, blocks = block_count(s), spill = max_of(0, Lanes - s.c);
  const bool gaps = s.kh != s.stride_h || s.kw != s.stride_w || s.pad_top != 0 || s.pad_left != 0 ||
                    s.oh * s.kh != s.h || s.ow * s.kw != s.w;
  const Range inside = columns_inside(s);
  const Block whole = {0, s.ow, 0, s.c};
  int32_t* const index_row = reinterpret_cast<int32_t*>(scratch);
  if (gaps)
    for (int64_t i = dx_begin; i < dx_end; ++i) a.out[i] = 0.0f;
  for (int64_t row = begin; row < end; ++row) {
    const Window rows = window_at(row % s.oh, s.stride_h, s.pad_top, s.kh, s.h);
    const int64_t image_row = row / s.oh * s.h + rows.start;
    for (int64_t i = 0; i < blocks; ++i) {
      const Block b = blocks == 1 ? whole : block_at(s, i);
      if constexpr (Max) {
        const uint8_t* const argmax = a.argmax_in + (row * s.ow + b.x0) * s.c + b.c0;
        const int64_t count = b.c1 - b.c0 < s.c ? b.c1 - b.c0 : (b.x1 - b.x0) * s.c;
#pragma omp simd
        for (int64_t j = 0; j < count; ++j) index_row[j] = argmax[j];
      }
      for (int64_t ky = rows.inside.begin; ky < rows.inside.end; ++ky) {
        const int64_t dx_row = (image_row + ky) * s.w * s.c, k = ky * s.kw;
        // What spills is overwritten by the next pixel. Not if that is a gap, or a row that another block began: then
        // only the lanes of the pixel are stored.
        const bool partial = spill > 0 && (gaps || blocks > 1);
        const Range fast = whole_columns(inside, b, [&](int64_t ox) {
          return spill == 0 || ((row * s.ow + ox + 1) * s.c + spill <= dy_floats &&
                                (partial || dx_row + (ox * s.stride_w + s.kw) * s.c + spill <= dx_end));
        });
        const auto slow = [&](int64_t x0, int64_t x1) {
          for (int64_t ox = x0; ox < x1; ++ox) {
            const Window columns = window_at(ox, s.stride_w, s.pad_left, s.kw, s.w);
            const float scale = share_of(s, positions(rows, columns));
            const float* const dy = a.in + (row * s.ow + ox) * s.c;
            const int32_t* const index = index_row + (ox - b.x0) * s.c - b.c0;
            for (int64_t kx = columns.inside.begin; kx < columns.inside.end; ++kx)
              for (int64_t c = b.c0; c < b.c1; ++c)
                a.out[dx_row + (columns.start + kx) * s.c + c] = !Max                 ? dy[c] * scale
                                                                 : index[c] == k + kx ? dy[c]
                                                                                      : 0.0f;
          }
        };
        slow(b.x0, fast.begin);
        const auto share_out = partial         ? share_windows<Lanes, Max, 0, Put::partial>
                               : a.past_caches ? share_windows<Lanes, Max, 0, Put::past_caches>
                               : s.kw == 2     ? share_windows<Lanes, Max, 2, Put::whole>
                                               : share_windows<Lanes, Max, 0, Put::whole>;
        share_out(a.in + (row * s.ow + fast.begin) * s.c, index_row + (fast.begin - b.x0) * s.c - b.c0,
                  fast.end - fast.begin, k, s.kw, s.stride_w, share_of(s, (rows.inside.end - rows.inside.begin) * s.kw),
                  b, s.c, a.out + dx_row + (fast.begin * s.stride_w - s.pad_left) * s.c);
        slow(fast.end, b.x1);
      }
    }
  }
}

// Windows o with start(o) <= at < start(o) + taps.
Range windows_over(int64_t at, int64_t stride, int64_t pad, int64_t taps, int64_t count) {
  const int64_t shifted = at + pad;
  const int64_t begin = shifted < taps ? 0 : (shifted - taps) / stride + 1;
  return {begin, min_of(count, shifted / stride + 1)};
}

// The windows that reach some columns of a row of dx, and their argmax.
struct Reach {
  Range over_y;
  int64_t first_x, columns, image;  // of dy
  const int32_t* indices;           // (over_y, columns, c), when widened
};

// Channels c .. of the pixel (y, x) of dx, `room` lanes of each vector. Not widened: argmax is read byte by byte.
template <int Lanes, bool Max, bool Widened, int N>
void gather(const Args& a, const Reach& reach, int64_t y, int64_t x, int64_t c, int64_t room, float* dx) {
  const Pool2dShape& s = a.s;
  const Range over_x = windows_over(x, s.stride_w, s.pad_left, s.kw, s.ow);
  Floats<Lanes> sum[N] = {};
  for (int64_t oy = reach.over_y.begin; oy < reach.over_y.end; ++oy)
    for (int64_t ox = over_x.begin; ox < over_x.end; ++ox) {
      const int64_t at = ((reach.image * s.oh + oy) * s.ow + ox) * s.c + c;
      const int64_t near = ((oy - reach.over_y.begin) * reach.columns + ox - reach.first_x) * s.c + c;
      const int64_t k = (y + s.pad_top - oy * s.stride_h) * s.kw + x + s.pad_left - ox * s.stride_w;
      float scale = 1;
      if (!Max) {
        const Window rows = window_at(oy, s.stride_h, s.pad_top, s.kh, s.h);
        const Window columns = window_at(ox, s.stride_w, s.pad_left, s.kw, s.w);
        scale = share_of(s, positions(rows, columns));
      }
      for (int v = 0; v < N; ++v) {
        const auto dy = load_lanes<Floats<Lanes>>(a.in + at + v * Lanes, room);
        Indices<Lanes> index{};
        if constexpr (Max && Widened) {
          index = load_lanes<Indices<Lanes>>(reach.indices + near + v * Lanes, Lanes);
        } else if constexpr (Max) {
          for (int64_t i = 0; i < min_of(Lanes, room); ++i) index[i] = a.argmax_in[at + v * Lanes + i];
        }
        sum[v] += share<Lanes, Max>(dy, index, k, scale);
      }
    }
  for (int v = 0; v < N; ++v)
    if (Lanes == kLanes && a.past_caches) {
      if constexpr (Lanes == kLanes) store_past_caches(dx + c + v * Lanes, sum[v]);
    } else {
      store_lanes(dx + c + v * Lanes, sum[v], room);
    }
}

// Columns x0 .. x1 of a row of dx. The job's rows end at `end`.
template <int Lanes, bool Max, bool Widened>
void gather_columns(const Args& a, const Reach& reach, int64_t row, int64_t x0, int64_t x1, int64_t end) {
  const Pool2dShape s = a.s;
  const int64_t y = row % s.h;
  for (int64_t x = x0; x < x1; ++x) {
    float* const dx = a.out + (row * s.w + x) * s.c;
    if (s.c < Lanes) {  // what spills into the next pixel is written again, unless there is none in this job
      const int64_t last = (reach.image * s.oh + reach.over_y.end) * s.ow * s.c;
      const int64_t beyond = min_of((end - row) * s.w * s.c - (x + 1) * s.c, s.n * s.oh * s.ow * s.c - last);
      gather<Lanes, Max, Widened, 1>(a, reach, y, x, 0, min_of(Lanes, s.c + beyond), dx);
    } else {
      each_vector<Lanes>(0, s.c, [&](int64_t c, auto vectors) {
        gather<Lanes, Max, Widened, vectors.count>(a, reach, y, x, c, Lanes, dx);
      });
    }
  }
}

template <int Lanes, bool Max>
void grad_overlapping_job(const void* args, int64_t job, float* scratch) {
  const Args a = *static_cast<const Args*>(args);
  const Pool2dShape& s = a.s;
  const int64_t begin = part_begin(s.n * s.h, a.jobs, job), end = part_begin(s.n * s.h, a.jobs, job + 1);
  const int64_t block = max_of(1, kBlockFloats / s.c);
  int32_t* const indices = reinterpret_cast<int32_t*>(scratch);
  for (int64_t row = begin; row < end; ++row) {
    const int64_t y = row % s.h;
    Reach reach = {windows_over(y, s.stride_h, s.pad_top, s.kh, s.oh), 0, 0, row / s.h, nullptr};
    for (int64_t x0 = 0; x0 < s.w; x0 += block) {
      const int64_t x1 = min_of(s.w, x0 + block);
      reach.first_x = windows_over(x0, s.stride_w, s.pad_left, s.kw, s.ow).begin;
      reach.columns = max_of(0, windows_over(x1 - 1, s.stride_w, s.pad_left, s.kw, s.ow).end - reach.first_x);
      const int64_t rows = max_of(0, reach.over_y.end - reach.over_y.begin), wide = reach.columns * s.c;
      const bool widened = Max && rows * wide + Lanes <= kScratchFloats;
      reach.indices = indices;
      for (int64_t i = 0; widened && i < rows; ++i) {
        const uint8_t* const from =
            a.argmax_in + (((reach.image * s.oh + reach.over_y.begin + i) * s.ow) + reach.first_x) * s.c;
        int32_t* const to = indices + i * wide;
#pragma omp simd
        for (int64_t j = 0; j < wide; ++j) to[j] = from[j];
      }
      if (widened || !Max) {
        gather_columns<Lanes, Max, true>(a, reach, row, x0, x1, end);
      } else {
        gather_columns<Lanes, Max, false>(a, reach, row, x0, x1, end);
      }
    }
  }
}

// Half vectors, or quarters, where they hold all channels.
template <template <int> class Job>
Launch::Tile for_channels(int64_t c) {
  if constexpr (kLanes >= 16)
    if (c <= kLanes / 4) return Job<kLanes / 4>::run;
  if constexpr (kLanes >= 8)
    if (c <= kLanes / 2) return Job<kLanes / 2>::run;
  return Job<kLanes>::run;
}

template <bool Max>
struct Pool {
  template <int Lanes>
  struct Forward {
    static void run(const void* args, int64_t job, float* scratch) { forward_job<Lanes, Max>(args, job, scratch); }
  };
  template <int Lanes>
  struct Apart {
    static void run(const void* args, int64_t job, float* scratch) { grad_apart_job<Lanes, Max>(args, job, scratch); }
  };
  template <int Lanes>
  struct Overlapping {
    static void run(const void* args, int64_t job, float* scratch) {
      grad_overlapping_job<Lanes, Max>(args, job, scratch);
    }
  };

  static void forward(const Pool2dShape& s, const float* x, float* y, uint8_t* argmax, const Launch& launch) {
    if (s.n * s.oh * s.ow * s.c > 0)
      launch_rows(s, s.n * s.oh, for_channels<Forward>(s.c),
                  {s, x, nullptr, y, argmax, 0, false, s.n * s.h * s.w * s.c * 4 > launch.cache / 4}, launch);
  }

  static void grad(const Pool2dShape& s, const float* dy, const uint8_t* argmax, float* dx, const Launch& launch) {
    if (s.n * s.h * s.w * s.c == 0) return;
    // Vectors past the caches must be aligned, and none may overlap the one before.
    const bool past_caches = s.n * s.h * s.w * s.c * 4 > launch.cache / 2 && s.c % kLanes == 0 &&
                             reinterpret_cast<intptr_t>(dx) % static_cast<intptr_t>(sizeof(Vec)) == 0;
    const Args args = {s, dy, argmax, dx, nullptr, 0, past_caches, false};
    if (s.kh <= s.stride_h && s.kw <= s.stride_w && s.oh > 0) {
      launch_rows(s, s.n * s.oh, for_channels<Apart>(s.c), args, launch);
    } else {
      launch_rows(s, s.n * s.h, for_channels<Overlapping>(s.c), args, launch);
    }
  }

  static void launch_rows(const Pool2dShape& s, int64_t rows, Launch::Tile job, Args args, const Launch& launch) {
    // In units of run_jobs' flops, about 20 for each element read: it is memory and L1 that count here.
    const double work = 20.0 * static_cast<double>(max_of(s.n * s.h * s.w, s.n * s.oh * s.ow * s.kh * s.kw) * s.c);
    args.jobs = min_of(rows, 64);
    run_jobs(launch, args.jobs, work, job, &args);
  }
};

}  // namespace

void max_pool2d_forward(const Pool2dShape& s, const float* x, float* y, uint8_t* argmax, const Launch& launch) {
  Pool<true>::forward(s, x, y, argmax, launch);
}
void max_pool2d_grad(const Pool2dShape& s, const float* dy, const uint8_t* argmax, float* dx, const Launch& launch) {
  Pool<true>::grad(s, dy, argmax, dx, launch);
}
void average_pool2d_forward(const Pool2dShape& s, const float* x, float* y, const Launch& launch) {
  Pool<false>::forward(s, x, y, nullptr, launch);
}
void average_pool2d_grad(const Pool2dShape& s, const float* dy, float* dx, const Launch& launch) {
  Pool<false>::grad(s, dy, nullptr, dx, launch);
}

}  // namespace linnet::LINNET_ISA
