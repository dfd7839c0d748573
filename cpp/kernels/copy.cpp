// Strided copies: transpose, slice, broadcast, concatenate and their gradients, for elements of 1, 4 or 8 bytes.
//
// Axes that both sides walk as one are merged first; what is left is copied along the innermost axis in runs, and the
// outer axes count up like an odometer (Walk). Four kinds of run matter: contiguous on both sides, one element
// repeated, a short row repeated, and the transpose, where the source is contiguous along another axis than the
// destination: that one goes in square blocks so that both sides touch whole cache lines. A block is turned round in
// registers: every line is read once and written once, and so it does not matter that with rows a power of two apart
// all lines of a block fall into one set of the cache.
//
// A result that no cache could hold until it is read is stored past them where that fills whole lines (past_caches).
#include <utility>

#include "kernels/column_sums.h"
#include "kernels/declare.h"
#include "kernels/lanes.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kPiece = 1 << 16;  // elements of the innermost axis copied at a time
constexpr int64_t kSquare = 16;      // block of a transpose: a cache line of floats on each side
constexpr int64_t kStrip = 64;       // rows of dst that a transpose fills together, and columns of a step
constexpr int64_t kShortRun = 256;   // elements; longer runs are worth a call of memcpy
constexpr int64_t kLongRun = 4096;   // bytes; what is left of its first and last line does not matter
constexpr int64_t kRepeated = 1024;  // floats of a row that is repeated from scratch
constexpr int64_t kLine = 64;        // bytes

// Axes from the outermost; strides in elements. `rows` is the axis that a transpose pairs with the last one, or -1.
struct Plan {
  int rank = 0, rows = -1;
  int64_t shape[kMaxRank], from[kMaxRank], to[kMaxRank];
};

Plan make_plan(const StridedCopyArgs& args) {
  int64_t contiguous[kMaxRank];
  bool given = false;  // all dst_strides 0: dst is contiguous
  for (int64_t d = args.rank - 1, stride = 1; d >= 0; stride *= args.shape[d--]) {
    contiguous[d] = stride;
    given = given || args.dst_strides[d] != 0;
  }
  const int64_t* dst_strides = given ? args.dst_strides : contiguous;
  Plan plan;
  for (int d = 0; d < args.rank; ++d) {
    const int64_t length = args.shape[d], from = args.src_strides[d], to = dst_strides[d];
    if (length == 1) continue;
    const int last = plan.rank - 1;
    if (last >= 0 && plan.from[last] == from * length && plan.to[last] == to * length) {
      plan.shape[last] *= length;
      plan.from[last] = from;
      plan.to[last] = to;
    } else {
      plan.shape[plan.rank] = length;
      plan.from[plan.rank] = from;
      plan.to[plan.rank++] = to;
    }
  }
  if (plan.rank == 0) plan = {1, -1, {1}, {1}, {1}};
  const int last = plan.rank - 1;
  if (plan.from[last] > 1 && plan.to[last] == 1) {
    for (int d = 0; d < last; ++d)
      if (plan.from[d] == 1) plan.rows = d;
  }
  return plan;
}

// The position of an index of the first `axes` axes but `skip`, the last one fastest, in src and dst.
class Walk {
 public:
  Walk(const Plan& plan, int axes, int skip, int64_t at) : plan_(plan), axes_(axes), skip_(skip) {
    for (int d = axes - 1; d >= 0; --d) {
      if (d == skip) continue;
      index_[d] = at % plan.shape[d];
      at /= plan.shape[d];
      from += index_[d] * plan.from[d];
      to += index_[d] * plan.to[d];
    }
  }

  void next() {
    for (int d = axes_ - 1; d >= 0; --d) {
      if (d == skip_) continue;
      from += plan_.from[d];
      to += plan_.to[d];
      if (++index_[d] < plan_.shape[d]) return;
      from -= plan_.shape[d] * plan_.from[d];
      to -= plan_.shape[d] * plan_.to[d];
      index_[d] = 0;
    }
  }

  int64_t from = 0, to = 0;

 private:
  const Plan& plan_;
  int axes_, skip_;
  int64_t index_[kMaxRank] = {};
};

// `runs` runs of `length` elements, from_step and to_step apart.
template <class T>
struct Block {
  int64_t runs, length;
  const T* src;
  int64_t from_step, from;
  T* dst;
  int64_t to_step, to;
  bool past;  // the caches; never for bytes
};

// Elements of 4 and 8 bytes move as floats, which keeps all their bits.
template <class T>
constexpr int64_t kFloats = static_cast<int64_t>(sizeof(T) / sizeof(float));
template <class T>
const float* floats_of(const T* p) {
  return reinterpret_cast<const float*>(p);
}
template <class T>
float* floats_of(T* p) {
  return reinterpret_cast<float*>(p);
}

// out (n) = value(at, lanes), upwards.
template <class F>
void write(float* out, int64_t n, bool past, F value) {
  if (past) return write_aligned<true>(out, n, value);
  each_vector(n, [&](int64_t at, int64_t lanes) { store_some(out + at, value(at, lanes), lanes); });
}

