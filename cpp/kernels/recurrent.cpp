// The forward pass of recurrent layers (recurrent.h says how it is cut into tiles and what lies where).
//
//   sort the rows, if there is a mask
//   pack     [kernel; recurrent] into panels in the order of the slots, and the biases
//   for each tile of rows, for each step
//     [x | h] is put together                              it stays in L1 or L2
//     for each group of two blocks of units
//       for each panel: product                            the sums of a group are in L1
//       gates, new state, output
//
// The chain of every sum is x first, then h, then the bias: it depends neither on the rows nor on the threads. Start
// reading at forward_tile.
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
    const int64_t sums = (before ? z.groups : 1) * 2 * z.slots * kLanes;
    biases = round_to((z.in + z.units) * z.gates * z.units_padded, 16);
    order = biases + round_to(z.slots * z.units_padded, 16);
    tiles = order + (a.mask ? round_to(row_order_ints(a), 16) : 0);
    // Of a tile: [x | h], the reset h, h, c, the sums.
    h_offset = z.tile_rows * (a_stride + reset);
    c_offset = h_offset + round_to(z.tile_rows * z.units_padded, 16);
    sums_offset = c_offset + round_to(z.tile_rows * z.units_padded, 16);
    tile_stride = sums_offset + round_to(z.tile_rows * sums, 16);
    total = tiles + z.tiles * tile_stride;
  }
  int64_t in_padded, a_stride;  // x ends and h begins at in_padded in a row of [x | h]
  int64_t biases, order, tiles;
  int64_t h_offset, c_offset, sums_offset, tile_stride, total;
};

struct Job {
  const RecurrentArgs& a;
  RecurrentSizes size;
  Layout layout;
  float* workspace;
  RowOrder order;
};

// ---- packing -------------------------------------------------------------------------------------------------------

// Calls f(vector, gate, block) for the vectors of packed weights, in their order.
template <class F>
void each_vector_of_weights(const RecurrentSizes& z, const F& f) {
  int64_t vector = 0;
  for (int64_t group = 0; group < z.groups; ++group) {
    const int64_t b0 = 2 * group, b1 = b0 + z.blocks_of(group);
    const int together = z.gru() ? 2 : z.gates;  // of a block; the candidates of a gru follow
    for (int64_t block = b0; block < b1; ++block)
      for (int gate = 0; gate < together; ++gate) f(vector++, gate, block);
    for (int64_t block = b0; z.gru() && block < b1; ++block) f(vector++, 2, block);
  }
}

constexpr int64_t kPackRows = 16;

// Tile `index`: some rows of [kernel; recurrent] in all panels. Panel p holds vectors 2 p and 2 p + 1; of an odd number
// of vectors the last is a panel of its own.
void pack_tile(const void* pointer, int64_t index, float*) {
  const Job& job = *static_cast<const Job*>(pointer);
  const RecurrentSizes& z = job.size;
  const int64_t steps = z.in + z.units, columns = z.gates * z.units;
  const int64_t l1 = smaller(steps, (index + 1) * kPackRows), vectors = z.gates * z.blocks;
  each_vector_of_weights(z, [&](int64_t vector, int gate, int64_t block) {
    const bool alone = vector == vectors - 1 && vectors % 2 == 1;
    const int64_t width = alone ? kLanes : kWide;
    float* panel = job.workspace + vector / 2 * kWide * steps + (alone ? 0 : vector % 2 * kLanes);
    const int64_t column = gate * z.units + block * kLanes, count = smaller(kLanes, z.units - block * kLanes);
    for (int64_t l = index * kPackRows; l < l1; ++l) {
      const float* row = l < z.in ? job.a.kernel + l * columns : job.a.recurrent + (l - z.in) * columns;
      store(panel + l * width, load_some(row + column, count, 0));
    }
  });
}

// Biases in the order of the slots. Those of a product of x and of one of h that meet in one sum are added up.
void pack_biases(const Job& job) {
  const RecurrentSizes& z = job.size;
  float* to = job.workspace + job.layout.biases;
  const auto put = [&](const float* first, const float* second, int gate, int64_t block) {
    const int64_t column = gate * z.units + block * kLanes, count = smaller(kLanes, z.units - block * kLanes);
    Vec v = first ? load_some(first + column, count, 0) : Vec{};
    if (second) v += load_some(second + column, count, 0);
    store(to, v);
    to += kLanes;
  };
  const float *bias = job.a.bias, *inner = job.a.recurrent_bias;
  for (int64_t group = 0; group < z.groups; ++group) {
    const int64_t b0 = 2 * group, b1 = b0 + z.blocks_of(group);
    const int together = z.gru() ? 2 : z.gates;
    for (int64_t block = b0; block < b1; ++block)
      for (int gate = 0; gate < together; ++gate) put(bias, inner, gate, block);
    for (int64_t block = b0; z.gru() && block < b1; ++block) put(bias, nullptr, 2, block);
    for (int64_t block = b0; z.cell == RecurrentCell::gru && block < b1; ++block) put(inner, nullptr, 2, block);
  }
}

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
  float* sums;   // of one group; gru_reset_before: of a step
};

