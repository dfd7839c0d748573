// Depthwise convolution: every channel has its own window, so vectors run along the channels and nothing is shared.
//
// What limits it is loading, so a pixel that has been loaded is used for every output that it reaches. forward and
// grad_input compute lines: the outputs of one row, or in grad_input at a stride every stride-th of them, which are all
// sums of the same taps over neighbouring pixels (x, or dy backwards). A tile of up to 8 outputs of a line stays in
// registers with the weights of one row of the window; columns outside the image are skipped as they come.
//
// grad_weight keeps the gradients of some rows of the window in registers, goes along a row of dy, and adds up dy for
// dbias on the way. Blocks of rows are cut into chunks by the shape; every chunk has its own sums (taps + 1, c) in the
// workspace, which are added up in order.
//
// The last vector of channels overlaps the one before rather than leave the array. Fewer channels than a vector are
// left to the other algorithms. Start reading at line_tile.
#include "kernels/conv2d_algorithms.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kRows = 256;  // of a window: the list lies in scratch
constexpr int kTile = 8;        // outputs; with up to 5 weights and a pixel they fit 16 registers
constexpr int64_t kChunks = 16;

// Calls one(c) for vectors of channels that together cover all.
template <class One>
void each_channel(int64_t channels, One one) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) one(c);
  if (c < channels) one(channels - kLanes);
}

// ---- forward and grad_input ----------------------------------------------------------------------------------------
struct Tap {
  const float* x;  // (columns, c): a row of the image
  const float* w;  // (taps, c), w_step apart: what the window does with it
};
struct Line {
  const Tap* rows;
  int64_t row_count, taps;
  int64_t w_step;  // floats from one tap's weights to the next
  int64_t c;
  int64_t columns;       // of the image
  int64_t first;         // its column below output 0 and tap 0, perhaps outside
  int64_t stride, step;  // columns from one output, and from one tap, to the next
  const float* bias;     // (c) or null
  bool relu;
  float* y;  // output 0
  int64_t y_step;
};

template <int Outputs>
void store_tile(const Line& l, int64_t output, int64_t c, const Vec (&acc)[Outputs]) {
  float* y = l.y + output * l.y_step + c;
#pragma GCC unroll 8
  for (int p = 0; p < Outputs; ++p, y += l.y_step) store(y, !l.relu ? acc[p] : acc[p] < 0.0f ? Vec{} : acc[p]);
}

