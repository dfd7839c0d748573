// The gradient of recurrent layers, through the tiles of the forward pass (recurrent.h) backwards in time.
//
//   for each tile of rows, for each step from the last to the first
//     [x | h before] is put together again               for the gradient of the weights
//     gates: from dh, dc and `saved` to dz               the gradient of all sums
//     dh before = dz . recurrent^T
//     every kChunkRows rows of dz, while they are in the cache
//       dx = dz . kernel^T
//       sums of the tile += [x | h]^T . dz               dkernel and drecurrent, dbias
//   add up the sums of the tiles, in their order
//
// dz lies in panels of kWide columns, (panel, row, kWide): a row of it is the left operand of dz . recurrent^T, read in
// chunks of kWide, and a panel of it the right operand of [x | h]^T . dz. Columns come in the order of `vector_at`; a
// gru has two sets of those for its candidates, that of the products of x in front and that of h behind.
#include "kernels/declare.h"
#include "kernels/gemm_pack.h"
#include "kernels/recurrent.h"
#include "kernels/recurrent_cells.h"

namespace linnet::LINNET_ISA {
namespace {

// Rows of dz between two visits to the sums: enough to make them worth loading, few enough for L2.
constexpr int64_t kChunkRows = 96;
constexpr int64_t kMostSteps = 64;  // of a chunk

// The panels of dz.
struct Panels {
  explicit Panels(const RecurrentSizes& z) : size(z) {
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
  const RecurrentSizes& size;
  int64_t of_kernel;    // panels [0, of_kernel) belong to products of x,
  int64_t first_inner;  // panels [first_inner, total) to those of h
  int64_t candidates;   // panels [0, candidates) are a gru's candidates
  int64_t total;
};

// Where the parts of the workspace lie, in floats.
struct Layout {
  Layout(const RecurrentArgs& a, const RecurrentSizes& z, const Panels& panels) {
    in_padded = round_to(z.in, 16);
    const bool before = z.cell == RecurrentCell::gru_reset_before;
    x_stride = (round_to(in_padded + z.units_padded * (before ? 2 : 1), 16) / 16 | 1) * 16;
    units_wide = round_to(z.units, kWide);
    in_wide = round_to(z.in, kWide);
    chunk_rows = larger(z.tile_rows, kChunkRows);
    // Panels a multiple of 4 KB apart would crowd into few sets of the cache.
    dz_stride = (chunk_rows + 2) * kWide;
    packed_kernel = units_wide * (panels.total - panels.first_inner) * kWide;
    order = packed_kernel + in_wide * panels.of_kernel * kWide;
    tiles = order + (a.mask ? round_to(row_order_ints(a), 16) : 0);
    // Of a tile.
    x = round_to(panels.total * dz_stride, 16);
    dh = x + chunk_rows * x_stride;
    carried = dh + z.tile_rows * units_wide;
    dc = carried + z.tile_rows * units_wide;
    dreset = dc + z.tile_rows * units_wide;
    dx = dreset + (before ? z.tile_rows * units_wide : 0);
    dkernel = dx + chunk_rows * in_wide;
    drecurrent = dkernel + z.in * panels.of_kernel * kWide;
    dbias = drecurrent + z.units * (panels.total - panels.first_inner) * kWide;
    tile_stride = dbias + panels.total * kWide;
    total = tiles + z.tiles * tile_stride;
  }
  int64_t in_padded, x_stride, units_wide, in_wide, chunk_rows, dz_stride;
  int64_t packed_kernel, order, tiles;
  int64_t x, dh, carried, dc, dreset, dx, dkernel, drecurrent, dbias, tile_stride, total;
};

struct Job {
  const RecurrentGradArgs& args;
  const RecurrentArgs& a;
  const RecurrentSizes& size;
  const Panels& panels;
  const Layout& layout;
  float* workspace;
  RowOrder order;

