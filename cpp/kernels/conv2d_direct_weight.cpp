// Direct convolution, gradient of the weights: tiles of dkernel stay in registers while the loop runs over pixels.
//
//   acc[j][v] += x[pixel + j] * dy[pixel][v]      j: a stretch of a run (conv2d_tile.h), v: vectors of channels
//
// x is broadcast from where it lies and dy is loaded as it lies; nothing is packed. Only where windows reach over the
// left or right edge are rows of x first copied into scratch with zeros around them. dy is copied where its channels do
// not fill vectors, and where they fill several panels: a panel's pixels then follow each other, and stay in L1.
//
// A unit is a block of the rows (and columns) of one image's output that stays in L2. The units are cut into chunks and
// dkernel into parts, both by the shape; a job is one chunk of one part. Every chunk sums into its own copy of dkernel
// in the workspace, (groups, k, packed columns) and a row for dbias, and the copies are added up in order.
#include "kernels/conv2d_algorithms.h"
#include "kernels/conv2d_tile.h"

namespace linnet::LINNET_ISA {
namespace {

struct WeightTile {
  const float* x;  // the stretch at the first pixel
  int64_t x_row, x_pixel;
  const float* dy;  // the vectors at the first pixel
  int64_t dy_row, dy_pixel;
  int64_t rows, columns;  // of pixels
  float* out;             // (j, vectors), rows out_row apart
  int64_t out_row;
  bool add;
};
using WeightTileFunction = void (*)(const WeightTile&);

// Accumulators, the vectors of dy and, where a multiplication cannot broadcast, one register for x.
constexpr int max_stretch(int vectors) {
  return kVectorRegisters == 32 ? (vectors == 1 ? 30 : 14) : (vectors == 1 ? 12 : 6);
}

template <int Stretch, int Vectors>
void weight_tile(const WeightTile& t) {
  Vec acc[Stretch][Vectors];
#pragma GCC unroll 30
  for (int j = 0; j < Stretch; ++j)
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) acc[j][v] = t.add ? load(t.out + j * t.out_row + v * kLanes) : Vec{};
  for (int64_t r = 0; r < t.rows; ++r) {
    const float* x = t.x + r * t.x_row;
    const float* dy = t.dy + r * t.dy_row;
    for (int64_t i = 0; i < t.columns; ++i, x += t.x_pixel, dy += t.dy_pixel) {
      Vec d[Vectors];
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) d[v] = load(dy + v * kLanes);
#pragma GCC unroll 30
      for (int j = 0; j < Stretch; ++j) {
        const Vec xj = broadcast(x[j]);
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) acc[j][v] += xj * d[v];
      }
    }
  }
#pragma GCC unroll 30
  for (int j = 0; j < Stretch; ++j)
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) store(t.out + j * t.out_row + v * kLanes, acc[j][v]);
}

template <int Stretch, int Vectors>
WeightTileFunction find(int64_t stretch) {
  if constexpr (Stretch == 1) {
    return weight_tile<1, Vectors>;
  } else {
    return stretch == Stretch ? weight_tile<Stretch, Vectors> : find<Stretch - 1, Vectors>(stretch);
  }
}
WeightTileFunction find_tile(int64_t stretch, int64_t vectors) {
  return vectors == 1 ? find<max_stretch(1), 1>(stretch) : find<max_stretch(2), 2>(stretch);
}

// Floats of x and dy in a unit: small enough for L2, and for scratch when they are copied. Smaller units would load and
// store the accumulators more often: 14x14x512 ran at 68 % of the peak with half of it.
constexpr int64_t kUnitFloats = 128 * 1024;
// All copies of dkernel together.
constexpr int64_t kPartialFloats = 1024 * 1024;
constexpr int64_t kChunks = 16, kJobs = 32;

struct Plan {
  int64_t cg, og, k;
  int64_t runs, run_length;        // of the whole window
  int64_t panels, packed_columns;  // of a group
  bool copy_x, copy_dy;
  int64_t block_columns, column_blocks, block_rows, row_blocks;  // of the output
  int64_t units, chunks, parts;
  int64_t partial_floats;  // one copy of dkernel and dbias
  bool in_place;           // one chunk, no padding: straight into dkernel
};

int64_t span(int64_t count, int64_t stride, int64_t window, int64_t dilation) {
  return (count - 1) * stride + (window - 1) * dilation + 1;
}
int64_t unit_floats(const Conv2dShape& s, int64_t rows, int64_t columns) {
  return span(rows, s.stride_h, s.kh, s.dilation_h) * span(columns, s.stride_w, s.kw, s.dilation_w) * s.c +
         rows * columns * s.groups * round_to_lanes(s.oc / s.groups);
}

