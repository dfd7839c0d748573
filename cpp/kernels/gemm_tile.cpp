// A tile of GEMM (gemm_tile.h): packing, the loops around the micro-kernel, edges, and the way out of a transposed
// tile.
//
// Nothing in here can change a bit of the result (gemm_micro.h says why). Start reading at gemm_tile(), at the end.
#include "kernels/gemm_tile.h"

#include "kernels/gemm_pack.h"
#include "kernels/math.h"

namespace linnet::LINNET_ISA {
namespace {

Vec activate(Activation activation, Vec v) {
  switch (activation) {
    case Activation::none:
      return v;
    case Activation::relu:
      return v < 0 ? Vec{} : v;  // keeps NaN
    case Activation::tanh:
      return tanh_vec(v);
    case Activation::sigmoid:
      return sigmoid_vec(v);
  }
  return v;
}

// c = epilogue(t^T) for a finished tile t (columns of c, rows of c), rows ld apart; ld is a multiple of kLanes.
void turn(const float* t, int64_t ld, float* c, int64_t ldc, int64_t rows, int64_t columns, const float* bias,
          const float* residual, Activation activation) {
  for (int64_t i0 = 0; i0 < rows; i0 += kLanes)
    for (int64_t j0 = 0; j0 < columns; j0 += kLanes) {
      Vec v[kLanes];
      load_block(v, t + j0 * ld + i0, ld, columns - j0, kLanes, t);
      transpose(v);
      const int64_t count = smaller(kLanes, columns - j0);
      const Vec bias_j = bias ? load_partial(bias + j0, count) : Vec{};
      for (int64_t i = i0; i < smaller(rows, i0 + kLanes); ++i) {
        Vec y = v[i - i0];
        if (bias) y += bias_j;
        if (residual) y += load_partial(residual + i * ldc + j0, count);
        store_partial(c + i * ldc + j0, activate(activation, y), count);
      }
    }
}

// Where micro-tiles go: c itself, or the scratch that holds a tile of c^T until it is turned.
struct Target {
  float* c;
  int64_t ldc;
  const float* bias;      // (columns), or null
  const float* residual;  // rows ldc apart, or null
  bool relu;
};

// Runs one micro-tile of which the columns [skip, skip + count) are wanted; `out` begins at the first wanted one. `t`
// holds a, b, k and accumulate.
void run_micro_tile(MicroKernel kernel, MicroTile t, int64_t rows, int64_t width, int64_t skip, int64_t count,
                    const Target& out, Scratch& scratch) {
  t.relu = out.relu;
  t.bias = out.bias;
  if (count == width) {
    t.c = out.c, t.ldc = out.ldc;
    t.residual = out.residual, t.ld_residual = out.ldc;
    return kernel(t);
  }
  t.c = scratch.edge_c, t.ldc = width;
  t.residual = nullptr;
  if (t.accumulate) {
    for (int64_t r = 0; r < rows; ++r) copy_row(t.c + r * width + skip, out.c + r * out.ldc, count);
  }
  if (out.bias) {
    copy_row(scratch.edge_bias + skip, out.bias, count);
    t.bias = scratch.edge_bias;
  }
  if (out.residual) {
    for (int64_t r = 0; r < rows; ++r) {
      copy_row(scratch.edge_residual + r * width + skip, out.residual + r * out.ldc, count);
    }
    t.residual = scratch.edge_residual, t.ld_residual = width;
  }
  kernel(t);
  for (int64_t r = 0; r < rows; ++r) copy_row(out.c + r * out.ldc, t.c + r * width + skip, count);
}

// The panel that begins at column j of [0, end): `vectors` wide at most, no wider than what is left. Read in place it
// may not leave the matrix either, so it is shifted back over columns already done.
struct Panel {
  Panel(int64_t j, int64_t end, int most, bool in_place) : vectors(most) {
    while (vectors > 1 && (ceil_div(end - j, kLanes) < vectors || (in_place && vectors * kLanes > end))) vectors /= 2;
    width = vectors * kLanes;
    count = smaller(width, end - j);
    skip = in_place ? width - count : 0;
  }
  int vectors;
  int64_t width, count, skip;
};

// How many slivers would not pay for a copy of b. Rows a multiple of a page apart crowd into few cache sets: copy
// sooner.
int64_t few_slivers(const Product& p) { return p.ldb % 1024 == 0 ? 4 : 12; }

// Rows of a that are a multiple of 4 KB apart share one set of the first-level cache, which has room for about eight of
// them: a taller sliver read in place would throw out its own lines before they are used up, and so would the steps of
// k where a is stored by columns.
bool crowds_cache(const Product& p, int64_t slivers) {
  constexpr int64_t kWays = 8;
  return p.lda % 1024 == 0 && (p.trans_a ? p.k : p.m / slivers) >= kWays;
}

// The slivers [s0, s1) and the columns [j0, j1) of one product into `out`, whose origin is that of the tile.
void run_tile(const Plan& plan, const float* a, const float* b, int64_t s0, int64_t s1, int64_t j0, int64_t j1,
              const Target& out, Scratch& scratch) {
  const Product& p = plan.product;
  // The orders are explained in gemm_tile.h.
  const bool crowded = j1 - j0 > kLanes && crowds_cache(p, plan.slivers);
  const int64_t height = p.m * s1 / plan.slivers - p.m * s0 / plan.slivers, columns = j1 - j0;
  const int64_t deep_steps = p.trans_a && !p.trans_b && !plan.packed_b ? Blocks::deep_steps(p.k, height, columns) : 0;
  const int64_t sliver_steps = p.trans_a ? 0 : Blocks::sliver_steps(p.k, columns);
  constexpr int64_t kFewSlivers = 8;
  const bool by_step = deep_steps > 0, by_sliver = sliver_steps > 0;
  const bool by_panel = by_sliver && plan.packed_b && plan.vectors * kLanes == kPanel && plan.slivers <= kFewSlivers;
  const bool far = p.m * (p.k + p.n) > Blocks::resident;  // a and c come from behind L2
  const bool copy_a =
      by_step ? p.lda % 512 == 0 && columns > 2 * kPanel : crowded || (!by_sliver && columns > Blocks::columns);
  const bool copy_b = !plan.packed_b && (p.trans_b || p.n < kLanes || s1 - s0 > few_slivers(p));
  const int64_t block = by_step     ? deep_steps
                        : by_panel  ? Blocks::even_steps(p.k, 256)
                        : by_sliver ? sliver_steps
                                    : Blocks::steps(p.k, copy_a);
  const int64_t group = by_step || by_sliver ? columns : Blocks::columns;
  // A matrix without gaps can be read on behind the end of a row, up to its own end.
  const float* end_a = p.trans_a && p.lda == p.m ? a + p.k * p.m : a;
  const float* end_b = copy_b && p.ldb == (p.trans_b ? p.k : p.n) ? b + p.k * p.n : b;
  const auto row_of = [&](int64_t s) { return p.m * s / plan.slivers; };
  // Steps between two calls of Fetch::some(): each interrupts the micro-kernel a little.
  const int64_t chunk = (copy_a && !p.trans_a) || p.k < 128 ? kChunk : 2 * kChunk;
  int64_t p0 = 0;
  do {
    const int64_t steps = smaller(block, p.k - p0);
    const bool first = plan.first && p0 == 0, last = plan.last && p0 + steps >= p.k;
    const bool one_copy = by_sliver && !by_panel;  // of a sliver at a time
    float* const copies_of_b = one_copy ? scratch.packed + kSliver * block
                               : copy_a ? scratch.packed + Blocks::packed_a
                                        : scratch.packed;
    const auto copy_of_sliver = [&](int64_t s) { return scratch.packed + (one_copy ? 0 : s - s0) * kSliver * block; };
    // Where a is stored by columns, all slivers a few steps at a time: they share lines of a, and steps a page apart
    // share a set of the cache.
    constexpr int64_t kFewSteps = 8;
    const auto prepare_sliver = [&](int64_t s) {
      const int64_t i = row_of(s);
      pack_a(a + i * p.lda + p0, p.lda, row_of(s + 1) - i, steps, copy_of_sliver(s));
    };
    const auto prepare_slivers = [&] {
      for (int64_t s = s0; !p.trans_a && s < s1; ++s) prepare_sliver(s);
      for (int64_t l = 0; p.trans_a && l < steps; l += kFewSteps)
        for (int64_t s = s0; s < s1; ++s) {
          const int64_t i = row_of(s), width = ceil_div(row_of(s + 1) - i, kLanes) * kLanes;
          pack_b(a + (p0 + l) * p.lda + i, p.lda, smaller(kFewSteps, steps - l), smaller(width, p.m - i), width, end_a,
                 copy_of_sliver(s) + l * width);
        }
    };
    const auto prepare_panel = [&](const Panel& panel, int64_t j, float* copy) {
      if (p.trans_b) {
        pack_b_transposed(b + j * p.ldb + p0, p.ldb, steps, panel.count, panel.width, end_b, copy);
      } else {
        pack_b(b + p0 * p.ldb + j, p.ldb, steps, panel.count, panel.width, end_b, copy);
      }
    };
    Fetch ahead[kFetches];  // by sliver: the next sliver of a, micro-tile of c, and residual
    const auto multiply = [&](int64_t s, const Panel& panel, int64_t j, const float* copy) {
      const int64_t i = row_of(s), rows = row_of(s + 1) - i;
      MicroTile t = {};
      t.k = steps, t.accumulate = !first;
      t.a_chunk = steps;
      if (one_copy && far) {
        const bool end = j + panel.count >= j1;
        const int64_t next = (i + (end ? rows : 0) - row_of(s0)) * out.ldc + (end ? 0 : j + panel.count - j0);
        const int64_t calls = ceil_div(steps, chunk);
        ahead[1] = fetch_lines(out.c + next, rows, panel.width, out.ldc, calls);
        if (last && out.residual) ahead[2] = fetch_lines(out.residual + next, rows, panel.width, out.ldc, calls);
      }
      if (by_step || by_panel || (one_copy && far)) t.a_chunk = chunk, t.ahead = ahead;
      if (!copy_a) {
        t.a = p.trans_a ? a + p0 * p.lda + i : a + i * p.lda + p0, t.a_stride = p.lda;
      } else if (p.trans_a) {
        t.a = copy_of_sliver(s), t.a_stride = ceil_div(rows, kLanes) * kLanes;
      } else {
        t.a = copy_of_sliver(s), t.a_stride = kChunk, t.a_chunk = kChunk, t.a_skip = (rows - 1) * kChunk;
      }
      if (plan.packed_b) {
        t.b = plan.packed_b + j / kPanel * plan.panel_stride + p0 * kPanel + j % kPanel;
        t.ldb = kPanel, t.b_pair = plan.panel_stride;
      } else if (copy_b) {
        t.b = copy, t.ldb = panel.width;
      } else {
        t.b = b + p0 * p.ldb + j - panel.skip, t.ldb = p.ldb;
      }
      const int64_t offset = (i - row_of(s0)) * out.ldc + j - j0;
      const Target here = {out.c + offset, out.ldc, last && out.bias ? out.bias + j - j0 : nullptr,
                           last && out.residual ? out.residual + offset : nullptr, last && out.relu};
      run_micro_tile(micro_kernel_for(int(rows), panel.vectors, !p.trans_a), t, rows, panel.width, panel.skip,
                     panel.count, here, scratch);
    };

    if (copy_a && !one_copy) prepare_slivers();
    if (by_panel) {
      for (int64_t j = j0; j < j1;) {
        const Panel panel(j, j1, plan.vectors, false);
        const bool more = j + panel.count < j1;
        const float* next = plan.packed_b + (more ? j / kPanel + 1 : j0 / kPanel) * plan.panel_stride;
        const int64_t from = more ? p0 : p0 + steps;
        ahead[0] = fetch_lines(next + from * kPanel, smaller(block, p.k - from), kPanel, kPanel,
                               (s1 - s0) * ceil_div(steps, chunk));
        for (int64_t s = s0; s < s1; ++s) multiply(s, panel, j, nullptr);
        j += panel.count;
      }
      p0 += steps;
      continue;
    }
    for (int64_t g0 = j0; g0 < j1; g0 += group) {
      const int64_t g1 = smaller(j1, g0 + group);
      const auto each_panel = [&](const auto& visit) {
        for (int64_t j = g0; j < g1;) {
          const Panel panel(j, g1, plan.vectors, !plan.packed_b && !copy_b);
          visit(panel, j, copies_of_b + (j - g0) * steps);
          j += panel.count;
        }
      };
      if (copy_b) each_panel(prepare_panel);
      if (by_step) {
        const int64_t next = p0 + steps, more = smaller(block, p.k - next);
        const int64_t calls = (s1 - s0) * ceil_div(columns, plan.vectors * kLanes) * ceil_div(steps, chunk);
        ahead[0] = fetch_lines(a + next * p.lda + row_of(s0), more, height, p.lda, calls);
        ahead[1] = fetch_lines(b + next * p.ldb + j0, more, columns, p.ldb, calls);
      }
      for (int64_t s = s0; s < s1; ++s) {
        if (one_copy) {
          if (copy_a) prepare_sliver(s);
          const int64_t next = row_of(s + 1), more = s + 1 < s1 ? row_of(s + 2) - next : 0;
          ahead[0] = fetch_lines(a + next * p.lda + p0, more, steps, p.lda,
                                 ceil_div(columns, plan.vectors * kLanes) * ceil_div(steps, chunk));
        }
        each_panel([&](const Panel& panel, int64_t j, const float* copy) { multiply(s, panel, j, copy); });
      }
    }
    p0 += steps;
  } while (p0 < p.k);
}

}  // namespace

void finish_rows(const Epilogue& e, float* y, int64_t ld, int64_t rows, int64_t columns) {
  if (!e.bias && !e.residual && e.activation == Activation::none) return;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < columns; j += kLanes) {
      const int64_t count = smaller(kLanes, columns - j);
      Vec v = load_partial(y + r * ld + j, count);
      if (e.bias) v += load_partial(e.bias + j, count);
      if (e.residual) v += load_partial(e.residual + r * ld + j, count);
      store_partial(y + r * ld + j, activate(e.activation, v), count);
    }
}

