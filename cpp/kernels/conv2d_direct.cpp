// Direct convolution, forward: register tiles (conv2d_tile.h) straight over x, vectors along the output channels.
//
// A job is some rows of one image's output, times some panels of output channels when the weights outgrow L2. Rows of x
// above and below the image are left out of the sum; where windows reach over the left or right edge, the job first
// copies its rows of x into scratch with zeros around them. The weights (kh, kw, c, oc) already are the matrix that a
// tile wants when oc is one panel wide; otherwise they are packed once per call into panels (conv2d_tile.h), in the
// workspace, with the bias padded alike behind them.
//
//   runs     of a window: one per kernel row (kw * c floats), or, dilated or grouped, one per position (c / groups)
//   scratch  runs (kh * kw), offsets in y of the pixels of a row (ow), the copy of x (rows, columns, c)
//
// An output element sums its window in one order whatever n is. For the inner loop see conv2d_tile.cpp.
#include "kernels/conv2d_algorithms.h"
#include "kernels/conv2d_tile.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kRunFloats = sizeof(Run) / sizeof(float), kOffsetFloats = sizeof(int64_t) / sizeof(float);
// A copy of x larger than this would push the weights out of L2.
constexpr int64_t kCopyFloats = 64 * 1024;
// Output columns of a block, and positions of a window, at most: what bounds the lists in scratch.
constexpr int64_t kBlockColumns = 4096, kWindow = 16384;
// Weights beyond this (half a typical L2 of 1 MiB) are used a few panels at a time.
constexpr int64_t kWeightFloats = 128 * 1024;
constexpr double kJobFlops = 1e6;

struct Plan {
  int64_t cg, og, k;  // channels of a group, rows of weights
  int64_t runs_per_row, run_length;
  int64_t panels, packed_columns;  // of a group
  bool pack, copy;
  int64_t block_columns, column_blocks;  // of the output
  int64_t block_rows, row_blocks;
  int64_t panel_parts;
};

