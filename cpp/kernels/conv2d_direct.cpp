// Direct convolution, forward: register tiles (conv2d_tile.h) straight over x, vectors along the output channels.
//
// A job is some rows of one image's output, times some panels of output channels when the weights outgrow L2. Rows of x
// above and below the image are left out of the sum. Where windows reach over the left or right edge, the job first
// copies its rows of x into scratch with zeros around them; or, where each copy would be used for too few
// multiplications, the columns at the edges are left to tiles that run downwards, each with the part of the window that
// is inside. The weights (kh, kw, c, oc) already are the matrix that a
// tile wants when oc is one panel wide; otherwise they are packed once per call into panels (conv2d_tile.h), in the
// workspace, with the bias padded alike behind them.
//
//   runs     of a window: one per kernel row (kw * c floats), or, dilated or grouped, one per position (c / groups)
//   scratch  runs (kh * kw), offsets in y of the pixels of a row (ow) and of a column (block_rows), the copy of x
//            (rows, columns, c)
//
// Where a few output channels are left over behind the last vector, they are the rest (conv2d_tile.h), one more item
// beside the panels.
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
// Fewer input channels make runs too short to be cut at an edge. Rows of a job at most, where columns are tiles.
constexpr int64_t kManyChannels = 32, kColumnRows = 14;

struct Plan {
  int64_t cg, og, k;  // channels of a group, rows of weights
  int64_t runs_per_row, run_length;
  int64_t panels, packed_columns;        // of a group
  int64_t rest, rest_row;                // channels behind the panels, and floats from one's weights to the next's
  int64_t bias_row;                      // of a group
  int64_t items;                         // of a group: the panels, and the rest
  bool pack, copy, clip;                 // clip: columns at the edges have tiles of their own
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
  return s.kh * s.kw * kRunFloats + (columns + kColumnRows) * kOffsetFloats;
}

// Panels of all groups, then their rests.
int64_t packed_floats(const Conv2dShape& s, const Plan& p) {
  return s.groups * (p.k * p.packed_columns + p.rest * p.rest_row);
}

Plan make_plan(const Conv2dShape& s, bool turned) {
  Plan p;
  p.cg = s.c / s.groups;
  p.og = s.oc / s.groups;
  p.k = s.kh * s.kw * p.cg;
  const bool whole_rows = s.dilation_w == 1 && s.groups == 1;
  p.runs_per_row = whole_rows ? 1 : s.kw;
  p.run_length = whole_rows ? s.kw * p.cg : p.cg;
  p.rest = rest_of(p.og, p.k);
  p.rest_row = round_to_lanes(p.k) + kLanes;
  p.panels = panel_count(p.og - p.rest);
  p.items = p.panels + (p.rest > 0);
  p.packed_columns = round_to_lanes(p.og - p.rest);
  p.bias_row = p.packed_columns + (p.rest > 0 ? kLanes : 0);
  p.pack = turned || p.rest > 0 || !(s.groups == 1 && p.panels == 1 && p.packed_columns == p.og);
  p.panel_parts = min_of(s.groups * p.items, divide_up(packed_floats(s, p), kWeightFloats));
  const bool edges = s.pad_left > 0 || copied_columns(s, s.ow) - s.pad_left > s.w;
  // For each output, stride_h * stride_w floats of every channel are copied and used kh * kw times in each panel.
  const int64_t uses = s.kh * s.kw * divide_up(s.groups * p.items, p.panel_parts);
  p.clip = edges && p.cg >= kManyChannels && 8 * s.stride_h * s.stride_w > uses;
  p.copy = edges && !p.clip;

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
  if (p.clip) rows = max_of(1, kColumnRows / s.stride_h);  // so that its rows of x stay in L2 for all panels
  p.block_rows = divide_up(s.oh, divide_up(s.oh, max_of(1, min_of(rows, s.oh))));
  p.row_blocks = divide_up(s.oh, p.block_rows);
  return p;
}

// Outputs i of [0, count) for which 0 <= start + i * stride and start + i * stride + reach < size.
Range both_inside(int64_t start, int64_t stride, int64_t reach, int64_t count, int64_t size) {
  const int64_t begin = start < 0 ? min_of(count, divide_up(-start, stride)) : 0, room = size - 1 - reach - start;
  return {begin, max_of(begin, room < 0 ? 0 : min_of(count, room / stride + 1))};
}

struct Args {
  Conv2dShape s;
  Plan p;
  const float* x;       // (n, h, w, c)
  const float* kernel;  // (kh, kw, c / groups, oc); turned: (kh, kw, oc / groups, c)
  bool turned;          // by 180 degrees, channels swapped
  float* y;             // (n, oh, ow, oc)
  Epilogue epilogue;
  float* packed;         // (groups, panels, k, vectors * kLanes), (groups, rest, rest_row): what pack_item fills
  const float* weights;  // the same, or the kernel where it is that matrix
  float* bias;           // (groups, bias_row)
  bool past_caches;      // y goes past them
};

