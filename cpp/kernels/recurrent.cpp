// The forward pass of recurrent layers (recurrent.h says how it is cut into tiles and what lies where).
//
//   sort the rows, if there is a mask
//   pack the weights, unless they come packed              recurrent_pack.cpp
//   for each tile of rows, for each step
//     [x | h] is put together                              it stays in L1 or L2
//     for each group of two blocks of units
//       for each panel: product                            the sums of a group are in L1
//       gates, new state, output
//
// Few rows are one tile, and reading the weights is what takes the time. There the groups are shared out instead, in a
// launch for every step, so that each thread finds its part of the weights in its own cache; the products of x are
// formed for many steps at once, so that this part of the weights is read less often.
//
// The chain of every sum is x first, then h, then the bias: it depends neither on the rows nor on the threads. Start
// reading at go_through.
#include "kernels/recurrent.h"

#include "kernels/declare.h"
#include "kernels/recurrent_cells.h"

namespace linnet::LINNET_ISA {

RowOrder sort_rows(const RecurrentArgs& a, int32_t* memory) {
  if (!a.mask) return {};
  int32_t *row = memory, *begin = row + a.n, *end = begin + a.n, *from = end + a.n, *by_end = from + a.n;
  int32_t* place = by_end + a.n;  // (t + 2)
  const auto first_of = [&](int64_t r, bool last) {
    for (int64_t i = 0; i < a.t; ++i) {
      const int64_t s = last ? a.t - 1 - i : i;
      if (!masked_out(a, r, s)) return static_cast<int32_t>(s + (last ? 1 : 0));
    }
    return 0;
  };
  for (int64_t r = 0; r < a.n; ++r) from[r] = first_of(r, false), end[r] = first_of(r, true);
  // Two stable counting sorts, the less important key first.
  const auto sort = [&](const int32_t* source, int32_t* target, const auto& key) {
    for (int64_t i = 0; i < a.t + 2; ++i) place[i] = 0;
    for (int64_t i = 0; i < a.n; ++i) ++place[key(source ? source[i] : i) + 1];
    for (int64_t i = 0; i < a.t + 1; ++i) place[i + 1] += place[i];
    for (int64_t i = 0; i < a.n; ++i) {
      const int64_t r = source ? source[i] : i;
      target[place[key(r)]++] = static_cast<int32_t>(r);
    }
  };
  sort(nullptr, by_end, [&](int64_t r) { return a.t - end[r]; });
  sort(by_end, row, [&](int64_t r) { return from[r]; });
  for (int64_t i = 0; i < a.n; ++i) begin[i] = from[row[i]], by_end[i] = end[row[i]];
  return {row, begin, by_end};
}

namespace {

// Where the parts of the workspace lie, in floats.
struct Layout {
  Layout(const RecurrentArgs& a, const RecurrentSizes& z) {
    in_padded = round_to(z.in, 16);
    // An odd number of cache lines: rows a power of two apart would crowd into few sets of the cache.
    a_stride = (round_to(in_padded + z.units_padded, 16) / 16 | 1) * 16;
    const bool before = z.cell == RecurrentCell::gru_reset_before;
    const int64_t reset = before ? round_to(z.units_padded, 16) : 0;
    groups_apart = before || z.few();
    chunk = z.few() ? smaller(larger(1, a.t), larger(1, 2 * kMaxRows / larger(1, a.n))) : 1;
    step_sums = (groups_apart ? z.units_padded * z.slots : 2 * z.slots * kLanes) * z.tile_rows;
    order = a.packed ? 0 : z.packed_floats();
    tiles = order + (a.mask ? round_to(row_order_ints(a), 16) : 0);
    // Of a tile: [x | h], the reset h, h, c, the sums.
    h_offset = z.tile_rows * (a_stride + reset);
    c_offset = h_offset + round_to(z.tile_rows * z.units_padded, 16);
    sums_offset = c_offset + round_to(z.tile_rows * z.units_padded, 16);
    tile_stride = sums_offset + round_to(step_sums * chunk, 16);
    total = tiles + z.tiles * tile_stride;
  }
  int64_t in_padded, a_stride;  // x ends and h begins at in_padded in a row of [x | h]
  bool groups_apart;            // all groups have sums of their own, not only those of one after the other
  int64_t chunk;                // steps whose products of x are formed together
  int64_t step_sums;            // floats of the sums of one step
  int64_t order, tiles;
  int64_t h_offset, c_offset, sums_offset, tile_stride, total;
};

struct Job {
  const RecurrentArgs& a;
  RecurrentSizes size;
  Layout layout;
  const float* packed;
  float* workspace;
  RowOrder order;
};

// ---- a tile --------------------------------------------------------------------------------------------------------

// The rows of a tile and its memory.
struct TileState {
  TileState(const Job& job, int64_t index)
      : first(job.a.n * index / job.size.tiles),
        rows(job.a.n * (index + 1) / job.size.tiles - first),
        xh(job.workspace + job.layout.tiles + index * job.layout.tile_stride),
        reset(xh + job.size.tile_rows * job.layout.a_stride),
        h(xh + job.layout.h_offset),
        c(xh + job.layout.c_offset),
        sums(xh + job.layout.sums_offset) {}
  int64_t first, rows;
  float* xh;     // (rows, a_stride)
  float* reset;  // (rows, units_padded), gru_reset_before
  float* h;      // (rows, units_padded)
  float* c;      // (rows, units_padded)
  float* sums;   // (chunk, step_sums)
};

struct Step {
  int64_t s, active;
  float* saved;  // of this step, or null
  float* sums;   // of its first group; `saved`, where that is not null
  int64_t done;  // steps of k that are in the sums already: 0 or all of x
};

// Step s, `index` in its chunk.
Step step_at(const Job& job, const TileState& tile, int64_t s, int64_t index) {
  const RecurrentArgs& a = job.a;
  float* saved = a.saved ? a.saved + (tile.first * a.t + s * tile.rows) * job.size.saved_row : nullptr;
  return {s, job.order.active(tile.first, tile.rows, s), saved,
          saved ? saved : tile.sums + index * job.layout.step_sums, job.layout.chunk > 1 ? a.in : 0};
}

void copy_in(float* to, const float* from, int64_t count) {
  each_vector(count, [&](int64_t i, int64_t some) { store_some(to + i, load_some(from + i, some, 0), some); });
}

// Rows of state (n, units) into padded ones; null is 0.
void load_state(const Job& job, const TileState& tile, const float* from, float* to) {
  const int64_t u = job.size.units;
  for (int64_t r = 0; r < tile.rows; ++r)
    for (int64_t j = 0; j < job.size.units_padded; j += kLanes) {
      const float* p = from ? from + job.order[tile.first + r] * u + j : nullptr;
      store(to + r * job.size.units_padded + j, p ? load_some(p, smaller(kLanes, u - j), 0) : Vec{});
    }
}

void store_state(const Job& job, const TileState& tile, const float* from, float* to) {
  const int64_t u = job.size.units;
  for (int64_t r = 0; to && r < tile.rows; ++r) {
    copy_in(to + job.order[tile.first + r] * u, from + r * job.size.units_padded, u);
  }
}

// h after step s of row r of the tile goes out.
void emit(const Job& job, const TileState& tile, int64_t r, int64_t s) {
  const int64_t u = job.size.units;
  if (job.a.y) copy_in(job.a.y + (job.order[tile.first + r] * job.a.t + s) * u, tile.h + r * job.size.units_padded, u);
}

void gather_inputs(const Job& job, const TileState& tile, const Step& step) {
  const RecurrentArgs& a = job.a;
  const int64_t input_step = a.reverse ? a.t - 1 - step.s : step.s;
  for (int64_t r = 0; r < step.active; ++r) {
    const int64_t row = job.order[tile.first + r];
    float* to = tile.xh + r * job.layout.a_stride + job.layout.in_padded;
    if (step.done == 0) copy_in(to - a.in, a.x + (row * a.t + input_step) * a.in, a.in);
    const float* h = tile.h + r * job.size.units_padded;
    for (int64_t j = 0; j < job.size.units_padded; j += kLanes) {
      Vec v = load(h + j);
      if (a.recurrent_mask) v *= load_some(a.recurrent_mask + row * a.units + j, smaller(kLanes, a.units - j), 0);
      store(to + j, v);
    }
  }
}

float* sums_of(const Job& job, const TileState& tile, const Step& step, int64_t group) {
  return step.sums + (step.saved || job.layout.groups_apart ? job.size.group_offset(group, tile.rows) : 0);
}

// The vectors of a group's panels that are multiplied by all of [x | h]: those of all gates, but for a gru only z and
// r. The vectors of its candidates follow.
int64_t gate_vectors(const RecurrentSizes& z, int64_t group) { return (z.gru() ? 2 : z.gates) * z.blocks_of(group); }

const float* panels_of(const Job& job, int64_t group) {
  return job.packed + group * 2 * job.size.gates * kLanes * (job.size.in + job.size.units);
}
const float* candidates_of(const Job& job, int64_t group) {
  return panels_of(job, group) + gate_vectors(job.size, group) * kLanes * (job.size.in + job.size.units);
}

// The sums of the gates: all of [x | h], or what is left of it.
void multiply_gates(const Job& job, const TileState& tile, const Step& step, int64_t group) {
  const RecurrentSizes& z = job.size;
  const int64_t vectors = gate_vectors(z, group), steps = z.in + z.units;
  const float* left = tile.xh + job.layout.in_padded - z.in + step.done;
  multiply_rows(left, job.layout.a_stride, step.active, steps - step.done,
                panels_of(job, group) + step.done * smaller(vectors, 2) * kLanes, steps * kWide, vectors,
                sums_of(job, tile, step, group), z.row_stride(group), step.done > 0);
}

// The two products of a gru's candidates: x . kernel_h, and `inner` (rows, lda) . recurrent_h beside it, or added to
// it.
void multiply_candidates_x(const Job& job, const TileState& tile, const Step& step, int64_t group) {
  const RecurrentSizes& z = job.size;
  if (step.done > 0) return;
  multiply_rows(tile.xh + job.layout.in_padded - z.in, job.layout.a_stride, step.active, z.in,
                candidates_of(job, group), 0, z.blocks_of(group),
                sums_of(job, tile, step, group) + gate_vectors(z, group) * kLanes, z.row_stride(group), false);
}
void multiply_candidates_h(const Job& job, const TileState& tile, const Step& step, int64_t group, const float* inner,
                           int64_t lda, bool add) {
  const RecurrentSizes& z = job.size;
  const int64_t b = z.blocks_of(group);
  multiply_rows(inner, lda, step.active, z.units, candidates_of(job, group) + z.in * b * kLanes, 0, b,
                sums_of(job, tile, step, group) + (add ? 2 : 3) * b * kLanes, z.row_stride(group), add);
}

// The products of x for `count` steps, from `first` on. Rows of padding are left out.
void multiply_inputs(const Job& job, const TileState& tile, const Step& first, int64_t count, int64_t group) {
  const RecurrentSizes& z = job.size;
  const RecurrentArgs& a = job.a;
  const int64_t vectors = gate_vectors(z, group), ldc = first.saved ? z.saved_row * tile.rows : job.layout.step_sums;
  for (int64_t r = 0; r < tile.rows; ++r) {
    const int64_t row = job.order[tile.first + r];
    const int64_t begin = job.order.row ? larger(first.s, job.order.begin[tile.first + r]) : first.s;
    const int64_t end = smaller(first.s + count, job.order.row ? job.order.end[tile.first + r] : a.t);
    if (begin >= end) continue;
    const float* x = a.x + (row * a.t + (a.reverse ? a.t - 1 - begin : begin)) * z.in;
    const int64_t ldx = a.reverse ? -z.in : z.in;
    float* sums = sums_of(job, tile, first, group) + r * z.row_stride(group) + (begin - first.s) * ldc;
    multiply_rows(x, ldx, end - begin, z.in, panels_of(job, group), (z.in + z.units) * kWide, vectors, sums, ldc,
                  false);
    if (!z.gru()) continue;
    multiply_rows(x, ldx, end - begin, z.in, candidates_of(job, group), 0, z.blocks_of(group), sums + vectors * kLanes,
                  ldc, false);
  }
}

// Calls f(row of the tile, row of the batch, block of the group) where the mask lets the step happen.
template <class F>
void each_block(const Job& job, const TileState& tile, const Step& step, int64_t group, const F& f) {
  for (int64_t r = 0; r < step.active; ++r) {
    const int64_t row = job.order[tile.first + r];
    if (masked_out(job.a, row, step.s)) continue;
    for (int64_t b = 0; b < job.size.blocks_of(group); ++b) f(r, row, b);
  }
}

template <class G>
void gates_of_group(const Job& job, const TileState& tile, const Step& step, int64_t group, const G& g) {
  const RecurrentSizes& z = job.size;
  const int64_t blocks = z.blocks_of(group), stride = z.row_stride(group), padded = z.units_padded;
  float* const sums = sums_of(job, tile, step, group);
  const float* const bias = job.packed + z.biases() + group * 2 * z.slots * kLanes;
  float* const saved_c = step.saved ? step.saved + z.slots * padded * tile.rows : nullptr;
  each_block(job, tile, step, group, [&](int64_t r, int64_t row, int64_t b) {
    float* const p = sums + r * stride;
    const int64_t unit = (2 * group + b) * kLanes, at = r * padded + unit;
    const auto sum = [&](int64_t slot) { return load(p + slot * kLanes) + load(bias + slot * kLanes); };
    const auto keep = [&](int64_t slot, Vec v) {
      if (step.saved) store(p + slot * kLanes, v);
    };
    Vec h;
    if constexpr (G::kCell == RecurrentCell::simple) {
      h = g.output(sum(b));
    } else if constexpr (G::kCell == RecurrentCell::lstm) {
      const Vec i = g.open(sum(4 * b)), f = g.open(sum(4 * b + 1));
      const Vec candidate = g.output(sum(4 * b + 2)), o = g.open(sum(4 * b + 3));
      const Vec c = f * load(tile.c + at) + i * candidate;
      h = o * g.output(c);
      store(tile.c + at, c);
      keep(4 * b, i), keep(4 * b + 1, f), keep(4 * b + 2, candidate), keep(4 * b + 3, o);
      if (saved_c) store(saved_c + at, c);
    } else {
      constexpr bool after = G::kCell == RecurrentCell::gru;
      const int64_t x_slot = 2 * blocks + b, h_slot = x_slot + blocks;
      const Vec update = after ? g.open(sum(2 * b)) : load(p + 2 * b * kLanes);
      Vec inner = sum(x_slot);
      if (after) {
        const Vec reset = g.open(sum(2 * b + 1)), product = sum(h_slot);
        inner += reset * product;
        keep(2 * b, update), keep(2 * b + 1, reset), keep(h_slot, product);
      }
      const Vec candidate = g.output(inner);
      keep(x_slot, candidate);
      h = candidate + update * (load(tile.h + at) - candidate);
    }
    store(tile.h + at, h);
    if (job.a.y) store_some(job.a.y + (row * job.a.t + step.s) * z.units + unit, h, smaller(kLanes, z.units - unit));
  });
}

// gru_reset_before, between its two products: z and r become gates, and h is reset.
template <class G>
void reset_group(const Job& job, const TileState& tile, const Step& step, int64_t group, const G& g) {
  const RecurrentSizes& z = job.size;
  float* const sums = sums_of(job, tile, step, group);
  const float* const bias = job.packed + z.biases() + group * 2 * z.slots * kLanes;
  for (int64_t r = 0; r < step.active; ++r)
    for (int64_t b = 0; b < z.blocks_of(group); ++b) {
      float* const p = sums + r * z.row_stride(group) + 2 * b * kLanes;
      const Vec update = g.open(load(p) + load(bias + 2 * b * kLanes));
      const Vec reset = g.open(load(p + kLanes) + load(bias + (2 * b + 1) * kLanes));
      store(p, update), store(p + kLanes, reset);
      const int64_t unit = (2 * group + b) * kLanes;
      store(tile.reset + r * z.units_padded + unit,
            reset * load(tile.xh + r * job.layout.a_stride + job.layout.in_padded + unit));
    }
}

// Rows of x for the next step; of y and of the saved c, which this one writes.
void fetch_next(const Job& job, const TileState& tile, const Step& step) {
  const RecurrentArgs& a = job.a;
  const RecurrentSizes& z = job.size;
  for (int64_t r = 0; r < step.active; ++r) {
    const int64_t row = job.order[tile.first + r];
    if (step.s + 1 < a.t) fetch(a.x + (row * a.t + (a.reverse ? a.t - 2 - step.s : step.s + 1)) * a.in, a.in);
    if (a.y) fetch(a.y + (row * a.t + step.s) * z.units, z.units);
  }
  if (step.saved && z.cell == RecurrentCell::lstm) {
    fetch(step.saved + z.slots * z.units_padded * tile.rows, z.units_padded * step.active);
  }
}

// The groups [first, last) of a step, once [x | h] is there. gru_reset_before: after reset_groups for all.
template <class G>
void run_groups(const Job& job, const TileState& tile, const Step& step, int64_t first, int64_t last, const G& g) {
  const RecurrentSizes& z = job.size;
  for (int64_t group = first; group < last; ++group) {
    if (G::kCell == RecurrentCell::gru_reset_before) {
      multiply_candidates_h(job, tile, step, group, tile.reset, z.units_padded, true);
    } else {
      multiply_gates(job, tile, step, group);
      if (z.gru()) {
        multiply_candidates_x(job, tile, step, group);
        multiply_candidates_h(job, tile, step, group, tile.xh + job.layout.in_padded, job.layout.a_stride, false);
      }
    }
    gates_of_group(job, tile, step, group, g);
  }
}

template <class G>
void reset_groups(const Job& job, const TileState& tile, const Step& step, int64_t first, int64_t last, const G& g) {
  for (int64_t group = first; group < last; ++group) {
    multiply_gates(job, tile, step, group);
    multiply_candidates_x(job, tile, step, group);
    reset_group(job, tile, step, group, g);
  }
}

// What the mask leaves out: the state stays, and is the output of the step once more.
void carry(const Job& job, const TileState& tile, const Step& step) {
  const RecurrentSizes& z = job.size;
  for (int64_t r = 0; job.a.mask && r < tile.rows; ++r) {
    if (!masked_out(job.a, job.order[tile.first + r], step.s)) continue;
    emit(job, tile, r, step.s);
    if (!step.saved || z.cell != RecurrentCell::lstm || r >= step.active) continue;
    copy_in(step.saved + z.slots * z.units_padded * tile.rows + r * z.units_padded, tile.c + r * z.units_padded,
            z.units_padded);
  }
}

// What a launch does for its parts of a tile's groups.
enum class Phase { inputs, reset, step };
struct Parts {
  const Job& job;
  const TileState& tile;
  Step step;      // the first of `count` for Phase::inputs
  int64_t count;  // steps
  Phase phase;
  int64_t parts;
};

void part_tile(const void* pointer, int64_t index, float*) {
  const Parts& p = *static_cast<const Parts*>(pointer);
  const int64_t groups = p.job.size.groups, first = groups * index / p.parts, last = groups * (index + 1) / p.parts;
  if (p.phase == Phase::inputs) {
    for (int64_t group = first; group < last; ++group) multiply_inputs(p.job, p.tile, p.step, p.count, group);
    return;
  }
  with_gates(p.job.a, [&](const auto& gates) {
    if (p.phase == Phase::reset) {
      reset_groups(p.job, p.tile, p.step, first, last, gates);
    } else {
      run_groups(p.job, p.tile, p.step, first, last, gates);
    }
  });
}

// Takes a tile through all steps. With a launch, its groups are shared out; without, this thread does it all.
void go_through(const Job& job, int64_t index, const Launch* launch) {
  const RecurrentArgs& a = job.a;
  const TileState tile(job, index);
  const auto share = [&](const Step& step, int64_t count, Phase phase) {
    const Parts parts = {job, tile, step, count, phase, launch ? job.size.parts : 1};
    launch ? launch->parallel(launch->pool, parts.parts, part_tile, &parts) : part_tile(&parts, 0, nullptr);
  };
  load_state(job, tile, a.h0, tile.h);
  load_state(job, tile, a.c0, tile.c);
  for (int64_t s = 0; s < a.t; ++s) {
    const int64_t at = s % job.layout.chunk;
    const Step step = step_at(job, tile, s, at);
    if (step.done > 0 && at == 0) share(step, smaller(job.layout.chunk, a.t - s), Phase::inputs);
    if (step.active > 0) {
      gather_inputs(job, tile, step);
      if (!launch) fetch_next(job, tile, step);
      if (a.cell == RecurrentCell::gru_reset_before) share(step, 1, Phase::reset);
      share(step, 1, Phase::step);
    }
    carry(job, tile, step);
  }
  store_state(job, tile, tile.h, a.h);
  store_state(job, tile, tile.c, a.c);
}

void forward_tile(const void* job, int64_t index, float*) { go_through(*static_cast<const Job*>(job), index, nullptr); }

}  // namespace

size_t recurrent_workspace(const RecurrentArgs& a) {
  // A run may have fewer rows than those asked for here, and then so few that they go the other way.
  RecurrentArgs few = a;
  few.n = smaller(a.n, kFewRows);
  const int64_t floats = larger(Layout(a, RecurrentSizes(a)).total, Layout(few, RecurrentSizes(few)).total);
  const size_t tiles = bytes_of(floats), step = a.t == 1 ? recurrent_step_workspace(a) : 0;
  return step > tiles ? step : tiles;
}

int64_t recurrent_parts(const RecurrentArgs& a) {
  const RecurrentSizes size(a);
  return size.few() && a.t > 1 ? size.parts : 0;
}

void recurrent_forward(const RecurrentArgs& a, const Launch& launch) {
  if (a.n == 0 || a.units == 0) return;
  if (is_single_step(a)) return recurrent_step(a, launch);
  const RecurrentSizes size(a);
  const Layout layout(a, size);
  float* workspace = static_cast<float*>(launch.workspace);
  if (!a.packed) recurrent_pack(a, workspace, launch);
  const Job job = {a,         size,
                   layout,    a.packed ? a.packed : workspace,
                   workspace, sort_rows(a, reinterpret_cast<int32_t*>(workspace + layout.order))};
  if (size.few()) return go_through(job, 0, &launch);
  launch.parallel(launch.pool, size.tiles, forward_tile, &job);
}

}  // namespace linnet::LINNET_ISA
