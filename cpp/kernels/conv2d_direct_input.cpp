// Direct convolution, gradient of the input: each row of dx from the rows of dy that touched it, for any stride.
//
// One pixel of dy reaches kw * c contiguous floats of a row of dx (its bundle). So a register tile (conv2d_tile.h)
// takes some pixels of dy and sums their bundles over all rows of dy and of the window that belong to this row of dx:
//
//   bundle[pixel][j] = sum over ky, o of dy[row(ky), pixel, o] * kernel[ky, j, o]        j = kx * c + i
//
// Bundles of neighbouring pixels overlap. They are written to several row buffers in turn, so that within a buffer they
// do not: nothing is read back (no store is followed by a load across its edge, which stalls), and the row of dx is the
// sum of the buffers. Dilated or grouped windows have a bundle, and a buffer, for each kx.
//
// Weights are packed transposed, (groups, bundles, panels, (ky, o), vectors * kLanes), into the workspace. A job is
// some rows of one image. scratch: buffers (rows, buffers, row of dx before cropping), runs (rows, kh), offsets (ow).
#include "kernels/conv2d_algorithms.h"
#include "kernels/conv2d_tile.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kRunFloats = sizeof(Run) / sizeof(float), kOffsetFloats = sizeof(int64_t) / sizeof(float);
// Row buffers stay in L1 while the weights are small. Weights that do not fit L2 should be read rarely: many rows then.
constexpr int64_t kBufferFloats = 4 * 1024, kManyBufferFloats = 128 * 1024, kWeightFloats = 128 * 1024;
constexpr double kJobFlops = 1e6;

struct Plan {
  int64_t cg, og, k;               // channels of a group; rows of weights, kh * og
  bool whole_rows;                 // one bundle of kw * c
  int64_t bundles, width;          // of a group; floats of a bundle
  int64_t panels, packed_columns;  // of a bundle
  int64_t buffers, buffer_floats;  // of a row
  int64_t step_rows;               // rows of dx at a time
  int64_t block_rows, row_blocks;  // a job
};

// The offsets, and what a vector may read past the last buffer.
int64_t fixed_floats(const Conv2dShape& s) { return s.ow * kOffsetFloats + kLanes; }

