// Max and average pooling, forward and gradient. The channels of a pixel are contiguous, so vectors run along them.
//
// With fewer channels than lanes a vector reaches into the next pixel. That is harmless: pixels are written in ascending
// order, so the next one overwrites what spilled, and close to the end of what a job may touch only the lanes that exist
// are used. With more channels the last vector of a pixel overlaps the one before. `Lanes` is chosen by c: half vectors
// cost half as much.
//
// argmax is kept as int32 next to the floats it belongs to while a row is worked on, and narrowed to bytes (or widened)
// a whole row at a time, which GCC does well, unlike a vector at a time.
//
// Gradients: a row of dx belongs to one job. Windows that do not overlap are written out one after the other ("apart");
// otherwise each pixel of dx adds up the windows that contain it, in the order of (oy, ox). A job is some rows of output
// (forward, apart) or of dx.
#include "kernels/conv2d_algorithms.h"
#include "kernels/declare.h"

namespace linnet::LINNET_ISA {
namespace {

// Output columns of a block times channels: bounds the row of argmax in scratch. Beyond that many channels a block is
// part of a pixel.
constexpr int64_t kBlockFloats = 32 * 1024;

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

struct Args {
  Pool2dShape s;
  const float* in;         // x, or dy
  const uint8_t* argmax_in;
  float* out;              // y, or dx
  uint8_t* argmax_out;     // or null
  int64_t jobs;
};

// Calls visit(c, room) for vectors that cover the channels [begin, end): `room` lanes from c on may be touched. `beyond`
// floats follow them in memory that this job may read or write.
template <int Lanes, class Visit>
void each_channel(int64_t begin, int64_t end, int64_t beyond, Visit visit) {
  if (end - begin < Lanes) return visit(begin, min_of(Lanes, end - begin + beyond));
  int64_t c = begin;
  for (; c + Lanes <= end; c += Lanes) visit(c, Lanes);
  if (c < end) visit(end - Lanes, Lanes);
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
  return {start, taps_inside(start, 1, taps, size)};
}
int64_t positions(const Window& rows, const Window& columns) {
  return (rows.inside.end - rows.inside.begin) * (columns.inside.end - columns.inside.begin);
}

template <int Lanes, bool Max>
void forward_job(const void* args, int64_t job, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Pool2dShape& s = a.s;
  const int64_t begin = part_begin(s.n * s.oh, a.jobs, job), end = part_begin(s.n * s.oh, a.jobs, job + 1);
  const int64_t blocks = block_count(s), x_floats = s.n * s.h * s.w * s.c;
  int32_t* const index_row = reinterpret_cast<int32_t*>(scratch);
  for (int64_t row = begin; row < end; ++row) {
    const Window rows = window_at(row % s.oh, s.stride_h, s.pad_top, s.kh, s.h);
    for (int64_t i = 0; i < blocks; ++i) {
      const Block b = block_at(s, i);
      for (int64_t ox = b.x0; ox < b.x1; ++ox) {
        const Window columns = window_at(ox, s.stride_w, s.pad_left, s.kw, s.w);
        const int64_t y_at = (row * s.ow + ox) * s.c;
        const int64_t x_at = ((row / s.oh * s.h + rows.start) * s.w + columns.start) * s.c;
        const int64_t last = x_at + ((rows.inside.end - 1) * s.w + columns.inside.end) * s.c;  // end of the window
        const float scale = 1.0f / static_cast<float>(positions(rows, columns));
        const int64_t beyond = min_of(x_floats - last, end * s.ow * s.c - y_at - s.c);
        each_channel<Lanes>(b.c0, b.c1, beyond, [&](int64_t c, int64_t room) {
          Floats<Lanes> best{};
          Indices<Lanes> index{};
          bool first = true;
          for (int64_t ky = rows.inside.begin; ky < rows.inside.end; ++ky)
            for (int64_t kx = columns.inside.begin; kx < columns.inside.end; ++kx) {
              const auto v = load_lanes<Floats<Lanes>>(a.in + x_at + (ky * s.w + kx) * s.c + c, room);
              if constexpr (Max) {
                const Indices<Lanes> k = static_cast<int32_t>(ky * s.kw + kx) + Indices<Lanes>{};
                // Larger or NaN, unless a NaN was there first.
                const Indices<Lanes> better = first ? Indices<Lanes>{} - 1 : ~(v <= best) & (best == best);
                best = better ? v : best;
                index = better ? k : index;
              } else {
                best += v;
              }
              first = false;
            }
          if constexpr (!Max) best *= scale;
          store_lanes(a.out + y_at + c, best, room);
          if constexpr (Max) store_lanes(index_row + (ox - b.x0) * s.c + c - b.c0, index, Lanes);
        });
      }
      if (Max && a.argmax_out) {
        uint8_t* const argmax = a.argmax_out + (row * s.ow + b.x0) * s.c + b.c0;
        const int64_t count = b.c1 - b.c0 < s.c ? b.c1 - b.c0 : (b.x1 - b.x0) * s.c;
#pragma omp simd
        for (int64_t j = 0; j < count; ++j) argmax[j] = static_cast<uint8_t>(index_row[j]);
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

template <int Lanes, bool Max>
Indices<Lanes> load_argmax(const uint8_t* p, int64_t count) {
  Indices<Lanes> index{};
  if constexpr (Max)
    for (int64_t i = 0; i < min_of(Lanes, count); ++i) index[i] = p[i];
  return index;
}

// Windows that do not overlap: the rows of dx that belong to some rows of output, from the first window to the next.
template <int Lanes, bool Max>
void grad_apart_job(const void* args, int64_t job, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Pool2dShape& s = a.s;
  const int64_t begin = part_begin(s.n * s.oh, a.jobs, job), end = part_begin(s.n * s.oh, a.jobs, job + 1);
  const auto first_row = [&](int64_t row) {  // of dx, counted over all images
    const int64_t n = row / s.oh, oy = row % s.oh;
    return n * s.h + (oy == 0 ? 0 : min_of(s.h, max_of(0, oy * s.stride_h - s.pad_top)));
  };
  const int64_t dx_begin = first_row(begin) * s.w * s.c, dx_end = first_row(end) * s.w * s.c;
  const int64_t dy_floats = s.n * s.oh * s.ow * s.c, blocks = block_count(s);
  const bool gaps = s.kh != s.stride_h || s.kw != s.stride_w || s.pad_top != 0 || s.pad_left != 0 ||
                    s.oh * s.kh != s.h || s.ow * s.kw != s.w;
  int32_t* const index_row = reinterpret_cast<int32_t*>(scratch);
  if (gaps)
    for (int64_t i = dx_begin; i < dx_end; ++i) a.out[i] = 0.0f;
  for (int64_t row = begin; row < end; ++row) {
    const Window rows = window_at(row % s.oh, s.stride_h, s.pad_top, s.kh, s.h);
    for (int64_t i = 0; i < blocks; ++i) {
      const Block b = block_at(s, i);
      if constexpr (Max) {
        const uint8_t* const argmax = a.argmax_in + (row * s.ow + b.x0) * s.c + b.c0;
        const int64_t count = b.c1 - b.c0 < s.c ? b.c1 - b.c0 : (b.x1 - b.x0) * s.c;
#pragma omp simd
        for (int64_t j = 0; j < count; ++j) index_row[j] = argmax[j];
      }
      for (int64_t ky = rows.inside.begin; ky < rows.inside.end; ++ky)
        for (int64_t ox = b.x0; ox < b.x1; ++ox) {
          const Window columns = window_at(ox, s.stride_w, s.pad_left, s.kw, s.w);
          const float scale = 1.0f / static_cast<float>(positions(rows, columns));
          const int64_t dy_at = (row * s.ow + ox) * s.c;
          const int64_t dx_at = ((row / s.oh * s.h + rows.start + ky) * s.w + columns.start) * s.c;
          // What spills is overwritten by the next pixel, unless that is a gap, or a row that another block began.
          const int64_t beyond =
              min_of(dy_floats - dy_at - s.c, gaps || blocks > 1 ? 0 : dx_end - dx_at - columns.inside.end * s.c);
          each_channel<Lanes>(b.c0, b.c1, beyond, [&](int64_t c, int64_t room) {
            const auto dy = load_lanes<Floats<Lanes>>(a.in + dy_at + c, room);
            const auto index = load_lanes<Indices<Lanes>>(index_row + (ox - b.x0) * s.c + c - b.c0, Lanes);
            for (int64_t kx = columns.inside.begin; kx < columns.inside.end; ++kx)
              store_lanes(a.out + dx_at + kx * s.c + c, share<Lanes, Max>(dy, index, ky * s.kw + kx, scale), room);
          });
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

template <int Lanes, bool Max>
void grad_overlapping_job(const void* args, int64_t job, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Pool2dShape& s = a.s;
  const int64_t begin = part_begin(s.n * s.h, a.jobs, job), end = part_begin(s.n * s.h, a.jobs, job + 1);
  const int64_t dy_floats = s.n * s.oh * s.ow * s.c;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t n = row / s.h, y = row % s.h;
    const Range over_y = windows_over(y, s.stride_h, s.pad_top, s.kh, s.oh);
    for (int64_t x = 0; x < s.w; ++x) {
      const Range over_x = windows_over(x, s.stride_w, s.pad_left, s.kw, s.ow);
      const int64_t dx_at = (row * s.w + x) * s.c;
      // What follows the last window in dy bounds all of them.
      const int64_t last = ((n * s.oh + max_of(over_y.end, 1)) * s.ow) * s.c;
      const int64_t beyond = min_of(end * s.w * s.c - dx_at - s.c, dy_floats - last);
      each_channel<Lanes>(0, s.c, beyond, [&](int64_t c, int64_t room) {
        Floats<Lanes> sum{};
        for (int64_t oy = over_y.begin; oy < over_y.end; ++oy)
          for (int64_t ox = over_x.begin; ox < over_x.end; ++ox) {
            const Window rows = window_at(oy, s.stride_h, s.pad_top, s.kh, s.h);
            const Window columns = window_at(ox, s.stride_w, s.pad_left, s.kw, s.w);
            const int64_t at = ((n * s.oh + oy) * s.ow + ox) * s.c + c;
            const int64_t k = (y - rows.start) * s.kw + x - columns.start;
            sum += share<Lanes, Max>(load_lanes<Floats<Lanes>>(a.in + at, room),
                                     load_argmax<Lanes, Max>(a.argmax_in + at, room), k,
                                     1.0f / static_cast<float>(positions(rows, columns)));
          }
        store_lanes(a.out + dx_at + c, sum, room);
      });
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
      launch_rows(s, s.n * s.oh, for_channels<Forward>(s.c), {s, x, nullptr, y, argmax, 0}, launch);
  }

  static void grad(const Pool2dShape& s, const float* dy, const uint8_t* argmax, float* dx, const Launch& launch) {
    if (s.n * s.h * s.w * s.c == 0) return;
    const Args args = {s, dy, argmax, dx, nullptr, 0};
    if (s.kh <= s.stride_h && s.kw <= s.stride_w && s.oh > 0) {
      launch_rows(s, s.n * s.oh, for_channels<Apart>(s.c), args, launch);
    } else {
      launch_rows(s, s.n * s.h, for_channels<Overlapping>(s.c), args, launch);
    }
  }

  static void launch_rows(const Pool2dShape& s, int64_t rows, Launch::Tile job, Args args, const Launch& launch) {
    // In units of run_jobs' flops, about ten for each element read: it is memory and L1 that count here.
    const double work = 10.0 * static_cast<double>(max_of(s.n * s.h * s.w, s.n * s.oh * s.ow * s.kh * s.kw) * s.c);
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
