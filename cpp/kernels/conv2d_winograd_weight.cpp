// Winograd's algorithm (conv2d_winograd.h), gradient of the weights:
//
//   dkernel = G^T (sum over all tiles of A dy A^T . B^T d B) G
//
// At each of the 36 positions the sum is a product of matrices, (tiles, c)^T x (tiles, oc). The tiles are worked off in
// waves: first the patches of x and the tiles of dy are transformed into the workspace, then jobs of one position and
// one panel of output channels add their products to the sums there. So no job shares a sum with another, and
// the bits do not depend on the threads.
//
//   v    (36, tiles of the wave, c, and a gap)          patches of x
//   d    (36, panels, tiles of the wave, panel)         tiles of dy; panel: 2 vectors
//   sum  (36, panels, c, panel)
//
// Tiles at the edge of an image take fewer positions (conv2d_winograd_tiles.h), and only those sum them.
//
// With few channels another order is faster (conv2d_winograd_weight_few.cpp). When all tiles are one wave, and sums are
// many, a job takes all positions of a panel and some input channels instead: then its sums stay in scratch until they
// are interpolated, and never go to memory.
//
// The bias gradient comes from the pixels of dy while they are near: a sum for each job that transforms, then of those.
#include "kernels/conv2d_winograd_weight.h"
#include "kernels/conv2d_planar.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kPanelWidth = kTileVectors * kLanes;
// bench_conv2d re-measures these numbers. Of v and d together; and, for sums that do not stay near, since each wave
// reads and writes all of them.
constexpr int64_t kWaveFloats = int64_t{1} << 19, kLongWaveFloats = int64_t{8} << 20;
constexpr int64_t kSumFloats = int64_t{1} << 20;
// Tiles of a wave, at least: a product of fewer would take longer to load and store its sums.
constexpr int64_t kLeastTiles = 112;
// Tiles of a job.
constexpr int64_t kJobTiles = 7;
// Input channels of a job whose sums stay in scratch.
constexpr int64_t kPieceChannels = 56;
constexpr int64_t kPiecePosition = kPieceChannels * kPanelWidth + kPositionGap;
static_assert(kPositions * kPiecePosition <= kScratchFloats);

struct Plan {
  explicit Plan(const Conv2dShape& s) : grid(s), panels(panel_count(s.oc)) {
    // Rows of v are an odd number of cache lines apart, for the same reason as the positions.
    v_tile = (divide_up(s.c, 16) | 1) * 16;
    width = min_of(kPanelWidth, round_to_lanes(s.oc));
    const int64_t tile = kPositions * (v_tile + panels * width);
    const bool small = kPositions * s.c * s.oc <= kSumFloats;
    wave = min_of(grid.tiles, max_of(kLeastTiles, (small ? kWaveFloats : kLongWaveFloats) / tile));
    in_scratch = !small && grid.tiles <= wave;
    v_position = wave * v_tile + kPositionGap;
    d_position = panels * wave * width + kPositionGap;
    sum_position = in_scratch ? 0 : panels * s.c * width + kPositionGap;
    wave_jobs = divide_up(wave, kJobTiles);
    jobs = divide_up(grid.tiles, wave) * wave_jobs;
  }
  TileGrid grid;
  int64_t panels;
  int64_t wave;             // tiles
  bool in_scratch;          // the sums
  int64_t wave_jobs, jobs;  // that transform: of a wave, of all
  int64_t v_tile;
  int64_t width;                                 // floats of a panel: two vectors, or one when that is all
  int64_t v_position, d_position, sum_position;  // floats of one position
};

struct Args {
  Conv2dShape s;
  Plan p;
  const float* x;   // (n, h, w, c)
  const float* dy;  // (n, oh, ow, oc)
  float* dkernel;   // (kh, kw, c, oc)
  float *v, *d, *sum;
  float* dbias_parts;    // (jobs, oc), or null
  int64_t first, tiles;  // of the wave
};