Plan make_plan(const Conv2dShape& s) {
  Plan p;
  p.cg = s.c / s.groups;
  p.og = s.oc / s.groups;
  p.k = s.kh * s.kw * p.cg;
  const bool whole_rows = s.dilation_w == 1 && s.groups == 1;
  p.runs = whole_rows ? s.kh : s.kh * s.kw;
  p.run_length = p.k / p.runs;
  p.panels = panel_count(p.og);
  p.packed_columns = round_to_lanes(p.og);
  p.copy_x = s.pad_left > 0 || span(s.ow, s.stride_w, s.kw, s.dilation_w) - s.pad_left > s.w;
  p.copy_dy = p.packed_columns != p.og || p.panels > 1;

  p.block_columns = s.ow;
  while (p.block_columns > 1 && unit_floats(s, 1, p.block_columns) > kScratchFloats)
    p.block_columns = (p.block_columns + 1) / 2;
  p.column_blocks = divide_up(s.ow, p.block_columns);
  p.block_rows = s.oh;
  while (p.block_rows > 1 && unit_floats(s, p.block_rows, p.block_columns) > kUnitFloats)
    p.block_rows = (p.block_rows + 1) / 2;
  p.row_blocks = divide_up(s.oh, p.block_rows);

  p.units = s.n * p.row_blocks * p.column_blocks;
  p.partial_floats = (p.k + 1) * s.groups * p.packed_columns;
  p.chunks = min_of(min_of(p.units, kChunks), max_of(1, kPartialFloats / p.partial_floats));
  p.parts = min_of(s.groups * p.panels * p.runs, divide_up(kJobs, p.chunks));
  p.in_place = p.chunks == 1 && s.groups == 1 && p.packed_columns == p.og;
  return p;
}

struct Args {
  Conv2dShape s;
  Plan p;
  const float* x;   // (n, h, w, c)
  const float* dy;  // (n, oh, ow, oc)
  float* dkernel;   // (kh, kw, c / groups, oc)
  float* dbias;     // (oc), or null
  float* partial;   // (chunks, partial_floats)
};

// One unit: rows [y0, y0 + rows) and columns of an image, x and dy where they lie or their copies.
struct Unit {
  int64_t y0, rows, columns;
  const float* x;  // row 0 of x, at the first column's window
  int64_t x_row;
  const float* dy;  // row y0, first column; or the copy, (groups, panels, rows, columns, vectors * kLanes)
};

// Adds a unit to the stretch of one run in one panel: row k of the copy of dkernel is at out + k * out_row.
void add_run(const Args& a, const Unit& u, int64_t g, const Panel& panel, int64_t run, float* out, int64_t out_row,
             bool add) {
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  const int64_t runs_per_row = p.runs / s.kh, ky = run / runs_per_row, kx = run % runs_per_row;
  const Range inside = taps_inside(ky * s.dilation_h - s.pad_top, s.stride_h, s.oh, s.h);
  const int64_t begin = max_of(u.y0, inside.begin), end = min_of(u.y0 + u.rows, inside.end);
  const float* const x =
      u.x + (begin * s.stride_h - s.pad_top + ky * s.dilation_h) * u.x_row + kx * s.dilation_w * s.c + g * p.cg;
  WeightTile t;
  t.x_row = u.x_row * s.stride_h;
  t.x_pixel = s.stride_w * s.c;
  t.dy_pixel = p.copy_dy ? panel.vectors * kLanes : s.oc;
  t.dy_row = (p.copy_dy ? u.columns : s.ow) * t.dy_pixel;
  t.dy = u.dy + (begin - u.y0) * t.dy_row;
  t.dy += p.copy_dy ? u.rows * u.columns * (g * p.packed_columns + panel.column) : g * p.og + panel.column;
  t.rows = end - begin;
  t.columns = u.columns;
  t.out_row = out_row;
  t.add = add;
  t.x = x;
  t.out = out + run * p.run_length * out_row;
  const Parts parts = cut(p.run_length, max_stretch(static_cast<int>(panel.vectors)));
  for (int64_t i = 0; i < parts.count; ++i) {
    const int64_t length = parts.size + (i < parts.longer);
    find_tile(length, panel.vectors)(t);
    t.x += length;
    t.out += length * out_row;
  }
}

// dy (rows, columns of ow, oc) to (groups, panels, rows, columns, vectors * kLanes), zeros behind the channels: panels
// [first, last) of all groups together.
void copy_panels(const Conv2dShape& s, const Plan& p, const float* dy, int64_t rows, int64_t columns, int64_t first,
                 int64_t last, float* copy) {
  for (int64_t i = first; i < last; ++i) {
    const Panel panel = panel_at(p.og, i % p.panels);
    float* to = copy + rows * columns * (i / p.panels * p.packed_columns + panel.column);
    const int64_t width = panel.vectors * kLanes;
    for (int64_t r = 0; r < rows; ++r) {
      const float* from = dy + r * s.ow * s.oc + i / p.panels * p.og + panel.column;
      for (int64_t c = 0; c < columns; ++c, from += s.oc, to += width) {
        for (int64_t o = 0; o < panel.columns; ++o) to[o] = from[o];
        for (int64_t o = panel.columns; o < width; ++o) to[o] = 0.0f;
      }
    }
  }
}

