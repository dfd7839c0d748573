// Winograd's algorithm (conv2d_winograd.h), forward; the gradient of the input is forward with turned windows.
//
//   1. transform the windows: u, for a panel of output channels (36, c, vectors * kLanes)
//   2. transform the patches of a block of tiles: v, (36, c / 16 * tiles, 16)
//   3. for each position and panel: m (tiles, vectors * kLanes) = v . u   (conv2d_winograd_products.h), of the tiles
//      that take the position: not all at the edge of an image do   (conv2d_winograd_tiles.h)
//   4. interpolate m, and put bias, residual and activation on top on the way to y
//
// There are two orders, for one limit: what is used again and again should lie in L2.
//   by block  u of all panels first; then a job does steps 2 to 4 for a block of tiles in its scratch. For many tiles.
//   by panel  v of many blocks first; then a job does steps 1, 3 and 4 for a panel and a block, so that u, which is
//             larger than the kernel and with hundreds of channels tens of megabytes, never goes to memory.
//
// An output is the sum over the channels in a fixed order, then a fixed interpolation: neither n nor the blocks nor
// the order change a bit. A NaN or infinity in x makes all outputs of the tiles whose patch it is in NaN, up to three
// pixels further than the window reaches.
#include "kernels/conv2d_planar.h"
#include "kernels/conv2d_tile.h"
#include "kernels/conv2d_winograd_few.h"
#include "kernels/conv2d_winograd_products.h"
#include "kernels/conv2d_winograd_tiles.h"
#include "kernels/gemm_pack.h"

namespace linnet::LINNET_ISA {
namespace {

// bench_conv2d re-measures these numbers. By block: more windows than this are too far away to be read for each block.
constexpr int64_t kWindowFloats = int64_t{4} << 20;
// Tiles of a block: v, m and u together should not leave L2. And blocks, for the threads to share.
constexpr int64_t kBlockTiles = 28, kBlocks = 16;
// By panel: tiles of a block; more would not fit scratch beside u. Few tiles are worked off so as well, when there are
// panels enough for the threads.
constexpr int64_t kPanelTiles = 84, kLeastPanels = 4;
// v of the blocks that are transformed before their products are taken.
constexpr int64_t kWaveFloats = int64_t{4} << 20;
// Tiles of a job that transforms.
constexpr int64_t kJobTiles = 7;

constexpr int64_t kPanelWidth = kTileVectors * kLanes;

// Transformed windows of more than kNearFloats come from memory when they are packed. An image of few tiles uses them
// too seldom: there the kernel itself is packed (conv2d_winograd_few.h). So it is where the windows, more than
// kWindowFloats, are made anew for each block of many tiles; up to kMostKept tiles they are sooner read.
constexpr int64_t kNearFloats = int64_t{1} << 20, kFewImageTiles = 4, kMostKept = 16;

constexpr int64_t positions_of(int64_t floats) { return kPositions * (floats + kPositionGap); }

// Is the kernel packed, or its transformed windows? Whatever n is.
bool relays_kernel(const Conv2dShape& s) {
  const TileGrid grid(s);
  const int64_t windows = kPositions * s.c * s.oc, tiles = grid.image_tiles();
  if (tiles > kFewImageTiles) return tiles > kMostKept && windows > kWindowFloats;
  return windows > kNearFloats && panel_count(s.oc) >= kLeastPanels;
}

// Positions one after the other that the same tiles take.
struct Run {
  int position, positions;
  int64_t begin, end;
};

struct Runs {
  int count = 0;
  Run run[kPositions];
  // Behind the others. Nothing where no tile is left.
  void add(const Run& next) {
    if (next.begin >= next.end) return;
    Run* const last = run + count - 1;
    if (count > 0 && last->position + last->positions == next.position && last->begin == next.begin &&
        last->end == next.end) {
      last->positions += next.positions;
    } else {
      run[count++] = next;
    }
  }
};

struct Plan {
  explicit Plan(const Conv2dShape& s) : grid(s), panels(panel_count(s.oc)) {
    c = divide_up(s.c, kChunk) * kChunk;
    const int64_t room =
        (kScratchFloats - zero_floats(s.c) - 2 * kPositions * kPositionGap) / (kPositions * (c + kPanelWidth));
    int64_t most = room / kMaxRows * kMaxRows;
    by_panel =
        most == 0 || kPositions * s.c * s.oc > kWindowFloats || (grid.tiles <= kPanelTiles && panels >= kLeastPanels);
    if (by_panel) {
      most = kPanelTiles;
    } else {
      most = min_of(most, kBlockTiles / kMaxRows * kMaxRows);
      most = min_of(most, divide_up(divide_up(grid.tiles, kBlocks), kMaxRows) * kMaxRows);
    }
    blocks = cut(grid.tiles, most);
    block_tiles = min_of(grid.tiles, most);
    wave = by_panel ? min_of(blocks.count, max_of(1, kWaveFloats / positions_of(c * most))) : 0;
    window_rows = by_panel ? min_of(s.c, kStretch) : s.c;
    for (int position = 0; position < kPositions; ++position) {
      const TileRange range = grid.that_take(position, 0, grid.tiles);
      runs.add({position, 1, range.begin, range.end});
    }
    few = kFewTiles > 0 && by_panel && s.packed && relays_kernel(s) && grid.tiles <= kFewImageTiles;
  }
  int64_t patch_floats() const { return positions_of(c * block_tiles); }
  int64_t product_floats() const { return positions_of(kPanelWidth * block_tiles); }
  // Of a panel: all of u, and what of it is made at a time.
  int64_t kept_floats(const Conv2dShape& s) const { return positions_of(kPanelWidth * s.c); }
  int64_t window_floats() const { return positions_of(kPanelWidth * window_rows); }

