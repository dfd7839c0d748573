// Cuts a kernel's work into parallel tiles: by its size alone, never by the number of threads.
//
// Work comes as `units` equal pieces (rows, chunks, elements) with a rough cost each. A tile is a run of units worth at
// least kTileCost, since handing a tile to another thread costs a microsecond or two; small work is one tile, which the
// caller runs itself.
#pragma once
#include "kernels/isa.h"

namespace linnet::LINNET_ISA {

// 12 us in tenths of a nanosecond, the unit of `cost`: ten times what a launch costs (bench_threads). Streaming one
// float from memory costs about 1.
inline constexpr int64_t kTileCost = 120000;

// Units of one tile.
inline int64_t units_per_tile(int64_t units, int64_t cost) {
  const int64_t enough = cost > 0 ? units * cost / kTileCost : 0;  // tiles that are worth it
  const int64_t tiles = enough < 1 ? 1 : enough > units ? units : enough;
  return (units + tiles - 1) / tiles;
}

// Calls body(begin, end, scratch) for runs of units that together are [0, units). Nothing happens when units is 0.
template <class Body>
void for_tiles(const Launch& launch, int64_t units, int64_t cost, const Body& body) {
  if (units <= 0) return;
  struct Job {
    const Body& body;
    int64_t units, per_tile;
  };
  const Job job = {body, units, units_per_tile(units, cost)};
  const auto run = [](const void* pointer, int64_t index, float* scratch) {
    const Job& j = *static_cast<const Job*>(pointer);
    const int64_t begin = index * j.per_tile, end = begin + j.per_tile;
    j.body(begin, end < j.units ? end : j.units, scratch);
  };
  launch.parallel(launch.pool, (units + job.per_tile - 1) / job.per_tile, run, &job);
}

}  // namespace linnet::LINNET_ISA
