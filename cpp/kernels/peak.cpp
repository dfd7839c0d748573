// The two limits of a processor, as kernels: how many FMAs a second its registers allow, and how many bytes a second
// its memory gives. Every "share of peak" that linnet prints is measured against these, compiled for the same
// instruction set and run on the same pool of threads as the kernels they judge.
//
// fma_chains: twelve independent chains x = x a + b in registers cover latency times throughput of every x86-64 core
// (4 cycles x 2 a cycle = 8; without FMA, 6 x 2 = 12) and of common aarch64 ones. The chains begin at different values,
// or the compiler would keep one of them. a and b come from memory for the same reason: nothing is known of them.
//
// stream: reads an array, fills it, updates it in place, or copies it, as plainly as a kernel can. A plain store first
// reads the line that it overwrites, so what fills and copies goes past the caches, as kernels do where results are
// large: what is counted is what moves.
//
// What it does not do: time anything. That is the business of runtime/peak.cpp.
#include "kernels/declare.h"
#include "kernels/lanes.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int kChains = 12;
constexpr int64_t kTile = 1 << 16;  // floats of a tile of `stream`: 256 KB, so that a launch hardly shows
constexpr int64_t kBlock = 8;       // vectors that `read` adds up side by side

struct Chains {
  int64_t steps;
  float* sums;  // (tiles), and on entry the numbers the chains begin with
};

void fma_tile(const void* raw, int64_t index, float*) {
  const Chains& args = *static_cast<const Chains*>(raw);
  const float start = args.sums[index];
  const Vec a = broadcast(0.999f + start * 1e-9f), b = broadcast(start * 1e-3f);
  Vec x[kChains];
#pragma GCC unroll 12
  for (int j = 0; j < kChains; ++j) x[j] = broadcast(start * static_cast<float>(j + 1));
  for (int64_t i = 0; i < args.steps; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) x[j] = x[j] * a + b;
  }
#pragma GCC unroll 12
  for (int j = 1; j < kChains; ++j) x[0] += x[j];
  float sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += x[0][lane];
  args.sums[index] = sum;
}

struct Streams {
  int64_t n;
  float *x, *y;  // (n)
};

int64_t tile_length(const Streams& args, int64_t index) {
  const int64_t left = args.n - index * kTile;
  return left < kTile ? left : kTile;
}

void read_tile(const void* raw, int64_t index, float*) {
  const Streams& args = *static_cast<const Streams*>(raw);
  const float* x = args.x + index * kTile;
  const int64_t n = tile_length(args, index), whole = n - n % (kBlock * kLanes);
  Vec sums[kBlock] = {};
  for (int64_t i = 0; i < whole; i += kBlock * kLanes) {
#pragma GCC unroll 8
    for (int64_t j = 0; j < kBlock; ++j) sums[j] += load(x + i + j * kLanes);
  }
  for (int64_t j = 1; j < kBlock; ++j) sums[0] += sums[j];
  float sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += sums[0][lane];
  for (int64_t i = whole; i < n; ++i) sum += x[i];
  args.y[index] = sum;
}

void update_tile(const void* raw, int64_t index, float*) {
  const Streams& args = *static_cast<const Streams*>(raw);
  float* x = args.x + index * kTile;
  const int64_t n = tile_length(args, index);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] = 1.0f - x[i];
}

void write_tile(const void* raw, int64_t index, float*) {
  const Streams& args = *static_cast<const Streams*>(raw);
  write_aligned<true>(args.y + index * kTile, tile_length(args, index),
                      [](int64_t, int64_t) { return broadcast(1.0f); });
  finish_past_caches();
}

void copy_tile(const void* raw, int64_t index, float*) {
  const Streams& args = *static_cast<const Streams*>(raw);
  const float* x = args.x + index * kTile;
  write_aligned<true>(args.y + index * kTile, tile_length(args, index),
                      [x](int64_t at, int64_t lanes) { return load_some(x + at, lanes, 0.0f); });
  finish_past_caches();
}

}  // namespace

double fma_chains(int64_t tiles, int64_t steps, float* sums, const Launch& launch) {
  const Chains args{steps, sums};
  launch.parallel(launch.pool, tiles, fma_tile, &args);
  return 2.0 * kLanes * kChains * static_cast<double>(steps * tiles);
}

double stream(Stream kind, int64_t n, float* x, float* y, const Launch& launch) {
  const Streams args{n, x, y};
  const Launch::Tile tile = kind == Stream::read     ? read_tile
                            : kind == Stream::write  ? write_tile
                            : kind == Stream::update ? update_tile
                                                     : copy_tile;
  launch.parallel(launch.pool, (n + kTile - 1) / kTile, tile, &args);
  return static_cast<double>(n) * (kind == Stream::read || kind == Stream::write ? 4 : 8);
}

}  // namespace linnet::LINNET_ISA