struct Step {
  int64_t s, active;
  float* saved;  // of this step, or null
};

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
    copy_in(to - a.in, a.x + (row * a.t + input_step) * a.in, a.in);
    const float* h = tile.h + r * job.size.units_padded;
    for (int64_t j = 0; j < job.size.units_padded; j += kLanes) {
      Vec v = load(h + j);
      if (a.recurrent_mask) v *= load_some(a.recurrent_mask + row * a.units + j, smaller(kLanes, a.units - j), 0);
      store(to + j, v);
    }
  }
}

float* sums_of(const Job& job, const TileState& tile, const Step& step, int64_t group) {
  const int64_t offset = job.size.group_offset(group, tile.rows);
  if (step.saved) return step.saved + offset;
  return tile.sums + (job.size.cell == RecurrentCell::gru_reset_before ? offset : 0);
}

const float* panels_of(const Job& job, int64_t group) {
  return job.workspace + group * 2 * job.size.gates * kLanes * (job.size.in + job.size.units);
}

// The sums of a group: all of them, but for a gru only z and r.
void multiply_gates(const Job& job, const TileState& tile, const Step& step, int64_t group) {
  const RecurrentSizes& z = job.size;
  const int64_t vectors = (z.gru() ? 2 : z.gates) * z.blocks_of(group), steps = z.in + z.units;
  const float* x = tile.xh + job.layout.in_padded - z.in;
  multiply_rows(x, job.layout.a_stride, step.active, steps, panels_of(job, group), steps * kWide, vectors,
                sums_of(job, tile, step, group), z.row_stride(group), false);
}

// The two products of a gru's candidates: x . kernel_h, and `inner` (rows, lda) . recurrent_h beside it, or added to
// it.
void multiply_candidates_x(const Job& job, const TileState& tile, const Step& step, int64_t group) {
  const RecurrentSizes& z = job.size;
  const int64_t b = z.blocks_of(group), steps = z.in + z.units;
  multiply_rows(tile.xh + job.layout.in_padded - z.in, job.layout.a_stride, step.active, z.in,
                panels_of(job, group) + 2 * b * kLanes * steps, 0, b, sums_of(job, tile, step, group) + 2 * b * kLanes,
                z.row_stride(group), false);
}
void multiply_candidates_h(const Job& job, const TileState& tile, const Step& step, int64_t group, const float* inner,
                           int64_t lda, bool add) {
  const RecurrentSizes& z = job.size;
  const int64_t b = z.blocks_of(group), steps = z.in + z.units;
  const float* panel = panels_of(job, group) + 2 * b * kLanes * steps + z.in * b * kLanes;
  multiply_rows(inner, lda, step.active, z.units, panel, 0, b,
                sums_of(job, tile, step, group) + (add ? 2 : 3) * b * kLanes, z.row_stride(group), add);
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
  const float* const bias = job.workspace + job.layout.biases + group * 2 * z.slots * kLanes;
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
  const float* const bias = job.workspace + job.layout.biases + group * 2 * z.slots * kLanes;
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

template <class G>
void run_step(const Job& job, const TileState& tile, const Step& step, const G& g) {
  const RecurrentSizes& z = job.size;
  gather_inputs(job, tile, step);
  fetch_next(job, tile, step);
  if (G::kCell == RecurrentCell::gru_reset_before) {
    for (int64_t group = 0; group < z.groups; ++group) {
      multiply_gates(job, tile, step, group);
      multiply_candidates_x(job, tile, step, group);
      reset_group(job, tile, step, group, g);
    }
  }
  for (int64_t group = 0; group < z.groups; ++group) {
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

void forward_tile(const void* pointer, int64_t index, float*) {
  const Job& job = *static_cast<const Job*>(pointer);
  const RecurrentArgs& a = job.a;
  const TileState tile(job, index);
  load_state(job, tile, a.h0, tile.h);
  load_state(job, tile, a.c0, tile.c);
  with_gates(a, [&](const auto& gates) {
    for (int64_t s = 0; s < a.t; ++s) {
      const int64_t saved = (tile.first * a.t + s * tile.rows) * job.size.saved_row;
      const Step step = {s, job.order.active(tile.first, tile.rows, s), a.saved ? a.saved + saved : nullptr};
      if (step.active > 0) run_step(job, tile, step, gates);
      carry(job, tile, step);
    }
  });
  store_state(job, tile, tile.h, a.h);
  store_state(job, tile, tile.c, a.c);
}

}  // namespace

size_t recurrent_workspace(const RecurrentArgs& a) {
  const size_t tiles = bytes_of(Layout(a, RecurrentSizes(a)).total);
  const size_t step = a.t == 1 ? recurrent_step_workspace(a) : 0;
  return step > tiles ? step : tiles;
}

void recurrent_forward(const RecurrentArgs& a, const Launch& launch) {
  if (a.n == 0 || a.units == 0) return;
  if (is_single_step(a)) return recurrent_step(a, launch);
  const RecurrentSizes size(a);
  const Layout layout(a, size);
  float* workspace = static_cast<float*>(launch.workspace);
  const Job job = {a, size, layout, workspace, sort_rows(a, reinterpret_cast<int32_t*>(workspace + layout.order))};
  launch.parallel(launch.pool, ceil_div(size.in + size.units, kPackRows), pack_tile, &job);
  pack_biases(job);
  launch.parallel(launch.pool, size.tiles, forward_tile, &job);
}

}  // namespace linnet::LINNET_ISA
