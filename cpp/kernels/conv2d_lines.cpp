// The register tiles of conv2d_lines.h. Loading limits these kernels, so both kinds use what they load several times.
//
// line_tile: up to 8 outputs of a line and the weights of one row of the window stay in registers, few enough for 16 of
// them. Each pixel is loaded once for each row of the window and added to every output that it reaches. Windows of 3
// and 5 at strides 1 and 2, and the parts of them that grad_input meets at a stride, have instances of their own; all
// others take general_tile, which loads a pixel for every multiplication.
//
// sum_row: the gradients of one or more rows of the window stay in registers; at stride 1 the last pixels of dy do, too
// (sum_row_sliding). Every sum runs over the columns in order. Start reading at line_tile.
#include "kernels/conv2d_lines.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int kTile = 8;

// Calls one(c) for vectors of channels that together cover all.
template <class One>
void each_channel(int64_t channels, One one) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) one(c);
  if (c < channels) one(channels - kLanes);
}

template <int Outputs>
void store_tile(const Line& l, int64_t output, int64_t c, const Vec (&acc)[Outputs]) {
  float* y = l.y + output * l.y_step + c;
#pragma GCC unroll 8
  for (int p = 0; p < Outputs; ++p, y += l.y_step) {
    const Vec v = !l.relu ? acc[p] : acc[p] < 0.0f ? Vec{} : acc[p];
    l.past_caches ? store_past_caches(y, v) : store_first(y, v, l.stored - c);
  }
}

// Outputs from `output` on, for windows of Taps neighbouring columns.
template <int Taps, int Stride, int Outputs>
void line_tile(const Line& l, int64_t output) {
  const int64_t at = l.first + output * Stride, pixel = l.pixel;
  each_channel(l.channels, [&](int64_t c) {
    Vec acc[Outputs];
    const Vec start = l.bias ? load(l.bias + c) : Vec{};
#pragma GCC unroll 8
    for (int p = 0; p < Outputs; ++p) acc[p] = start;
    for (int64_t r = 0; r < l.row_count; ++r) {
      Vec w[Taps];
#pragma GCC unroll 8
      for (int t = 0; t < Taps; ++t) w[t] = load(l.rows[r].w + t * l.w_step + c);
      const float* x = l.rows[r].x + at * pixel + c;
#pragma GCC unroll 24
      for (int j = 0; j < (Outputs - 1) * Stride + Taps; ++j, x += pixel) {
        if (static_cast<uint64_t>(at + j) >= static_cast<uint64_t>(l.columns)) continue;
        const Vec v = load(x);
#pragma GCC unroll 8
        for (int t = 0; t < Taps; ++t) {
          const int from = j - t;  // column of the output that reaches v through tap t
          if (from >= 0 && from % Stride == 0 && from / Stride < Outputs) acc[from / Stride] += v * w[t];
        }
      }
    }
    store_tile(l, output, c, acc);
  });
}

// Any window, stride and dilation.
template <int Outputs>
void general_tile(const Line& l, int64_t output) {
  each_channel(l.channels, [&](int64_t c) {
    Vec acc[Outputs];
    const Vec start = l.bias ? load(l.bias + c) : Vec{};
    for (int p = 0; p < Outputs; ++p) acc[p] = start;
    for (int64_t r = 0; r < l.row_count; ++r)
      for (int64_t t = 0; t < l.taps; ++t) {
        const Vec w = load(l.rows[r].w + t * l.w_step + c);
#pragma GCC unroll 8
        for (int p = 0; p < Outputs; ++p) {
          const int64_t at = l.first + (output + p) * l.stride + t * l.step;
          if (at >= 0 && at < l.columns) acc[p] += load(l.rows[r].x + at * l.pixel + c) * w;
        }
      }
    store_tile(l, output, c, acc);
  });
}

using LineTile = void (*)(const Line&, int64_t output);

template <int Taps, int Stride, int Outputs = kTile>
LineTile of_outputs(int64_t outputs) {
  if constexpr (Outputs > 1)
    if (outputs < Outputs) return of_outputs<Taps, Stride, Outputs - 1>(outputs);
  if constexpr (Taps > 0) return line_tile<Taps, Stride, Outputs>;
  return general_tile<Outputs>;
}

LineTile find_tile(const Line& l, int64_t outputs) {
  if (l.step == 1 || l.taps == 1) {
    if (l.stride == 1 && l.taps == 1) return of_outputs<1, 1>(outputs);
    if (l.stride == 1 && l.taps == 2) return of_outputs<2, 1>(outputs);
    if (l.stride == 1 && l.taps == 3) return of_outputs<3, 1>(outputs);
    if (l.stride == 1 && l.taps == 5) return of_outputs<5, 1>(outputs);
    if (l.stride == 2 && l.taps == 3) return of_outputs<3, 2>(outputs);
    if (l.stride == 2 && l.taps == 5) return of_outputs<5, 2>(outputs);
  }
  return of_outputs<0, 1>(outputs);
}

template <int Taps, int Rows>
void load_sums(const LineSum& q, Vec (&acc)[Rows][Taps]) {
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int t = 0; t < Taps; ++t) acc[r][t] = load(q.sums + (r * Taps + t) * q.sums_step);
}
template <int Taps, int Rows>
void store_sums(const LineSum& q, const Vec (&acc)[Rows][Taps], Vec total) {
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int t = 0; t < Taps; ++t) store(q.sums + (r * Taps + t) * q.sums_step, acc[r][t]);
  if (q.bias) store(q.bias, load(q.bias) + total);
}

