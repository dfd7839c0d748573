// Direct convolution, gradient of the weights: tiles of dkernel stay in registers while the loop runs over pixels.
//
//   acc[j][v] += x[pixel + j] * dy[pixel][v]      j: a stretch of a run (conv2d_tile.h), v: vectors of channels
//
// x is broadcast from where it lies and dy is loaded as it lies; nothing is packed. Where windows reach over the left
// or right edge there are two ways. With many channels each position of the window is a run of its own, over the
// columns for which it is inside x. With few channels that would leave stretches short: rows of x are first copied into
// scratch with zeros around them, and a run is a whole row of the window. dy is copied where its channels do not fill
// vectors, and where they fill several panels: a panel's pixels then follow each other, and stay in L1.
//
// A few output channels behind the last vector (the rest) are turned round: vectors along the stretch, times one float
// of dy for each channel.
//
// A unit is a block of the rows (and columns) of one image's output that stays in L2. The units are cut into chunks and
// dkernel into parts, both by the shape; a job is one chunk of one part. Every chunk sums into its own copy of dkernel
// in the workspace, (groups, k, packed columns) and a row for dbias, and the copies are added up in order.
#include "kernels/conv2d_algorithms.h"
#include "kernels/conv2d_tile.h"
#include "kernels/lanes.h"