Plan make_plan(const Conv2dShape& s) {
  Plan p;
  p.cg = s.c / s.groups;
  p.og = s.oc / s.groups;
  p.k = s.kh * p.og;
  p.whole_rows = s.dilation_w == 1 && s.groups == 1;
  p.bundles = p.whole_rows ? 1 : s.kw;
  p.width = p.whole_rows ? s.kw * s.c : p.cg;
  p.panels = panel_count(p.width);
  p.packed_columns = round_to_lanes(p.width);
  p.buffers = p.whole_rows ? min_of(s.ow, divide_up(s.kw, s.stride_w)) : s.kw;
  p.buffer_floats = ((s.ow - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 1) * s.c;

  const int64_t row_floats = p.buffers * p.buffer_floats + s.kh * kRunFloats;
  const bool large = p.k * p.packed_columns * p.bundles * s.groups > kWeightFloats;
  const int64_t budget = min_of(large ? kManyBufferFloats : kBufferFloats, kScratchFloats - fixed_floats(s));
  p.step_rows = max_of(1, min_of(s.h, budget / row_floats));
  const double dx_row_flops = flops_of(s) / static_cast<double>(s.n * s.h);
  const int64_t rows = max_of(p.step_rows, static_cast<int64_t>(kJobFlops / dx_row_flops) + 1);
  p.block_rows = divide_up(s.h, divide_up(s.h, min_of(rows, s.h)));
  p.row_blocks = divide_up(s.h, p.block_rows);
  return p;
}

struct Args {
  Conv2dShape s;
  Plan p;
  const float* dy;      // (n, oh, ow, oc)
  const float* kernel;  // (kh, kw, c / groups, oc)
  float* dx;            // (n, h, w, c)
  float* packed;        // (groups, bundles, panels, k, vectors * kLanes)
};

void pack_panel(const void* args, int64_t index, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Plan& p = a.p;
  const int64_t bundle = index / p.panels % p.bundles, g = index / p.panels / p.bundles;
  const Panel panel = panel_at(p.width, index % p.panels);
  const int64_t width = panel.vectors * kLanes;
  float* to = a.packed + p.k * ((g * p.bundles + bundle) * p.packed_columns + panel.column);
  for (int64_t ky = 0; ky < a.s.kh; ++ky) {
    // Row of the kernel matrix at column 0 of the bundle.
    const int64_t row = (ky * a.s.kw + bundle) * p.cg + panel.column;
    const float* const from = a.kernel + row * a.s.oc + g * p.og;
    for (int64_t o = 0; o < p.og; ++o, to += width) {
      for (int64_t j = 0; j < panel.columns; ++j) to[j] = from[j * a.s.oc + o];
      for (int64_t j = panel.columns; j < width; ++j) to[j] = 0.0f;
    }
  }
}

// The rows of dy that touched row y of dx, through which row of the window. Returns how many.
int64_t list_runs(const Args& a, int64_t n, int64_t y, Run* runs) {
  const Conv2dShape& s = a.s;
  int64_t count = 0;
  for (int64_t ky = 0; ky < s.kh; ++ky) {
    const int64_t at = y + s.pad_top - ky * s.dilation_h;
    const int64_t oy = s.stride_h == 1 ? at : at / s.stride_h;
    if (at < 0 || oy * s.stride_h != at || oy >= s.oh) continue;
    runs[count++] = {a.dy + (n * s.oh + oy) * s.ow * s.oc, ky * a.p.og};
  }
  return count;
}

// Fills the row buffers of `rows` rows from y0 on. A row without runs is left as it is.
void fill_buffers(const Args& a, int64_t n, int64_t y0, int64_t rows, Run* runs, const int64_t* offsets,
                  float* buffers) {
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  ConvTile t;
  t.run_length = p.og;
  t.pixel = s.oc;
  t.bias = nullptr;
  t.relu = false;
  for (int64_t index = 0; index < s.groups * p.bundles * p.panels; ++index) {
    const int64_t bundle = index / p.panels % p.bundles, g = index / p.panels / p.bundles;
    const Panel panel = panel_at(p.width, index % p.panels);
    const Parts parts = cut(s.ow, max_tile_pixels(static_cast<int>(panel.vectors)));
    const ConvTileFunction tiles[2] = {conv_tile(parts.size, panel.vectors),
                                       parts.longer ? conv_tile(parts.size + 1, panel.vectors) : nullptr};
    t.weights = a.packed + p.k * ((g * p.bundles + bundle) * p.packed_columns + panel.column);
    t.columns = panel.columns;
    for (int64_t r = 0; r < rows; ++r) {
      t.runs = runs + r * s.kh;
      t.run_count = list_runs(a, n, y0 + r, runs + r * s.kh);
      if (t.run_count == 0) continue;
      t.y = buffers + r * p.buffers * p.buffer_floats + panel.column;
      if (!p.whole_rows) t.y += bundle * (p.buffer_floats + s.dilation_w * s.c) + g * p.cg;
      t.x_offset = g * p.og;
      t.y_offsets = offsets;
      for (int64_t i = 0; i < parts.count; ++i) {
        const bool longer = i < parts.longer;
        tiles[longer](t);
        t.x_offset += (parts.size + longer) * s.oc;
        t.y_offsets += parts.size + longer;
      }
    }
  }
}

// dx (w, c) = sum of the row buffers, cropped at the left and filled with zeros at the right.
void sum_buffers(const Conv2dShape& s, const Plan& p, const float* buffers, float* dx) {
  const int64_t skip = s.pad_left * s.c;
  const int64_t count = max_of(0, min_of(s.w * s.c, p.buffer_floats - skip));
  for (int64_t i = 0; i < count; i += kLanes) {
    Vec sum = load(buffers + skip + i);
    for (int64_t b = 1; b < p.buffers; ++b) sum += load(buffers + b * p.buffer_floats + skip + i);
    store_first(dx + i, sum, count - i);
  }
  for (int64_t i = count; i < s.w * s.c; ++i) dx[i] = 0.0f;
}

void rows_job(const void* args, int64_t index, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  const int64_t n = index / p.row_blocks, block = index % p.row_blocks;
  const int64_t begin = block * p.block_rows, end = min_of(s.h, begin + p.block_rows);
  Run* const runs = reinterpret_cast<Run*>(scratch);
  int64_t* const offsets = reinterpret_cast<int64_t*>(scratch + p.step_rows * s.kh * kRunFloats);
  float* const buffers = scratch + p.step_rows * s.kh * kRunFloats + s.ow * kOffsetFloats;
  for (int64_t i = 0; i < s.ow; ++i)
    offsets[i] = i * s.stride_w * s.c + (p.whole_rows ? i % p.buffers * p.buffer_floats : 0);
  // Every row writes the same positions; what it leaves out is zero for good.
  for (int64_t i = 0; i < p.step_rows * p.buffers * p.buffer_floats; ++i) buffers[i] = 0.0f;

  for (int64_t y = begin; y < end; y += p.step_rows) {
    const int64_t rows = min_of(p.step_rows, end - y);
    fill_buffers(a, n, y, rows, runs, offsets, buffers);
    for (int64_t r = 0; r < rows; ++r) {
      float* const dx = a.dx + (n * s.h + y + r) * s.w * s.c;
      if (list_runs(a, n, y + r, runs) > 0) {
        sum_buffers(s, p, buffers + r * p.buffers * p.buffer_floats, dx);
      } else {
        for (int64_t i = 0; i < s.w * s.c; ++i) dx[i] = 0.0f;
      }
    }
  }
}

bool accepts(const Conv2dShape& s) {
  const Plan p = make_plan(s);
  return fixed_floats(s) + p.buffers * p.buffer_floats + s.kh * kRunFloats <= kScratchFloats;
}

size_t workspace(const Conv2dShape& s) {
  const Plan p = make_plan(s);
  return workspace_bytes(p.k * p.bundles * s.groups * p.packed_columns);
}

void run(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  const Plan p = make_plan(s);
  const Args a = {s, p, dy, kernel, dx, static_cast<float*>(launch.workspace)};
  const int64_t panels = s.groups * p.bundles * p.panels;
  // Packing moves 8 bytes where the tiles do two operations: weigh a float as 8 of them.
  run_jobs(launch, panels, 8.0 * static_cast<double>(p.k * p.bundles * s.groups * p.packed_columns), pack_panel, &a);
  run_jobs(launch, s.n * p.row_blocks, flops_of(s), rows_job, &a);
}

}  // namespace

const ConvGradInput conv_grad_input_direct = {accepts, workspace, run};

}  // namespace linnet::LINNET_ISA