// Outputs from `output` on, for windows of Taps neighbouring columns.
template <int Taps, int Stride, int Outputs>
void line_tile(const Line& l, int64_t output) {
  const int64_t at = l.first + output * Stride, channels = l.c;
  each_channel(channels, [&](int64_t c) {
    Vec acc[Outputs];
    const Vec start = l.bias ? load(l.bias + c) : Vec{};
#pragma GCC unroll 8
    for (int p = 0; p < Outputs; ++p) acc[p] = start;
    for (int64_t r = 0; r < l.row_count; ++r) {
      Vec w[Taps];
#pragma GCC unroll 8
      for (int t = 0; t < Taps; ++t) w[t] = load(l.rows[r].w + t * l.w_step + c);
      const float* x = l.rows[r].x + at * channels + c;
#pragma GCC unroll 24
      for (int j = 0; j < (Outputs - 1) * Stride + Taps; ++j, x += channels) {
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
  each_channel(l.c, [&](int64_t c) {
    Vec acc[Outputs];
    const Vec start = l.bias ? load(l.bias + c) : Vec{};
    for (int p = 0; p < Outputs; ++p) acc[p] = start;
    for (int64_t r = 0; r < l.row_count; ++r)
      for (int64_t t = 0; t < l.taps; ++t) {
        const Vec w = load(l.rows[r].w + t * l.w_step + c);
#pragma GCC unroll 8
        for (int p = 0; p < Outputs; ++p) {
          const int64_t at = l.first + (output + p) * l.stride + t * l.step;
          if (at >= 0 && at < l.columns) acc[p] += load(l.rows[r].x + at * l.c + c) * w;
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

void run_line(const Line& l, int64_t outputs) {
  if (outputs <= 0) return;
  const Parts parts = cut(outputs, kTile);
  const LineTile longer = find_tile(l, parts.size + 1), tile = find_tile(l, parts.size);
  int64_t output = 0;
  for (int64_t i = 0; i < parts.count; ++i) {
    (i < parts.longer ? longer : tile)(l, output);
    output += parts.size + (i < parts.longer);
  }
}

struct Args {
  Conv2dShape s;
  const float* in;      // x, or dy in grad_input
  const float* kernel;  // (kh, kw, 1, c)
  float* out;
  Epilogue epilogue;
};

void forward_row(const void* args, int64_t row, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  Tap* const rows = reinterpret_cast<Tap*>(scratch);
  const int64_t n = row / s.oh, iy = row % s.oh * s.stride_h - s.pad_top;
  const Range inside = taps_inside(iy, s.dilation_h, s.kh, s.h);
  Line l = {rows, inside.end - inside.begin, s.kw, s.c, s.c, s.w, -s.pad_left, s.stride_w, s.dilation_w};
  for (int64_t ky = inside.begin; ky < inside.end; ++ky)
    rows[ky - inside.begin] = {a.in + (n * s.h + iy + ky * s.dilation_h) * s.w * s.c, a.kernel + ky * s.kw * s.c};
  l.bias = a.epilogue.bias;
  l.relu = a.epilogue.activation == Activation::relu && !a.epilogue.residual;
  l.y = a.out + row * s.ow * s.c, l.y_step = s.c;
  run_line(l, s.ow);
  if (!l.relu && (a.epilogue.residual || a.epilogue.activation != Activation::none))
    finish(l.y, a.epilogue.residual ? a.epilogue.residual + row * s.ow * s.c : nullptr, a.epilogue.activation,
           s.ow * s.c);
}

void forward(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue,
             const Launch& launch) {
  const Args args = {s, x, kernel, y, epilogue};
  run_jobs(launch, s.n * s.oh, 4 * flops_of(s), forward_row, &args);
}

int64_t common_divisor(int64_t a, int64_t b) { return b == 0 ? a : common_divisor(b, a % b); }

// The columns x, x + stride, ... of dx are a line: they are reached through the same columns kx of the window, those
// for which x + pad_left - kx * dilation is a multiple of the stride. Going through dy forwards, kx goes backwards.
void grad_input_row(const void* args, int64_t row, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  Tap* const rows = reinterpret_cast<Tap*>(scratch);
  const int64_t n = row / s.h, y = row % s.h;
  // From one such kx to the next, and how far dy moves then.
  const int64_t divisor = common_divisor(s.stride_w, s.dilation_w);
  const int64_t kx_step = s.stride_w / divisor, dy_step = s.dilation_w / divisor;
  for (int64_t x = 0; x < min_of(s.w, s.stride_w); ++x) {
    int64_t kx = 0;
    while (kx < min_of(s.kw, kx_step) && (x + s.pad_left - kx * s.dilation_w) % s.stride_w != 0) ++kx;
    Line l = {rows, 0, kx < min_of(s.kw, kx_step) ? (s.kw - 1 - kx) / kx_step + 1 : 0};
    const int64_t last_kx = kx + (l.taps - 1) * kx_step;
    for (int64_t ky = 0; ky < s.kh; ++ky) {
      const int64_t at = y + s.pad_top - ky * s.dilation_h, oy = at / s.stride_h;
      if (l.taps == 0 || at < 0 || oy * s.stride_h != at || oy >= s.oh) continue;
      rows[l.row_count++] = {a.in + (n * s.oh + oy) * s.ow * s.c, a.kernel + (ky * s.kw + last_kx) * s.c};
    }
    l.w_step = -kx_step * s.c;
    l.c = s.c, l.columns = s.ow;
    l.first = l.taps > 0 ? (x + s.pad_left - last_kx * s.dilation_w) / s.stride_w : 0;
    l.stride = 1, l.step = dy_step;
    l.y = a.out + (row * s.w + x) * s.c, l.y_step = s.stride_w * s.c;
    run_line(l, (s.w - 1 - x) / s.stride_w + 1);
  }
}

void grad_input(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  const Args args = {s, dy, kernel, dx, {}};
  run_jobs(launch, s.n * s.h, 4 * flops_of(s), grad_input_row, &args);
}

// ---- grad_weight ---------------------------------------------------------------------------------------------------
struct RowSum {
  const float* x;  // the first row of the window, at column 0 and the vector's channel
  int64_t x_row, x_tap;
  int64_t first, stride, step, columns;  // as in Line
  const float* dy;
  int64_t ow, c;
  float* sums;  // (rows of the window, taps), sums_step apart
  int64_t sums_step;
  float* bias;  // or null
};

template <int Taps, int Rows>
void load_sums(const RowSum& q, Vec (&acc)[Rows][Taps]) {
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int t = 0; t < Taps; ++t) acc[r][t] = load(q.sums + (r * Taps + t) * q.sums_step);
}
template <int Taps, int Rows>
void store_sums(const RowSum& q, const Vec (&acc)[Rows][Taps], Vec total) {
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int t = 0; t < Taps; ++t) store(q.sums + (r * Taps + t) * q.sums_step, acc[r][t]);
  if (q.bias) store(q.bias, load(q.bias) + total);
}

// A row of dy times Rows rows of x.
template <int Taps, int Rows>
void sum_row(const RowSum& q) {
  Vec acc[Rows][Taps], total{};
  load_sums(q, acc);
  int64_t at = q.first;
  for (int64_t ox = 0; ox < q.ow; ++ox, at += q.stride) {
    const Vec dy = load(q.dy + ox * q.c);
    total += dy;
    const float* const x = q.x + at * q.c;
#pragma GCC unroll 8
    for (int t = 0; t < Taps; ++t) {
      if (static_cast<uint64_t>(at + t * q.step) >= static_cast<uint64_t>(q.columns)) continue;
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) acc[r][t] += dy * load(x + r * q.x_row + t * q.x_tap);
    }
  }
  store_sums(q, acc, total);
}

// The same at stride 1: the last Taps pixels of dy stay in registers, and each pixel of x is loaded once.
template <int Taps, int Rows>
void sum_row_sliding(const RowSum& q) {
  Vec acc[Rows][Taps], total{}, dy[Taps] = {};
  load_sums(q, acc);
  const float* x = q.x + q.first * q.c;
  for (int64_t j = 0; j < q.ow + Taps - 1; ++j, x += q.c) {
#pragma GCC unroll 8
    for (int t = Taps - 1; t > 0; --t) dy[t] = dy[t - 1];
    if (j < q.ow) {
      dy[0] = load(q.dy + j * q.c);
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

struct WeightArgs {
  Conv2dShape s;
  const float* x;                  // (n, h, w, c)
  const float* dy;                 // (n, oh, ow, c)
  int64_t block_rows, row_blocks;  // of dy: what x needs stays in L2
  int64_t chunks;                  // of the blocks
  float* partial;                  // (chunks, kh * kw + 1, vectors)
  float* dkernel;                  // (kh, kw, 1, c)
  float* dbias;                    // (c), or null
};

// Rows of the window at once: their gradients fit 16 registers.
int64_t rows_at_once(int64_t taps) { return taps == 3 ? 3 : taps == 5 ? 2 : 1; }

void add_rows(int64_t taps, RowSum q, int64_t rows) {
  const bool slides = q.stride == 1 && q.step == 1;
  if (taps == 3 && slides)
    return (rows == 3 ? sum_row_sliding<3, 3> : rows == 2 ? sum_row_sliding<3, 2> : sum_row_sliding<3, 1>)(q);
  if (taps == 5 && slides) return (rows == 2 ? sum_row_sliding<5, 2> : sum_row_sliding<5, 1>)(q);
  if (taps == 3) return (rows == 3 ? sum_row<3, 3> : rows == 2 ? sum_row<3, 2> : sum_row<3, 1>)(q);
  if (taps == 5) return (rows == 2 ? sum_row<5, 2> : sum_row<5, 1>)(q);
  for (int64_t t = 0; t < taps; ++t, q.first += q.step, q.sums += q.sums_step, q.bias = nullptr) sum_row<1, 1>(q);
}

int64_t vectors_of(const Conv2dShape& s) { return divide_up(s.c, kLanes); }
int64_t partial_floats(const Conv2dShape& s) { return (s.kh * s.kw + 1) * vectors_of(s) * kLanes; }

WeightArgs weight_args(const Conv2dShape& s) {
  constexpr int64_t kBlockFloats = 64 * 1024;
  WeightArgs a = {s};
  const int64_t row_floats = (s.stride_h * s.w + s.ow) * s.c;
  a.block_rows = max_of(1, min_of(s.oh, kBlockFloats / row_floats));
  a.row_blocks = divide_up(s.oh, a.block_rows);
  a.chunks = min_of(kChunks, s.n * a.row_blocks);
  return a;
}

void chunk_job(const void* args, int64_t chunk, float*) {
  const WeightArgs& a = *static_cast<const WeightArgs*>(args);
  const Conv2dShape& s = a.s;
  const int64_t blocks = s.n * a.row_blocks, step = vectors_of(s) * kLanes, at_once = rows_at_once(s.kw);
  float* const sums = a.partial + chunk * partial_floats(s);
  for (int64_t i = 0; i < partial_floats(s); ++i) sums[i] = 0.0f;
  for (int64_t b = part_begin(blocks, a.chunks, chunk); b < part_begin(blocks, a.chunks, chunk + 1); ++b) {
    const int64_t n = b / a.row_blocks, begin = b % a.row_blocks * a.block_rows;
    for (int64_t v = 0; v < vectors_of(s); ++v) {
      const int64_t c = min_of(v * kLanes, s.c - kLanes);
      for (int64_t oy = begin; oy < min_of(s.oh, begin + a.block_rows); ++oy) {
        const int64_t iy = oy * s.stride_h - s.pad_top;
        const Range inside = taps_inside(iy, s.dilation_h, s.kh, s.h);
        RowSum q;
        q.x_row = s.dilation_h * s.w * s.c, q.x_tap = s.dilation_w * s.c;
        q.first = -s.pad_left, q.stride = s.stride_w, q.step = s.dilation_w, q.columns = s.w;
        q.dy = a.dy + (n * s.oh + oy) * s.ow * s.c + c;
        q.ow = s.ow, q.c = s.c;
        q.sums_step = step;
        float* const bias = sums + s.kh * s.kw * step + v * kLanes;
        q.bias = bias;
        for (int64_t ky = inside.begin; ky < inside.end; ky += at_once, q.bias = nullptr) {
          q.x = a.x + (n * s.h + iy + ky * s.dilation_h) * s.w * s.c + c;
          q.sums = sums + ky * s.kw * step + v * kLanes;
          add_rows(s.kw, q, min_of(at_once, inside.end - ky));
        }
        if (inside.begin == inside.end)
          for (int64_t ox = 0; ox < s.ow; ++ox) store(bias, load(bias) + load(q.dy + ox * s.c));
      }
    }
  }
}

// Row `tap` of dkernel, or dbias: the sum of all chunks, in order.
void combine_tap(const void* args, int64_t tap, float*) {
  const WeightArgs& a = *static_cast<const WeightArgs*>(args);
  const Conv2dShape& s = a.s;
  float* const to = tap == s.kh * s.kw ? a.dbias : a.dkernel + tap * s.c;
  if (!to) return;
  for (int64_t v = 0; v < vectors_of(s); ++v) {
    Vec sum{};
    for (int64_t chunk = 0; chunk < a.chunks; ++chunk)
      sum += load(a.partial + chunk * partial_floats(s) + (tap * vectors_of(s) + v) * kLanes);
    store(to + min_of(v * kLanes, s.c - kLanes), sum);
  }
}

size_t grad_weight_workspace(const Conv2dShape& s) {
  return workspace_bytes(weight_args(s).chunks * partial_floats(s));
}
void grad_weight(const Conv2dShape& s, const float* x, const float* dy, float* dkernel, float* dbias,
                 const Launch& launch) {
  WeightArgs a = weight_args(s);
  a.x = x, a.dy = dy, a.partial = static_cast<float*>(launch.workspace), a.dkernel = dkernel, a.dbias = dbias;
  run_jobs(launch, a.chunks, 4 * flops_of(s), chunk_job, &a);
  run_jobs(launch, s.kh * s.kw + 1, 8.0 * static_cast<double>(a.chunks * partial_floats(s)), combine_tap, &a);
}

bool accepts(const Conv2dShape& s) { return s.groups == s.c && s.oc == s.c && s.c >= kLanes && s.kh <= kRows; }
size_t no_workspace(const Conv2dShape&) { return 0; }

}  // namespace

const ConvForward conv_forward_depthwise = {accepts, no_workspace, forward};
const ConvGradInput conv_grad_input_depthwise = {accepts, no_workspace, grad_input};
const ConvGradWeight conv_grad_weight_depthwise = {accepts, grad_weight_workspace, grad_weight};

}  // namespace linnet::LINNET_ISA