namespace linnet::LINNET_ISA {
namespace {

// Pixels are a block of images, rows and columns, in x and in dy.
struct WeightTile {
  const float* x;  // the stretch at the first pixel
  int64_t x_image, x_row, x_pixel;
  const float* dy;  // the vectors at the first pixel
  int64_t dy_image, dy_row, dy_pixel;
  int64_t images, rows, columns;
  int64_t y0, x0;  // the first pixel's row of dy, and its column in the unit
  float* out;      // (j, vectors), rows out_row apart
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
  for (int64_t n = 0; n < t.images; ++n)
    for (int64_t r = 0; r < t.rows; ++r) {
      const float* x = t.x + n * t.x_image + r * t.x_row;
      const float* dy = t.dy + n * t.dy_image + r * t.dy_row;
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

// The rest: dkernel's rows [0, length) of a stretch in `Columns` channels, vectors along the rows.
constexpr int kRestVectors = kVectorRegisters == 32 ? 6 : 3;

template <int Vectors, int Columns>
void rest_tile(const WeightTile& t, int64_t length) {
  Vec acc[Vectors][Columns] = {};
  const int64_t last = length - (Vectors - 1) * kLanes;
  for (int64_t n = 0; n < t.images; ++n)
    for (int64_t r = 0; r < t.rows; ++r) {
      const float* x = t.x + n * t.x_image + r * t.x_row;
      const float* dy = t.dy + n * t.dy_image + r * t.dy_row;
      for (int64_t i = 0; i < t.columns; ++i, x += t.x_pixel, dy += t.dy_pixel) {
        Vec d[Columns];
#pragma GCC unroll 4
        for (int j = 0; j < Columns; ++j) d[j] = broadcast(dy[j]);
#pragma GCC unroll 6
        for (int v = 0; v < Vectors; ++v) {
          const Vec xv = v + 1 < Vectors ? load(x + v * kLanes) : load_some(x + v * kLanes, last, 0.0f);
#pragma GCC unroll 4
          for (int j = 0; j < Columns; ++j) acc[v][j] += xv * d[j];
        }
      }
    }
  for (int j = 0; j < Columns; ++j) {
    float sums[Vectors * kLanes];
    for (int v = 0; v < Vectors; ++v) store(sums + v * kLanes, acc[v][j]);
    for (int64_t k = 0; k < length; ++k) {
      float& to = t.out[k * t.out_row + j];
      to = t.add ? to + sums[k] : sums[k];
    }
  }
}

using RestTileFunction = void (*)(const WeightTile&, int64_t length);
template <int Vectors, int Columns>
RestTileFunction find_rest(int64_t vectors, int64_t columns) {
  if constexpr (Columns > 1)
    if (columns < Columns) return find_rest<Vectors, Columns - 1>(vectors, columns);
  if constexpr (Vectors > 1)
    if (vectors < Vectors) return find_rest<Vectors - 1, Columns>(vectors, columns);
  return rest_tile<Vectors, Columns>;
}

// Floats of x and dy in a unit where x is read in place, or copied whole: small enough for L2, and for scratch. Smaller
// units would load and store the accumulators more often.
constexpr int64_t kUnitFloats = 128 * 1024;
// Pixels of a unit whose stretches are gathered: 16 floats of each fill most of L1.
constexpr int64_t kUnitPixels = 400;
// Panels of a job: as many as use a gathered stretch.
constexpr int64_t kJobPanels = 8;
// All copies of dkernel together.
constexpr int64_t kPartialFloats = 2 * 1024 * 1024;
constexpr int64_t kChunks = 16, kJobs = 48;
// Channels from which on a position of the window makes stretches that are long enough.
constexpr int64_t kManyChannels = 32;

struct Plan {
  int64_t cg, og, k;
  int64_t runs, run_length;        // of the whole window
  int64_t rest;                    // channels of a group behind the panels
  int64_t panels, packed_columns;  // of a group
  int64_t panel_groups;            // of a group: up to kJobPanels panels
  bool copy_x, copy_dy, gather;
  int64_t block_columns, column_blocks, block_rows, row_blocks;  // of the output
  int64_t block_images, image_blocks;
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
  const bool edges = s.pad_left > 0 || span(s.ow, s.stride_w, s.kw, s.dilation_w) - s.pad_left > s.w;
  const bool may_join = s.dilation_w == 1 && s.groups == 1;  // the positions of a row of the window
  // A stretch takes whole vectors of the rest, or a vector in place of each of its floats.
  const int64_t stretch = may_join && s.c < kManyChannels ? s.kw * p.cg : p.cg, rest = p.og % kLanes;
  p.rest = p.og > kLanes && rest <= kMaxRest && 2 * rest * divide_up(stretch, kLanes) <= stretch ? rest : 0;
  p.panels = panel_count(p.og - p.rest);
  p.packed_columns = round_to_lanes(p.og);
  p.panel_groups = divide_up(p.panels, kJobPanels);
  p.gather = p.panels >= 6 && p.cg >= kManyChannels;
  const bool whole_rows = may_join && !p.gather && !(edges && s.c >= kManyChannels);
  p.runs = whole_rows ? s.kh : s.kh * s.kw;
  p.run_length = p.k / p.runs;
  p.copy_x = whole_rows && edges;
  p.copy_dy = (p.og - p.rest) % kLanes != 0 || p.panels > 1;

  p.block_columns = s.ow;
  p.block_rows = s.oh;
  p.block_images = 1;
  if (p.gather) {
    const int64_t most = min_of(kUnitPixels, kScratchFloats / 2 / (s.groups * p.packed_columns));
    p.block_columns = max_of(1, min_of(s.ow, most));
    p.block_rows = divide_up(s.oh, divide_up(s.oh, max_of(1, most / p.block_columns)));
    if (p.block_rows == s.oh && p.block_columns == s.ow) p.block_images = max_of(1, most / (s.oh * s.ow));
  } else {
    while (p.block_columns > 1 && unit_floats(s, 1, p.block_columns) > kScratchFloats)
      p.block_columns = (p.block_columns + 1) / 2;
    while (p.block_rows > 1 && unit_floats(s, p.block_rows, p.block_columns) > kUnitFloats)
      p.block_rows = (p.block_rows + 1) / 2;
  }
  p.column_blocks = divide_up(s.ow, p.block_columns);
  p.row_blocks = divide_up(s.oh, p.block_rows);
  p.image_blocks = divide_up(s.n, p.block_images);

  p.units = p.image_blocks * p.row_blocks * p.column_blocks;
  p.partial_floats = (p.k + 1) * s.groups * p.packed_columns;
  p.chunks = min_of(min_of(p.units, kChunks), max_of(1, kPartialFloats / p.partial_floats));
  // Every part of a chunk makes its own copy of x.
  p.parts = p.chunks == kChunks ? 1 : min_of(s.groups * p.panel_groups * p.runs, divide_up(kJobs, p.chunks));
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

// One unit: images from n on, rows [y0, y0 + rows) and columns from x0 on; x and dy where they lie or their copies.
struct Unit {
  int64_t n, y0, x0, images, rows, columns;
  const float* x;  // row 0 of x in the first image, at the first column's window
  int64_t x_row;
  const float* dy;  // row y0, first column; or the copy, (groups, panels, images, rows, columns, vectors * kLanes)
  float* gathered;  // (images, rows, columns, vectors of a stretch), where p.gather
};

// Copies the stretch of each pixel of `t` next to that of the one before, padded to whole vectors (what is behind a
// stretch may be anything), and lets `t` read the copy.
void gather(WeightTile& t, int64_t length, const float* x_end, float* to) {
  const int64_t pitch = round_to_lanes(length);
  const float* const begin = to;
  for (int64_t n = 0; n < t.images; ++n)
    for (int64_t r = 0; r < t.rows; ++r) {
      const float* from = t.x + n * t.x_image + r * t.x_row;
      for (int64_t i = 0; i < t.columns; ++i, from += t.x_pixel, to += pitch)
        for (int64_t j = 0; j < pitch; j += kLanes)
          store(to + j, from + j + kLanes <= x_end ? load(from + j) : load_part(from + j, length - j, 0.0f));
    }
  t.x = begin;
  t.x_pixel = pitch;
  t.x_row = max_of(0, t.columns) * pitch;
  t.x_image = max_of(0, t.rows) * t.x_row;
}

// The pixels of a unit for which a run is inside x, or its copy; dy and out are still to be filled in.
WeightTile first_tile(const Args& a, const Unit& u, int64_t g, int64_t run, int64_t out_row, bool add) {
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  const int64_t runs_per_row = p.runs / s.kh, ky = run / runs_per_row, kx = run % runs_per_row;
  const Range inside = taps_inside(ky * s.dilation_h - s.pad_top, s.stride_h, s.oh, s.h);
  const int64_t begin = max_of(u.y0, inside.begin), end = min_of(u.y0 + u.rows, inside.end);
  const int64_t first_x = u.x0 * s.stride_w - s.pad_left + kx * s.dilation_w;
  const Range columns = p.copy_x ? Range{0, u.columns} : taps_inside(first_x, s.stride_w, u.columns, s.w);
  WeightTile t;
  t.images = u.images, t.rows = end - begin, t.columns = columns.end - columns.begin;
  t.y0 = begin, t.x0 = columns.begin;
  t.x = u.x + (begin * s.stride_h - s.pad_top + ky * s.dilation_h) * u.x_row +
        (columns.begin * s.stride_w + kx * s.dilation_w) * s.c + g * p.cg;
  t.x_image = s.h * s.w * s.c, t.x_row = u.x_row * s.stride_h, t.x_pixel = s.stride_w * s.c;
  t.out_row = out_row;
  t.add = add;
  return t;
}

// Adds a unit to one run, in the panels [first, last) of group g: row k of the copy of dkernel is at out + k * out_row.
void add_run(const Args& a, const Unit& u, int64_t g, int64_t first, int64_t last, int64_t run, float* out,
             int64_t out_row, bool add) {
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  const WeightTile whole = first_tile(a, u, g, run, out_row, add);
  // A stretch is as long as the registers beside the first panel allow.
  const Parts parts = cut(p.run_length, max_stretch(static_cast<int>(panel_at(p.og - p.rest, first).vectors)));
  for (int64_t i = 0; i < parts.count; ++i) {
    const int64_t at = part_begin(p.run_length, parts.count, i), length = parts.size + (i < parts.longer);
    WeightTile t = whole;
    t.x += at;
    if (p.gather) gather(t, length, a.x + s.n * s.h * s.w * s.c, u.gathered);
    for (int64_t q = first; q < last; ++q) {
      const Panel panel = panel_at(p.og - p.rest, q);
      t.dy_pixel = p.copy_dy ? panel.vectors * kLanes : s.oc;
      t.dy_row = (p.copy_dy ? u.columns : s.ow) * t.dy_pixel;
      t.dy_image = p.copy_dy ? u.rows * t.dy_row : s.oh * t.dy_row;
      t.dy = u.dy + (t.y0 - u.y0) * t.dy_row + t.x0 * t.dy_pixel;
      t.dy +=
          p.copy_dy ? u.images * u.rows * u.columns * (g * p.packed_columns + panel.column) : g * p.og + panel.column;
      t.out = out + (run * p.run_length + at) * out_row + panel.column;
      find_tile(length, panel.vectors)(t);
    }
  }
}

// The same for the rest of group g, from x and dy as they lie.
void add_rest(const Args& a, const Unit& u, int64_t g, int64_t run, float* out, int64_t out_row, bool add) {
  const Plan& p = a.p;
  WeightTile t = first_tile(a, u, g, run, out_row, add);
  const float* const x = t.x;
  t.dy_pixel = a.s.oc, t.dy_row = a.s.ow * a.s.oc, t.dy_image = a.s.oh * t.dy_row;
  t.dy = a.dy + (u.n * a.s.oh + t.y0) * t.dy_row + (u.x0 + t.x0) * a.s.oc + (g + 1) * p.og - p.rest;
  for (int64_t at = 0; at < p.run_length; at += kRestVectors * kLanes) {
    const int64_t length = min_of(kRestVectors * kLanes, p.run_length - at);
    t.x = x + at;
    t.out = out + (run * p.run_length + at) * out_row + p.og - p.rest;
    find_rest<kRestVectors, kMaxRest>(divide_up(length, kLanes), p.rest)(t, length);
  }
}

// dy of a unit to (groups, panels, images, rows, columns, vectors * kLanes), zeros behind the channels: panels
// [first, last) of group g.
void copy_panels(const Args& a, const Unit& u, const float* dy, int64_t g, int64_t first, int64_t last, float* copy) {
  const Conv2dShape& s = a.s;
  const int64_t pixels = u.images * u.rows * u.columns, end = panel_at(a.p.og - a.p.rest, last - 1).column;
  float* const to = copy + pixels * g * a.p.packed_columns;
  int64_t pixel = 0;
  // All panels of a pixel together: dy is read as it lies in memory.
  for (int64_t r = 0; r < u.images * u.rows; ++r) {
    const float* from = dy + (r / u.rows * s.oh + r % u.rows) * s.ow * s.oc + g * a.p.og;
    for (int64_t c = 0; c < u.columns; ++c, ++pixel, from += s.oc) {
      int64_t column = panel_at(a.p.og - a.p.rest, first).column;
      for (; column < end; column += kTileVectors * kLanes)
        for (int64_t v = 0; v < kTileVectors * kLanes; v += kLanes)
          store(to + pixels * column + pixel * (kTileVectors * kLanes) + v, load(from + column + v));
      const Panel panel = panel_at(a.p.og - a.p.rest, last - 1);
      for (int64_t v = 0; v < panel.vectors * kLanes; v += kLanes)
        store(to + pixels * column + pixel * panel.vectors * kLanes + v,
              load_some(from + column + v, min_of(kLanes, panel.columns - v), 0.0f));
    }
  }
}

// Item `index` of a chunk: a run, in a group of panels; runs of one group of panels follow each other.
struct Item {
  int64_t g, first, last, run;
};
Item item_at(const Plan& p, int64_t index) {
  const int64_t group = index / p.runs % p.panel_groups;
  return {index / p.runs / p.panel_groups, part_begin(p.panels, p.panel_groups, group),
          part_begin(p.panels, p.panel_groups, group + 1), index % p.runs};
}

void chunk_job(const void* args, int64_t index, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  const int64_t chunk = index / p.parts, part = index % p.parts;
  const int64_t packed_oc = s.groups * p.packed_columns;
  float* const partial = p.in_place ? a.dkernel : a.partial + chunk * p.partial_floats;
  float* const dbias = p.in_place ? a.dbias : partial + p.k * packed_oc;
  const int64_t items = s.groups * p.panel_groups * p.runs;
  const int64_t item_begin = part_begin(items, p.parts, part), item_end = part_begin(items, p.parts, part + 1);
  const int64_t first = part_begin(p.units, p.chunks, chunk), last = part_begin(p.units, p.chunks, chunk + 1);
  for (int64_t i = first; i < last; ++i) {
    const int64_t column_block = i % p.column_blocks, row_block = i / p.column_blocks % p.row_blocks;
    Unit u;
    u.n = i / p.column_blocks / p.row_blocks * p.block_images;
    u.x0 = column_block * p.block_columns;
    u.y0 = row_block * p.block_rows;
    u.images = min_of(s.n, u.n + p.block_images) - u.n;
    u.rows = min_of(s.oh, u.y0 + p.block_rows) - u.y0;
    u.columns = min_of(s.ow, u.x0 + p.block_columns) - u.x0;

    const float* const x = a.x + u.n * s.h * s.w * s.c;
    const int64_t ix = u.x0 * s.stride_w - s.pad_left;
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
    const float* const dy = a.dy + ((u.n * s.oh + u.y0) * s.ow + u.x0) * s.oc;
    u.dy = p.copy_dy ? free : dy;
    u.gathered = scratch + kScratchFloats / 2;
    for (int64_t item = item_begin; item < item_end; ++item) {
      const Item it = item_at(p, item);
      if (p.copy_dy && (item == item_begin || it.run == 0)) copy_panels(a, u, dy, it.g, it.first, it.last, free);
      add_run(a, u, it.g, it.first, it.last, it.run, partial + it.g * p.k * p.packed_columns, p.packed_columns,
              i > first);
      if (p.rest > 0 && it.last == p.panels)
        add_rest(a, u, it.g, it.run, partial + it.g * p.k * p.packed_columns, p.packed_columns, i > first);
    }
    if (part == 0 && a.dbias)
      for (int64_t r = 0; r < u.images * u.rows; ++r)
        column_sums(dy + (r / u.rows * s.oh + r % u.rows) * s.ow * s.oc, u.columns, s.oc, i > first || r > 0, dbias);
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

bool accepts(const Conv2dShape& s) {
  const Plan p = make_plan(s);
  return p.gather ? s.groups * p.packed_columns <= kScratchFloats / 2 : unit_floats(s, 1, 1) <= kScratchFloats;
}

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