template <int kWindow>
void transform_job(const void* args, int64_t index, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Conv2dShape& s = a.s;
  const Plan& p = a.p;
  const int64_t begin = a.first + index * kJobTiles, end = a.first + min_of(a.tiles, (index + 1) * kJobTiles);
  const float* const zeros = make_zeros(scratch, max_of(s.c, s.oc));
  transform_patches<kWindow, PatchLineOf>({a.x, s.n, s.h, s.w, s.c, zeros}, p.grid, s.pad_top, s.pad_left, begin, end,
                                          {a.v + (begin - a.first) * p.v_tile, p.v_tile, kLanes, kLanes, p.v_position});
  transform_patches<kWindow, OutputGradLine>(
      {a.dy, s.n, s.oh, s.ow, s.oc, zeros}, p.grid, 0, 0, begin, end,
      {a.d + (begin - a.first) * p.width, p.width, kPanelWidth, p.wave * p.width, p.d_position});
  if (!a.dbias_parts) return;
  float* const dbias = a.dbias_parts + (a.first / p.wave * p.wave_jobs + index) * s.oc;
  for (int64_t o = 0; o < s.oc; ++o) dbias[o] = 0.0f;
  TilePlace place(p.grid, begin);
  for (int64_t t = begin; t < end; ++t, place.step(p.grid)) {
    add_pixels(a.dy + ((place.n * s.oh + place.y) * s.ow + place.x) * s.oc, min_of(p.grid.size, s.oh - place.y),
               min_of(p.grid.size, s.ow - place.x), s.ow * s.oc, s.oc, dbias);
  }
}

// c (rows, panel) = a . b, or on top of c, in stretches of k that are summed each from 0 and then added: rounding
// errors grow with the length of a stretch, not with k. `next` floats lie between two stretches in a.
void multiply_in_stretches(MicroKernel kernel, MicroTile t, int64_t next, bool add) {
  const int64_t k = t.k;
  t.ld_residual = t.ldc;
  int64_t p = 0;
  do {  // once where no tile takes the position: the sum is 0
    t.k = min_of(kStretch, k - p);
    t.residual = add || p > 0 ? t.c : nullptr;
    kernel(t);
    t.a += next;
    t.b += kStretch * t.ldb;
    p += kStretch;
  } while (p < k);
}

// to (rows, panel): sums of `rows` input channels from `first` on, at one position, one panel of output channels.
void multiply(const Args& a, int position, int64_t panel_index, int64_t first, int64_t rows, float* to) {
  const Plan& p = a.p;
  const int vectors = static_cast<int>(panel_at(a.s.oc, panel_index).vectors);
  const Parts parts = cut(rows, kMaxRows);
  const TileRange range = p.grid.that_take(position, a.first, a.tiles);
  MicroTile t = {};
  t.a = a.v + position * p.v_position + range.begin * p.v_tile + first;
  t.a_stride = p.v_tile, t.a_chunk = a.tiles;
  t.b = a.d + position * p.d_position + (panel_index * p.wave + range.begin) * p.width;
  t.c = to;
  t.ldb = t.ldc = p.width;
  t.k = range.end - range.begin;
  for (int64_t i = 0; i < parts.count; ++i) {
    const int64_t count = parts.size + (i < parts.longer);
    multiply_in_stretches(micro_kernel_for(static_cast<int>(count), vectors, false), t, kStretch * p.v_tile,
                          a.first > 0);
    t.a += count;
    t.c += count * p.width;
  }
}

// The sums of one input channel and one panel, to dkernel.
template <int kWindow>
void interpolate(const Args& a, int64_t channel, const Panel& panel, const float* sums, int64_t position) {
  for (int64_t v = 0; v < panel.vectors; ++v)
    window_gradient<kWindow>(a.s, channel, panel.column + v * kLanes, sums + v * kLanes, position, a.dkernel);
}

// One position, one panel.
void multiply_job(const void* args, int64_t index, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const int position = static_cast<int>(index / a.p.panels);
  const int64_t panel = index % a.p.panels;
  multiply(a, position, panel, 0, a.s.c, a.sum + position * a.p.sum_position + panel * a.s.c * a.p.width);
}