  int64_t columns() const { return size.gates * size.units; }
  int64_t inner_panels() const { return panels.total - panels.first_inner; }
};

// ---- packing -------------------------------------------------------------------------------------------------------

// One panel of weights^T: kWide rows of `weights` (count, columns) from `row` on, to (panels of dz, kWide, kWide).
void pack_transposed(const Job& job, const float* weights, int64_t count, int64_t row, int64_t first, int64_t last,
                     float* to) {
  const int64_t u = job.size.units;
  for (int64_t panel = first; panel < last; ++panel)
    for (int half = 0; half < 2; ++half, to += kLanes * kWide) {
      const Panels::Place at = job.panels.vector_at(panel, half);
      const int64_t some = larger(0, smaller(kLanes, u - at.block * kLanes));
      for (int64_t l = some; l < kLanes; ++l)
        for (int64_t j = 0; j < kWide; j += kLanes) store(to + l * kWide + j, Vec{});
      if (some == 0) continue;
      const float* source = weights + row * job.columns() + at.gate * u + at.block * kLanes;
      pack_b_transposed(source, job.columns(), some, smaller(kWide, count - row), kWide, source, to);
    }
}

void pack_tile(const void* pointer, int64_t index, float*) {
  const Job& job = *static_cast<const Job*>(pointer);
  const int64_t inner = job.layout.units_wide / kWide;
  if (index < inner) {
    pack_transposed(job, job.a.recurrent, job.size.units, index * kWide, job.panels.first_inner, job.panels.total,
                    job.workspace + index * job.inner_panels() * kWide * kWide);
  } else {
    pack_transposed(job, job.a.kernel, job.size.in, (index - inner) * kWide, 0, job.panels.of_kernel,
                    job.workspace + job.layout.packed_kernel + (index - inner) * job.panels.of_kernel * kWide * kWide);
  }
}

// ---- a tile --------------------------------------------------------------------------------------------------------

// The rows of a tile and its memory.
struct TileState {
  TileState(const Job& job, int64_t index)
      : first(job.a.n * index / job.size.tiles),
        rows(job.a.n * (index + 1) / job.size.tiles - first),
        dz(job.workspace + job.layout.tiles + index * job.layout.tile_stride),
        x(dz + job.layout.x),
        dh(dz + job.layout.dh),
        carried(dz + job.layout.carried),
        dc(dz + job.layout.dc),
        dreset(dz + job.layout.dreset),
        dx(dz + job.layout.dx),
        dkernel(dz + job.layout.dkernel),
        drecurrent(dz + job.layout.drecurrent),
        dbias(dz + job.layout.dbias) {}
  int64_t first, rows;
  float* dz;          // (panel, chunk_rows, kWide), panels dz_stride apart
  float* x;           // (chunk_rows, x_stride): [x | h before], for gru_reset_before | the reset h
  float* dh;          // (rows, units_wide): what came through the products of the step after this one,
  float* carried;     // (rows, units_wide): and past them
  float* dc;          // (rows, units_wide)
  float* dreset;      // (rows, units_wide), gru_reset_before: the gradient of the reset h
  float* dx;          // (chunk_rows, in_wide)
  float* dkernel;     // (in, panels of the kernel)
  float* drecurrent;  // (units, panels of h)
  float* dbias;       // (panels)
};

// A step in a chunk: its rows of dz and x begin at `offset`.
struct Step {
  int64_t s, active, offset;
};

void clear(float* p, int64_t count) {
  each_vector(count, [&](int64_t i, int64_t some) { store_some(p + i, Vec{}, some); });
}

void load_state(const Job& job, const TileState& tile, const float* from, float* to) {
  const int64_t u = job.size.units, wide = job.layout.units_wide;
  for (int64_t r = 0; r < tile.rows; ++r)
    for (int64_t j = 0; j < wide; j += kLanes) {
      const int64_t some = larger(0, smaller(kLanes, u - j));
      store(to + r * wide + j, from && some ? load_some(from + job.order[tile.first + r] * u + j, some, 0) : Vec{});
    }
}

Vec factor(const Job& job, int64_t row, int64_t unit) {
  const float* mask = job.a.recurrent_mask;
  const int64_t u = job.size.units;
  return mask ? load_some(mask + row * u + unit, smaller(kLanes, u - unit), 0) : broadcast(1.0f);
}

// What the mask left out in this step: dh passes by.
void carry_back(const Job& job, const TileState& tile, const Step& step, int64_t r) {
  const int64_t row = job.order[tile.first + r], u = job.size.units;
  for (int64_t j = 0; j < u; j += kLanes) {
    const int64_t at = r * job.layout.units_wide + j;
    Vec v = load(tile.carried + at) + load(tile.dh + at) * factor(job, row, j);
    if (job.args.dy) v += load_some(job.args.dy + (row * job.a.t + step.s) * u + j, smaller(kLanes, u - j), 0);
    store(tile.carried + at, v);
    store(tile.dh + at, Vec{});
  }
}

// [x | h before] of a step, and h before with its factors alone where `h_of` is asked for.
void gather(const Job& job, const TileState& tile, const Step& step) {
  const RecurrentArgs& a = job.a;
  const int64_t u = a.units, input_step = a.reverse ? a.t - 1 - step.s : step.s;
  for (int64_t r = 0; r < step.active; ++r) {
    const int64_t row = job.order[tile.first + r];
    float* to = tile.x + (step.offset + r) * job.layout.x_stride;
    const float* x = a.x + (row * a.t + input_step) * a.in;
    each_vector(a.in, [&](int64_t i, int64_t some) { store(to + i, load_some(x + i, some, 0)); });
    const float* h = step.s > 0 ? a.y + (row * a.t + step.s - 1) * u : a.h0 ? a.h0 + row * u : nullptr;
    to += job.layout.in_padded;
    each_vector(u, [&](int64_t j, int64_t some) {
      store(to + j, (h ? load_some(h + j, some, 0) : Vec{}) * factor(job, row, j));
    });
  }
}

// A vector of one row while the gates go backwards.
struct Cell {
  const Job& job;
  const TileState& tile;
  const Step& step;
  int64_t r, row, unit, some;
  const float* saved;  // its group's slots
  int64_t stride;      // of dz from panel to panel

