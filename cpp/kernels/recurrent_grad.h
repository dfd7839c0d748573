// The gradient of recurrent layers: what going back in time (recurrent_grad.cpp) and the gradients of weights and input
// (recurrent_grad_weights.cpp) share. Its tiles are those of the forward pass (recurrent.h).
//
// dz, the gradient of all sums, lies in panels of kWide columns, (panel, row, kWide): a row of it is the left operand
// of dz . recurrent^T, read in chunks of kWide, and a panel of it the right operand of [x | h]^T . dz. Columns come in
// the order of `vector_at`; a gru has two sets of those for its candidates, that of the products of x in front and that
// of h behind. Rows of dz are kept for some steps, a *chunk*, before the weights see them.
#pragma once
#include "kernels/lanes.h"
#include "kernels/recurrent.h"

namespace linnet::LINNET_ISA {

// Rows of dz between two visits to the sums: enough to make them worth loading, few enough for L2. Sums that are beyond
// L2 themselves are worth more of them.
inline constexpr int64_t kChunkRows = 96, kFarChunkRows = 192;
inline constexpr int64_t kMostSteps = 96;  // of a chunk

// The panels of dz.
struct GradPanels {
  explicit GradPanels(const RecurrentSizes& z) : size(z) {
    const bool gru = z.gru();
    of_kernel = gru ? z.groups + z.blocks : z.cell == RecurrentCell::lstm ? 2 * z.blocks : z.groups;
    candidates = gru ? z.groups : 0;
    first_inner = z.cell == RecurrentCell::gru ? z.groups : 0;
    total = of_kernel + first_inner;
  }
  // Which gate and block half `half` of a panel is; block may be z.blocks, one too many, at the end of a set.
  struct Place {
    int gate;
    int64_t block;
  };
  Place vector_at(int64_t panel, int half) const {
    if (size.cell == RecurrentCell::simple) return {0, 2 * panel + half};
    if (size.cell == RecurrentCell::lstm) return {static_cast<int>(panel % 2 * 2 + half), panel / 2};
    if (panel < candidates) return {2, 2 * panel + half};
    if (panel < candidates + size.blocks) return {half, panel - candidates};
    return {2, 2 * (panel - candidates - size.blocks) + half};
  }
  int64_t group_of(int64_t panel) const { return vector_at(panel, 0).block / 2; }
  const RecurrentSizes& size;
  int64_t of_kernel;    // panels [0, of_kernel) belong to products of x,
  int64_t first_inner;  // panels [first_inner, total) to those of h
  int64_t candidates;   // panels [0, candidates) are a gru's candidates
  int64_t total;
};

// Where the parts of the workspace lie, in floats.
struct GradLayout {
  GradLayout(const RecurrentArgs& a, const RecurrentSizes& z, const GradPanels& panels) {
    const bool before = z.cell == RecurrentCell::gru_reset_before;
    units_wide = round_to(z.units, kWide);
    in_wide = round_to(z.in, kWide);
    chunk_rows = larger(z.tile_rows, z.far ? kFarChunkRows : kChunkRows);
    // Even chunks; with a mask steps may have few rows.
    const int64_t chunks = ceil_div(larger(1, a.t), smaller(kMostSteps, chunk_rows / larger(1, z.tile_rows)));
    chunk_steps = a.mask ? kMostSteps : ceil_div(larger(1, a.t), chunks);
    sliver_stride = round_to(chunk_rows * kSliver, 16) + 16;
    // Panels a multiple of 4 KB apart would crowd into few sets of the cache.
    dz_stride = (chunk_rows + 2) * kWide;
    packed_kernel = units_wide * (panels.total - panels.first_inner) * kWide;
    order = packed_kernel + in_wide * panels.of_kernel * kWide;
    tiles = order + (a.mask ? round_to(row_order_ints(a), 16) : 0);
    // Of a tile.
    x = round_to(panels.total * dz_stride, 16);
    h = x + ceil_div(z.in, kMaxRows) * sliver_stride;
    reset_h = h + ceil_div(z.units, kMaxRows) * sliver_stride;
    dh = reset_h + (before ? ceil_div(z.units, kMaxRows) * sliver_stride : 0);
    carried = dh + z.tile_rows * units_wide;
    dc = carried + z.tile_rows * units_wide;
    dreset = dc + z.tile_rows * units_wide;
    reset = dreset + (before ? z.tile_rows * units_wide : 0);
    dx = reset + (before ? z.tile_rows * units_wide : 0);
    dkernel = dx + chunk_rows * in_wide;
    drecurrent = dkernel + z.in * panels.of_kernel * kWide;
    dbias = drecurrent + z.units * (panels.total - panels.first_inner) * kWide;
    tile_stride = dbias + panels.total * kWide;
    total = tiles + z.tiles * tile_stride;
  }
  int64_t units_wide, in_wide, chunk_rows, chunk_steps, dz_stride, sliver_stride;
  int64_t packed_kernel, order, tiles;
  int64_t x, h, reset_h, dh, carried, dc, dreset, reset, dx, dkernel, drecurrent, dbias, tile_stride, total;
};

struct GradJob {
  const RecurrentGradArgs& args;
  const RecurrentArgs& a;
  const RecurrentSizes& size;
  const GradPanels& panels;
  const GradLayout& layout;
  float* workspace;
  RowOrder order;

