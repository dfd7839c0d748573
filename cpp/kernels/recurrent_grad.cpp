// The gradient of recurrent layers, through the tiles of the forward pass (recurrent.h) backwards in time.
//
//   for each tile of rows, for each step from the last to the first
//     [x | h before] is put together again               for the gradient of the weights
//     gates: from dh, dc and `saved` to dz               the gradient of all sums
//     dh before = dz . recurrent^T
//     every chunk of rows of dz, while they are in the cache
//       dx = dz . kernel^T
//       sums of the tile += [x | h]^T . dz               dkernel and drecurrent, dbias
//   add up the sums of the tiles, in their order
//
// The product of a step waits for the step before it, where the first thing that happens to its results is that the
// gates take them up: so a group of units needs others only once in a step, for all of dz. That is how few rows are
// shared out, as in the forward pass: a launch for every step, groups of units its parts. Start reading at go_back.
#include "kernels/recurrent_grad.h"

#include "kernels/declare.h"
#include "kernels/recurrent_cells.h"

namespace linnet::LINNET_ISA {
namespace {

void load_state(const GradJob& job, const GradTile& tile, const float* from, float* to) {
  const int64_t u = job.size.units, wide = job.layout.units_wide;
  for (int64_t r = 0; r < tile.rows; ++r)
    for (int64_t j = 0; j < wide; j += kLanes) {
      const int64_t some = larger(0, smaller(kLanes, u - j));
      store(to + r * wide + j, from && some ? load_some(from + job.order[tile.first + r] * u + j, some, 0) : Vec{});
    }
}

Vec factor(const GradJob& job, int64_t row, int64_t unit) {
  const float* mask = job.a.recurrent_mask;
  const int64_t u = job.size.units;
  return mask ? load_some(mask + row * u + unit, smaller(kLanes, u - unit), 0) : broadcast(1.0f);
}

// A step for the groups [first, last) of units.
struct Part {
  const GradJob& job;
  const GradTile& tile;
  const GradStep& step;
  int64_t first, last;

