// c = epilogue(op(a) . op(b)) for every shape: BLIS (Van Zee & van de Geijn 2015) with the small shapes taken
// seriously.
//
// c is cut into tiles, and a tile is one piece of work for one thread: it packs what it needs into its own scratch and
// shares nothing, so a product is one launch without barriers or workspace. Inside a tile:
//
//   for each block of k            Blocks::k steps; c carries the sums from block to block
//     pack b                       or read it in place when few rows would use the copy
//     for each sliver of rows      up to kMaxRows, the remainder spread evenly
//       pack a                     or read it in place when few columns would use the copy
//       for each panel of columns  up to 8 vectors, fewer when the sliver has many rows
//         micro-kernel             gemm_micro.h
//
// The transposed product, c^T = op(b)^T . op(a)^T, is computed when that is cheaper: 784 x 10 fills vectors of 16
// better as 10 x 784, and transposing a small a can be cheaper than transposing a large b. The tile of c^T then stays
// in scratch and is turned on its way out.
//
// All of these choices may depend on anything but the number of threads: they do not change a bit (gemm_micro.h).
// Start reading at gemm(), at the end.
#include "kernels/declare.h"
#include "kernels/gemm_micro.h"
#include "kernels/gemm_pack.h"
#include "kernels/math.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t ceil_div(int64_t x, int64_t y) { return (x + y - 1) / y; }
constexpr int64_t smaller(int64_t x, int64_t y) { return x < y ? x : y; }
constexpr int64_t larger(int64_t x, int64_t y) { return x > y ? x : y; }

// Sizes in floats. A block of packed b is to stay in L2 beside the rest, a sliver of packed a in L1.
struct Blocks {
  static constexpr int64_t k = 256;                    // where a is packed
  static constexpr int64_t long_k = 1024;              // where it is read in place
  static constexpr int64_t columns = 512;              // of a tile
  static constexpr int64_t rows = 32 * kMaxRows;       // of a tile
  static constexpr int64_t b = columns * k;            // elements of packed b
  static constexpr int64_t turned = int64_t{1} << 16;  // elements of a tile of c^T
};
constexpr int64_t kPanel = 2 * kLanes;  // columns of a panel when a sliver is full
constexpr int64_t kEdge = kMaxRows * kPanel > kMaxVectors* kLanes ? kMaxRows * kPanel : kMaxVectors * kLanes;

// What a thread's scratch is cut into.
struct Scratch {
  float edge_c[kEdge];  // a micro-tile that hangs over the right side of c
  float edge_residual[kEdge];
  float edge_bias[kMaxVectors * kLanes];
  float a[ceil_div(kMaxRows, kLanes) * kLanes * Blocks::k];
  float b[Blocks::b];
  float turned[Blocks::turned];  // a tile of c^T
};
static_assert(sizeof(Scratch) <= kThreadScratchBytes);

// A product, or its transpose, in the orientation in which it is computed.
struct Product {
  int64_t m, n, k;
  const float* a;  // (m, k), or (k, m) when trans_a
  int64_t lda, stride_a;
  bool trans_a;
  const float* b;  // (k, n), or (n, k) when trans_b
  int64_t ldb, stride_b;
  bool trans_b;
};

struct Plan {
  const GemmArgs* args;
  Product product;
  bool turned;      // `product` is c^T = op(b)^T . op(a)^T
  int64_t slivers;  // sliver i is the rows [m * i / slivers, m * (i + 1) / slivers)
  int vectors;      // of a full panel: the columns [i, i + 1) * vectors * kLanes
  int64_t panels;
  int64_t row_tiles, column_tiles;  // of one product: tile i is the slivers [slivers * i / row_tiles, ...)
  int64_t products_per_tile;        // more than one when a product is too small to be a tile
};

// ---- planning ------------------------------------------------------------------------------------------------------

// What memory costs per element, in units of a vector FMA. Only the choices below depend on it: fitted so that they
// pick the faster way for the shapes of bench/cpp/bench_gemm.cpp, mostly from L2 on a Zen 4.
constexpr double kCopyCost = 2.0 / kLanes;
constexpr double kTransposeCost = 10.0 / kLanes;
constexpr double kWriteCost = 6.0 / kLanes;  // starting a chain, the epilogue, and storing c

double fma_cost(const Product& p) { return double(p.m) * double(ceil_div(p.n, kLanes)) * double(p.k); }

double total_cost(const Product& p, bool turned) {
  const double pack_b = (p.trans_b ? kTransposeCost : p.n < kLanes ? kCopyCost : 0) * double(p.n) * double(p.k);
  return fma_cost(p) + pack_b + (turned ? kTransposeCost * double(p.m) * double(p.n) : 0);
}

// The widest panel whose micro-tile fits the registers beside that many rows.
int panel_vectors(int64_t rows) {
  int vectors = kMaxVectors;
  while (vectors > 1 && !tile_fits(int(rows), vectors)) vectors /= 2;
  return vectors;
}

// One or two rows of a by a b larger than L2 run at the speed of memory, which likes few long streams: wide tiles, and
// few rows of b at a time.
bool streams_b(const Product& p) { return p.m <= 2 && p.n >= kLanes && !p.trans_b && p.k * p.n > (int64_t{1} << 18); }

