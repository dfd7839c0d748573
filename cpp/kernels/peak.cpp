// The two limits of a processor, as kernels: how many FMAs a second its registers allow, and how many bytes a second
// its memory gives. Every "share of peak" that linnet prints is measured against these, compiled for the same
// instruction set and run on the same pool of threads as the kernels they judge.
//
// fma_chains: twelve independent chains x = x a + b in registers cover latency times throughput of every x86-64 core
// (4 cycles x 2 a cycle = 8; without FMA, 6 x 2 = 12) and of common aarch64 ones. The chains begin at different values,
// or the compiler would keep one of them. a and b come from memory for the same reason: nothing is known of them.
//
// stream: reads an array, updates it in place, or copies it, as plainly as a kernel can. A plain store first reads the
// line that it overwrites, so a copy moves three bytes where it counts two; that is the limit of plain code, and the
// best of the three is the yardstick (runtime/peak.h).
//
// What it does not do: time anything. That is the business of runtime/peak.cpp.
#include "kernels/declare.h"
#include "kernels/simd.h"

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

void copy_tile(const void* raw, int64_t index, float*) {
  const Streams& args = *static_cast<const Streams*>(raw);
  const float* __restrict x = args.x + index * kTile;
  float* __restrict y = args.y + index * kTile;
  const int64_t n = tile_length(args, index);
  // By vectors: from a plain loop GCC would make a call of memcpy, which is another kernel at every size.
  for (int64_t i = 0; i + kLanes <= n; i += kLanes) store(y + i, load(x + i));
  for (int64_t i = n - n % kLanes; i < n; ++i) y[i] = x[i];
}

}  // namespace

double fma_chains(int64_t tiles, int64_t steps, float* sums, const Launch& launch) {
  const Chains args{steps, sums};
  launch.parallel(launch.pool, tiles, fma_tile, &args);
  return 2.0 * kLanes * kChains * static_cast<double>(steps * tiles);
}

double stream(Stream kind, int64_t n, float* x, float* y, const Launch& launch) {
  const Streams args{n, x, y};
  const Launch::Tile tile = kind == Stream::read ? read_tile : kind == Stream::update ? update_tile : copy_tile;
  launch.parallel(launch.pool, (n + kTile - 1) / kTile, tile, &args);
  return static_cast<double>(n) * (kind == Stream::read ? 4 : 8);
}

}  // namespace linnet::LINNET_ISA
