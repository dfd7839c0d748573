// Winograd's algorithm (conv2d_winograd.h), forward; the gradient of the input is forward with turned windows.
//
//   1. transform the windows: u, for each panel of output channels (36, c, vectors * kLanes)
//   2. transform the patches of some tiles: v, (36, c / 16, tiles, 16)
//   3. for each position and panel: m (tiles, vectors * kLanes) = v . u, with the micro-kernel of gemm
//   4. interpolate m, and put bias, residual and activation on top on the way to y
//
// With few channels one job does steps 2 to 4 for a block of tiles in a thread's scratch, panel by panel. With many, u
// does not fit a cache and must be read rarely: v and m of a wave of a hundred tiles and more lie in the workspace
// then, each step is a launch, and a job of step 3 is one position and one panel.
//
// An output is the sum over the channels in a fixed order, then a fixed interpolation: neither n nor the blocks change
// a bit. A NaN or infinity in x makes all outputs of the tiles whose patch it is in NaN, up to three pixels further
// than the window reaches.
#include "kernels/conv2d_winograd.h"
#include "kernels/gemm_pack.h"

namespace linnet::LINNET_ISA {
namespace {

// bench_conv2d re-measures these numbers. More windows than this are too far away to be read for each block.
constexpr int64_t kWindowFloats = int64_t{4} << 20;
// Tiles of a block: v, m and u together should not leave L2. And blocks, for the threads to share.
constexpr int64_t kBlockTiles = 28, kBlocks = 16;
// v and m of a wave together; but so many tiles that transforming the windows does not take longer than multiplying.
constexpr int64_t kWaveFloats = int64_t{8} << 20;
constexpr int64_t kLeastWave = 112;
// Tiles of a job that transforms.
constexpr int64_t kJobTiles = 7;

constexpr int64_t kPanelWidth = kTileVectors * kLanes;

struct Plan {
  explicit Plan(const Conv2dShape& s) : grid(s), panels(panel_count(s.oc)) {
    window_position = s.c * kPanelWidth + kPositionGap;
    chunks = divide_up(s.c, kChunk);
    const int64_t gaps = 2 * kPositions * kPositionGap;
    int64_t most = (kScratchFloats - gaps) / (kPositions * (chunks * kChunk + kPanelWidth)) / kMaxRows * kMaxRows;
    in_scratch = most > 0 && kPositions * s.c * s.oc <= kWindowFloats;
    if (in_scratch) {
      most = min_of(most, kBlockTiles / kMaxRows * kMaxRows);
      most = min_of(most, divide_up(divide_up(grid.tiles, kBlocks), kMaxRows) * kMaxRows);
    } else {
      most = kWaveFloats / (kPositions * (chunks * kChunk + panels * kPanelWidth)) / kMaxRows * kMaxRows;
      most = max_of(kLeastWave, most);
    }
    blocks = cut(grid.tiles, most);
    block_tiles = min_of(grid.tiles, most);
  }
  // Floats of v and m for so many tiles.
  int64_t patch_floats(int64_t tiles) const { return kPositions * (chunks * tiles * kChunk + kPositionGap); }
  int64_t product_floats(int64_t tiles) const { return kPositions * (panels * tiles * kPanelWidth + kPositionGap); }