  int64_t columns() const { return size.gates * size.units; }
  int64_t inner_panels() const { return panels.total - panels.first_inner; }
};

// The rows of a tile and its memory.
struct GradTile {
  GradTile(const GradJob& job, int64_t index)
      : first(job.a.n * index / job.size.tiles),
        rows(job.a.n * (index + 1) / job.size.tiles - first),
        dz(job.workspace + job.layout.tiles + index * job.layout.tile_stride),
        x(dz + job.layout.x),
        h(dz + job.layout.h),
        reset_h(dz + job.layout.reset_h),
        dh(dz + job.layout.dh),
        carried(dz + job.layout.carried),
        dc(dz + job.layout.dc),
        dreset(dz + job.layout.dreset),
        reset(dz + job.layout.reset),
        dx(dz + job.layout.dx),
        dkernel(dz + job.layout.dkernel),
        drecurrent(dz + job.layout.drecurrent),
        dbias(dz + job.layout.dbias) {}
  int64_t first, rows;
  float* dz;          // (panel, chunk_rows, kWide), panels dz_stride apart
  float* x;           // x in slivers of columns, (sliver, chunk_rows, kSliver),
  float* h;           // h before,
  float* reset_h;     // and for gru_reset_before the reset h
  float* dh;          // (rows, units_wide): what came through the products of the step after this one,
  float* carried;     // (rows, units_wide): and past them
  float* dc;          // (rows, units_wide)
  float* dreset;      // (rows, units_wide), gru_reset_before: the gradient of the reset h
  float* reset;       // (rows, units_wide), gru_reset_before: the reset h of a step
  float* dx;          // (chunk_rows, in_wide)
  float* dkernel;     // (panel of the kernel, in, kWide)
  float* drecurrent;  // (panel of h, units, kWide)
  float* dbias;       // (panels)
};

// A step in a chunk: its rows of dz and x begin at `offset`.
struct GradStep {
  int64_t s, active, offset;
};

inline void clear(float* p, int64_t count) {
  each_vector(count, [&](int64_t i, int64_t some) { store_some(p + i, Vec{}, some); });
}

// Puts `rows` rows of `count` columns into slivers: value(row, column, count) is a vector of them. Sliver i is the
// columns [count * i / slivers, count * (i + 1) / slivers), and `to` the first row.
template <class F>
inline void put_in_slivers(const GradLayout& l, int64_t rows, int64_t count, float* to, const F& value) {
  const int64_t slivers = ceil_div(count, kMaxRows);
  for (int64_t i = 0; i < slivers; ++i, to += l.sliver_stride) {
    const int64_t begin = count * i / slivers, end = count * (i + 1) / slivers;
    for (int64_t j = begin; j < end; j += kLanes) {
      const int64_t some = smaller(kLanes, count - j);
      for (int64_t r = 0; r < rows; ++r) store(to + r * kSliver + j - begin, value(r, j, some));
    }
  }
}

// c (rows, columns) = dz[first, last) . packed, where rows of dz begin at `offset` and panels of `packed`, kWide of
// those columns each, are `panel_stride` apart.
inline void multiply_dz(const GradJob& job, const GradTile& tile, int64_t first, int64_t last, int64_t offset,
                        int64_t rows, const float* packed, int64_t panel_stride, int64_t columns, float* c,
                        int64_t ldc) {
  const int64_t steps = (last - first) * kWide, stride = job.layout.dz_stride;
  const int64_t slivers = ceil_div(rows, kMaxRows), vectors = ceil_div(columns, kLanes);
  for (int64_t v = 0; v < vectors;) {
    const int some = tile_vectors(rows, vectors - v);
    for (int64_t i = 0; i < slivers; ++i) {
      const int64_t r0 = rows * i / slivers, r1 = rows * (i + 1) / slivers;
      MicroTile t = {};
      t.a = tile.dz + first * stride + (offset + r0) * kWide;
      t.a_stride = kWide, t.a_chunk = kWide, t.a_skip = stride - kWide;
      t.b = packed + v / 2 * panel_stride, t.ldb = kWide, t.b_pair = panel_stride, t.k = steps;
      t.c = c + r0 * ldc + v * kLanes, t.ldc = ldc;
      micro_kernel_for(static_cast<int>(r1 - r0), some, true)(t);
    }
    v += some;
  }
}

// Tile `index` of packing the transposed weights: one panel of those of recurrent^T, then of kernel^T.
int64_t grad_pack_tiles(const GradJob& job);
void grad_pack_tile(const void* job, int64_t index, float*);

// What is done with a chunk of dz: part i is some columns of dx, or a panel of the gradients of the weights.
struct GradChunk {
  const GradJob& job;
  const GradTile& tile;
  const GradStep* steps;
  int64_t count, rows;
  bool first;  // of its tile: the sums begin with it

  int64_t dx_parts() const { return job.args.dx ? job.layout.in_wide / kWide : 0; }
  int64_t parts() const { return dx_parts() + job.panels.total; }
};
void grad_chunk_part(const void* chunk, int64_t index, float*);

// Tile `index` of adding up the sums of all tiles.
int64_t grad_sum_tiles(const GradJob& job);
void grad_sum_tile(const void* job, int64_t index, float*);

}  // namespace linnet::LINNET_ISA