template <class T>
void copy_runs(const Block<T>& b) {
  const T* src = b.src;
  T* dst = b.dst;
  for (int64_t r = 0; r < b.runs; ++r, src += b.from_step, dst += b.to_step) {
    if constexpr (sizeof(T) >= sizeof(float)) {
      const float* from = floats_of(src);
      if (b.past || (b.length >= kLanes && b.length < kShortRun)) {
        write(floats_of(dst), b.length * kFloats<T>, b.past,
              [=](int64_t at, int64_t lanes)
                  __attribute__((always_inline)) { return load_some(from + at, lanes, 0.0f); });
        continue;
      }
    }
    __builtin_memcpy(dst, src, static_cast<size_t>(b.length) * sizeof(T));
  }
}

// Every run is the same element.
template <class T>
void fill_runs(const Block<T>& b) {
  const T* src = b.src;
  T* dst = b.dst;
  for (int64_t r = 0; r < b.runs; ++r, src += b.from_step, dst += b.to_step) {
    if constexpr (sizeof(T) >= sizeof(float)) {
      if (b.past) {
        T value[kLanes];
        for (T& v : value) v = src[0];
        const Vec all = load(floats_of(value));
        write(floats_of(dst), b.length * kFloats<T>, true, [=](int64_t, int64_t) { return all; });
        continue;
      }
    }
    for (int64_t i = 0; i < b.length; ++i) dst[i] = src[0];
  }
}

// All runs are the same, and follow on one another in dst: they are written from a piece of scratch that holds a few,
// and one vector more.
template <class T>
void repeat_runs(const Block<T>& b, float* scratch) {
  const int64_t length = b.length * kFloats<T>, rows = (kRepeated + length - 1) / length, period = rows * length;
  for (int64_t i = 0; i < period + kLanes; i += length)
    __builtin_memcpy(scratch + i, b.src, static_cast<size_t>(min_of(length, period + kLanes - i)) * sizeof(float));
  int64_t phase = 0;
  write(floats_of(b.dst), b.runs * length, b.past, [&](int64_t, int64_t lanes) __attribute__((always_inline)) {
    const Vec v = load(scratch + phase);
    phase += lanes;
    if (phase >= period) phase -= period;
    return v;
  });
}

template <class T>
void copy_block(const Block<T>& b, float* scratch) {
  if (b.to == 1 && b.from == 1) {
    if constexpr (sizeof(T) >= sizeof(float)) {
      if (b.runs > 1 && b.from_step == 0 && b.to_step == b.length && b.length * kFloats<T> <= kRepeated)
        return repeat_runs(b, scratch);
    }
    return copy_runs(b);
  }
  if (b.to == 1 && b.from == 0) return fill_runs(b);
  const T* src = b.src;
  T* dst = b.dst;
  for (int64_t r = 0; r < b.runs; ++r, src += b.from_step, dst += b.to_step)
    for (int64_t i = 0; i < b.length; ++i) dst[i * b.to] = src[i * b.from];
}

// The lanes of a and b in turns: of their lower halves, or of the upper ones.
template <bool upper, int... Lane>
Vec interleave(Vec a, Vec b, std::integer_sequence<int, Lane...>) {
  return __builtin_shufflevector(a, b, ((upper ? kLanes / 2 : 0) + Lane / 2 + (Lane % 2 ? kLanes : 0))...);
}

// dst (kLanes, kLanes) = transpose of src. Each round interleaves vector i with vector i + kLanes / 2; after
// log2(kLanes) rounds every element has moved to its mirror image. Moving floats about keeps any 4 bytes.
template <bool past>
void transpose_vectors(const float* src, int64_t from, float* dst, int64_t to) {
  constexpr auto kAll = std::make_integer_sequence<int, kLanes>();
  Vec rows[kLanes], next[kLanes];
  for (int i = 0; i < kLanes; ++i) rows[i] = load(src + i * from);
#pragma GCC unroll 4
  for (int round = 1; round < kLanes; round *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < kLanes / 2; ++i) {
      next[2 * i] = interleave<false>(rows[i], rows[i + kLanes / 2], kAll);
      next[2 * i + 1] = interleave<true>(rows[i], rows[i + kLanes / 2], kAll);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) rows[i] = next[i];
  }
  for (int i = 0; i < kLanes; ++i) past ? store_past_caches(dst + i * to, rows[i]) : store(dst + i * to, rows[i]);
}

// dst (rows, columns), rows `to` apart = transpose of src (columns, rows), columns `from` apart. Up to kSquare of each.
template <bool past, class T>
void copy_square(int64_t rows, int64_t columns, const T* src, int64_t from, T* dst, int64_t to) {
  if constexpr (sizeof(T) == sizeof(float)) {
    if (rows == kSquare && columns == kSquare) {
      for (int64_t r = 0; r < kSquare; r += kLanes)
        for (int64_t c = 0; c < kSquare; c += kLanes)
          transpose_vectors<past>(floats_of(src) + c * from + r, from, floats_of(dst) + r * to + c, to);
      return;
    }
  }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) dst[r * to + c] = src[c * from + r];
}

