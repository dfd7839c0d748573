// Grouped convolution whose groups have few channels: half a vector or less.
//
// Several groups share a vector: a bundle. Lane (group, o) needs the inputs of its own group, so each input pixel is
// first repeated for its outputs: (c / groups) vectors, of which number i holds input i of the lane's group. Then every
// lane is a depthwise convolution over c / groups rows at once (conv2d_lines.h), and no lane is wasted but for those
// behind the last whole group. grad_input is the same with the roles of the channels exchanged.
//
// A job is a block of rows of one image; bundle by bundle it repeats the rows it needs into scratch, where they stay in
// L2. grad_weight's blocks are cut into chunks by the shape; every chunk has its own sums in the workspace, rows
// (kh, kw, c / groups) and one for dbias of (bundles) vectors, which are added up in order.
//
//   weights  (bundles, kh, kw, inputs) vectors, packed into the workspace, and (bundles) vectors of bias behind them
//   scratch  the list of rows, the repeated pixels (rows, inputs, columns) vectors, in grad_weight dy (rows, ow)
//   vectors
#include "kernels/conv2d_lines.h"
#include "kernels/lanes.h"

namespace linnet::LINNET_ISA {
namespace {

typedef int32_t Index __attribute__((vector_size(kLanes * sizeof(float))));

constexpr int64_t kListFloats = 16 * 1024, kRows = kListFloats * sizeof(float) / sizeof(LineRow);
// Repeated pixels that stay in L2.
constexpr int64_t kBlockFloats = 32 * 1024;
constexpr int64_t kChunks = 16, kPartialFloats = 1024 * 1024;

// How groups share vectors: `in` channels are read and `out` written for each.
struct Bundles {
  int64_t in, out, groups;  // groups of a bundle
  int64_t count;
  int64_t all_groups;
  int64_t lanes(int64_t bundle) const { return min_of(groups, all_groups - bundle * groups) * out; }
};
Bundles bundles_of(int64_t all_groups, int64_t in, int64_t out) {
  const int64_t groups = min_of(all_groups, kLanes / out);
  return {in, out, groups, divide_up(all_groups, groups), all_groups};
}
Bundles forward_bundles(const Conv2dShape& s) { return bundles_of(s.groups, s.c / s.groups, s.oc / s.groups); }
Bundles grad_input_bundles(const Conv2dShape& s) { return bundles_of(s.groups, s.oc / s.groups, s.c / s.groups); }

// to (in, columns) vectors: pixels of one row of x, each repeated for the outputs of its group. `x` is the bundle's
// first channel in the first pixel; nothing at or behind x_end is read.
void repeat_row(const Bundles& b, int64_t bundle, const float* x, int64_t columns, int64_t pixel, const float* x_end,
                float* to) {
  const int64_t lanes = b.lanes(bundle), span = lanes / b.out * b.in;
  const auto source = [&](int64_t i, int64_t lane) { return lane < lanes ? lane / b.out * b.in + i : 0; };
  if (span > 2 * kLanes) {
    for (int64_t column = 0; column < columns; ++column, x += pixel, to += kLanes)
      for (int64_t i = 0; i < b.in; ++i)
        for (int64_t lane = 0; lane < kLanes; ++lane) to[i * columns * kLanes + lane] = x[source(i, lane)];
    return;
  }
  Index index[2 * kLanes];
  for (int64_t i = 0; i < b.in; ++i)
    for (int64_t lane = 0; lane < kLanes; ++lane) index[i][lane] = static_cast<int32_t>(source(i, lane));
  for (int64_t column = 0; column < columns; ++column, x += pixel, to += kLanes) {
    const Vec first = x + kLanes <= x_end ? load(x) : load_part(x, min_of(span, kLanes), 0.0f);
    if (span <= kLanes) {
      for (int64_t i = 0; i < b.in; ++i) store(to + i * columns * kLanes, __builtin_shuffle(first, index[i]));
    } else {
      const Vec second = x + 2 * kLanes <= x_end ? load(x + kLanes) : load_part(x + kLanes, span - kLanes, 0.0f);
      for (int64_t i = 0; i < b.in; ++i) store(to + i * columns * kLanes, __builtin_shuffle(first, second, index[i]));
    }
  }
}

// ---- forward and grad_input ----------------------------------------------------------------------------------------
struct Args {
  Conv2dShape s;
  Bundles b;
  bool grad_input;
  const float* in;      // x (n, h, w, c), or dy (n, oh, ow, oc) in grad_input
  const float* kernel;  // (kh, kw, c / groups, oc)
  float* out;           // y or dx
  Epilogue epilogue;
  float* weights;                  // (bundles, kh, kw, in) vectors
  float* bias;                     // (bundles) vectors
  int64_t block_rows, row_blocks;  // of the output
};

int64_t rows_needed(const Conv2dShape& s, bool grad_input, int64_t rows) {
  const int64_t reach = (s.kh - 1) * s.dilation_h;
  return grad_input ? min_of(s.oh, (rows - 1 + reach) / s.stride_h + 1)
                    : min_of(s.h, (rows - 1) * s.stride_h + reach + 1);
}

Args make_args(const Conv2dShape& s, bool grad_input) {
  Args a = {s, grad_input ? grad_input_bundles(s) : forward_bundles(s), grad_input};
  const int64_t rows = grad_input ? s.h : s.oh, row_floats = (grad_input ? s.ow : s.w) * a.b.in * kLanes;
  a.block_rows = rows;
  while (a.block_rows > 1 && rows_needed(s, grad_input, a.block_rows) * row_floats > kBlockFloats)
    a.block_rows = (a.block_rows + 1) / 2;
  a.row_blocks = divide_up(rows, a.block_rows);
  return a;
}

bool fits(const Conv2dShape& s, bool grad_input) {
  const Args a = make_args(s, grad_input);
  const int64_t row_floats = (grad_input ? s.ow : s.w) * a.b.in * kLanes;
  return s.kh * a.b.in <= kRows &&
         kListFloats + rows_needed(s, grad_input, a.block_rows) * row_floats <= kScratchFloats;
}

int64_t weight_floats(const Args& a) { return a.b.count * a.s.kh * a.s.kw * a.b.in * kLanes; }

void pack_bundle(const void* args, int64_t bundle, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  const int64_t lanes = a.b.lanes(bundle), taps = s.kh * s.kw, cg = s.c / s.groups, og = s.oc / s.groups;
  float* to = a.weights + bundle * taps * a.b.in * kLanes;
  for (int64_t tap = 0; tap < taps; ++tap)
    for (int64_t i = 0; i < a.b.in; ++i, to += kLanes)
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        const int64_t group = bundle * a.b.groups + lane / a.b.out, o = lane % a.b.out;
        const int64_t at =
            a.grad_input ? (tap * cg + o) * s.oc + group * og + i : (tap * cg + i) * s.oc + group * og + o;
        to[lane] = lane < lanes ? a.kernel[at] : 0.0f;
      }
  for (int64_t lane = 0; lane < kLanes; ++lane)
    a.bias[bundle * kLanes + lane] =
        a.epilogue.bias && lane < lanes ? a.epilogue.bias[bundle * a.b.groups * a.b.out + lane] : 0.0f;
}

// One row of the output in one bundle. `repeated` holds the rows of the input from `top` on.
void run_row(const Args& a, int64_t n, int64_t y, int64_t bundle, const float* repeated, int64_t top, LineRow* rows) {
  const Conv2dShape& s = a.s;
  const int64_t step = a.b.in * kLanes;  // floats of a repeated pixel, and of a tap's weights
  const int64_t in_columns = a.grad_input ? s.ow : s.w, in_rows = a.grad_input ? s.oh : s.h;
  const int64_t out_columns = a.grad_input ? s.w : s.ow, out_channels = a.grad_input ? s.c : s.oc;
  const int64_t phases = a.grad_input ? min_of(s.w, s.stride_w) : 1;
  for (int64_t x = 0; x < phases; ++x) {
    const LinePhase phase = a.grad_input ? line_phase(s, x) : LinePhase{s.kw, 0, 1, s.dilation_w, -s.pad_left};
    Line l;
    l.rows = rows, l.row_count = 0;
    for (int64_t ky = 0; ky < s.kh && phase.taps > 0; ++ky) {
      const int64_t at =
          a.grad_input ? y + s.pad_top - ky * s.dilation_h : y * s.stride_h - s.pad_top + ky * s.dilation_h;
      const int64_t row = a.grad_input ? at / s.stride_h : at;
      if (at < 0 || row >= in_rows || (a.grad_input && row * s.stride_h != at)) continue;
      for (int64_t i = 0; i < a.b.in; ++i)
        rows[l.row_count++] = {repeated + ((row - top) * a.b.in + i) * in_columns * kLanes,
                               a.weights + ((bundle * s.kh + ky) * s.kw + phase.last_kx) * step + i * kLanes};
    }
    l.taps = phase.taps, l.w_step = a.grad_input ? -phase.kx_step * step : step;
    l.channels = kLanes, l.stored = a.b.lanes(bundle);
    l.pixel = kLanes;
    l.columns = in_columns, l.first = phase.first;
    l.stride = a.grad_input ? 1 : s.stride_w, l.step = phase.dy_step;
    l.bias = a.bias + bundle * kLanes;
    l.relu = a.epilogue.activation == Activation::relu && !a.epilogue.residual;
    l.y = a.out + ((n * (a.grad_input ? s.h : s.oh) + y) * out_columns + x) * out_channels +
          bundle * a.b.groups * a.b.out;
    l.y_step = (a.grad_input ? s.stride_w : 1) * out_channels;
    run_line(l, (out_columns - 1 - x) / (a.grad_input ? s.stride_w : 1) + 1);
  }
}

void rows_job(const void* args, int64_t index, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  const int64_t n = index / a.row_blocks, begin = index % a.row_blocks * a.block_rows;
  const int64_t end = min_of(a.grad_input ? s.h : s.oh, begin + a.block_rows);
  const int64_t in_rows = a.grad_input ? s.oh : s.h, columns = a.grad_input ? s.ow : s.w;
  const int64_t channels = a.grad_input ? s.oc : s.c, reach = (s.kh - 1) * s.dilation_h;
  // Rows of the input below the block.
  const int64_t first = a.grad_input ? divide_up(max_of(0, begin + s.pad_top - reach), s.stride_h)
                                     : max_of(0, begin * s.stride_h - s.pad_top);
  const int64_t behind =
      a.grad_input ? (end - 1 + s.pad_top) / s.stride_h + 1 : (end - 1) * s.stride_h - s.pad_top + reach + 1;
  const int64_t last = max_of(first, min_of(in_rows, behind));
  LineRow* const rows = reinterpret_cast<LineRow*>(scratch);
  float* const repeated = scratch + kListFloats;
  for (int64_t bundle = 0; bundle < a.b.count; ++bundle) {
    for (int64_t r = first; r < last; ++r)
      repeat_row(a.b, bundle, a.in + (n * in_rows + r) * columns * channels + bundle * a.b.groups * a.b.in, columns,
                 channels, a.in + s.n * in_rows * columns * channels,
                 repeated + (r - first) * columns * a.b.in * kLanes);
    for (int64_t y = begin; y < end; ++y) run_row(a, n, y, bundle, repeated, first, rows);
  }
  const int64_t floats = a.grad_input ? 0 : (end - begin) * s.ow * s.oc, at = (n * s.oh + begin) * s.ow * s.oc;
  if (floats > 0 &&
      (a.epilogue.residual || (a.epilogue.activation != Activation::none && a.epilogue.activation != Activation::relu)))
    finish(a.out + at, a.epilogue.residual ? a.epilogue.residual + at : nullptr, a.epilogue.activation, floats);
}

size_t workspace_of(const Conv2dShape& s, bool grad_input) {
  const Args a = make_args(s, grad_input);
  return workspace_bytes(weight_floats(a) + a.b.count * kLanes);
}

void run_with(Args a, const float* in, const float* kernel, float* out, const Epilogue& epilogue,
              const Launch& launch) {
  a.in = in, a.kernel = kernel, a.out = out, a.epilogue = epilogue;
  a.weights = static_cast<float*>(launch.workspace);
  a.bias = a.weights + weight_floats(a);
  run_jobs(launch, a.b.count, 16.0 * static_cast<double>(weight_floats(a)), pack_bundle, &a);
  run_jobs(launch, a.s.n * a.row_blocks, 4 * flops_of(a.s), rows_job, &a);
}

// Repeating a pixel costs as much as a few multiplications: it must be used for several.
bool is_reused(const Conv2dShape& s) { return s.kh * s.kw >= 4 * s.stride_h * s.stride_w; }

bool accepts(const Conv2dShape& s) {
  return s.groups > 1 && 2 * (s.oc / s.groups) <= kLanes && is_reused(s) && fits(s, false);
}
size_t workspace(const Conv2dShape& s) { return workspace_of(s, false); }
void run(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue,
         const Launch& launch) {
  run_with(make_args(s, false), x, kernel, y, epilogue, launch);
}

bool accepts_grad_input(const Conv2dShape& s) {
  return s.groups > 1 && 2 * (s.c / s.groups) <= kLanes && fits(s, true);
}
size_t grad_input_workspace(const Conv2dShape& s) { return workspace_of(s, true); }
void run_grad_input(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  run_with(make_args(s, true), dy, kernel, dx, {}, launch);
}

// ---- grad_weight ---------------------------------------------------------------------------------------------------
struct WeightArgs {
  Conv2dShape s;
  Bundles b;
  const float* x;                  // (n, h, w, c)
  const float* dy;                 // (n, oh, ow, oc)
  float* dkernel;                  // (kh, kw, c / groups, oc)
  float* dbias;                    // (oc), or null
  float* partial;                  // (chunks, rows of sums, bundles) vectors
  int64_t block_rows, row_blocks;  // of dy
  int64_t chunks, sum_rows, sum_floats;
};

int64_t block_floats(const Conv2dShape& s, int64_t rows) {
  return (rows_needed(s, false, rows) * s.w * (s.c / s.groups) + rows * s.ow) * kLanes;
}

WeightArgs weight_args(const Conv2dShape& s) {
  WeightArgs a = {s, forward_bundles(s)};
  a.block_rows = s.oh;
  while (a.block_rows > 1 && block_floats(s, a.block_rows) > kBlockFloats) a.block_rows = (a.block_rows + 1) / 2;
  a.row_blocks = divide_up(s.oh, a.block_rows);
  a.sum_rows = s.kh * s.kw * a.b.in + 1;
  a.sum_floats = a.sum_rows * a.b.count * kLanes;
  a.chunks = min_of(min_of(kChunks, s.n * a.row_blocks), max_of(1, kPartialFloats / a.sum_floats));
  return a;
}

// Rows [begin, end) of image n's dy in one bundle.
void add_block(const WeightArgs& a, int64_t n, int64_t begin, int64_t end, int64_t bundle, float* sums,
               float* scratch) {
  const Conv2dShape& s = a.s;
  const int64_t pixel = a.b.in * kLanes, first = max_of(0, begin * s.stride_h - s.pad_top);
  const int64_t behind = (end - 1) * s.stride_h - s.pad_top + (s.kh - 1) * s.dilation_h + 1;
  const int64_t last = max_of(first, min_of(s.h, behind));
  float* const dy = scratch + (last - first) * s.w * pixel;
  for (int64_t r = first; r < last; ++r)
    repeat_row(a.b, bundle, a.x + (n * s.h + r) * s.w * s.c + bundle * a.b.groups * a.b.in, s.w, s.c,
               a.x + s.n * s.h * s.w * s.c, scratch + (r - first) * s.w * pixel);
  const int64_t lanes = a.b.lanes(bundle);
  const float* from = a.dy + (n * s.oh + begin) * s.ow * s.oc + bundle * a.b.groups * a.b.out;
  for (int64_t i = 0; i < (end - begin) * s.ow; ++i, from += s.oc) store(dy + i * kLanes, load_some(from, lanes, 0.0f));

  LineSum q;
  q.x_row = s.dilation_h * s.w * pixel, q.x_pixel = kLanes;
  q.first = -s.pad_left, q.stride = s.stride_w, q.step = s.dilation_w, q.columns = s.w;
  q.ow = s.ow, q.dy_pixel = kLanes;
  const int64_t step = a.b.count * kLanes, at_once = line_sum_rows(s.kw);
  q.sums_step = a.b.in * step;
  for (int64_t oy = begin; oy < end; ++oy) {
    const int64_t iy = oy * s.stride_h - s.pad_top;
    const Range inside = taps_inside(iy, s.dilation_h, s.kh, s.h);
    q.dy = dy + (oy - begin) * s.ow * kLanes;
    for (int64_t ky = inside.begin; ky < inside.end; ky += at_once)
      for (int64_t i = 0; i < a.b.in; ++i) {
        q.bias = nullptr;
        q.x = scratch + ((iy + ky * s.dilation_h - first) * a.b.in + i) * s.w * kLanes;
        q.sums = sums + (ky * s.kw * a.b.in + i) * step + bundle * kLanes;
        add_line(q, s.kw, min_of(at_once, inside.end - ky));
      }
  }
  float* const bias = sums + (a.sum_rows - 1) * step + bundle * kLanes;
  Vec total = load(bias);
  for (int64_t i = 0; i < (end - begin) * s.ow; ++i) total += load(dy + i * kLanes);
  store(bias, total);
}

void chunk_job(const void* args, int64_t chunk, float* scratch) {
  const WeightArgs& a = *static_cast<const WeightArgs*>(args);
  const int64_t blocks = a.s.n * a.row_blocks;
  float* const sums = a.partial + chunk * a.sum_floats;
  for (int64_t i = 0; i < a.sum_floats; ++i) sums[i] = 0.0f;
  for (int64_t i = part_begin(blocks, a.chunks, chunk); i < part_begin(blocks, a.chunks, chunk + 1); ++i) {
    const int64_t begin = i % a.row_blocks * a.block_rows, end = min_of(a.s.oh, begin + a.block_rows);
    for (int64_t bundle = 0; bundle < a.b.count; ++bundle)
      add_block(a, i / a.row_blocks, begin, end, bundle, sums, scratch);
  }
}

// A row of dkernel, or dbias: the sum of all chunks, in order.
void combine_row(const void* args, int64_t row, float*) {
  const WeightArgs& a = *static_cast<const WeightArgs*>(args);
  float* const to = row == a.sum_rows - 1 ? a.dbias : a.dkernel + row * a.s.oc;
  if (!to) return;
  for (int64_t bundle = 0; bundle < a.b.count; ++bundle) {
    Vec sum{};
    for (int64_t chunk = 0; chunk < a.chunks; ++chunk)
      sum += load(a.partial + chunk * a.sum_floats + (row * a.b.count + bundle) * kLanes);
    store_first(to + bundle * a.b.groups * a.b.out, sum, a.b.lanes(bundle));
  }
}

bool accepts_grad_weight(const Conv2dShape& s) {
  return s.groups > 1 && 4 * (s.oc / s.groups) <= kLanes && is_reused(s) &&
         block_floats(s, weight_args(s).block_rows) <= kScratchFloats;
}
size_t grad_weight_workspace(const Conv2dShape& s) {
  const WeightArgs a = weight_args(s);
  return workspace_bytes(a.chunks * a.sum_floats);
}
void run_grad_weight(const Conv2dShape& s, const float* x, const float* dy, float* dkernel, float* dbias,
                     const Launch& launch) {
  WeightArgs a = weight_args(s);
  a.x = x, a.dy = dy, a.dkernel = dkernel, a.dbias = dbias, a.partial = static_cast<float*>(launch.workspace);
  run_jobs(launch, a.chunks, 4 * flops_of(s), chunk_job, &a);
  run_jobs(launch, a.sum_rows, 8.0 * static_cast<double>(a.chunks * a.sum_floats), combine_row, &a);
}

}  // namespace

const ConvForward conv_forward_grouped = {accepts, workspace, run};
const ConvGradInput conv_grad_input_grouped = {accepts_grad_input, grad_input_workspace, run_grad_input};
const ConvGradWeight conv_grad_weight_grouped = {accepts_grad_weight, grad_weight_workspace, run_grad_weight};

}  // namespace linnet::LINNET_ISA