// One panel, kLanes input channels.
template <int kWindow>
void interpolate_job(const void* args, int64_t index, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const int64_t c = a.s.c, blocks = divide_up(c, kLanes), panel = index / blocks, first = index % blocks * kLanes;
  for (int64_t channel = first; channel < min_of(c, first + kLanes); ++channel)
    interpolate<kWindow>(a, channel, panel_at(a.s.oc, panel), a.sum + (panel * c + channel) * a.p.width,
                         a.p.sum_position);
}

// One panel, some input channels, from the products to dkernel.
template <int kWindow>
void piece_job(const void* args, int64_t index, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const int64_t panel = index % a.p.panels, first = index / a.p.panels * kPieceChannels;
  const int64_t rows = min_of(kPieceChannels, a.s.c - first);
  for (int position = 0; position < kPositions; ++position)
    multiply(a, position, panel, first, rows, scratch + position * kPiecePosition);
  for (int64_t i = 0; i < rows; ++i)
    interpolate<kWindow>(a, first + i, panel_at(a.s.oc, panel), scratch + i * a.p.width, kPiecePosition);
}

struct JobTable {
  Launch::Tile transform, interpolate, piece;
};
template <int kWindow>
constexpr JobTable kJobs = {transform_job<kWindow>, interpolate_job<kWindow>, piece_job<kWindow>};

// Sums that do not stay near take longer to interpolate; for 5x5 windows so much that few tiles do not make up for it.
bool accepts(const Conv2dShape& s) {
  const bool far = s.kh == 5 && kPositions * s.c * s.oc > kSumFloats;
  return is_winograd_shape(s) && winograd_pays(s, far ? 40 : window_weight(s), planar_pays(s));
}

size_t workspace(const Conv2dShape& s) {
  const Plan p(s);
  return workspace_bytes(kPositions * (p.v_position + p.d_position + p.sum_position) + p.jobs * s.oc);
}

void run(const Conv2dShape& s, const float* x, const float* dy, float* dkernel, float* dbias, const Launch& launch) {
  const Plan p(s);
  const JobTable& jobs = s.kh == 3 ? kJobs<3> : kJobs<5>;
  float* const v = static_cast<float*>(launch.workspace);
  float* const d = v + kPositions * p.v_position;
  float* const sum = d + kPositions * p.d_position;
  Args a = {s, p, x, dy, dkernel, v, d, sum, dbias ? sum + kPositions * p.sum_position : nullptr, 0, 0};
  // What moves memory is weighed as 8 operations a float.
  const double windows = static_cast<double>(kPositions * s.c * s.oc);
  for (a.first = 0; a.first < p.grid.tiles; a.first += p.wave) {
    a.tiles = min_of(p.wave, p.grid.tiles - a.first);
    run_jobs(launch, divide_up(a.tiles, kJobTiles), 8.0 * static_cast<double>(kPositions * a.tiles * (s.c + s.oc)),
             jobs.transform, &a);
    const double products = 2.0 * static_cast<double>(a.tiles) * windows;
    if (p.in_scratch) {
      run_jobs(launch, p.panels * divide_up(s.c, kPieceChannels), products, jobs.piece, &a);
    } else {
      run_jobs(launch, kPositions * p.panels, products, multiply_job, &a);
    }
  }
  if (!p.in_scratch) run_jobs(launch, p.panels * divide_up(s.c, kLanes), 8.0 * windows, jobs.interpolate, &a);
  // The last wave may be shorter and leave parts unwritten.
  const int64_t parts = (divide_up(p.grid.tiles, p.wave) - 1) * p.wave_jobs + divide_up(a.tiles, kJobTiles);
  if (dbias) column_sums(a.dbias_parts, parts, s.oc, false, dbias);
}

}  // namespace

const ConvGradWeight conv_grad_weight_winograd = {accepts, workspace, run};

}  // namespace linnet::LINNET_ISA