// Cuts a product into tiles: small enough for the scratch and to spread the work, in the direction that repeats the
// least packing (every column tile packs its rows of a again, every row tile its columns of b).
void choose_tiles(Plan& plan) {
  constexpr double kSmallestTile = 20e3;  // vector FMAs, about 6 us: below that a launch costs more than it gains
  const Product& p = plan.product;
  const double most_tiles = streams_b(p) ? 4 : 16;
  const double work = fma_cost(p) + kWriteCost * double(p.m) * double(p.n);
  const double batch = double(plan.args->batch);
  const double wanted = work * batch / kSmallestTile < most_tiles ? work * batch / kSmallestTile : most_tiles;
  plan.row_tiles = ceil_div(plan.slivers * kMaxRows, Blocks::rows);
  plan.column_tiles = ceil_div(plan.panels * plan.vectors * kLanes, streams_b(p) ? 4096 : Blocks::columns);
  for (;;) {
    const int64_t rows = ceil_div(plan.slivers, plan.row_tiles) * kMaxRows;
    const int64_t columns = ceil_div(plan.panels, plan.column_tiles) * plan.vectors * kLanes;
    const bool too_wide = plan.turned && rows * columns > Blocks::turned;
    const bool enough = 2 * double(plan.row_tiles * plan.column_tiles) * batch > wanted;
    if (enough && !too_wide) break;
    const bool can_rows = plan.row_tiles < plan.slivers, can_columns = plan.column_tiles < plan.panels;
    if (!can_rows && !can_columns) break;
    const double repeat_a = double(plan.column_tiles * p.m) * kCopyCost;
    const double repeat_b = double(plan.row_tiles * p.n) * (p.trans_b ? kTransposeCost : kCopyCost);
    const bool by_columns = too_wide || repeat_a < repeat_b;
    if (can_columns && (by_columns || !can_rows)) {
      plan.column_tiles = smaller(2 * plan.column_tiles, plan.panels);
    } else {
      plan.row_tiles = smaller(2 * plan.row_tiles, plan.slivers);
    }
  }
  const bool whole = plan.row_tiles * plan.column_tiles == 1;
  plan.products_per_tile = whole ? larger(1, int64_t(kSmallestTile / (work + 100))) : 1;
}

Plan make_plan(const GemmArgs& g) {
  const Product straight = {g.m, g.n, g.k, g.a, g.lda, g.stride_a, g.trans_a, g.b, g.ldb, g.stride_b, g.trans_b};
  const Product turned = {g.n, g.m, g.k, g.b, g.ldb, g.stride_b, !g.trans_b, g.a, g.lda, g.stride_a, !g.trans_a};
  Plan plan;
  plan.args = &g;
  plan.turned = total_cost(turned, true) < total_cost(straight, false);
  plan.product = plan.turned ? turned : straight;
  plan.slivers = ceil_div(plan.product.m, kMaxRows);
  plan.vectors = panel_vectors(ceil_div(plan.product.m, plan.slivers));
  plan.panels = ceil_div(plan.product.n, plan.vectors * kLanes);
  choose_tiles(plan);
  return plan;
}

// ---- one tile ------------------------------------------------------------------------------------------------------

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

// y = activation(y) for y (rows, columns), rows ld apart: the activations that are too long for the micro-kernel.
void activate_rows(Activation activation, float* y, int64_t ld, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < columns; j += kLanes) {
      const int64_t count = smaller(kLanes, columns - j);
      store_partial(y + r * ld + j, activate(activation, load_partial(y + r * ld + j, count)), count);
    }
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

// Steps of k between visits to c.
int64_t choose_block_k(const Product& p, int64_t columns, bool packs_a) {
  if (streams_b(p)) return 8;
  if (packs_a) return Blocks::k;
  return smaller(Blocks::long_k, Blocks::b / (ceil_div(columns, kLanes) * kLanes));
}