// The panel, or the rest: no vectors.
Panel item_at(const Plan& p, int64_t index) {
  return index < p.panels ? panel_at(p.og - p.rest, index) : Panel{p.og - p.rest, p.rest, 0};
}

// Weights of output channel o of group g: row k of `taps * cg`, in the order of the runs.
float weight_at(const Args& a, int64_t g, int64_t o, int64_t k) {
  if (!a.turned) return a.kernel[k * a.s.oc + g * a.p.og + o];
  const int64_t taps = a.s.kh * a.s.kw, tap = taps - 1 - k / a.p.cg;
  return a.kernel[(tap * a.p.og + o) * a.s.c + g * a.p.cg + k % a.p.cg];
}

void pack_rest(const Args& a, int64_t g) {
  const Plan& p = a.p;
  for (int64_t o = 0; o < p.rest; ++o) {
    float* const to = a.packed + a.s.groups * p.k * p.packed_columns + (g * p.rest + o) * p.rest_row;
    for (int64_t k = 0; k < p.rest_row; ++k) to[k] = k < p.k ? weight_at(a, g, p.og - p.rest + o, k) : 0.0f;
  }
}

void pack_item(const void* args, int64_t index, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape s = a.s;
  const Plan p = a.p;
  const int64_t g = index / p.items, taps = s.kh * s.kw;
  if (index % p.items == p.panels) return pack_rest(a, g);
  const Panel panel = panel_at(p.og - p.rest, index % p.items);
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
  const int64_t *row_offsets, *column_offsets;  // in y, of the pixels of a row and of a column
};

// Outputs [0, count) that lie next to each other in a row or a column, from (oy, column x0 + ox) on. All have the same
// rows of the window inside x, and read its columns `taps`.
void run_tiles(const Args& a, const Block& b, int64_t g, const Panel& panel, int64_t oy, int64_t ox, Range taps,
               int64_t count, int64_t pixel, const int64_t* y_offsets) {
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  if (count <= 0) return;
  const bool whole_rows = p.runs_per_row == 1;
  const int64_t iy = oy * s.stride_h - s.pad_top;
  const Range inside = taps_inside(iy, s.dilation_h, s.kh, s.h);
  ConvTile t;
  t.runs = b.runs;
  t.run_length = whole_rows ? (taps.end - taps.begin) * p.cg : p.run_length;
  t.run_count = 0;
  for (int64_t ky = inside.begin; ky < inside.end; ++ky)
    for (int64_t kx = taps.begin; kx < (whole_rows ? taps.begin + 1 : taps.end); ++kx)
      b.runs[t.run_count++] = {
          b.rows + (iy + ky * s.dilation_h) * b.pitch + (ox * s.stride_w + kx * s.dilation_w) * s.c + g * p.cg,
          (ky * s.kw + kx) * p.cg};
  t.pixel = pixel;
  const bool is_rest = panel.vectors == 0;
  t.weights = is_rest ? a.weights + s.groups * p.k * p.packed_columns + g * p.rest * p.rest_row
                      : a.weights + p.k * (g * p.packed_columns + panel.column);
  t.weight_row = p.rest_row;
  t.bias = a.bias + g * p.bias_row + panel.column;
  t.columns = panel.columns;
  t.relu = a.epilogue.activation == Activation::relu && !a.epilogue.residual;
  t.past_caches = a.past_caches;
  t.y = a.y + ((b.n * s.oh + oy) * s.ow + b.x0 + ox) * s.oc + g * p.og + panel.column;
  t.x_offset = 0;
  t.y_offsets = y_offsets;
  const Parts parts = cut(count, is_rest ? kRestPixels : max_tile_pixels(static_cast<int>(panel.vectors)));
  for (int64_t i = 0; i < parts.count; ++i) {
    const int64_t pixels = parts.size + (i < parts.longer);
    (is_rest ? conv_rest_tile(pixels, panel.columns) : conv_tile(pixels, panel.vectors))(t);
    t.x_offset += pixels * pixel;
    t.y_offsets += pixels;
  }
}

