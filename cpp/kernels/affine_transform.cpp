// Images sampled at transformed places: rotation, zoom, translation, flip and crop of data augmentation.
//
// Output is done in runs of 64 pixels, one below the other, which read the same rows of a turned image while they are
// in the cache. First, in one vectorised pass, where the pixels of a run come from: the offsets of one (nearest) or
// four (bilinear) pixels in the image and their weights, with everything that lies outside already turned into a pixel
// inside; only the constant fill keeps a sum of its own. Then the pixels themselves, which no vector can fetch at once:
// images of 2 to 4 channels fetch four floats a pixel and store four, the next pixel overwriting what was too many;
// wider ones loop over channels.
//
// Where a transform only moves pixels to the right and down (a crop, or an image that was not to be flipped) whole rows
// are copied. Tiles are rows of output; the gradient, which adds to places that rows share, has a tile per image.
//
// It does not: gradients in the transforms. Start reading at `Sampler`.
#include "kernels/declare.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int32_t kRun = 64;        // pixels: what a block of runs reads of a turned image stays in L1
constexpr float kFar = 4194304.0f;  // 2^22: floats up to here count pixels exactly, and so does `modulo`
constexpr int64_t kSmallPixel = 4;  // channels of the pixels that are moved as one vector

typedef float Pixel __attribute__((vector_size(4 * sizeof(float))));
typedef float PixelUnaligned __attribute__((vector_size(4 * sizeof(float)), aligned(4), may_alias));

Pixel load_pixel(const float* p) { return *reinterpret_cast<const PixelUnaligned*>(p); }
void store_pixel(float* p, Pixel v) { *reinterpret_cast<PixelUnaligned*>(p) = v; }

// Where the pixels of a run come from.
struct Run {
  int32_t offset[4][kRun];  // in the image, in floats; always inside
  float weight[4][kRun];
  float filled[kRun];  // share of the constant, times it
  int32_t furthest;    // the largest offset
};

// One axis of an image.
struct Axis {
  int32_t size;
  float per_period;  // 1 / period
  int32_t period;    // after which the filled image repeats
};

Axis axis_of(int64_t size, FillMode fill) {
  const auto n = static_cast<int32_t>(size);
  const int32_t period = fill == FillMode::reflect ? 2 * n : fill == FillMode::mirror && n > 1 ? 2 * n - 2 : n;
  return {n, 1.0f / static_cast<float>(period), period};
}

// i mod axis.period for |i| <= 2^22 + 1: the quotient by floats is wrong by at most one.
inline int32_t modulo(int32_t i, Axis axis) {
  int32_t r = i - static_cast<int32_t>(__builtin_floorf(static_cast<float>(i) * axis.per_period)) * axis.period;
  r = r < 0 ? r + axis.period : r;
  return r >= axis.period ? r - axis.period : r;
}

// The pixel that stands for position i; for the constant fill, any.
template <FillMode fill>
inline int32_t inside(int32_t i, Axis axis) {
  const int32_t last = axis.size - 1;
  if constexpr (fill == FillMode::constant || fill == FillMode::nearest) {
    return i < 0 ? 0 : i > last ? last : i;
  } else {
    const int32_t r = modulo(i, axis);
    if constexpr (fill == FillMode::mirror) return r > last ? axis.period - r : r;
    if constexpr (fill == FillMode::reflect) return r > last ? axis.period - 1 - r : r;
    return r;
  }
}

inline float bounded(float v) { return v > -kFar ? (v < kFar ? v : kFar) : -kFar; }

inline float rounded(float v) {  // halves away from zero
  const float r = __builtin_floorf(__builtin_fabsf(v) + 0.5f);
  return v < 0 ? -r : r;
}

// A row of output, as the transform sees it: sx = (ax ox + bx) / (ck ox + dk).
struct Row {
  float ax, bx, ay, by, ck, dk;
};

