// Winograd's algorithm, gradient of the weights, few channels: the sums of all 36 positions stay in the cache of a
// core.
//
// So each of a few shares of the tiles has sums of its own, and one thread takes it from the pixels to the sums: some
// tiles at a time, a block, are transformed into scratch and multiplied there. In the other order of the work
// (conv2d_winograd_weight.cpp) the transformed tiles travel from the core that made them to those that multiply
// one position each; with 16 channels that took longer than everything else. The shares follow from the shape alone,
// and their sums are added in their order: the bits do not depend on the threads.
//
//   v    (36, tiles of a block, c, and a gap)     patches of x, in scratch
//   d    (36, tiles of a block, oc)               tiles of dy, in scratch
//   sum  (shares, 36, c, oc)                      oc up to a whole vector
//
// Start reading at share_job.
#include "kernels/conv2d_winograd_weight.h"

namespace linnet::LINNET_ISA {
namespace {

// bench_conv2d re-measures these numbers. Floats of v and d; of the sums of a share.
constexpr int64_t kBlockFloats = int64_t{1} << 17, kNearSums = int64_t{3} << 15;
static_assert(kBlockFloats + 2 * kPositions * kPositionGap + kNearSums / kPositions <= kScratchFloats);
constexpr int64_t kShares = 8;
// Tiles of a share, at least.
constexpr int64_t kLeastTiles = 28;

struct Plan {
  explicit Plan(const Conv2dShape& s)
      : grid(s),
        v_tile((divide_up(s.c, 16) | 1) * 16),  // an odd number of cache lines, as in the other order
        d_tile(round_to_lanes(s.oc)),
        shares(max_of(1, min_of(kShares, grid.tiles / kLeastTiles / 2 * 2))),
        block(min_of(min_of(kStretch, kBlockFloats / (kPositions * (v_tile + d_tile))), divide_up(grid.tiles, shares))),
        v_position(block * v_tile + kPositionGap),
        d_position(block * d_tile + kPositionGap),
        sum_share(kPositions * s.c * d_tile) {}
  TileGrid grid;
  int64_t v_tile, d_tile;
  int64_t shares, block;           // tiles of a block, at most
  int64_t v_position, d_position;  // floats of one position
  int64_t sum_share;               // floats of the sums of a share
};

struct Args {
  Conv2dShape s;
  Plan p;
  const float* x;      // (n, h, w, c)
  const float* dy;     // (n, oh, ow, oc)
  float* dkernel;      // (kh, kw, c, oc)
  float* sum;          // (shares, 36, c, d_tile)
  float* dbias_parts;  // (shares, oc), or null
};

// sum (36, c, d_tile) = or += v^T . d of `tiles` tiles from `begin` on.
void multiply_block(const Args& a, const float* v, const float* d, int64_t begin, int64_t tiles, bool add, float* sum) {
  const Plan& p = a.p;
  const Parts parts = cut(a.s.c, kMaxRows);
  TileRange taken[kPositions];
  for (int position = 0; position < kPositions; ++position) taken[position] = p.grid.that_take(position, begin, tiles);
  MicroTile t = {};
  t.a_stride = p.v_tile, t.a_chunk = tiles;
  t.ldb = t.ldc = t.ld_residual = p.d_tile;
  for (int64_t panel = 0; panel < panel_count(a.s.oc); ++panel) {
    const Panel columns = panel_at(a.s.oc, panel);
    for (int64_t i = 0, first = 0; i < parts.count; ++i) {
      const int64_t count = parts.size + (i < parts.longer);
      const MicroKernel kernel = micro_kernel_for(static_cast<int>(count), static_cast<int>(columns.vectors), false);
      t.c = sum + first * p.d_tile + columns.column;
      for (int64_t position = 0; position < kPositions; ++position) {
        const TileRange range = taken[position];
        t.a = v + position * p.v_position + range.begin * p.v_tile + first;
        t.b = d + position * p.d_position + range.begin * p.d_tile + columns.column;
        t.k = range.end - range.begin;
        t.residual = add ? t.c : nullptr;
        if (t.k > 0 || !add) kernel(t);
        t.c += a.s.c * p.d_tile;
      }
      first += count;
    }
  }
}

template <int kWindow>
void share_job(const void* args, int64_t share, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  const float* const zeros = make_zeros(scratch, max_of(s.c, s.oc));
  float* const v = scratch + zero_floats(max_of(s.c, s.oc));
  float* const d = v + kPositions * p.v_position;
  float* const dbias = a.dbias_parts ? a.dbias_parts + share * s.oc : nullptr;
  for (int64_t o = 0; dbias && o < s.oc; ++o) dbias[o] = 0.0f;
  const int64_t first = part_begin(p.grid.tiles, p.shares, share), last = part_begin(p.grid.tiles, p.shares, share + 1);
  for (int64_t begin = first; begin < last; begin += p.block) {
    const int64_t end = min_of(last, begin + p.block);
    transform_patches<kWindow, PatchLineOf>({a.x, s.n, s.h, s.w, s.c, zeros}, p.grid, s.pad_top, s.pad_left, begin, end,
                                            {v, p.v_tile, kLanes, kLanes, p.v_position});
    transform_patches<kWindow, OutputGradLine>({a.dy, s.n, s.oh, s.ow, s.oc, zeros}, p.grid, 0, 0, begin, end,
                                               {d, p.d_tile, kLanes, kLanes, p.d_position});
    TilePlace place(p.grid, begin);
    for (int64_t t = begin; dbias && t < end; ++t, place.step(p.grid)) {
      add_pixels(a.dy + ((place.n * s.oh + place.y) * s.ow + place.x) * s.oc, min_of(p.grid.size, s.oh - place.y),
                 min_of(p.grid.size, s.ow - place.x), s.ow * s.oc, s.oc, dbias);
    }
    multiply_block(a, v, d, begin, end - begin, begin > first, a.sum + share * p.sum_share);
  }
}

// The sums of all shares, one input channel.
template <int kWindow>
void interpolate_job(const void* args, int64_t channel, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Plan& p = a.p;
  for (int64_t o = 0; o < a.s.oc; o += kLanes) {
    alignas(64) float sums[kPositions * kLanes];
    for (int64_t position = 0; position < kPositions; ++position) {
      const float* const from = a.sum + (position * a.s.c + channel) * p.d_tile + o;
      Vec sum = load(from);
      for (int64_t share = 1; share < p.shares; ++share) sum += load(from + share * p.sum_share);
      store(sums + position * kLanes, sum);
    }
    window_gradient<kWindow>(a.s, channel, o, sums, kLanes, a.dkernel);
  }
}

bool accepts(const Conv2dShape& s) {
  return is_winograd_shape(s) && few_window_sums(s) && winograd_pays(s, window_weight(s), false);
}

size_t workspace(const Conv2dShape& s) {
  const Plan p(s);
  return workspace_bytes(p.shares * (p.sum_share + s.oc));
}

void run(const Conv2dShape& s, const float* x, const float* dy, float* dkernel, float* dbias, const Launch& launch) {
  const Plan p(s);
  float* const sum = static_cast<float*>(launch.workspace);
  const Args a = {s, p, x, dy, dkernel, sum, dbias ? sum + p.shares * p.sum_share : nullptr};
  const double windows = static_cast<double>(kPositions * s.c * s.oc);
  // What moves memory is weighed as 8 operations a float.
  const double tile = 8.0 * static_cast<double>(kPositions * (s.c + s.oc)) + 2.0 * windows;
  run_jobs(launch, p.shares, static_cast<double>(p.grid.tiles) * tile, s.kh == 3 ? share_job<3> : share_job<5>, &a);
  run_jobs(launch, s.c, 8.0 * windows, s.kh == 3 ? interpolate_job<3> : interpolate_job<5>, &a);
  if (dbias) column_sums(a.dbias_parts, p.shares, s.oc, false, dbias);
}

}  // namespace

bool few_window_sums(const Conv2dShape& s) { return kPositions * s.c * round_to_lanes(s.oc) <= kNearSums; }

const ConvGradWeight conv_grad_weight_winograd_few = {accepts, workspace, run};

}  // namespace linnet::LINNET_ISA
