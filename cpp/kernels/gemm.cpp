// c = epilogue(op(a) . op(b)) for every shape: BLIS (Van Zee & van de Geijn 2015) with the small shapes taken
// seriously.
//
// c is cut into tiles, and a tile is one piece of work for one thread (gemm_tile.h). Three kinds of product:
//
//   large      b is packed by a launch of its own into the workspace, a stretch of k and of columns at a time, and
//   tiles
//              of c are whole rows: so every element of a and b is packed once
//   small      a tile packs what it needs into its own scratch and shares nothing: one launch, no workspace
//   transposed c^T = op(b)^T . op(a)^T is computed when that is cheaper: 784 x 10 fills vectors of 16 better as
//              10 x 784, and transposing a small a can be cheaper than transposing a large b. The tile of c^T then
//              stays in scratch and is turned on its way out.
//
// All of these choices may depend on anything but the number of threads: they do not change a bit (gemm_micro.h).
// Start reading at gemm(), at the end.
#include "kernels/declare.h"
#include "kernels/gemm_pack.h"
#include "kernels/gemm_tile.h"

namespace linnet::LINNET_ISA {
namespace {

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

// Cuts a product into tiles: small enough for the scratch and to spread the work, in the direction that repeats the
// least packing (every column tile packs its rows of a again, every row tile its columns of b).
void choose_tiles(Plan& plan) {
  constexpr double kSmallestTile = 20e3;  // vector FMAs, about 6 us: below that a launch costs more than it gains
  const Product& p = plan.product;
  constexpr int64_t kMostTiles = 16;
  const double work = fma_cost(p) + kWriteCost * double(p.m) * double(p.n);
  const double batch = double(plan.args->batch);
  // Where rows of a crowd the cache, every column tile copies them again, and packed columns are the cheaper ones.
  const int64_t most = plan.packed_b && p.lda % 1024 == 0 ? kMostTiles / 2 : kMostTiles;
  const double wanted = work * batch / kSmallestTile < double(most) ? work * batch / kSmallestTile : double(most);
  plan.row_tiles = ceil_div(plan.slivers, Blocks::packed_a / kSliver / Blocks::steps(p.k, true));
  if (plan.large) {
    // Columns of which a block of k stays in L2, and several slivers that share them; and an even share for 2 to 8
    // threads.
    constexpr int64_t kMostLarge = 64, kSharing = 8, kEven = 8;
    constexpr double kLargeTile = 160e3;  // vector FMAs, about 50 us
    plan.column_tiles = p.trans_a || (p.k > 512 && p.n > 512)
                            ? 1
                            : smaller(plan.panels, ceil_div(p.n * smaller(p.k, 512), Blocks::resident));
    const double tiles = smaller(kMostLarge, int64_t(work / kLargeTile)) / double(plan.column_tiles);
    const int64_t least = ceil_div(plan.slivers >= 2 * kMostTiles ? kMostTiles : kEven, plan.column_tiles);
    int64_t even = kEven;
    while (even > 1 && plan.column_tiles % (2 * kEven / even) == 0) even /= 2;
    plan.row_tiles = larger(plan.row_tiles, larger(least, smaller(int64_t(tiles), plan.slivers / kSharing)));
    plan.row_tiles = smaller(plan.slivers, ceil_div(plan.row_tiles, even) * even);
    plan.products_per_tile = 1;
    return;
  }
  plan.column_tiles = ceil_div(plan.panels * plan.vectors * kLanes, 512);
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

// Only sizes that grow with the batch may turn this on, never off: gemm_workspace must not shrink.
bool large(const GemmArgs& g) {
  // Below, the operands are in L2 and packing them again for every tile costs little: the less, the more rows and
  // columns a micro-kernel gets out of what was packed.
  constexpr bool kWide = kLanes == 16;
  constexpr int64_t kManyRows = kWide ? 256 : 128, kLarge = int64_t{1} << (kWide ? 19 : 16);
  constexpr int64_t kMuch = int64_t{1} << 26;  // multiplications beside which a launch that packs is nothing
  return g.batch == 1 && g.m >= kManyRows && g.n >= kPanel && (g.n * g.k >= kLarge || g.m * g.n * g.k >= kMuch);
}

// So long a sum that its operands had better pass by c, uncopied (gemm_tile.h), where c is not too large for that.
bool deep(const Product& p) {
  constexpr int64_t kDeep = 1024, kMostTogether = int64_t{1} << 18;
  return p.trans_a && !p.trans_b && p.k >= kDeep && p.m * p.n <= kMostTogether;
}

Plan make_plan(const GemmArgs& g) {
  const Product straight = {g.m, g.n, g.k, g.a, g.lda, g.stride_a, g.trans_a, g.b, g.ldb, g.stride_b, g.trans_b};
  const Product turned = {g.n, g.m, g.k, g.b, g.ldb, g.stride_b, !g.trans_b, g.a, g.lda, g.stride_a, !g.trans_a};
  Plan plan;
  plan.args = &g;
  // Once packed, b costs nothing more and cannot take the place of a.
  plan.packed_b = g.packed_b;
  plan.panel_stride = g.k * kPanel;
  plan.turned = !g.packed_b && total_cost(turned, true) < total_cost(straight, false);
  plan.product = plan.turned ? turned : straight;
  if (g.packed_b) plan.product.trans_b = false;
  plan.slivers = ceil_div(plan.product.m, kMaxRows);
  plan.vectors = panel_vectors(ceil_div(plan.product.m, plan.slivers));
  plan.panels = ceil_div(plan.product.n, plan.vectors * kLanes);
  plan.large = !plan.turned && large(g) && !deep(plan.product);
  choose_tiles(plan);
  return plan;
}

// ---- b packed once for all tiles -----------------------------------------------------------------------------------

// A stretch of k and of columns whose packed panels fill Blocks::shared at most.
struct Stretch {
  explicit Stretch(const GemmArgs& g) {
    constexpr int64_t kMostSteps = Blocks::packed_b / Blocks::columns;
    const int64_t most_columns = Blocks::shared / kMostSteps / kPanel * kPanel;
    columns = ceil_div(ceil_div(g.n, ceil_div(g.n, most_columns)), kPanel) * kPanel;
    const int64_t most_k = Blocks::shared / columns / kMostSteps * kMostSteps;
    k = smaller(g.k, ceil_div(ceil_div(g.k, ceil_div(g.k, most_k)), kMostSteps) * kMostSteps);
  }
  int64_t columns, k;
};

struct Packing {
  const Product* product;
  float* panels;
};
constexpr int64_t kPackRows = 32;  // of b in a tile of packing: read in long runs, from few pages

// Tile `index` of packing b: some rows of all panels or, where b is stored transposed, one panel.
void pack_tile(const void* args, int64_t index, float*) {
  const Packing& job = *static_cast<const Packing*>(args);
  const Product& p = *job.product;
  const int64_t panel_stride = p.k * kPanel;
  const float* end = p.ldb == (p.trans_b ? p.k : p.n) ? p.b + p.k * p.n : p.b;
  if (p.trans_b) {
    const int64_t j = index * kPanel;
    pack_b_transposed(p.b + j * p.ldb, p.ldb, p.k, smaller(kPanel, p.n - j), kPanel, end,
                      job.panels + index * panel_stride);
    return;
  }
  for (int64_t l = index * kPackRows; l < smaller(p.k, (index + 1) * kPackRows); l += 16)
    for (int64_t j = 0; j < p.n; j += kPanel) {
      pack_b(p.b + l * p.ldb + j, p.ldb, smaller(16, p.k - l), smaller(kPanel, p.n - j), kPanel, end,
             job.panels + j / kPanel * panel_stride + l * kPanel);
    }
}

// b of `p` as panels of kPanel columns, each (k, kPanel).
void pack_panels(const Product& p, float* panels, const Launch& launch) {
  const Packing packing = {&p, panels};
  const int64_t tiles = p.trans_b ? ceil_div(p.n, kPanel) : ceil_div(p.k, kPackRows);
  launch.parallel(launch.pool, tiles, pack_tile, &packing);
}

void multiply_large(const GemmArgs& g, const Plan& whole, const Launch& launch) {
  const Stretch stretch(g);
  const Product& p = whole.product;
  for (int64_t n0 = 0; n0 < p.n; n0 += stretch.columns)
    for (int64_t k0 = 0; k0 < p.k; k0 += stretch.k) {
      Plan plan = whole;
      Product& part = plan.product;
      part.n = smaller(stretch.columns, p.n - n0);
      part.k = smaller(stretch.k, p.k - k0);
      part.a += p.trans_a ? k0 * p.lda : k0;
      part.b += p.trans_b ? n0 * p.ldb + k0 : k0 * p.ldb + n0;
      plan.n0 = n0, plan.first = k0 == 0, plan.last = k0 + part.k == p.k;
      plan.panels = ceil_div(part.n, kPanel);
      plan.panel_stride = part.k * kPanel;
      float* panels = static_cast<float*>(launch.workspace);
      plan.packed_b = panels;
      pack_panels(part, panels, launch);
      plan.column_tiles = smaller(plan.column_tiles, plan.panels);
      launch.parallel(launch.pool, plan.row_tiles * plan.column_tiles, gemm_tile, &plan);
    }
}

// Bytes of that many floats, in whole cache lines.
size_t bytes_for(int64_t floats) { return static_cast<size_t>(ceil_div(floats, 16)) * 64; }

}  // namespace

size_t gemm_workspace(const GemmArgs& g) {
  if (!large(g)) return 0;
  const Stretch stretch(g);
  return bytes_for(stretch.columns * stretch.k);
}

// Not where the transposed product is cheaper, nor where so few rows use b that it is read in place.
size_t gemm_packed_size(const GemmArgs& g) {
  constexpr int64_t kFewRows = kMaxRows;
  GemmArgs straight = g;
  straight.trans_b = false;
  if (g.m == 0 || g.n == 0 || make_plan(straight).turned || (!g.trans_b && g.m <= kFewRows)) return 0;
  return bytes_for(ceil_div(g.n, kPanel) * kPanel * g.k);
}

void gemm_pack_b(const GemmArgs& g, float* packed, const Launch& launch) {
  const Product product = {0, g.n, g.k, nullptr, 0, 0, false, g.b, g.ldb, 0, g.trans_b};
  pack_panels(product, packed, launch);
}

void gemm(const GemmArgs& g, const Launch& launch) {
  if (g.m == 0 || g.n == 0 || g.batch == 0) return;
  const Plan plan = make_plan(g);
  if (g.batch == 1 && !g.packed_b && !plan.turned && streams_b(plan.product)) {
    return multiply_streaming(g, plan.product, launch);
  }
  if (plan.large && !g.packed_b) return multiply_large(g, plan, launch);
  const int64_t tiles = plan.row_tiles * plan.column_tiles * ceil_div(g.batch, plan.products_per_tile);
  launch.parallel(launch.pool, tiles, gemm_tile, &plan);
}

}  // namespace linnet::LINNET_ISA