Row row_of(const AffineArgs& a, int64_t image, int64_t oy) {
  const float* t = a.transforms + (a.one_transform ? 0 : 8 * image);
  const auto y = static_cast<float>(oy);
  return {t[0], t[1] * y + t[2], t[3], t[4] * y + t[5], t[6], t[7] * y + 1};
}

template <FillMode fill, bool bilinear>
void locate(const AffineArgs& args, Row row, int64_t first, int32_t count, Run* run) {
  const Axis columns = axis_of(args.w, fill), rows = axis_of(args.h, fill);
  const auto pixel = static_cast<int32_t>(args.c), line = static_cast<int32_t>(args.w * args.c);
  const float value = args.fill_value, begin = static_cast<float>(first);
  const bool project = row.ck != 0 || row.dk != 1;
  int32_t furthest = 0;
  if (project) {
#pragma omp simd
    for (int32_t p = 0; p < count; ++p) {  // weights serve as coordinates until they are known
      const float x = begin + static_cast<float>(p), k = row.ck * x + row.dk;
      run->weight[0][p] = bounded((row.ax * x + row.bx) / k);
      run->weight[1][p] = bounded((row.ay * x + row.by) / k);
    }
  } else {
#pragma omp simd
    for (int32_t p = 0; p < count; ++p) {
      const float x = begin + static_cast<float>(p);
      run->weight[0][p] = bounded(row.ax * x + row.bx);
      run->weight[1][p] = bounded(row.ay * x + row.by);
    }
  }
#pragma omp simd reduction(max : furthest)
  for (int32_t p = 0; p < count; ++p) {
    const float sx = run->weight[0][p], sy = run->weight[1][p];
    const float fx = bilinear ? __builtin_floorf(sx) : rounded(sx), fy = bilinear ? __builtin_floorf(sy) : rounded(sy);
    const auto left = static_cast<int32_t>(fx), top = static_cast<int32_t>(fy);
    const int32_t x0 = inside<fill>(left, columns) * pixel, y0 = inside<fill>(top, rows) * line;
    run->offset[0][p] = y0 + x0;
    // How much of each side counts. Outside it is the constant's.
    float to_left = bilinear ? 1 - (sx - fx) : 1, to_right = sx - fx;
    float to_top = bilinear ? 1 - (sy - fy) : 1, to_bottom = sy - fy;
    if constexpr (fill == FillMode::constant) {
      to_left = left >= 0 && left < columns.size ? to_left : 0;
      to_top = top >= 0 && top < rows.size ? to_top : 0;
      if constexpr (bilinear) {
        to_right = left >= -1 && left < columns.size - 1 ? to_right : 0;
        to_bottom = top >= -1 && top < rows.size - 1 ? to_bottom : 0;
        run->filled[p] = value * (1 - (to_left + to_right) * (to_top + to_bottom));
      } else {
        run->filled[p] = value * (1 - to_left * to_top);
      }
    } else {
      run->filled[p] = 0;
    }
    run->weight[0][p] = to_left * to_top;
    if constexpr (bilinear) {
      const int32_t x1 = inside<fill>(left + 1, columns) * pixel, y1 = inside<fill>(top + 1, rows) * line;
      run->offset[1][p] = y0 + x1;
      run->offset[2][p] = y1 + x0;
      run->offset[3][p] = y1 + x1;
      run->weight[1][p] = to_right * to_top;
      run->weight[2][p] = to_left * to_bottom;
      run->weight[3][p] = to_right * to_bottom;
      const int32_t low = y0 > y1 ? y0 : y1, right = x0 > x1 ? x0 : x1;
      furthest = low + right > furthest ? low + right : furthest;
    } else {
      furthest = y0 + x0 > furthest ? y0 + x0 : furthest;
    }
  }
  run->furthest = furthest;
}

using Locate = void (*)(const AffineArgs&, Row, int64_t, int32_t, Run*);