void chunk_job(const void* args, int64_t index, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  const int64_t chunk = index / p.parts, part = index % p.parts;
  const int64_t packed_oc = s.groups * p.packed_columns;
  float* const partial = p.in_place ? a.dkernel : a.partial + chunk * p.partial_floats;
  float* const dbias = p.in_place ? a.dbias : partial + p.k * packed_oc;
  const int64_t items = s.groups * p.panels * p.runs;
  const int64_t item_begin = part_begin(items, p.parts, part), item_end = part_begin(items, p.parts, part + 1);
  const int64_t first = part_begin(p.units, p.chunks, chunk), last = part_begin(p.units, p.chunks, chunk + 1);
  for (int64_t i = first; i < last; ++i) {
    const int64_t column_block = i % p.column_blocks, row_block = i / p.column_blocks % p.row_blocks;
    const int64_t n = i / p.column_blocks / p.row_blocks;
    const int64_t x0 = column_block * p.block_columns;
    Unit u;
    u.y0 = row_block * p.block_rows;
    u.rows = min_of(s.oh, u.y0 + p.block_rows) - u.y0;
    u.columns = min_of(s.ow, x0 + p.block_columns) - x0;

    const float* const x = a.x + n * s.h * s.w * s.c;
    const int64_t ix = x0 * s.stride_w - s.pad_left;
    u.x_row = s.w * s.c;
    u.x = x + ix * s.c;
    float* free = scratch;
    if (p.copy_x) {
      const int64_t top = u.y0 * s.stride_h - s.pad_top;
      const int64_t begin = max_of(0, top), end = min_of(s.h, top + span(u.rows, s.stride_h, s.kh, s.dilation_h));
      const int64_t columns = span(u.columns, s.stride_w, s.kw, s.dilation_w), rows = max_of(0, end - begin);
      copy_padded(x, s.h, s.w, s.c, begin, ix, rows, columns, scratch);
      u.x_row = columns * s.c;
      u.x = scratch - begin * u.x_row;
      free = scratch + rows * u.x_row;
    }
    const float* const dy = a.dy + ((n * s.oh + u.y0) * s.ow + x0) * s.oc;
    u.dy = p.copy_dy ? free : dy;
    if (p.copy_dy) copy_panels(s, p, dy, u.rows, u.columns, item_begin / p.runs, divide_up(item_end, p.runs), free);

    for (int64_t item = item_begin; item < item_end; ++item) {
      const int64_t g = item / p.runs / p.panels;
      const Panel panel = panel_at(p.og, item / p.runs % p.panels);
      add_run(a, u, g, panel, item % p.runs, partial + g * p.k * p.packed_columns + panel.column, p.packed_columns,
              i > first);
    }
    if (part == 0 && a.dbias)
      for (int64_t r = 0; r < u.rows; ++r)
        column_sums(dy + r * s.ow * s.oc, u.columns, s.oc, i > first || r > 0, dbias);
  }
}

// Row k of dkernel, or dbias at k == p.k: the sum of all chunks, in order.
void combine_row(const void* args, int64_t k, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  const bool is_bias = k == p.k;
  if (is_bias && !a.dbias) return;
  for (int64_t g = 0; g < s.groups; ++g) {
    const float* const from =
        a.partial + (is_bias ? p.k * s.groups * p.packed_columns + g * p.og : (g * p.k + k) * p.packed_columns);
    float* const to = (is_bias ? a.dbias : a.dkernel + k * s.oc) + g * p.og;
    for (int64_t o = 0; o < p.og; ++o) to[o] = from[o];
    for (int64_t chunk = 1; chunk < p.chunks; ++chunk) {
      const float* const more = from + chunk * p.partial_floats;
#pragma omp simd
      for (int64_t o = 0; o < p.og; ++o) to[o] += more[o];
    }
  }
}

bool accepts(const Conv2dShape& s) { return unit_floats(s, 1, 1) <= kScratchFloats; }

size_t workspace(const Conv2dShape& s) {
  const Plan p = make_plan(s);
  return p.in_place ? 0 : workspace_bytes(p.chunks * p.partial_floats);
}

void run(const Conv2dShape& s, const float* x, const float* dy, float* dkernel, float* dbias, const Launch& launch) {
  const Plan p = make_plan(s);
  const Args args = {s, p, x, dy, dkernel, dbias, static_cast<float*>(launch.workspace)};
  run_jobs(launch, p.chunks * p.parts, flops_of(s), chunk_job, &args);
  if (!p.in_place)
    run_jobs(launch, p.k + 1, 8.0 * static_cast<double>(p.chunks * p.partial_floats), combine_row, &args);
}

}  // namespace

const ConvGradWeight conv_grad_weight_direct = {accepts, workspace, run};

}  // namespace linnet::LINNET_ISA