  Vec slot(int64_t i) const { return load(saved + i * kLanes); }
  Vec from(const float* p, int64_t index) const {
    return p ? load_some(p + index * job.size.units + unit, some, 0) : Vec{};
  }
  Vec h_before() const { return step.s > 0 ? from(job.a.y, row * job.a.t + step.s - 1) : from(job.a.h0, row); }
  void put(int64_t panel, int half, Vec v) const {
    store(tile.dz + panel * stride + (step.offset + r) * kWide + half * kLanes, v);
  }
};

// From dh (of h after the step, complete) and dc to dz; returns what reaches h before past the products.
template <class G>
Vec cell_back(const Cell& v, const G& g, Vec dh, int64_t block, int64_t in_group, int64_t blocks) {
  const RecurrentSizes& z = v.job.size;
  const Panels& panels = v.job.panels;
  const int64_t group = block / 2;
  const int half = static_cast<int>(block % 2);
  if constexpr (G::kCell == RecurrentCell::simple) {
    v.put(group, half, g.output_slope(dh, v.from(v.job.a.y, v.row * v.job.a.t + v.step.s)));
    return Vec{};
  } else if constexpr (G::kCell == RecurrentCell::lstm) {
    const float* const step_saved = v.job.a.saved + (v.tile.first * v.job.a.t + v.step.s * v.tile.rows) * z.saved_row;
    const float* const c = step_saved + z.slots * z.units_padded * v.tile.rows + v.r * z.units_padded + v.unit;
    const int64_t begin = v.job.order.begin ? v.job.order.begin[v.tile.first + v.r] : 0;
    const Vec c_before = v.step.s > begin ? load(c - z.saved_row * v.tile.rows) : v.from(v.job.a.c0, v.row);
    const Vec i = v.slot(4 * in_group), f = v.slot(4 * in_group + 1);
    const Vec candidate = v.slot(4 * in_group + 2), o = v.slot(4 * in_group + 3);
    float* const dc_at = v.tile.dc + v.r * v.job.layout.units_wide + v.unit;
    const Vec out = g.output(load(c));
    const Vec dc = load(dc_at) + g.output_slope(dh * o, out);
    v.put(2 * block, 0, g.open_slope(dc * candidate, i));
    v.put(2 * block, 1, g.open_slope(dc * c_before, f));
    v.put(2 * block + 1, 0, g.output_slope(dc * i, candidate));
    v.put(2 * block + 1, 1, g.open_slope(dh * out, o));
    store(dc_at, dc * f);
    return Vec{};
  } else {
    const Vec update = v.slot(2 * in_group), candidate = v.slot(2 * blocks + in_group);
    const Vec dcandidate = g.output_slope(dh * (1.0f - update), candidate);
    v.put(group, half, dcandidate);
    v.put(panels.candidates + block, 0, g.open_slope(dh * (v.h_before() - candidate), update));
    if constexpr (G::kCell == RecurrentCell::gru) {
      const Vec reset = v.slot(2 * in_group + 1), product = v.slot(3 * blocks + in_group);
      v.put(panels.candidates + block, 1, g.open_slope(dcandidate * product, reset));
      v.put(panels.candidates + z.blocks + group, half, dcandidate * reset);
    }
    return dh * update;
  }
}

// Calls f(Cell, block, block in its group, blocks of the group) for the vectors of active rows that the mask leaves,
// in the order in which `saved` lies.
template <class F>
void each_cell(const Job& job, const TileState& tile, const Step& step, const F& f) {
  const RecurrentSizes& z = job.size;
  const float* const saved = job.a.saved + (tile.first * job.a.t + step.s * tile.rows) * z.saved_row;
  for (int64_t block = 0; block < z.blocks; ++block)
    for (int64_t r = 0; r < step.active; ++r) {
      const int64_t row = job.order[tile.first + r];
      if (masked_out(job.a, row, step.s)) continue;
      const int64_t group = block / 2, unit = block * kLanes;
      const float* slots = z.slots > 1 ? saved + z.group_offset(group, tile.rows) + r * z.row_stride(group) : nullptr;
      const Cell cell = {job, tile, step, r, row, unit, smaller(kLanes, z.units - unit), slots, job.layout.dz_stride};
      f(cell, block, block % 2, z.blocks_of(group));
    }
}

void clear_row(const Job& job, const TileState& tile, const Step& step, int64_t r) {
  for (int64_t panel = 0; panel < job.panels.total; ++panel) {
    clear(tile.dz + panel * job.layout.dz_stride + (step.offset + r) * kWide, kWide);
  }
}

// c (rows, columns) = dz[first, last) . packed, where rows of dz begin at `offset`.
void multiply_dz(const Job& job, const TileState& tile, int64_t first, int64_t last, int64_t offset, int64_t rows,
                 const float* packed, int64_t columns, float* c, int64_t ldc) {
  const int64_t steps = (last - first) * kWide, stride = job.layout.dz_stride;
  const int64_t slivers = ceil_div(rows, kMaxRows);
  const int64_t vectors = ceil_div(columns, kLanes);
  for (int64_t v = 0; v < vectors;) {
    const int some = tile_vectors(rows, vectors - v);
    for (int64_t i = 0; i < slivers; ++i) {
      const int64_t r0 = rows * i / slivers, r1 = rows * (i + 1) / slivers;
      MicroTile t = {};
      t.a = tile.dz + first * stride + (offset + r0) * kWide;
      t.a_stride = kWide, t.a_chunk = kWide, t.a_skip = stride - kWide;
      t.b = packed + v * kLanes * steps, t.ldb = kWide, t.b_pair = kWide * steps, t.k = steps;
      t.c = c + r0 * ldc + v * kLanes, t.ldc = ldc;
      micro_kernel_for(static_cast<int>(r1 - r0), some, true)(t);
    }
    v += some;
  }
}

// sums (count, panels) += (= in the first chunk) left^T . dz[first, last) over the rows of a chunk.
void add_products(const Job& job, const TileState& tile, int64_t first, int64_t last, int64_t rows, const float* left,
                  int64_t count, float* sums, int64_t ld, bool first_chunk) {
  const int64_t slivers = ceil_div(count, kMaxRows);
  for (int64_t panel = first; panel < last; ++panel)
    for (int64_t i = 0; i < slivers; ++i) {
      const int64_t r0 = count * i / slivers, r1 = count * (i + 1) / slivers;
      MicroTile t = {};
      t.a = left + r0, t.a_stride = job.layout.x_stride, t.a_chunk = rows;
      t.b = tile.dz + panel * job.layout.dz_stride, t.ldb = kWide, t.k = rows;
      t.c = sums + r0 * ld + (panel - first) * kWide, t.ldc = ld, t.accumulate = !first_chunk;
      micro_kernel_for(static_cast<int>(r1 - r0), 2, false)(t);
    }
}

// What the step before this one will read.
void fetch_next(const Job& job, const TileState& tile, const Step& step) {
  const RecurrentArgs& a = job.a;
  const RecurrentSizes& z = job.size;
  if (step.s == 0) return;
  for (int64_t r = 0; r < step.active; ++r) {
    const int64_t row = job.order[tile.first + r] * a.t, s = step.s - 1;
    fetch(a.x + (row + (a.reverse ? a.t - 1 - s : s)) * a.in, a.in);
    if (job.args.dy) fetch(job.args.dy + (row + s) * z.units, z.units);
    if (s > 0) fetch(a.y + (row + s - 1) * z.units, z.units);
  }
  if (a.saved) fetch(a.saved + (tile.first * a.t + (step.s - 1) * tile.rows) * z.saved_row, tile.rows * z.saved_row);
}

template <class G>
void step_back(const Job& job, const TileState& tile, const Step& step, const G& g) {
  const RecurrentSizes& z = job.size;
  const RecurrentArgs& a = job.a;
  const Panels& panels = job.panels;
  const int64_t wide = job.layout.units_wide;
  constexpr bool before = G::kCell == RecurrentCell::gru_reset_before;
  gather(job, tile, step);
  fetch_next(job, tile, step);
  for (int64_t r = 0; a.mask && r < step.active; ++r) {
    if (!masked_out(a, job.order[tile.first + r], step.s)) continue;
    carry_back(job, tile, step, r);
    clear_row(job, tile, step, r);
  }
  each_cell(job, tile, step, [&](const Cell& v, int64_t block, int64_t in_group, int64_t blocks) {
    float* const carried = tile.carried + v.r * wide + v.unit;
    const Vec dh = load(carried) + load(tile.dh + v.r * wide + v.unit) * factor(job, v.row, v.unit) +
                   v.from(job.args.dy, v.row * a.t + step.s);
    store(carried, cell_back(v, g, dh, block, in_group, blocks));
  });
  if (before) {
    // Through the product of the reset h first: the reset gate's own gradient comes out of it.
    float* const packed = job.workspace;
    const int64_t all = job.inner_panels() * kWide;
    for (int64_t j = 0; j < z.units; j += kWide) {
      multiply_dz(job, tile, 0, panels.candidates, step.offset, step.active, packed + j * all,
                  smaller(kWide, z.units - j), tile.dreset + j, wide);
    }
    each_cell(job, tile, step, [&](const Cell& v, int64_t block, int64_t in_group, int64_t) {
      const Vec reset = v.slot(2 * in_group + 1), rows = factor(job, v.row, v.unit), h = v.h_before();
      const Vec d = load(tile.dreset + v.r * wide + v.unit) * rows;
      float* const carried = tile.carried + v.r * wide + v.unit;
      store(carried, load(carried) + d * reset);
      v.put(panels.candidates + block, 1, g.open_slope(d * h, reset));
      store(tile.x + (step.offset + v.r) * job.layout.x_stride + job.layout.in_padded + z.units_padded + v.unit,
            reset * h * rows);
    });
    for (int64_t j = 0; j < z.units; j += kWide) {
      multiply_dz(job, tile, panels.candidates, panels.total, step.offset, step.active,
                  packed + j * all + panels.candidates * kWide * kWide, smaller(kWide, z.units - j), tile.dh + j, wide);
    }
  } else {
    multiply_dz(job, tile, panels.first_inner, panels.total, step.offset, step.active, job.workspace, z.units, tile.dh,
                wide);
  }
}

// dx of the steps of a chunk, and what they add to the gradients of the weights.
void finish_chunk(const Job& job, const TileState& tile, const Step* steps, int64_t count, int64_t rows, bool first) {
  const RecurrentSizes& z = job.size;
  const RecurrentArgs& a = job.a;
  const Panels& panels = job.panels;
  const Layout& l = job.layout;
  if (job.args.dx) {
    multiply_dz(job, tile, 0, panels.of_kernel, 0, rows, job.workspace + l.packed_kernel, z.in, tile.dx, l.in_wide);
    for (int64_t i = 0; i < count; ++i)
      for (int64_t r = 0; r < steps[i].active; ++r) {
        const int64_t row = job.order[tile.first + r], s = steps[i].s;
        float* to = job.args.dx + (row * a.t + (a.reverse ? a.t - 1 - s : s)) * z.in;
        const float* from = tile.dx + (steps[i].offset + r) * l.in_wide;
        each_vector(z.in, [&](int64_t j, int64_t some) { store_some(to + j, load(from + j), some); });
      }
  }
  if (job.args.dkernel) {
    add_products(job, tile, 0, panels.of_kernel, rows, tile.x, z.in, tile.dkernel, panels.of_kernel * kWide, first);
  }
  if (job.args.drecurrent) {
    const int64_t ld = job.inner_panels() * kWide;
    const float* h = tile.x + l.in_padded;
    const bool before = z.cell == RecurrentCell::gru_reset_before;
    const int64_t split = before ? panels.candidates : panels.first_inner;
    if (before) add_products(job, tile, 0, split, rows, h + z.units_padded, z.units, tile.drecurrent, ld, first);
    add_products(job, tile, split, panels.total, rows, h, z.units,
                 tile.drecurrent + (split - panels.first_inner) * kWide, ld, first);
  }
  if (job.args.dbias || job.args.drecurrent_bias) {
    for (int64_t panel = 0; panel < panels.total; ++panel)
      for (int half = 0; half < 2; ++half) {
        float* const sum = tile.dbias + panel * kWide + half * kLanes;
        const float* dz = tile.dz + panel * l.dz_stride + half * kLanes;
        Vec v = first ? Vec{} : load(sum);
        for (int64_t r = 0; r < rows; ++r) v += load(dz + r * kWide);
        store(sum, v);
      }
  }
}

// What is read before it is written: dh, halves of panels that belong to no block, rows of the reset h that the mask
// leaves out. The sums begin with the first chunk.
void clear_memory(const Job& job, const TileState& tile) {
  const RecurrentArgs& a = job.a;
  const Layout& l = job.layout;
  clear(tile.dh, job.size.tile_rows * l.units_wide);
  if (job.size.cell != RecurrentCell::lstm && job.size.blocks % 2) clear(tile.dz, job.panels.total * l.dz_stride);
  if (job.size.cell == RecurrentCell::gru_reset_before && a.mask) clear(tile.x, l.chunk_rows * l.x_stride);
  for (int64_t r = 0; job.args.dx && a.mask && r < tile.rows; ++r) {
    clear(job.args.dx + job.order[tile.first + r] * a.t * a.in, a.t * a.in);
  }
}

void store_states(const Job& job, const TileState& tile) {
  const int64_t u = job.size.units, wide = job.layout.units_wide;
  for (int64_t r = 0; r < tile.rows; ++r) {
    const int64_t row = job.order[tile.first + r];
    each_vector(u, [&](int64_t j, int64_t some) {
      const int64_t at = r * wide + j;
      const Vec dh = load(tile.carried + at) + load(tile.dh + at) * factor(job, row, j);
      if (job.args.dh0) store_some(job.args.dh0 + row * u + j, dh, some);
      if (job.args.dc0) store_some(job.args.dc0 + row * u + j, load(tile.dc + at), some);
    });
  }
}

void backward_tile(const void* pointer, int64_t index, float*) {
  const Job& job = *static_cast<const Job*>(pointer);
  const TileState tile(job, index);
  clear_memory(job, tile);
  load_state(job, tile, job.args.dh, tile.carried);
  load_state(job, tile, job.args.dc, tile.dc);
  with_gates(job.a, [&](const auto& gates) {
    bool first = true;
    for (int64_t s = job.a.t - 1; s >= 0;) {
      Step steps[kMostSteps];
      int64_t count = 0, rows = 0;
      while (s >= 0 && count < kMostSteps) {
        const Step step = {s, job.order.active(tile.first, tile.rows, s), rows};
        if (rows + step.active > job.layout.chunk_rows) break;
        for (int64_t r = step.active; r < tile.rows; ++r) carry_back(job, tile, step, r);
        if (step.active > 0) step_back(job, tile, step, gates);
        rows += step.active, --s;
        steps[count++] = step;
      }
      if (rows > 0) finish_chunk(job, tile, steps, count, rows, first);
      first = first && rows == 0;
    }
    if (first) clear(tile.dkernel, job.layout.tile_stride - job.layout.dkernel);
  });
  store_states(job, tile);
}

// ---- the sums of the tiles -----------------------------------------------------------------------------------------

// Adds up one row of weights: `offset` is that of its columns in a tile, which begin with panel `first`.
void add_row(const Job& job, int64_t offset, int64_t first, int64_t last, float* to) {
  const int64_t u = job.size.units;
  const float* from = job.workspace + job.layout.tiles + offset;
  for (int64_t panel = first; panel < last; ++panel)
    for (int half = 0; half < 2; ++half, from += kLanes) {
      const Panels::Place at = job.panels.vector_at(panel, half);
      if (at.block >= job.size.blocks) continue;
      Vec v = load(from);
      for (int64_t i = 1; i < job.size.tiles; ++i) v += load(from + i * job.layout.tile_stride);
      store_some(to + at.gate * u + at.block * kLanes, v, smaller(kLanes, u - at.block * kLanes));
    }
}

constexpr int64_t kSumRows = 16;

void sum_tile(const void* pointer, int64_t index, float*) {
  const Job& job = *static_cast<const Job*>(pointer);
  const Panels& p = job.panels;
  const int64_t in = job.size.in, rows = in + job.size.units;
  for (int64_t i = index * kSumRows; i < smaller(rows, (index + 1) * kSumRows); ++i) {
    if (i < in && job.args.dkernel) {
      add_row(job, job.layout.dkernel + i * p.of_kernel * kWide, 0, p.of_kernel, job.args.dkernel + i * job.columns());
    } else if (i >= in && job.args.drecurrent) {
      add_row(job, job.layout.drecurrent + (i - in) * job.inner_panels() * kWide, p.first_inner, p.total,
              job.args.drecurrent + (i - in) * job.columns());
    }
  }
  if (index == 0 && job.args.dbias) add_row(job, job.layout.dbias, 0, p.of_kernel, job.args.dbias);
  if (index == 0 && job.args.drecurrent_bias) {
    add_row(job, job.layout.dbias + p.first_inner * kWide, p.first_inner, p.total, job.args.drecurrent_bias);
  }
}

void clear_all(const RecurrentGradArgs& args) {
  const RecurrentArgs& a = args.forward;
  const int64_t columns = recurrent_gates(a.cell) * a.units;
  if (args.dx) clear(args.dx, a.n * a.t * a.in);
  if (args.dkernel) clear(args.dkernel, a.in * columns);
  if (args.drecurrent) clear(args.drecurrent, a.units * columns);
  if (args.dbias) clear(args.dbias, columns);
  if (args.drecurrent_bias) clear(args.drecurrent_bias, columns);
}

}  // namespace

size_t recurrent_grad_workspace(const RecurrentArgs& a) {
  const RecurrentSizes size(a);
  const Panels panels(size);
  return bytes_of(Layout(a, size, panels).total);
}

void recurrent_grad(const RecurrentGradArgs& args, const Launch& launch) {
  const RecurrentArgs& a = args.forward;
  if (a.n == 0 || a.units == 0) return clear_all(args);
  const RecurrentSizes size(a);
  const Panels panels(size);
  const Layout layout(a, size, panels);
  float* workspace = static_cast<float*>(launch.workspace);
  const Job job = {
      args, a, size, panels, layout, workspace, sort_rows(a, reinterpret_cast<int32_t*>(workspace + layout.order))};
  const int64_t packs = (layout.units_wide + (args.dx ? layout.in_wide : 0)) / kWide;
  launch.parallel(launch.pool, packs, pack_tile, &job);
  launch.parallel(launch.pool, size.tiles, backward_tile, &job);
  launch.parallel(launch.pool, ceil_div(size.in + size.units, kSumRows), sum_tile, &job);
}

}  // namespace linnet::LINNET_ISA