  int64_t begin() const { return first * kWide; }
  int64_t end() const { return smaller(last * kWide, job.size.units); }
};

// What the mask left out in this step: dh passes by.
void carry_back(const Part& part, int64_t r) {
  const auto& [job, tile, step, first, last] = part;
  const int64_t row = job.order[tile.first + r], u = job.size.units;
  for (int64_t j = part.begin(); j < part.end(); j += kLanes) {
    const int64_t at = r * job.layout.units_wide + j;
    Vec v = load(tile.carried + at) + load(tile.dh + at) * factor(job, row, j);
    if (job.args.dy) v += load_some(job.args.dy + (row * job.a.t + step.s) * u + j, smaller(kLanes, u - j), 0);
    store(tile.carried + at, v);
    store(tile.dh + at, Vec{});
  }
}

// [x | h before] of a step, and h before with its factors alone where `h_of` is asked for.
void gather(const GradJob& job, const GradTile& tile, const GradStep& step) {
  const RecurrentArgs& a = job.a;
  const int64_t u = a.units, input_step = a.reverse ? a.t - 1 - step.s : step.s, at = step.offset * kSliver;
  const auto row_of = [&](int64_t r) { return job.order[tile.first + r]; };
  put_in_slivers(job.layout, step.active, a.in, tile.x + at, [&](int64_t r, int64_t j, int64_t some) {
    return load_some(a.x + (row_of(r) * a.t + input_step) * a.in + j, some, 0);
  });
  const float* const h = step.s > 0 ? a.y + (step.s - 1) * u : a.h0;
  const int64_t stride = step.s > 0 ? a.t * u : u;
  put_in_slivers(job.layout, step.active, u, tile.h + at, [&](int64_t r, int64_t j, int64_t some) {
    return h ? load_some(h + row_of(r) * stride + j, some, 0) * factor(job, row_of(r), j) : Vec{};
  });
}

// A vector of one row while the gates go backwards.
struct Cell {
  const GradJob& job;
  const GradTile& tile;
  const GradStep& step;
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
  const GradPanels& panels = v.job.panels;
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
void each_cell(const Part& part, const F& f) {
  const auto& [job, tile, step, first, last] = part;
  const RecurrentSizes& z = job.size;
  const float* const saved = job.a.saved + (tile.first * job.a.t + step.s * tile.rows) * z.saved_row;
  for (int64_t block = 2 * first; block < smaller(2 * last, z.blocks); ++block)
    for (int64_t r = 0; r < step.active; ++r) {
      const int64_t row = job.order[tile.first + r];
      if (masked_out(job.a, row, step.s)) continue;
      const int64_t group = block / 2, unit = block * kLanes;
      const float* slots = z.slots > 1 ? saved + z.group_offset(group, tile.rows) + r * z.row_stride(group) : nullptr;
      const Cell cell = {job, tile, step, r, row, unit, smaller(kLanes, z.units - unit), slots, job.layout.dz_stride};
      f(cell, block, block % 2, z.blocks_of(group));
    }
}

void clear_row(const Part& part, int64_t r) {
  const GradPanels& panels = part.job.panels;
  for (int64_t panel = 0; panel < panels.total; ++panel) {
    const int64_t group = panels.group_of(panel);
    if (group < part.first || group >= part.last) continue;
    clear(part.tile.dz + panel * part.job.layout.dz_stride + (part.step.offset + r) * kWide, kWide);
  }
}

// What the step before this one will read.
void fetch_next(const GradJob& job, const GradTile& tile, const GradStep& step) {
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

// to (rows, units_wide) = dz[first, last) of a step . recurrent^T, the columns of a part.
void multiply_part(const Part& part, const GradStep& step, int64_t first, int64_t last, float* to) {
  const GradJob& job = part.job;
  const int64_t stride = job.inner_panels() * kWide * kWide;
  const float* packed = job.workspace + part.first * stride + (first - job.panels.first_inner) * kWide * kWide;
  multiply_dz(job, part.tile, first, last, step.offset, step.active, packed, stride, part.end() - part.begin(),
              to + part.begin(), job.layout.units_wide);
}

// dh before `step`, through its products.
void through_products(const Part& part, const GradStep& step) {
  const GradPanels& panels = part.job.panels;
  const bool before = part.job.size.cell == RecurrentCell::gru_reset_before;
  if (step.active == 0) return;
  multiply_part(part, step, before ? panels.candidates : panels.first_inner, panels.total, part.tile.dh);
}

// From dh and dc to dz.
template <class G>
void gates_back(const Part& part, const G& g) {
  const auto& [job, tile, step, first, last] = part;
  const int64_t wide = job.layout.units_wide;
  for (int64_t r = step.active; r < tile.rows; ++r) carry_back(part, r);
  for (int64_t r = 0; job.a.mask && r < step.active; ++r) {
    if (!masked_out(job.a, job.order[tile.first + r], step.s)) continue;
    carry_back(part, r);
    clear_row(part, r);
  }
  each_cell(part, [&](const Cell& v, int64_t block, int64_t in_group, int64_t blocks) {
    float* const carried = v.tile.carried + v.r * wide + v.unit;
    const Vec dh = load(carried) + load(v.tile.dh + v.r * wide + v.unit) * factor(v.job, v.row, v.unit) +
                   v.from(v.job.args.dy, v.row * v.job.a.t + v.step.s);
    store(carried, cell_back(v, g, dh, block, in_group, blocks));
  });
}

// gru_reset_before: through the product of the reset h; the reset gate's own gradient comes out of it.
template <class G>
void reset_back(const Part& part, const G& g) {
  const GradPanels& panels = part.job.panels;
  const int64_t wide = part.job.layout.units_wide;
  if (part.step.active > 0) multiply_part(part, part.step, 0, panels.candidates, part.tile.dreset);
  each_cell(part, [&](const Cell& v, int64_t block, int64_t in_group, int64_t) {
    const Vec reset = v.slot(2 * in_group + 1), rows = factor(v.job, v.row, v.unit), h = v.h_before();
    const Vec d = load(v.tile.dreset + v.r * wide + v.unit) * rows;
    float* const carried = v.tile.carried + v.r * wide + v.unit;
    store(carried, load(carried) + d * reset);
    v.put(panels.candidates + block, 1, g.open_slope(d * h, reset));
    store(v.tile.reset + v.r * wide + v.unit, reset * h * rows);
  });
}

// The reset h of a step, beside x and h before.
void gather_reset(const GradJob& job, const GradTile& tile, const GradStep& step) {
  put_in_slivers(job.layout, step.active, job.size.units, tile.reset_h + step.offset * kSliver,
                 [&](int64_t r, int64_t j, int64_t) { return load(tile.reset + r * job.layout.units_wide + j); });
}

// What is read before it is written: dh, halves of panels that belong to no block, rows of the reset h that the mask
// leaves out. The sums begin with the first chunk.
void clear_memory(const GradJob& job, const GradTile& tile) {
  const RecurrentArgs& a = job.a;
  const GradLayout& l = job.layout;
  clear(tile.dh, job.size.tile_rows * l.units_wide);
  if (job.size.cell != RecurrentCell::lstm && job.size.blocks % 2) clear(tile.dz, job.panels.total * l.dz_stride);
  if (job.size.cell == RecurrentCell::gru_reset_before && a.mask) clear(tile.reset, job.size.tile_rows * l.units_wide);
  for (int64_t r = 0; job.args.dx && a.mask && r < tile.rows; ++r) {
    clear(job.args.dx + job.order[tile.first + r] * a.t * a.in, a.t * a.in);
  }
}

void store_states(const GradJob& job, const GradTile& tile) {
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

// What a launch does for its parts of a tile's groups.
enum class Phase { gates, reset, products };
struct Parts {
  const GradJob& job;
  const GradTile& tile;
  GradStep step;
  GradStep after;  // the step after it, whose product has to come first; or none: nothing active
  Phase phase;
  int64_t parts;
};

void part_tile(const void* pointer, int64_t index, float*) {
  const Parts& p = *static_cast<const Parts*>(pointer);
  const int64_t groups = p.job.size.groups;
  const Part part = {p.job, p.tile, p.step, groups * index / p.parts, groups * (index + 1) / p.parts};
  if (p.phase != Phase::reset) through_products(part, p.after);
  if (p.phase == Phase::products) return;
  with_gates(p.job.a,
             [&](const auto& gates) { p.phase == Phase::gates ? gates_back(part, gates) : reset_back(part, gates); });
}

// Takes a tile through all steps. With a launch, its groups are shared out; without, this thread does it all.
void go_back(const GradJob& job, int64_t index, const Launch* launch) {
  const RecurrentArgs& a = job.a;
  const GradTile tile(job, index);
  const auto share = [&](const GradStep& step, const GradStep& after, Phase phase) {
    const Parts parts = {job, tile, step, after, phase, launch ? job.size.parts : 1};
    launch ? launch->parallel(launch->pool, parts.parts, part_tile, &parts) : part_tile(&parts, 0, nullptr);
  };
  clear_memory(job, tile);
  load_state(job, tile, job.args.dh, tile.carried);
  load_state(job, tile, job.args.dc, tile.dc);
  GradStep after = {a.t, 0, 0};
  bool first = true;
  for (int64_t s = a.t - 1; s >= 0;) {
    GradStep steps[kMostSteps];
    int64_t count = 0, rows = 0;
    while (s >= 0 && count < job.layout.chunk_steps) {
      const GradStep step = {s, job.order.active(tile.first, tile.rows, s), rows};
      if (rows + step.active > job.layout.chunk_rows) break;
      gather(job, tile, step);
      if (!launch) fetch_next(job, tile, step);
      share(step, after, Phase::gates);
      if (a.cell == RecurrentCell::gru_reset_before) share(step, after, Phase::reset), gather_reset(job, tile, step);
      rows += step.active, --s, after = step;
      if (step.active > 0) steps[count++] = step;
    }
    const GradChunk chunk = {job, tile, steps, count, rows, first};
    if (rows > 0 && launch) launch->parallel(launch->pool, chunk.parts(), grad_chunk_part, &chunk);
    for (int64_t i = 0; rows > 0 && !launch && i < chunk.parts(); ++i) grad_chunk_part(&chunk, i, nullptr);
    first = first && rows == 0;
  }
  if (first) clear(tile.dkernel, job.layout.tile_stride - job.layout.dkernel);
  if (job.args.dh0) share(after, after, Phase::products);
  store_states(job, tile);
}

void backward_tile(const void* job, int64_t index, float*) {
  go_back(*static_cast<const GradJob*>(job), index, nullptr);
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
  const GradPanels panels(size);
  return bytes_of(GradLayout(a, size, panels).total);
}

void recurrent_grad(const RecurrentGradArgs& args, const Launch& launch) {
  const RecurrentArgs& a = args.forward;
  if (a.n == 0 || a.units == 0) return clear_all(args);
  const RecurrentSizes size(a);
  const GradPanels panels(size);
  const GradLayout layout(a, size, panels);
  float* workspace = static_cast<float*>(launch.workspace);
  const GradJob job = {
      args, a, size, panels, layout, workspace, sort_rows(a, reinterpret_cast<int32_t*>(workspace + layout.order))};
  launch.parallel(launch.pool, grad_pack_tiles(job), grad_pack_tile, &job);
  if (size.few()) {
    go_back(job, 0, &launch);
  } else {
    launch.parallel(launch.pool, size.tiles, backward_tile, &job);
  }
  launch.parallel(launch.pool, grad_sum_tiles(job), grad_sum_tile, &job);
}

}  // namespace linnet::LINNET_ISA
