// Depthwise convolution: every channel has its own window, so vectors run along the channels, and images are read where
// they lie (conv2d_lines.h has the inner loops). What limits it is loading, not multiplying.
//
// A job of forward and grad_input is a band of rows of the output: what one row reads the next finds in the
// second-level cache, and the row that is new is asked for a row ahead. For grad_weight, blocks of rows are cut into
// chunks by the shape; every chunk has its own sums (taps + 1, vectors) in the workspace, the last for dbias, which are
// added up in order. Fewer channels than a vector are left to the other algorithms.
#include "kernels/conv2d_lines.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kRows = 256;          // of a window: the list lies in scratch
constexpr int64_t kBandFloats = 32768;  // of the output
constexpr int64_t kChunks = 16;

struct Args {
  Conv2dShape s;
  const float* in;      // x, or dy in grad_input
  const float* kernel;  // (kh, kw, 1, c)
  float* out;
  Epilogue epilogue;
  int64_t rows, band_rows;  // of the output, of all images
  bool past_caches;
};

// Rows of a band, nearly equal parts of all.
void set_bands(Args& a, int64_t rows, int64_t row_floats, const Launch& launch) {
  a.rows = rows;
  a.band_rows = max_of(1, kBandFloats / row_floats);
  // Past the caches go results that they could not hold until they are read, where every vector is a whole line.
  a.past_caches = rows * row_floats * static_cast<int64_t>(sizeof(float)) >= launch.cache / 2 && kLanes == 16 &&
                  a.s.c % kLanes == 0 && reinterpret_cast<intptr_t>(a.out) % static_cast<int64_t>(sizeof(Vec)) == 0;
}

// The pixels of a row of `in` (n, h, w, c), or of none.
void look_ahead(Line& l, const float* in, int64_t n, int64_t row, int64_t h, int64_t row_floats) {
  if (row < 0 || row >= h) return;
  l.ahead = in + (n * h + row) * row_floats;
  l.ahead_floats = row_floats;
}

void forward_row(const Args& a, int64_t row, float* scratch) {
  const Conv2dShape& s = a.s;
  LineRow* const rows = reinterpret_cast<LineRow*>(scratch);
  const int64_t n = row / s.oh, iy = row % s.oh * s.stride_h - s.pad_top;
  const Range inside = taps_inside(iy, s.dilation_h, s.kh, s.h);
  for (int64_t ky = inside.begin; ky < inside.end; ++ky)
    rows[ky - inside.begin] = {a.in + (n * s.h + iy + ky * s.dilation_h) * s.w * s.c, a.kernel + ky * s.kw * s.c};
  Line l;
  l.rows = rows, l.row_count = inside.end - inside.begin;
  l.taps = s.kw, l.w_step = s.c;
  l.channels = l.stored = l.pixel = s.c;
  l.columns = s.w, l.first = -s.pad_left, l.stride = s.stride_w, l.step = s.dilation_w;
  l.bias = a.epilogue.bias;
  l.relu = a.epilogue.activation == Activation::relu && !a.epilogue.residual;
  l.y = a.out + row * s.ow * s.c, l.y_step = s.c;
  l.past_caches = a.past_caches;
  look_ahead(l, a.in, n, iy + (s.kh - 1) * s.dilation_h + s.stride_h, s.h, s.w * s.c);
  run_line(l, s.ow);
  if (!l.relu && (a.epilogue.residual || a.epilogue.activation != Activation::none))
    finish(l.y, a.epilogue.residual ? a.epilogue.residual + row * s.ow * s.c : nullptr, a.epilogue.activation,
           s.ow * s.c);
}

// A job: the rows of a band.
template <void (*one_row)(const Args&, int64_t, float*)>
void band(const void* args, int64_t index, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  for (int64_t row = index * a.band_rows; row < min_of(a.rows, (index + 1) * a.band_rows); ++row)
    one_row(a, row, scratch);
  if (a.past_caches) finish_past_caches();
}

void forward(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue,
             const Launch& launch) {
  Args args = {s, x, kernel, y, epilogue};
  set_bands(args, s.n * s.oh, s.ow * s.c, launch);
  const bool finished =
      !epilogue.residual && (epilogue.activation == Activation::none || epilogue.activation == Activation::relu);
  args.past_caches = args.past_caches && finished;
  run_jobs(launch, divide_up(args.rows, args.band_rows), 4 * flops_of(s), band<forward_row>, &args);
}