  TileGrid grid;
  int64_t panels;       // of output channels
  int64_t c;            // input channels, whole chunks
  bool by_panel;        // or by block
  Parts blocks;         // of tiles
  int64_t block_tiles;  // at most; does not shrink when n grows
  int64_t wave;         // blocks whose v are kept at a time, by panel
  int64_t window_rows;  // input channels of u in one piece
  Runs runs;            // of all tiles
  bool few;             // tiles: windows are transformed where they are multiplied
};

struct Args {
  Conv2dShape s;
  Plan p;
  const float* x;       // (n, h, w, c)
  const float* kernel;  // (kh, kw, c, oc); turned: (kh, kw, oc, c)
  bool turned;          // by 180 degrees, channels swapped
  float* y;             // (n, oh, ow, oc)
  Epilogue epilogue;
  const float* u;      // of all panels, each kept_floats(); null when made panel by panel
  bool relaid;         // `kernel` is a RelaidKernel
  float* v;            // by panel: of a wave of blocks, each patch_floats()
  int64_t wave_first;  // block
};

// ---- windows -------------------------------------------------------------------------------------------------------

// u (36, rows, vectors * kLanes) of one panel, for `rows` <= kLanes input channels from `first` on.
template <int kWindow>
void transform_windows(const Args& a, const Panel& panel, int64_t first, int64_t rows, float* u, int64_t position) {
  constexpr int64_t kTaps = kWindow * kWindow, kRelaidAhead = 16;
  const int64_t c = a.s.c, oc = a.s.oc;
  for (int64_t v = 0; v < panel.vectors; ++v) {
    if (a.relaid) {
      const float* const from = RelaidKernel{a.kernel, c, kTaps}.at(panel.column / kLanes + v, first);
      for (int64_t i = 0; i < rows; ++i) {
        // From memory: between the 36 streams that are written, the hardware does not foresee this one.
        for (int64_t tap = 0; tap < kTaps; ++tap)
          __builtin_prefetch(from + ((i + kRelaidAhead) * kTaps + tap) * kLanes);
        columns_to_positions<WindowLine<kWindow>, WindowLine<kWindow>>(
            from + i * kTaps * kLanes, kWindow * kLanes, kLanes, u + (i * panel.vectors + v) * kLanes, position);
      }
      continue;
    }
    const int64_t o = panel.column + v * kLanes, count = min_of(kLanes, oc - o);
    Vec taps[kTaps][kLanes];
    for (int64_t tap = 0; tap < kTaps; ++tap) {
      if (a.turned) {
        const float* from = a.kernel + ((kTaps - 1 - tap) * oc + o) * c + first;
        load_block(taps[tap], from, c, count, rows, a.kernel + kTaps * c * oc);
        transpose(taps[tap]);
      } else {
        for (int64_t i = 0; i < rows; ++i) {
          const float* from = a.kernel + (tap * c + first + i) * oc + o;
          taps[tap][i] = load_some(from, count, 0.0f);
          __builtin_prefetch(from + kLanes * oc);  // the next rows': a line here and there, which no hardware foresees
        }
      }
    }
    for (int64_t i = 0; i < rows; ++i)
      columns_to_positions<WindowLine<kWindow>, WindowLine<kWindow>>(reinterpret_cast<const float*>(&taps[0][i]),
                                                                     kWindow * kLanes * kLanes, kLanes * kLanes,
                                                                     u + (i * panel.vectors + v) * kLanes, position);
  }
}

// ---- tiles ---------------------------------------------------------------------------------------------------------

// Some tiles on their way from x to y.
struct Block {
  int64_t first, tiles;
  float* v;                        // (36, c / 16, tiles, 16)
  float* m;                        // (36, tiles, panel)
  int64_t v_position, m_position;  // floats between the positions
  Runs runs;                       // of tiles counted from `first`
};

Block block_at(const Args& a, int64_t index, float* v, float* m) {
  const Parts& blocks = a.p.blocks;
  Block b;
  b.first = index * blocks.size + min_of(index, blocks.longer);
  b.tiles = blocks.size + (index < blocks.longer);
  b.v = v, b.m = m;
  b.v_position = b.tiles * a.p.c + kPositionGap;
  b.m_position = b.tiles * min_of(kPanelWidth, round_to_lanes(a.s.oc)) + kPositionGap;
  for (int i = 0; i < a.p.runs.count; ++i) {
    const Run& run = a.p.runs.run[i];
    b.runs.add({run.position, run.positions, max_of(run.begin - b.first, 0), min_of(run.end - b.first, b.tiles)});
  }
  return b;
}

template <int kWindow>
void transform_tiles(const Args& a, const Block& b, int64_t begin, int64_t end, const float* zeros) {
  const Conv2dShape& s = a.s;
  transform_patches<kWindow, PatchLineOf>({a.x, s.n, s.h, s.w, s.c, zeros}, a.p.grid, s.pad_top, s.pad_left,
                                          b.first + begin, b.first + end,
                                          {b.v + begin * kChunk, kChunk, kChunk, b.tiles * kChunk, b.v_position});
}

// m = v . u for one panel and `rows` input channels from `first` on; on top of m when first > 0.
template <int kWindow>
void multiply(const Args& a, const Block& b, const Panel& panel, int64_t first, int64_t rows, const float* u,
              int64_t u_position) {
  constexpr int64_t kTile = tile_size(kWindow);
  const Conv2dShape& s = a.s;
  const int64_t width = panel.vectors * kLanes;
  const float* touch[kPanelTiles];
  int64_t touch_offset[kTile * kTile];
  TilePlace place(a.p.grid, b.first);
  for (int64_t t = 0; t < b.tiles; ++t, place.step(a.p.grid)) {
    touch[t] = a.y + ((place.n * s.oh + place.y) * s.ow + place.x) * s.oc + panel.column;
  }
  for (int64_t i = 0; i < kTile * kTile; ++i) touch_offset[i] = (i / kTile * s.ow + i % kTile) * s.oc;
  Products p;
  p.c = rows;
  // From a chunk of a part to its next it is too far for the hardware when others' tiles are many in between.
  p.v_position = b.v_position, p.v_chunk = b.tiles * kChunk, p.v_far = a.p.by_panel || b.tiles > 2 * kMaxRows;
  p.u_position = u_position, p.m_position = b.m_position;
  p.add = first > 0;
  for (int r = 0; r < b.runs.count; ++r) {
    const Run& run = b.runs.run[r];
    const Parts parts = cut(run.end - run.begin, kMaxRows);
    // One part goes through all positions in one call; several take turns, so that u is near for all but the first.
    const int step = parts.count == 1 ? run.positions : 1, end = run.position + run.positions;
    p.positions = step;
    for (int position = run.position; position < end; position += step) {
      const int next = position + step < end ? position + step : r + 1 < b.runs.count ? b.runs.run[r + 1].position : 0;
      p.u = u + position * u_position;
      p.touch_offset = touch_offset + position;
      p.touches = first + rows < s.c ? 0 : min_of(step, max_of(0, kTile * kTile - position));
      int64_t begin = run.begin;
      for (int64_t i = 0; i < parts.count; ++i) {
        const int64_t tiles = parts.size + (i < parts.longer);
        p.v = b.v + position * b.v_position + begin * kChunk + first * b.tiles;
        p.m = b.m + position * b.m_position + begin * width;
        p.touch = touch + begin;
        if (a.u && a.p.by_panel && next > 0) {
          const int64_t from = rows * i / parts.count, to = rows * (i + 1) / parts.count;
          p.ahead = fetch_lines(u + next * u_position + from * width, to - from, width, width, divide_up(rows, kChunk));
        }
        products_for(tiles, panel.vectors)(p);
        begin += tiles;
      }
    }
  }
}

// The same where few tiles transform the windows themselves, for all input channels.
template <int kWindow>
void multiply_few(const Args& a, const Block& b, const Panel& panel) {
  const RelaidKernel kernel = {a.kernel, a.s.c, kWindow * kWindow};
  for (int64_t vector = 0; vector < panel.vectors; ++vector)
    for (int64_t first = 0; first < a.s.c; first += kStretch) {
      FewProducts p;
      p.c = min_of(kStretch, a.s.c - first);
      p.windows = kernel.at(panel.column / kLanes + vector, first);
      const bool last = vector + 1 == panel.vectors && first + p.c == a.s.c;
      const int64_t floats = p.c * kernel.taps * kLanes;
      Fetch ahead = fetch_lines(p.windows + floats, last ? 0 : 1, floats, floats, kPatchSize * divide_up(p.c, kChunk));
      p.ahead = &ahead;
      p.v = b.v + first * b.tiles;
      p.v_position = b.v_position, p.m_position = b.m_position;
      p.width = panel.vectors * kLanes;
      p.m = b.m + vector * kLanes;
      p.add = first > 0;
      few_products_for(kWindow, b.tiles)(p);
    }
}

// The products of one tile, kLanes channels from o on, to y.
template <class Down, class Across, bool kWhole>
void interpolate(const Args& a, const TilePlace& place, int64_t o, const float* m, int64_t position) {
  const Conv2dShape& s = a.s;
  const int64_t rows = s.oh - place.y, columns = s.ow - place.x, count = min_of(kLanes, s.oc - o);
  const int64_t origin = ((place.n * s.oh + place.y) * s.ow + place.x) * s.oc + o;
  float* const y = a.y + origin;
  const float* const residual = a.epilogue.residual ? a.epilogue.residual + origin : nullptr;
  const Vec bias = a.epilogue.bias ? load_some(a.epilogue.bias + o, kWhole ? kLanes : count, 0.0f) : Vec{};
  const bool relu = a.epilogue.activation == Activation::relu;
  const auto put = [&](int64_t i, const Vec* row) {
    if (!kWhole && i >= rows) return;
#pragma GCC unroll 4
    for (int64_t j = 0; j < Across::kOut; ++j) {
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
  };
  transform_2d<Down, Across>(Points<Down::kIn, Across::kIn>{m, position}, put);
}

// The tiles of one panel, whose products are m, to y.
template <int kWindow>
void interpolate_tiles(const Args& a, const Block& b, const Panel& panel) {
  each_kind<kWindow>(a.p.grid, b.first, b.first + b.tiles, [&](auto down, auto across, int64_t first, int64_t last) {
    using Down = OutputLine<kWindow, decltype(down)::value>;
    using Across = OutputLine<kWindow, decltype(across)::value>;
    TilePlace place(a.p.grid, first);
    for (int64_t i = first - b.first; i < last - b.first; ++i, place.step(a.p.grid)) {
      const bool inside = place.y + Down::kOut <= a.s.oh && place.x + Across::kOut <= a.s.ow;
      for (int64_t v = 0; v < panel.vectors; ++v) {
        const int64_t o = panel.column + v * kLanes;
        (inside && o + kLanes <= a.s.oc
             ? interpolate<Down, Across, true>
             : interpolate<Down, Across, false>)(a, place, o, b.m + (i * panel.vectors + v) * kLanes, b.m_position);
      }
    }
  });
}

// ---- jobs ----------------------------------------------------------------------------------------------------------

struct KeptWindows {
  const Args& a;
  float* u;  // (panels, kept_floats())
};

// One panel, kLanes input channels.
template <int kWindow>
void windows_job(const void* args, int64_t index, float*) {
  const KeptWindows& kept = *static_cast<const KeptWindows*>(args);
  const Args& a = kept.a;
  const int64_t pieces = divide_up(a.s.c, kLanes), first = index % pieces * kLanes;
  const Panel panel = panel_at(a.s.oc, index / pieces);
  float* const u = kept.u + index / pieces * a.p.kept_floats(a.s) + first * panel.vectors * kLanes;
  transform_windows<kWindow>(a, panel, first, min_of(kLanes, a.s.c - first), u, a.s.c * kPanelWidth + kPositionGap);
}

template <int kWindow>
void block_job(const void* args, int64_t index, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const Block b = block_at(a, index, scratch, scratch + a.p.patch_floats());
  float* const zeros = scratch + a.p.patch_floats() + a.p.product_floats();
  transform_tiles<kWindow>(a, b, 0, b.tiles, make_zeros(zeros, a.s.c));
  for (int64_t i = 0; i < a.p.panels; ++i) {
    const Panel panel = panel_at(a.s.oc, i);
    multiply<kWindow>(a, b, panel, 0, a.s.c, a.u + i * a.p.kept_floats(a.s), a.s.c * kPanelWidth + kPositionGap);
    interpolate_tiles<kWindow>(a, b, panel);
  }
}

// By panel: kJobTiles tiles of a block.
template <int kWindow>
void patches_job(const void* args, int64_t index, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const int64_t jobs = divide_up(a.p.block_tiles, kJobTiles), i = index / jobs, begin = index % jobs * kJobTiles;
  const Block b = block_at(a, a.wave_first + i, a.v + i * a.p.patch_floats(), nullptr);
  if (begin < b.tiles)
    transform_tiles<kWindow>(a, b, begin, min_of(b.tiles, begin + kJobTiles), make_zeros(scratch, a.s.c));
}

// One panel of one block of the wave.
template <int kWindow>
void panel_job(const void* args, int64_t index, float* scratch) {
  const Args& a = *static_cast<const Args*>(args);
  const int64_t wave = min_of(a.p.wave, a.p.blocks.count - a.wave_first), i = index % wave;
  const Panel panel = panel_at(a.s.oc, index / wave);
  float* const u = scratch;
  const Block b = block_at(a, a.wave_first + i, a.v + i * a.p.patch_floats(), scratch + a.p.window_floats());
  if (a.u) {
    multiply<kWindow>(a, b, panel, 0, a.s.c, a.u + index / wave * a.p.kept_floats(a.s),
                      a.s.c * kPanelWidth + kPositionGap);
    return interpolate_tiles<kWindow>(a, b, panel);
  }
  if (a.p.few) {
    multiply_few<kWindow>(a, b, panel);
    return interpolate_tiles<kWindow>(a, b, panel);
  }
  const int64_t width = panel.vectors * kLanes;
  for (int64_t first = 0; first < a.s.c; first += kStretch) {
    const int64_t rows = min_of(kStretch, a.s.c - first);
    const int64_t u_position = a.p.window_rows * kPanelWidth + kPositionGap;
    for (int64_t row = 0; row < rows; row += kLanes)
      transform_windows<kWindow>(a, panel, first + row, min_of(kLanes, rows - row), u + row * width, u_position);
    multiply<kWindow>(a, b, panel, first, rows, u, u_position);
  }
  interpolate_tiles<kWindow>(a, b, panel);
}

struct JobTable {
  Launch::Tile windows, block, patches, panel;
};
template <int kWindow>
constexpr JobTable kJobs = {windows_job<kWindow>, block_job<kWindow>, patches_job<kWindow>, panel_job<kWindow>};

const JobTable& jobs_for(const Conv2dShape& s) { return s.kh == 3 ? kJobs<3> : kJobs<5>; }

void finish_image_row(const void* args, int64_t row, float*) {
  const Args& a = *static_cast<const Args*>(args);
  const int64_t count = a.s.ow * a.s.oc;
  finish(a.y + row * count, nullptr, a.epilogue.activation, count);
}

// Floats of u in the workspace.
int64_t kept_windows(const Conv2dShape& s, const Plan& p) {
  return p.by_panel || (s.packed && !relays_kernel(s)) ? 0 : p.panels * p.kept_floats(s);
}

size_t workspace(const Conv2dShape& s) {
  const Plan p(s);
  // A smaller batch may go by panel where this one goes by block, and must fit in as well.
  const int64_t fewer = p.panels < kLeastPanels ? 0 : positions_of(p.c * min_of(p.grid.tiles, kPanelTiles));
  return workspace_bytes(max_of(kept_windows(s, p) + p.wave * p.patch_floats(), fewer));
}

// Operations, for run_jobs; what moves memory is weighed as 8 a float.
double work(double each, int64_t rows, int64_t columns) {
  return each * kPositions * static_cast<double>(rows) * static_cast<double>(columns);
}

void keep_windows(const Args& a, float* u, const Launch& launch) {
  const KeptWindows kept = {a, u};
  run_jobs(launch, a.p.panels * divide_up(a.s.c, kLanes), work(8, a.s.c, a.s.oc), jobs_for(a.s).windows, &kept);
}

void run_with(const Conv2dShape& s, const float* x, const float* kernel, bool turned, float* y,
              const Epilogue& epilogue, const Launch& launch) {
  const Plan p(s);
  float* const workspace = static_cast<float*>(launch.workspace);
  Args a = {s, p, x, kernel, turned, y, epilogue, nullptr, s.packed && relays_kernel(s), workspace + kept_windows(s, p),
            0};
  if (s.packed && !a.relaid) a.u = kernel;
  if (!p.by_panel) {
    if (!a.u) {
      keep_windows(a, workspace, launch);
      a.u = workspace;
    }
    run_jobs(launch, p.blocks.count, work(2, p.grid.tiles, s.c * s.oc), jobs_for(s).block, &a);
  } else {
    for (; a.wave_first < p.blocks.count; a.wave_first += p.wave) {
      const int64_t blocks = min_of(p.wave, p.blocks.count - a.wave_first), tiles = blocks * p.block_tiles;
      run_jobs(launch, blocks * divide_up(p.block_tiles, kJobTiles), work(8, tiles, s.c), jobs_for(s).patches, &a);
      run_jobs(launch, blocks * p.panels, work(2, tiles, s.c * s.oc), jobs_for(s).panel, &a);
    }
  }
  if (epilogue.activation == Activation::tanh || epilogue.activation == Activation::sigmoid)
    run_jobs(launch, s.n * s.oh, 16.0 * static_cast<double>(s.n * s.oh * s.ow * s.oc), finish_image_row, &a);
}

void run(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue,
         const Launch& launch) {
  run_with(s, x, kernel, false, y, epilogue, launch);
}

// ---- packed windows ------------------------------------------------------------------------------------------------

struct Relaying {
  const float* kernel;  // (kh, kw, c, oc)
  int64_t taps, c, oc;
  float* to;  // as RelaidKernel
};
constexpr int64_t kRelaidChannels = 16;

void relay_job(const void* args, int64_t index, float*) {
  const Relaying& r = *static_cast<const Relaying*>(args);
  const int64_t pieces = divide_up(r.c, kRelaidChannels), vector = index / pieces,
                first = index % pieces * kRelaidChannels;
  const int64_t o = vector * kLanes, count = min_of(kLanes, r.oc - o);
  for (int64_t i = first; i < min_of(r.c, first + kRelaidChannels); ++i)
    for (int64_t tap = 0; tap < r.taps; ++tap)
      store(r.to + ((vector * r.c + i) * r.taps + tap) * kLanes,
            load_some(r.kernel + (tap * r.c + i) * r.oc + o, count, 0.0f));
}

// Nothing where windows that come from memory would be used by many tiles: they are sooner made from the kernel.
size_t packed_size(const Conv2dShape& s) {
  if (relays_kernel(s)) return workspace_bytes(s.kh * s.kw * s.c * round_to_lanes(s.oc));
  const Plan p(s);
  return kPositions * s.c * s.oc > kWindowFloats && p.grid.tiles > kMostKept
             ? 0
             : workspace_bytes(p.panels * p.kept_floats(s));
}

void pack(const Conv2dShape& s, const float* kernel, float* packed, const Launch& launch) {
  if (!relays_kernel(s)) {
    return keep_windows({s, Plan(s), nullptr, kernel, false, nullptr, {}, nullptr, false, nullptr, 0}, packed, launch);
  }
  const Relaying r = {kernel, s.kh * s.kw, s.c, s.oc, packed};
  run_jobs(launch, divide_up(s.oc, kLanes) * divide_up(s.c, kRelaidChannels),
           8.0 * static_cast<double>(r.taps * s.c * s.oc), relay_job, &r);
}

// ---- gradient of the input -----------------------------------------------------------------------------------------

Conv2dShape turned_shape(const Conv2dShape& s) {
  Conv2dShape t = s;
  t.h = s.oh, t.w = s.ow, t.c = s.oc;
  t.oh = s.h, t.ow = s.w, t.oc = s.c;
  t.pad_top = s.kh - 1 - s.pad_top;
  t.pad_left = s.kw - 1 - s.pad_left;
  return t;
}

bool pays(const Conv2dShape& s) { return winograd_pays(s, window_weight(s), planar_pays(s)); }

bool accepts_turned(const Conv2dShape& s) { return is_winograd_shape(s) && pays(turned_shape(s)); }

size_t turned_workspace(const Conv2dShape& s) { return workspace(turned_shape(s)); }

void run_turned(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  run_with(turned_shape(s), dy, kernel, true, dx, {}, launch);
}

bool accepts(const Conv2dShape& s) { return is_winograd_shape(s) && pays(s); }

}  // namespace

const ConvForward conv_forward_winograd = {accepts, workspace, run, packed_size, pack};
const ConvGradInput conv_grad_input_winograd = {accepts_turned, turned_workspace, run_turned};

}  // namespace linnet::LINNET_ISA