// The same for any number of both.
template <bool past, class T>
void copy_strip(int64_t rows, int64_t columns, const T* src, int64_t from, T* dst, int64_t to) {
  for (int64_t step = 0; step < columns; step += kStrip)
    for (int64_t r = 0; r < rows; r += kSquare)
      for (int64_t c = step; c < min_of(step + kStrip, columns); c += kSquare)
        copy_square<past>(min_of(kSquare, rows - r), min_of(kSquare, columns - c), src + c * from + r, from,
                          dst + r * to + c, to);
}

// Whether dst goes past the caches, being too large to be found there by whoever reads it: a plain store would read
// each line first. Its runs must be whole lines (long ones may begin and end with a part), and all begin on a line.
bool past_caches(const Plan& plan, const void* dst, int64_t item, const Launch& launch) {
  const int last = plan.rank - 1;
  int64_t bytes = item;
  for (int d = 0; d <= last; ++d) bytes *= plan.shape[d];
  if (item < 4 || plan.to[last] != 1 || bytes < launch.cache / 2) return false;
  const bool repeated = plan.rows < 0 && last > 0 && plan.from[last - 1] == 0 && plan.to[last - 1] == plan.shape[last];
  if (plan.rows < 0 && (repeated || plan.shape[last] * item >= kLongRun)) return true;
  bool lines = reinterpret_cast<intptr_t>(dst) % kLine == 0 && (plan.rows >= 0 || plan.shape[last] * item % kLine == 0);
  for (int d = 0; d < last; ++d) lines = lines && plan.to[d] * item % kLine == 0;
  return lines;
}

template <class T>
void copy(const StridedCopyArgs& args, const Launch& launch) {
  const Plan plan = make_plan(args);
  const T* src = static_cast<const T*>(args.src);
  T* dst = static_cast<T*>(args.dst);
  const bool past = past_caches(plan, dst, sizeof(T), launch);
  const int last = plan.rank - 1;
  const int64_t length = plan.shape[last];
  int64_t outer = 1;  // runs, or matrices to transpose
  for (int d = 0; d < last; ++d)
    if (d != plan.rows) outer *= plan.shape[d];

  if (plan.rows >= 0) {
    const int64_t rows = plan.shape[plan.rows], strips = (rows + kStrip - 1) / kStrip;
    const int64_t from = plan.from[last], to = plan.to[plan.rows];
    for_tiles(launch, outer * strips, 6 * min_of(rows, kStrip) * length, [=](int64_t begin, int64_t end, float*) {
      Walk at(plan, last, plan.rows, begin / strips);
      for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t row = unit % strips * kStrip, height = min_of(kStrip, rows - row);
        (past ? copy_strip<true, T> : copy_strip<false, T>)(height, length, src + at.from + row, from,
                                                            dst + at.to + row * to, to);
        if (row + height == rows) at.next();
      }
      if (past) finish_past_caches();
    });
    return;
  }
  const int64_t pieces = (length + kPiece - 1) / kPiece;
  if (pieces > 1) {
    for_tiles(launch, outer * pieces, 2 * kPiece, [=](int64_t begin, int64_t end, float* scratch) {
      Walk at(plan, last, -1, begin / pieces);
      for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t first = unit % pieces * kPiece, n = min_of(kPiece, length - first);
        copy_block<T>({1, n, src + at.from + first * plan.from[last], 0, plan.from[last],
                       dst + at.to + first * plan.to[last], 0, plan.to[last], past},
                      scratch);
        if (first + n == length) at.next();
      }
      if (past) finish_past_caches();
    });
    return;
  }
  // Runs of the axis before the last are taken together.
  const int64_t runs = last > 0 ? plan.shape[last - 1] : 1;
  const int64_t from_step = last > 0 ? plan.from[last - 1] : 0, to_step = last > 0 ? plan.to[last - 1] : 0;
  for_tiles(launch, outer, 2 * length + 20, [=](int64_t begin, int64_t end, float* scratch) {
    Walk at(plan, last - 1, -1, begin / runs);
    for (int64_t unit = begin; unit < end; at.next()) {
      const int64_t run = unit % runs, count = min_of(runs - run, end - unit);
      copy_block<T>({count, length, src + at.from + run * from_step, from_step, plan.from[last],
                     dst + at.to + run * to_step, to_step, plan.to[last], past},
                    scratch);
      unit += count;
    }
    if (past) finish_past_caches();
  });
}

}  // namespace

void strided_copy(const StridedCopyArgs& args, const Launch& launch) {
  for (int d = 0; d < args.rank; ++d)
    if (args.shape[d] == 0) return;
  switch (args.item) {
    case 1:
      return copy<uint8_t>(args, launch);
    case 4:
      return copy<uint32_t>(args, launch);
    case 8:
      return copy<uint64_t>(args, launch);
  }
}

}  // namespace linnet::LINNET_ISA