void grad_input_row(const Args& a, int64_t row, float* scratch) {
  const Conv2dShape& s = a.s;
  LineRow* const rows = reinterpret_cast<LineRow*>(scratch);
  const int64_t n = row / s.h, y = row % s.h;
  for (int64_t x = 0; x < min_of(s.w, s.stride_w); ++x) {
    const LinePhase phase = line_phase(s, x);
    Line l;
    l.rows = rows, l.row_count = 0;
    for (int64_t ky = 0; ky < s.kh; ++ky) {
      const int64_t at = y + s.pad_top - ky * s.dilation_h, oy = at / s.stride_h;
      if (phase.taps == 0 || at < 0 || oy * s.stride_h != at || oy >= s.oh) continue;
      rows[l.row_count++] = {a.in + (n * s.oh + oy) * s.ow * s.c, a.kernel + (ky * s.kw + phase.last_kx) * s.c};
    }
    l.taps = phase.taps, l.w_step = -phase.kx_step * s.c;
    l.channels = l.stored = l.pixel = s.c;
    l.columns = s.ow, l.first = phase.first, l.stride = 1, l.step = phase.dy_step;
    l.bias = nullptr, l.relu = false;
    l.y = a.out + (row * s.w + x) * s.c, l.y_step = s.stride_w * s.c;
    l.past_caches = a.past_caches;
    if (x == 0 && (y + 1 + s.pad_top) % s.stride_h == 0)
      look_ahead(l, a.in, n, (y + 1 + s.pad_top) / s.stride_h, s.oh, s.ow * s.c);
    run_line(l, (s.w - 1 - x) / s.stride_w + 1);
  }
}

void grad_input(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  Args args = {s, dy, kernel, dx, {}};
  set_bands(args, s.n * s.h, s.w * s.c, launch);
  run_jobs(launch, divide_up(args.rows, args.band_rows), 4 * flops_of(s), band<grad_input_row>, &args);
}

// ---- grad_weight ---------------------------------------------------------------------------------------------------
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
  const int64_t blocks = s.n * a.row_blocks, step = vectors_of(s) * kLanes, at_once = line_sum_rows(s.kw);
  float* const sums = a.partial + chunk * partial_floats(s);
  for (int64_t i = 0; i < partial_floats(s); ++i) sums[i] = 0.0f;
  for (int64_t b = part_begin(blocks, a.chunks, chunk); b < part_begin(blocks, a.chunks, chunk + 1); ++b) {
    const int64_t n = b / a.row_blocks, begin = b % a.row_blocks * a.block_rows;
    const int64_t end = min_of(s.oh, begin + a.block_rows);
    for (int64_t oy = begin; oy < end; ++oy) {
      const int64_t iy = oy * s.stride_h - s.pad_top, next = iy + (s.kh - 1) * s.dilation_h + s.stride_h;
      const Range inside = taps_inside(iy, s.dilation_h, s.kh, s.h);
      const float* const dy = a.dy + (n * s.oh + oy) * s.ow * s.c;
      for (int64_t v = 0; v < vectors_of(s); ++v) {
        const int64_t c = min_of(v * kLanes, s.c - kLanes);
        LineSum q;
        q.x_row = s.dilation_h * s.w * s.c, q.x_pixel = s.c;
        q.first = -s.pad_left, q.stride = s.stride_w, q.step = s.dilation_w, q.columns = s.w;
        q.dy = dy + c;
        q.ow = s.ow, q.dy_pixel = s.c;
        q.sums_step = step;
        if (oy + 1 < end && next >= 0 && next < s.h && s.stride_w == 1) {  // each vector asks for its share of the rows
          q.dy_ahead = dy + (s.ow + v * s.ow / vectors_of(s)) * s.c;
          q.x_ahead = a.x + ((n * s.h + next) * s.w + v * s.ow / vectors_of(s)) * s.c;
        }
        float* const bias = sums + s.kh * s.kw * step + v * kLanes;
        q.bias = bias;
        for (int64_t ky = inside.begin; ky < inside.end; ky += at_once, q.bias = nullptr) {
          q.x = a.x + (n * s.h + iy + ky * s.dilation_h) * s.w * s.c + c;
          q.sums = sums + ky * s.kw * step + v * kLanes;
          add_line(q, s.kw, min_of(at_once, inside.end - ky));
          q.dy_ahead = nullptr;
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