template <bool bilinear>
Locate locate_for(FillMode fill) {
  switch (fill) {
    case FillMode::constant:
      return locate<FillMode::constant, bilinear>;
    case FillMode::nearest:
      return locate<FillMode::nearest, bilinear>;
    case FillMode::wrap:
      return locate<FillMode::wrap, bilinear>;
    case FillMode::mirror:
      return locate<FillMode::mirror, bilinear>;
    case FillMode::reflect:
      return locate<FillMode::reflect, bilinear>;
  }
  return locate<FillMode::constant, bilinear>;
}

// Pixel p of a run, channel by channel. y has room for c floats.
template <int taps>
void sample_pixel(const Run& run, int32_t p, int64_t c, const float* x, float* y) {
  const float filled = run.filled[p];
  if constexpr (taps == 1) {
    const float* const x0 = x + run.offset[0][p];
    const float w0 = run.weight[0][p];
#pragma omp simd
    for (int64_t j = 0; j < c; ++j) y[j] = w0 * x0[j] + filled;
  } else {
    const float *const x0 = x + run.offset[0][p], *const x1 = x + run.offset[1][p];
    const float *const x2 = x + run.offset[2][p], *const x3 = x + run.offset[3][p];
    const float w0 = run.weight[0][p], w1 = run.weight[1][p], w2 = run.weight[2][p], w3 = run.weight[3][p];
#pragma omp simd
    for (int64_t j = 0; j < c; ++j) y[j] = w0 * x0[j] + (w1 * x1[j] + (w2 * x2[j] + (w3 * x3[j] + filled)));
  }
}

// The pixels of a run. `room`: floats of x from the image's beginning to the end of the batch.
template <int taps>
void sample_run(const Run& run, int32_t count, int64_t c, const float* x, int64_t room, float* y) {
  if (c == 1) {
#pragma omp simd
    for (int32_t p = 0; p < count; ++p) {
      float sum = run.filled[p];
      for (int t = taps - 1; t >= 0; --t) sum = run.weight[t][p] * x[run.offset[t][p]] + sum;
      y[p] = sum;
    }
    return;
  }
  int32_t p = 0;
  if (c <= kSmallPixel && run.furthest + kSmallPixel <= room)
    for (; p < count - 1; ++p) {  // the last pixel must not write beyond itself
      Pixel sum = run.filled[p] - Pixel{};
#pragma GCC unroll 4
      for (int t = taps - 1; t >= 0; --t) sum = run.weight[t][p] * load_pixel(x + run.offset[t][p]) + sum;
      store_pixel(y + p * c, sum);
    }
  for (; p < count; ++p) sample_pixel<taps>(run, p, c, x, y + p * c);
}

bool whole(float v) { return v > -kFar && v < kFar && __builtin_floorf(v) == v; }

// Samples runs one after the other. A run is located before the one in front of it is sampled, and its pixels are asked
// for: what they share with their neighbours is in the cache, but a turned row meets a new line at every other pixel.
class Sampler {
 public:
  Sampler(const AffineArgs& args, const float* x, float* y)
      : args_(args),
        x_(x),
        y_(y),
        locate_(args.bilinear ? locate_for<true>(args.fill) : locate_for<false>(args.fill)) {}

  // Columns begin .. end, kRun at most, of row oy of image i.
  void row(int64_t i, int64_t oy, int64_t begin, int64_t end) {
    const AffineArgs& a = args_;
    const Row row = row_of(a, i, oy);
    const float* const image = x_ + i * a.h * a.w * a.c;
    float* const y = y_ + (i * a.oh + oy) * a.ow * a.c;
    int64_t first = begin, last = begin;  // columns to copy
    if (row.ax == 1 && row.ay == 0 && row.ck == 0 && row.dk == 1 && whole(row.bx) && whole(row.by) && row.by >= 0 &&
        row.by < static_cast<float>(a.h)) {
      const auto shift = static_cast<int64_t>(row.bx), line = static_cast<int64_t>(row.by);
      first = -shift < begin ? begin : -shift > end ? end : -shift;
      last = a.w - shift > end ? end : a.w - shift;
      if (last < first) last = first;
      __builtin_memcpy(y + first * a.c, image + (line * a.w + shift + first) * a.c,
                       static_cast<size_t>((last - first) * a.c) * sizeof(float));
    }
    sample(row, image, (a.n - i) * a.h * a.w * a.c, begin, first, y);
    sample(row, image, (a.n - i) * a.h * a.w * a.c, last, end, y);
  }