// The slivers [s0, s1) and the columns [j0, j1) of one product into `out`, whose origin is that of the tile.
void run_tile(const Plan& plan, const float* a, const float* b, int64_t s0, int64_t s1, int64_t j0, int64_t j1,
              const Target& out, Scratch& scratch) {
  // What would not pay for a copy of b or a. Rows a multiple of a page apart crowd into few cache sets: copy sooner.
  const Product& p = plan.product;
  const int64_t few_slivers = p.ldb % 1024 == 0 ? 4 : 12, few_panels = 4;
  const bool pack_b_panels = p.trans_b || p.n < kLanes || s1 - s0 > few_slivers;
  const bool pack_a_sliver = j1 - j0 > few_panels * plan.vectors * kLanes;
  const int64_t i0 = p.m * s0 / plan.slivers;
  const int64_t block_k = choose_block_k(p, j1 - j0, pack_a_sliver);
  int64_t p0 = 0;
  do {
    const int64_t steps = smaller(block_k, p.k - p0);
    const bool last = p0 + steps >= p.k;
    if (pack_b_panels) {
      // A few rows at a time, so that b is read in long runs and from few pages.
      const int64_t slab = p.trans_b ? steps : 16;
      const float* end = p.ldb == (p.trans_b ? p.k : p.n) ? b + p.k * p.n : b;  // b without gaps
      for (int64_t l = 0; l < steps; l += slab)
        for (int64_t j = j0; j < j1;) {
          const Panel panel(j, j1, plan.vectors, false);
          float* packed = scratch.b + (j - j0) * steps + l * panel.width;
          if (p.trans_b) {
            pack_b_transposed(b + j * p.ldb + p0, p.ldb, steps, panel.count, panel.width, end, packed);
          } else {
            pack_b(b + (p0 + l) * p.ldb + j, p.ldb, smaller(slab, steps - l), panel.count, panel.width, end, packed);
          }
          j += panel.count;
        }
    }
    for (int64_t s = s0; s < s1; ++s) {
      const int64_t i = p.m * s / plan.slivers;
      const int64_t rows = p.m * (s + 1) / plan.slivers - i;
      MicroTile t = {};
      t.k = steps;
      t.accumulate = p0 > 0;
      t.a = p.trans_a ? a + p0 * p.lda + i : a + i * p.lda + p0;
      t.a_stride = p.lda;
      t.a_chunk = steps;
      if (pack_a_sliver && p.trans_a) {
        const int64_t width = ceil_div(rows, kLanes) * kLanes;
        const float* end = p.lda == p.m ? a + p.k * p.m : a;  // a without gaps
        pack_b(t.a, p.lda, steps, smaller(width, p.m - i), width, end, scratch.a);
        t.a = scratch.a, t.a_stride = width;
      } else if (pack_a_sliver) {
        pack_a(t.a, p.lda, rows, steps, scratch.a);
        t.a = scratch.a, t.a_stride = kChunk, t.a_chunk = kChunk, t.a_skip = (rows - 1) * kChunk;
      }
      for (int64_t j = j0; j < j1;) {
        const Panel panel(j, j1, plan.vectors, !pack_b_panels);
        t.b = pack_b_panels ? scratch.b + (j - j0) * steps : b + p0 * p.ldb + j - panel.skip;
        t.ldb = pack_b_panels ? panel.width : p.ldb;
        const int64_t offset = (i - i0) * out.ldc + j - j0;
        const Target here = {out.c + offset, out.ldc, last && out.bias ? out.bias + j - j0 : nullptr,
                             last && out.residual ? out.residual + offset : nullptr, last && out.relu};
        run_micro_tile(micro_kernel_for(int(rows), panel.vectors, !p.trans_a), t, rows, panel.width, panel.skip,
                       panel.count, here, scratch);
        j += panel.count;
      }
    }
    p0 += steps;
  } while (p0 < p.k);
}

// Tile `index` of the launch: a range of slivers and panels of one product, or a few whole products.
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
    const int64_t origin = q * g.stride_c + (plan.turned ? j0 * g.ldc + i0 : i0 * g.ldc + j0);
    float* c = g.c + origin;
    const float* bias = e.bias ? e.bias + (plan.turned ? i0 : j0) : nullptr;
    const float* residual = e.residual ? e.residual + origin : nullptr;
    const int64_t turned_ld = ceil_div(j1 - j0, kLanes) * kLanes;
    const Target target = plan.turned ? Target{scratch.turned, turned_ld, nullptr, nullptr, false}
                                      : Target{c, g.ldc, bias, residual, e.activation == Activation::relu};
    run_tile(plan, p.a + q * p.stride_a, p.b + q * p.stride_b, s0, s1, j0, j1, target, scratch);
    if (plan.turned) {
      turn(scratch.turned, turned_ld, c, g.ldc, j1 - j0, i1 - i0, bias, residual, e.activation);
    } else if (e.activation == Activation::tanh || e.activation == Activation::sigmoid) {
      activate_rows(e.activation, c, g.ldc, i1 - i0, j1 - j0);
    }
  }
}

}  // namespace

size_t gemm_workspace(const GemmArgs&) { return 0; }

// A packed b is (k, n) without gaps: it saves little over reading b as it lies, so it never pays.
size_t gemm_packed_size(const GemmArgs&) { return 0; }
void gemm_pack_b(const GemmArgs& g, float* packed, const Launch&) {
  for (int64_t l = 0; l < g.k; ++l)
    for (int64_t j = 0; j < g.n; ++j) packed[l * g.n + j] = g.trans_b ? g.b[j * g.ldb + l] : g.b[l * g.ldb + j];
}

void gemm(const GemmArgs& given, const Launch& launch) {
  GemmArgs g = given;
  if (g.packed_b) g.b = g.packed_b, g.ldb = g.n, g.trans_b = false;
  if (g.m == 0 || g.n == 0 || g.batch == 0) return;
  const Plan plan = make_plan(g);
  const int64_t tiles = plan.row_tiles * plan.column_tiles * ceil_div(g.batch, plan.products_per_tile);
  launch.parallel(launch.pool, tiles, gemm_tile, &plan);
}

}  // namespace linnet::LINNET_ISA