void panel_block(const Args& a, const Block& b, int64_t g, const Panel& panel) {
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  const Range all = {0, s.kw};
  if (!p.clip) {
    for (int64_t oy = b.y0; oy < b.y1; ++oy)
      run_tiles(a, b, g, panel, oy, 0, all, b.columns, s.stride_w * s.c, b.row_offsets);
    return;
  }
  // Columns, and rows, whose windows are inside x.
  const int64_t left = b.x0 * s.stride_w - s.pad_left;
  const Range columns = both_inside(left, s.stride_w, (s.kw - 1) * s.dilation_w, b.columns, s.w);
  const Range rows =
      both_inside(b.y0 * s.stride_h - s.pad_top, s.stride_h, (s.kh - 1) * s.dilation_h, b.y1 - b.y0, s.h);
  for (int64_t oy = b.y0; oy < b.y1; ++oy)
    run_tiles(a, b, g, panel, oy, columns.begin, all, columns.end - columns.begin, s.stride_w * s.c, b.row_offsets);
  for (int64_t ox = 0; ox < b.columns; ++ox) {
    if (ox == columns.begin) ox = columns.end;
    if (ox == b.columns) break;
    const Range taps = taps_inside(left + ox * s.stride_w, s.dilation_w, s.kw, s.w);
    for (int64_t r = 0; r < b.y1 - b.y0;) {
      const int64_t count = r == rows.begin && rows.end > r ? rows.end - r : 1;
      run_tiles(a, b, g, panel, b.y0 + r, ox, taps, count, s.stride_h * b.pitch, b.column_offsets);
      r += count;
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
  int64_t* const row_offsets = reinterpret_cast<int64_t*>(scratch + s.kh * s.kw * kRunFloats);
  int64_t* const column_offsets = row_offsets + p.block_columns;
  for (int64_t i = 0; i < b.columns; ++i) row_offsets[i] = i * s.oc;
  for (int64_t i = 0; i < kColumnRows; ++i) column_offsets[i] = i * s.ow * s.oc;
  b.row_offsets = row_offsets, b.column_offsets = column_offsets;

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

  const int64_t items = s.groups * p.items;
  for (int64_t i = part_begin(items, p.panel_parts, part); i < part_begin(items, p.panel_parts, part + 1); ++i)
    panel_block(a, b, i / p.items, item_at(p, i % p.items));
  if (a.past_caches) finish_past_caches();
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
  return workspace_bytes((p.pack && !s.packed ? packed_floats(s, p) : 0) + s.groups * p.bias_row);
}

void pack_panels(const Args& a, const Launch& launch) {
  // Packing moves 8 bytes where the tiles do two operations: weigh a float as 8 of them.
  run_jobs(launch, a.s.groups * a.p.items, 8.0 * static_cast<double>(packed_floats(a.s, a.p)), pack_item, &a);
}

void run_with(const Conv2dShape& s, const float* x, const float* kernel, bool turned, float* y,
              const Epilogue& epilogue, const Launch& launch) {
  const Plan p = make_plan(s, turned);
  const bool pack_now = p.pack && !s.packed;
  float* const workspace = static_cast<float*>(launch.workspace);
  Args a = {s, p, x, kernel, turned, y, epilogue, workspace};
  const bool relu_done = epilogue.activation == Activation::relu && !epilogue.residual;
  // What the caches would lose before anyone reads it, where whole vectors are stored once: a plain store would first
  // read the line.
  a.past_caches = !epilogue.residual && (relu_done || epilogue.activation == Activation::none) &&
                  s.n * s.oh * s.ow * s.oc * 4 > launch.cache / 2 && p.og % kLanes == 0 &&
                  reinterpret_cast<intptr_t>(y) % static_cast<intptr_t>(sizeof(Vec)) == 0;
  a.weights = pack_now ? workspace : kernel;
  a.bias = workspace + (pack_now ? packed_floats(s, p) : 0);
  for (int64_t g = 0; g < s.groups; ++g)
    for (int64_t o = 0; o < p.bias_row; ++o)
      a.bias[g * p.bias_row + o] = epilogue.bias && o < p.og ? epilogue.bias[g * p.og + o] : 0.0f;
  if (pack_now) pack_panels(a, launch);
  run_jobs(launch, s.n * p.column_blocks * p.row_blocks * p.panel_parts, flops_of(s), forward_job, &a);
  if ((epilogue.activation != Activation::none && !relu_done) || epilogue.residual)
    run_jobs(launch, s.n * s.oh, 16.0 * static_cast<double>(s.n * s.oh * s.ow * s.oc), finish_image_row, &a);
}

size_t packed_size(const Conv2dShape& s) {
  const Plan p = make_plan(s, false);
  return p.pack ? workspace_bytes(packed_floats(s, p)) : 0;
}

void pack(const Conv2dShape& s, const float* kernel, float* packed, const Launch& launch) {
  const Args a = {s, make_plan(s, false), nullptr, kernel, false, nullptr, {}, packed};
  pack_panels(a, launch);
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
  t.packed = false;
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
         (cg % kLanes == 0 || cg >= 4 * kLanes || (cg > kLanes && rest_of(cg, s.kh * s.kw * t.c / t.groups) > 0)) &&
         accepts(t);
}

size_t turned_workspace(const Conv2dShape& s) { return workspace_of(turned_shape(s), true); }

void run_turned(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  run_with(turned_shape(s), dy, kernel, true, dx, {}, launch);
}

}  // namespace

const ConvForward conv_forward_direct = {accepts, workspace, run, packed_size, pack};
const ConvGradInput conv_grad_input_turned = {accepts_turned, turned_workspace, run_turned};

}  // namespace linnet::LINNET_ISA