// A row of dy times Rows rows of x.
template <int Taps, int Rows>
void sum_row(const LineSum& q) {
  Vec acc[Rows][Taps], total{};
  load_sums(q, acc);
  int64_t at = q.first;
  for (int64_t ox = 0; ox < q.ow; ++ox, at += q.stride) {
    const Vec dy = load(q.dy + ox * q.dy_pixel);
    total += dy;
    const float* const x = q.x + at * q.x_pixel;
#pragma GCC unroll 8
    for (int t = 0; t < Taps; ++t) {
      if (static_cast<uint64_t>(at + t * q.step) >= static_cast<uint64_t>(q.columns)) continue;
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) acc[r][t] += dy * load(x + r * q.x_row + t * q.step * q.x_pixel);
    }
  }
  store_sums(q, acc, total);
}

// The same at stride 1: the last Taps pixels of dy stay in registers, and each pixel of x is loaded once.
template <int Taps, int Rows>
void sum_row_sliding(const LineSum& q) {
  Vec acc[Rows][Taps], total{}, dy[Taps] = {};
  load_sums(q, acc);
  const float* x = q.x + q.first * q.x_pixel;
  for (int64_t j = 0; j < q.ow + Taps - 1; ++j, x += q.x_pixel) {
    if (q.dy_ahead && j < q.ow) {
      __builtin_prefetch(q.dy_ahead + j * kLanes, 0, 2);
      __builtin_prefetch(q.x_ahead + j * kLanes, 0, 2);
    }
#pragma GCC unroll 8
    for (int t = Taps - 1; t > 0; --t) dy[t] = dy[t - 1];
    if (j < q.ow) {
      dy[0] = load(q.dy + j * q.dy_pixel);
      total += dy[0];
    }
    if (static_cast<uint64_t>(q.first + j) >= static_cast<uint64_t>(q.columns)) continue;
    if (j >= Taps - 1 && j < q.ow) {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        const Vec v = load(x + r * q.x_row);
#pragma GCC unroll 8
        for (int t = 0; t < Taps; ++t) acc[r][t] += v * dy[t];
      }
    } else {  // some of dy[t] are outside, and do not count even if x is infinite
#pragma GCC unroll 8
      for (int t = 0; t < Taps; ++t) {
        if (j < t || j - t >= q.ow) continue;
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) acc[r][t] += load(x + r * q.x_row) * dy[t];
      }
    }
  }
  store_sums(q, acc, total);
}

int64_t common_divisor(int64_t a, int64_t b) { return b == 0 ? a : common_divisor(b, a % b); }

}  // namespace

void run_line(const Line& l, int64_t outputs) {
  if (outputs <= 0) return;
  const Parts parts = cut(outputs, kTile);
  const LineTile longer = find_tile(l, parts.size + 1), tile = find_tile(l, parts.size);
  int64_t output = 0;
  for (int64_t i = 0; i < parts.count; ++i) {
    for (int64_t at = l.ahead_floats * i / parts.count; at < l.ahead_floats * (i + 1) / parts.count; at += 16)
      __builtin_prefetch(l.ahead + at, 0, 2);
    (i < parts.longer ? longer : tile)(l, output);
    output += parts.size + (i < parts.longer);
  }
}

LinePhase line_phase(const Conv2dShape& s, int64_t x) {
  // From one kx for which x + pad_left - kx * dilation is a multiple of the stride to the next.
  const int64_t divisor = common_divisor(s.stride_w, s.dilation_w);
  LinePhase p = {};
  p.kx_step = s.stride_w / divisor, p.dy_step = s.dilation_w / divisor;
  int64_t kx = 0;
  while (kx < min_of(s.kw, p.kx_step) && (x + s.pad_left - kx * s.dilation_w) % s.stride_w != 0) ++kx;
  if (kx >= min_of(s.kw, p.kx_step)) return p;
  p.taps = (s.kw - 1 - kx) / p.kx_step + 1;
  p.last_kx = kx + (p.taps - 1) * p.kx_step;
  p.first = (x + s.pad_left - p.last_kx * s.dilation_w) / s.stride_w;
  return p;
}

int64_t line_sum_rows(int64_t taps) { return taps == 3 ? 3 : taps == 5 ? 2 : 1; }

void add_line(const LineSum& sum, int64_t taps, int64_t rows) {
  LineSum q = sum;
  const bool slides = q.stride == 1 && q.step == 1;
  if (taps == 3 && slides)
    return (rows == 3 ? sum_row_sliding<3, 3> : rows == 2 ? sum_row_sliding<3, 2> : sum_row_sliding<3, 1>)(q);
  if (taps == 5 && slides) return (rows == 2 ? sum_row_sliding<5, 2> : sum_row_sliding<5, 1>)(q);
  if (taps == 3) return (rows == 3 ? sum_row<3, 3> : rows == 2 ? sum_row<3, 2> : sum_row<3, 1>)(q);
  if (taps == 5) return (rows == 2 ? sum_row<5, 2> : sum_row<5, 1>)(q);
  for (int64_t t = 0; t < taps; ++t, q.first += q.step, q.sums += q.sums_step, q.bias = nullptr) sum_row<1, 1>(q);
}

}  // namespace linnet::LINNET_ISA