int64_t copied_rows(const Conv2dShape& s, int64_t rows) {
  return (rows - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1;
}
int64_t copied_columns(const Conv2dShape& s, int64_t columns) {
  return (columns - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 1;
}
// Scratch without the copy.
int64_t list_floats(const Conv2dShape& s, int64_t columns) {
  return s.kh * s.kw * kRunFloats + columns * kOffsetFloats;
}

Plan make_plan(const Conv2dShape& s, bool turned) {
  Plan p;
  p.cg = s.c / s.groups;
  p.og = s.oc / s.groups;
  p.k = s.kh * s.kw * p.cg;
  const bool whole_rows = s.dilation_w == 1 && s.groups == 1;
  p.runs_per_row = whole_rows ? 1 : s.kw;
  p.run_length = whole_rows ? s.kw * p.cg : p.cg;
  p.panels = panel_count(p.og);
  p.packed_columns = round_to_lanes(p.og);
  p.pack = turned || !(s.groups == 1 && p.panels == 1 && p.packed_columns == p.og);
  p.copy = s.pad_left > 0 || copied_columns(s, s.ow) - s.pad_left > s.w;

  p.block_columns = min_of(s.ow, kBlockColumns);
  if (p.copy) {
    const int64_t room = (kScratchFloats - list_floats(s, p.block_columns)) / (copied_rows(s, 1) * s.c);
    p.block_columns = min_of(p.block_columns, (room - (s.kw - 1) * s.dilation_w - 1) / s.stride_w + 1);
  }
  p.column_blocks = divide_up(s.ow, p.block_columns);

  const double row_flops = 2.0 * static_cast<double>(p.block_columns * s.oc) * static_cast<double>(p.k);
  int64_t rows = max_of(1, static_cast<int64_t>(kJobFlops / row_flops + 1));
  if (p.copy) {
    const int64_t copy_rows = kCopyFloats / (copied_columns(s, p.block_columns) * s.c);
    rows = min_of(max_of(rows, 2 * s.kh), (copy_rows - (s.kh - 1) * s.dilation_h - 1) / s.stride_h + 1);
  }
  p.block_rows = divide_up(s.oh, divide_up(s.oh, max_of(1, min_of(rows, s.oh))));
  p.row_blocks = divide_up(s.oh, p.block_rows);
  p.panel_parts = min_of(s.groups * p.panels, divide_up(p.k * p.packed_columns * s.groups, kWeightFloats));
  return p;
}

struct Args {
  Conv2dShape s;
  Plan p;
  const float* x;       // (n, h, w, c)
  const float* kernel;  // (kh, kw, c / groups, oc); turned: (kh, kw, oc / groups, c)
  bool turned;          // by 180 degrees, channels swapped
  float* y;             // (n, oh, ow, oc)
  Epilogue epilogue;
  float* packed;  // (groups, panels, k, vectors * kLanes), or null
  float* bias;    // (groups, packed_columns)
};

void pack_panel(const void* args, int64_t index, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape s = a.s;
  const Plan p = a.p;
  const int64_t g = index / p.panels, taps = s.kh * s.kw;
  const Panel panel = panel_at(p.og, index % p.panels);
  const int64_t width = panel.vectors * kLanes;
  float* const to = a.packed + p.k * (g * p.packed_columns + panel.column);
  if (!a.turned) {
    const float* const from = a.kernel + g * p.og + panel.column;
    for (int64_t k = 0; k < p.k; ++k)
      for (int64_t j = 0; j < panel.columns; ++j) to[k * width + j] = from[k * s.oc + j];
  } else {
    constexpr int64_t kBlock = 16;  // rows at a time: whole cache lines are read, and what is written stays in L1
    for (int64_t tap = 0; tap < taps; ++tap) {
      const float* const from = a.kernel + ((taps - 1 - tap) * p.og + panel.column) * s.c + g * p.cg;
      for (int64_t block = 0; block < p.cg; block += kBlock)
        for (int64_t j = 0; j < panel.columns; ++j)
          for (int64_t i = block; i < min_of(p.cg, block + kBlock); ++i)
            to[(tap * p.cg + i) * width + j] = from[j * s.c + i];
    }
  }
  for (int64_t k = 0; k < p.k && panel.columns < width; ++k)
    for (int64_t j = panel.columns; j < width; ++j) to[k * width + j] = 0.0f;
}

// Rows [y0, y1), columns [x0, x0 + columns) of image n's output for one panel of group g. `rows` is x or its copy.
struct Block {
  const float* rows;  // row 0 of x, column x0 * stride_w - pad_left
  int64_t pitch;      // floats from a row of x to the next
  int64_t n, y0, y1, x0, columns;
  Run* runs;
  const int64_t* y_offsets;
};

void panel_block(const Args& a, const Block& b, int64_t g, const Panel& panel) {
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  const Parts parts = cut(b.columns, max_tile_pixels(static_cast<int>(panel.vectors)));
  const ConvTileFunction tiles[2] = {conv_tile(parts.size, panel.vectors),
                                     parts.longer ? conv_tile(parts.size + 1, panel.vectors) : nullptr};
  ConvTile t;
  t.runs = b.runs;
  t.run_length = p.run_length;
  t.pixel = s.stride_w * s.c;
  t.weights = p.pack ? a.packed + p.k * (g * p.packed_columns + panel.column) : a.kernel;
  t.bias = a.bias + g * p.packed_columns + panel.column;
  t.columns = panel.columns;
  t.relu = a.epilogue.activation == Activation::relu && !a.epilogue.residual;
  for (int64_t oy = b.y0; oy < b.y1; ++oy) {
    const int64_t iy = oy * s.stride_h - s.pad_top;
    const Range inside = taps_inside(iy, s.dilation_h, s.kh, s.h);
    t.run_count = 0;
    for (int64_t ky = inside.begin; ky < inside.end; ++ky)
      for (int64_t r = 0; r < p.runs_per_row; ++r)
        b.runs[t.run_count++] = {b.rows + (iy + ky * s.dilation_h) * b.pitch + r * s.dilation_w * s.c + g * p.cg,
                                 (ky * p.runs_per_row + r) * p.run_length};
    float* const y = a.y + ((b.n * s.oh + oy) * s.ow + b.x0) * s.oc + g * p.og + panel.column;
    t.y = y;
    t.x_offset = 0;
    t.y_offsets = b.y_offsets;
    for (int64_t i = 0; i < parts.count; ++i) {
      const bool longer = i < parts.longer;
      tiles[longer](t);
      t.x_offset += (parts.size + longer) * t.pixel;
      t.y_offsets += parts.size + longer;
    }
  }
}

void forward_job(const void* args, int64_t index, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  const int64_t row_block = index % p.row_blocks, column_block = index / p.row_blocks % p.column_blocks;
  const int64_t n = index / p.row_blocks / p.column_blocks % s.n, part = index / p.row_blocks / p.column_blocks / s.n;

  Block b;
  b.n = n;
  b.y0 = row_block * p.block_rows;
  b.y1 = min_of(s.oh, b.y0 + p.block_rows);
  b.x0 = column_block * p.block_columns;
  b.columns = min_of(s.ow, b.x0 + p.block_columns) - b.x0;
  b.runs = reinterpret_cast<Run*>(scratch);
  int64_t* const y_offsets = reinterpret_cast<int64_t*>(scratch + s.kh * s.kw * kRunFloats);
  for (int64_t i = 0; i < b.columns; ++i) y_offsets[i] = i * s.oc;
  b.y_offsets = y_offsets;

  const float* const x = a.x + n * s.h * s.w * s.c;
  const int64_t ix = b.x0 * s.stride_w - s.pad_left;
  b.pitch = s.w * s.c;
  b.rows = x + ix * s.c;
  if (p.copy) {
    const int64_t first = max_of(0, b.y0 * s.stride_h - s.pad_top);
    const int64_t last = min_of(s.h, b.y0 * s.stride_h - s.pad_top + copied_rows(s, b.y1 - b.y0));
    const int64_t columns = copied_columns(s, b.columns);
    float* const copy = scratch + list_floats(s, p.block_columns);
    copy_padded(x, s.h, s.w, s.c, first, ix, max_of(0, last - first), columns, copy);
    b.pitch = columns * s.c;
    b.rows = copy - first * b.pitch;
  }

  const int64_t panels = s.groups * p.panels;
  for (int64_t i = part_begin(panels, p.panel_parts, part); i < part_begin(panels, p.panel_parts, part + 1); ++i)
    panel_block(a, b, i / p.panels, panel_at(p.og, i % p.panels));
}

void finish_image_row(const void* args, int64_t row, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const int64_t count = a.s.ow * a.s.oc;
  finish(a.y + row * count, a.epilogue.residual ? a.epilogue.residual + row * count : nullptr, a.epilogue.activation,
         count);
}

bool accepts(const Conv2dShape& s) {
  return s.kh * s.kw <= kWindow &&
         list_floats(s, kBlockColumns) + copied_rows(s, 1) * copied_columns(s, 1) * s.c <= kScratchFloats;
}

size_t workspace_of(const Conv2dShape& s, bool turned) {
  const Plan p = make_plan(s, turned);
  return workspace_bytes((p.pack ? p.k + 1 : 1) * s.groups * p.packed_columns);
}

void run_with(const Conv2dShape& s, const float* x, const float* kernel, bool turned, float* y,
              const Epilogue& epilogue, const Launch& launch) {
  const Plan p = make_plan(s, turned);
  const int64_t columns = s.groups * p.packed_columns;
  float* const workspace = static_cast<float*>(launch.workspace);
  Args a = {s, p, x, kernel, turned, y, epilogue, workspace, workspace + (p.pack ? p.k * columns : 0)};
  for (int64_t g = 0; g < s.groups; ++g)
    for (int64_t o = 0; o < p.packed_columns; ++o)
      a.bias[g * p.packed_columns + o] = epilogue.bias && o < p.og ? epilogue.bias[g * p.og + o] : 0.0f;
  // Packing moves 8 bytes where the tiles do two operations: weigh a float as 8 of them.
  if (p.pack) run_jobs(launch, s.groups * p.panels, 8.0 * static_cast<double>(p.k * columns), pack_panel, &a);
  run_jobs(launch, s.n * p.column_blocks * p.row_blocks * p.panel_parts, flops_of(s), forward_job, &a);
  const bool relu_done = epilogue.activation == Activation::relu && !epilogue.residual;
  if ((epilogue.activation != Activation::none && !relu_done) || epilogue.residual)
    run_jobs(launch, s.n * s.oh, 16.0 * static_cast<double>(s.n * s.oh * s.ow * s.oc), finish_image_row, &a);
}

size_t workspace(const Conv2dShape& s) { return workspace_of(s, false); }

void run(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue,
         const Launch& launch) {
  run_with(s, x, kernel, false, y, epilogue, launch);
}

// ---- gradient of the input at stride 1 -----------------------------------------------------------------------------
// Each dx is a sum over a window of dy with the kernel turned by 180 degrees and its channels swapped: forward again,
// and only packing differs. With enough input channels to fill vectors this is faster than conv2d_direct_input.cpp.
Conv2dShape turned_shape(const Conv2dShape& s) {
  Conv2dShape t = s;
  t.h = s.oh, t.w = s.ow, t.c = s.oc;
  t.oh = s.h, t.ow = s.w, t.oc = s.c;
  t.pad_top = (s.kh - 1) * s.dilation_h - s.pad_top;
  t.pad_left = (s.kw - 1) * s.dilation_w - s.pad_left;
  return t;
}

bool accepts_turned(const Conv2dShape& s) {
  const int64_t cg = s.c / s.groups;
  const Conv2dShape t = turned_shape(s);
  return s.stride_h == 1 && s.stride_w == 1 && t.pad_top >= 0 && t.pad_left >= 0 &&
         (cg % kLanes == 0 || cg >= 4 * kLanes) && accepts(t);
}

size_t turned_workspace(const Conv2dShape& s) { return workspace_of(turned_shape(s), true); }

void run_turned(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  run_with(turned_shape(s), dy, kernel, true, dx, {}, launch);
}

}  // namespace

const ConvForward conv_forward_direct = {accepts, workspace, run};
const ConvGradInput conv_grad_input_turned = {accepts_turned, turned_workspace, run_turned};

}  // namespace linnet::LINNET_ISA