  TileGrid grid;
  int64_t panels, chunks;   // of output and input channels
  int64_t window_position;  // floats between the positions of u, for a panel of two vectors
  bool in_scratch;          // v and m
  Parts blocks;             // of tiles; waves when not in scratch
  int64_t block_tiles;      // at most; does not shrink when n grows
};

struct Args {
  Conv2dShape s;
  Plan p;
  const float* x;       // (n, h, w, c)
  const float* kernel;  // (3, 3, c, oc); turned: (3, 3, oc, c)
  bool turned;          // by 180 degrees, channels swapped
  float* y;             // (n, oh, ow, oc)
  Epilogue epilogue;
  float* u;       // (panels, 36, c, vectors * kLanes), positions window_position apart
  float *v, *m;   // of a wave, or null
  int64_t block;  // the wave
};

// ---- windows -------------------------------------------------------------------------------------------------------

struct PanelOfWindows {
  Panel panel;
  int64_t width;
  float* u;  // (36, c, width)
};
PanelOfWindows windows_at(const Args& a, int64_t index) {
  const Panel panel = panel_at(a.s.oc, index);
  return {panel, panel.vectors * kLanes, a.u + index * kPositions * a.p.window_position};
}

// One panel, kLanes input channels.
void transform_windows(const void* args, int64_t index, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const int64_t c = a.s.c, oc = a.s.oc, blocks = divide_up(c, kLanes);
  const PanelOfWindows to = windows_at(a, index / blocks);
  const int64_t first = index % blocks * kLanes, rows = min_of(kLanes, c - first);
  for (int64_t v = 0; v < to.panel.vectors; ++v) {
    const int64_t o = to.panel.column + v * kLanes, count = min_of(kLanes, oc - o);
    Vec taps[9][kLanes];
    for (int64_t tap = 0; tap < 9; ++tap) {
      if (a.turned) {
        const float* from = a.kernel + ((8 - tap) * oc + o) * c + first;
        load_block(taps[tap], from, c, count, rows, a.kernel + 9 * c * oc);
        transpose(taps[tap]);
      } else {
        for (int64_t i = 0; i < rows; ++i) {
          const float* from = a.kernel + (tap * c + first + i) * oc + o;
          taps[tap][i] = load_some(from, count, 0.0f);
          __builtin_prefetch(from + kLanes * oc);  // the next job's: a line here and there, which no hardware foresees
        }
      }
    }
    for (int64_t i = 0; i < rows; ++i) {
      float* const u = to.u + (first + i) * to.width + v * kLanes;
      transform_2d<WindowLine>(reinterpret_cast<const float*>(&taps[0][i]), 3 * kLanes * kLanes, kLanes * kLanes,
                               PutPositions(u, a.p.window_position));
    }
  }
}

// ---- tiles ---------------------------------------------------------------------------------------------------------

// Some tiles on their way from x to y.
struct Block {
  int64_t first, tiles;
  float* v;  // (36, c / 16, tiles, 16)
  TileLayout layout;
  float* m;            // (36, panels, tiles, 2 * kLanes); in scratch of one panel
  int64_t m_position;  // floats between the positions
};

Block block_at(const Args& a, int64_t index, float* v, float* m, int64_t panels) {
  const Parts& blocks = a.p.blocks;
  Block b;
  b.first = index * blocks.size + min_of(index, blocks.longer);
  b.tiles = blocks.size + (index < blocks.longer);
  b.v = v;
  b.layout = {kChunk, b.tiles * kChunk, kChunk, a.p.chunks * b.tiles * kChunk + kPositionGap};
  b.m = m;
  b.m_position = panels * b.tiles * kPanelWidth + kPositionGap;
  return b;
}

void transform_tiles(const Args& a, const Block& b, int64_t begin, int64_t end) {
  const Conv2dShape& s = a.s;
  for (int64_t t = begin; t < end; ++t) {
    const TilePlace place(a.p.grid, b.first + t);
    transform_patch<PatchLine>(a.x + place.n * s.h * s.w * s.c, s.h, s.w, s.c, place.y - s.pad_top,
                               place.x - s.pad_left, b.v, b.layout, t);
  }
}

// The products of one tile, kLanes channels from o on, to y.
template <bool kWhole>
void interpolate(const Args& a, const TilePlace& place, int64_t o, const float* m, int64_t position) {
  const Conv2dShape& s = a.s;
  const int64_t rows = s.oh - place.y, columns = s.ow - place.x, count = min_of(kLanes, s.oc - o);
  const int64_t origin = ((place.n * s.oh + place.y) * s.ow + place.x) * s.oc + o;
  float* const y = a.y + origin;
  const float* const residual = a.epilogue.residual ? a.epilogue.residual + origin : nullptr;
  const Vec bias = a.epilogue.bias ? load_some(a.epilogue.bias + o, kWhole ? kLanes : count, 0.0f) : Vec{};
  const bool relu = a.epilogue.activation == Activation::relu;
  transform_2d<OutputLine>(m, kPatchSize * position, position, [&](int64_t i, const Vec* row) {
    if (!kWhole && i >= rows) return;
#pragma GCC unroll 4
    for (int64_t j = 0; j < kTileSize; ++j) {
      if (!kWhole && j >= columns) return;
      const int64_t offset = (i * s.ow + j) * s.oc;
      Vec v = row[j] + bias;
      if (residual) v += load_some(residual + offset, kWhole ? kLanes : count, 0.0f);
      if (relu) v = v < 0.0f ? Vec{} : v;  // keeps NaN
      if (kWhole) {
        store(y + offset, v);
      } else {
        store_some(y + offset, v, count);
      }
    }
  });
}

// m (tiles, panel) = v . u at one position.
void multiply(const Args& a, const Block& b, int64_t position, int64_t panel, float* m) {
  const PanelOfWindows windows = windows_at(a, panel);
  const Parts parts = cut(b.tiles, kMaxRows);
  MicroTile t = {};
  t.a = b.v + position * b.layout.position;
  t.a_stride = kChunk, t.a_chunk = kChunk, t.a_skip = (b.tiles - 1) * kChunk;
  t.b = windows.u + position * a.p.window_position;
  t.ldb = windows.width;
  t.k = a.s.c;
  t.c = m;
  t.ldc = kPanelWidth;
  for (int64_t i = 0; i < parts.count; ++i) {
    const int64_t rows = parts.size + (i < parts.longer);
    multiply_in_stretches(micro_kernel_for(static_cast<int>(rows), static_cast<int>(windows.panel.vectors), true), t,
                          kStretch / kChunk * b.layout.chunk, false);
    t.a += rows * kChunk;
    t.c += rows * kPanelWidth;
  }
}

// The tiles [begin, end) of one panel, whose products are m (36, tiles, panel), to y.
void interpolate_tiles(const Args& a, const Block& b, int64_t begin, int64_t end, int64_t panel_index, const float* m) {
  const Panel panel = panel_at(a.s.oc, panel_index);
  for (int64_t i = begin; i < end; ++i) {
    const TilePlace place(a.p.grid, b.first + i);
    for (int64_t v = 0; v < panel.vectors; ++v) {
      const int64_t o = panel.column + v * kLanes;
      const bool whole = place.y + kTileSize <= a.s.oh && place.x + kTileSize <= a.s.ow && o + kLanes <= a.s.oc;
      (whole ? interpolate<true> : interpolate<false>)(a, place, o, m + i * kPanelWidth + v * kLanes, b.m_position);
    }
  }
}

// ---- jobs ----------------------------------------------------------------------------------------------------------

// A whole block, in scratch.
void block_job(const void* args, int64_t index, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Block b = block_at(a, index, scratch, scratch + a.p.patch_floats(a.p.block_tiles), 1);
  transform_tiles(a, b, 0, b.tiles);
  for (int64_t panel = 0; panel < a.p.panels; ++panel) {
    for (int64_t p = 0; p < kPositions; ++p) multiply(a, b, p, panel, b.m + p * b.m_position);
    interpolate_tiles(a, b, 0, b.tiles, panel, b.m);
  }
}

Block wave_of(const Args& a) { return block_at(a, a.block, a.v, a.m, a.p.panels); }

void patches_job(const void* args, int64_t index, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Block b = wave_of(a);
  transform_tiles(a, b, index * kJobTiles, min_of(b.tiles, (index + 1) * kJobTiles));
}

// One position and one panel; the panels of a position in succession, so that v stays in L2.
void multiply_job(const void* args, int64_t index, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Block b = wave_of(a);
  const int64_t position = index / a.p.panels, panel = index % a.p.panels;
  multiply(a, b, position, panel, b.m + position * b.m_position + panel * b.tiles * kPanelWidth);
}

void interpolate_job(const void* args, int64_t index, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const Block b = wave_of(a);
  for (int64_t panel = 0; panel < a.p.panels; ++panel)
    interpolate_tiles(a, b, index * kJobTiles, min_of(b.tiles, (index + 1) * kJobTiles), panel,
                      b.m + panel * b.tiles * kPanelWidth);
}

void finish_image_row(const void* args, int64_t row, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const int64_t count = a.s.ow * a.s.oc;
  finish(a.y + row * count, nullptr, a.epilogue.activation, count);
}

int64_t window_floats(const Plan& p) { return p.panels * kPositions * p.window_position; }

size_t workspace(const Conv2dShape& s) {
  const Plan p(s);
  const int64_t wave = p.in_scratch ? 0 : p.patch_floats(p.block_tiles) + p.product_floats(p.block_tiles);
  return workspace_bytes(window_floats(p) + wave);
}

// Operations, for run_jobs; what moves memory is weighed as 8 a float.
double work(double each, int64_t rows, int64_t columns) {
  return each * kPositions * static_cast<double>(rows) * static_cast<double>(columns);
}

void run_wave(const Args& a, const Launch& launch) {
  const int64_t tiles = wave_of(a).tiles, jobs = divide_up(tiles, kJobTiles);
  run_jobs(launch, jobs, work(8, tiles, a.s.c), patches_job, &a);
  run_jobs(launch, kPositions * a.p.panels, work(2, tiles, a.s.c * a.s.oc), multiply_job, &a);
  run_jobs(launch, jobs, work(8, tiles, a.s.oc), interpolate_job, &a);
}

void run_with(const Conv2dShape& s, const float* x, const float* kernel, bool turned, float* y,
              const Epilogue& epilogue, const Launch& launch) {
  const Plan p(s);
  float* const u = static_cast<float*>(launch.workspace);
  float* const v = u + window_floats(p);
  Args a = {s, p, x, kernel, turned, y, epilogue, u, v, v + p.patch_floats(p.block_tiles), 0};
  run_jobs(launch, p.panels * divide_up(s.c, kLanes), work(8, s.c, s.oc), transform_windows, &a);
  if (p.in_scratch) {
    run_jobs(launch, p.blocks.count, work(2, p.grid.tiles, s.c * s.oc), block_job, &a);
  } else {
    for (; a.block < p.blocks.count; ++a.block) run_wave(a, launch);
  }
  if (epilogue.activation == Activation::tanh || epilogue.activation == Activation::sigmoid)
    run_jobs(launch, s.n * s.oh, 16.0 * static_cast<double>(s.n * s.oh * s.ow * s.oc), finish_image_row, &a);
}

void run(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue,
         const Launch& launch) {
  run_with(s, x, kernel, false, y, epilogue, launch);
}

// ---- gradient of the input -----------------------------------------------------------------------------------------

Conv2dShape turned_shape(const Conv2dShape& s) {
  Conv2dShape t = s;
  t.h = s.oh, t.w = s.ow, t.c = s.oc;
  t.oh = s.h, t.ow = s.w, t.oc = s.c;
  t.pad_top = 2 - s.pad_top;
  t.pad_left = 2 - s.pad_left;
  return t;
}

bool accepts_turned(const Conv2dShape& s) { return is_winograd_shape(s) && winograd_pays(turned_shape(s)); }

size_t turned_workspace(const Conv2dShape& s) { return workspace(turned_shape(s)); }

void run_turned(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  run_with(turned_shape(s), dy, kernel, true, dx, {}, launch);
}

bool accepts(const Conv2dShape& s) { return is_winograd_shape(s) && winograd_pays(s); }

}  // namespace

const ConvForward conv_forward_winograd = {accepts, workspace, run};
const ConvGradInput conv_grad_input_winograd = {accepts_turned, turned_workspace, run_turned};

}  // namespace linnet::LINNET_ISA