void gemm_tile(const void* args, int64_t index, float* memory) {
  const Plan& plan = *static_cast<const Plan*>(args);
  Scratch& scratch = *reinterpret_cast<Scratch*>(memory);
  const Product& p = plan.product;
  const GemmArgs& g = *plan.args;
  const Epilogue& e = g.epilogue;
  const int64_t tiles = plan.row_tiles * plan.column_tiles;
  const int64_t row_tile = index % tiles % plan.row_tiles, column_tile = index % tiles / plan.row_tiles;
  const int64_t s0 = plan.slivers * row_tile / plan.row_tiles, s1 = plan.slivers * (row_tile + 1) / plan.row_tiles;
  const int64_t i0 = p.m * s0 / plan.slivers, i1 = p.m * s1 / plan.slivers;
  const int64_t width = plan.vectors * kLanes;
  const int64_t j0 = plan.panels * column_tile / plan.column_tiles * width;
  const int64_t j1 = smaller(p.n, plan.panels * (column_tile + 1) / plan.column_tiles * width);
  const int64_t first = index / tiles * plan.products_per_tile;
  for (int64_t q = first; q < smaller(g.batch, first + plan.products_per_tile); ++q) {
    const int64_t origin = q * g.stride_c + (plan.turned ? j0 * g.ldc + i0 : i0 * g.ldc + plan.n0 + j0);
    float* c = g.c + origin;
    const float* bias = e.bias ? e.bias + (plan.turned ? i0 : plan.n0 + j0) : nullptr;
    const float* residual = e.residual ? e.residual + origin : nullptr;
    const int64_t turned_ld = ceil_div(j1 - j0, kLanes) * kLanes;
    const Target target = plan.turned ? Target{scratch.turned, turned_ld, nullptr, nullptr, false}
                                      : Target{c, g.ldc, bias, residual, e.activation == Activation::relu};
    run_tile(plan, p.a + q * p.stride_a, p.b + q * p.stride_b, s0, s1, j0, j1, target, scratch);
    if (plan.turned) {
      turn(scratch.turned, turned_ld, c, g.ldc, j1 - j0, i1 - i0, bias, residual, e.activation);
    } else if (plan.last && (e.activation == Activation::tanh || e.activation == Activation::sigmoid)) {
      finish_rows({nullptr, nullptr, e.activation}, c, g.ldc, i1 - i0, j1 - j0);
    }
  }
}

}  // namespace linnet::LINNET_ISA