  // The last run.
  void finish() {
    if (count_ > 0) (args_.bilinear ? sample_run<4> : sample_run<1>)(runs_[at_], count_, args_.c, image_, room_, to_);
    count_ = 0;
  }

 private:
  void sample(const Row& row, const float* image, int64_t room, int64_t begin, int64_t end, float* y) {
    if (begin >= end) return;
    Run& run = runs_[1 - at_];
    const auto count = static_cast<int32_t>(end - begin);
    locate_(args_, row, begin, count, &run);
    for (int32_t p = 0; p < count; ++p) {
      __builtin_prefetch(image + run.offset[0][p]);
      if (args_.bilinear) __builtin_prefetch(image + run.offset[2][p]);
    }
    finish();
    at_ = 1 - at_;
    count_ = count;
    image_ = image;
    room_ = room;
    to_ = y + begin * args_.c;
  }

  const AffineArgs& args_;
  const float* x_;
  float* y_;
  Locate locate_;
  Run runs_[2];
  int at_ = 0;         // which of them waits to be sampled
  int32_t count_ = 0;  // its pixels
  const float* image_ = nullptr;
  int64_t room_ = 0;
  float* to_ = nullptr;
};

}  // namespace

void affine_transform_forward(const AffineArgs& args, const float* x, float* y, const Launch& launch) {
  for_tiles(launch, args.n * args.oh, args.ow * (15 + 3 * args.c) + 50, [&](int64_t begin, int64_t end, float*) {
    Sampler sampler(args, x, y);
    for (int64_t row = begin, next; row < end; row = next) {  // rows of one image, kRun columns of all at a time
      const int64_t i = row / args.oh, top = row - i * args.oh;
      next = (i + 1) * args.oh < end ? (i + 1) * args.oh : end;
      for (int64_t ox = 0; ox < args.ow; ox += kRun)
        for (int64_t oy = top; oy < top + next - row; ++oy)
          sampler.row(i, oy, ox, ox + kRun < args.ow ? ox + kRun : args.ow);
    }
    sampler.finish();
  });
}

void affine_transform_grad(const AffineArgs& args, const float* dy, float* dx, const Launch& launch) {
  const Locate locate_run = args.bilinear ? locate_for<true>(args.fill) : locate_for<false>(args.fill);
  const int64_t taps = args.bilinear ? 4 : 1, image = args.h * args.w * args.c, c = args.c;
  for_tiles(launch, args.n, args.oh * args.ow * (20 + 5 * c) + image, [&](int64_t begin, int64_t end, float*) {
    Run run;
    for (int64_t i = begin; i < end; ++i) {
      float* const to = dx + i * image;
      for (int64_t j = 0; j < image; ++j) to[j] = 0;
      for (int64_t oy = 0; oy < args.oh; ++oy)
        for (int64_t ox = 0; ox < args.ow; ox += kRun) {
          const auto count = static_cast<int32_t>(args.ow - ox < kRun ? args.ow - ox : kRun);
          locate_run(args, row_of(args, i, oy), ox, count, &run);
          const float* from = dy + ((i * args.oh + oy) * args.ow + ox) * c;
          for (int32_t p = 0; p < count; ++p, from += c)
            for (int64_t t = 0; t < taps; ++t) {
              float* const pixel = to + run.offset[t][p];
              const float weight = run.weight[t][p];
              for (int64_t j = 0; j < c; ++j) pixel[j] += weight * from[j];
            }
        }
    }
  });
}

}  // namespace linnet::LINNET_ISA
