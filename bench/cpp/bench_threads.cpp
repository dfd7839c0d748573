// What the thread pool costs, and what it gains: the figures behind the spin times in runtime/threads.cpp.
//
//   LINNET_NUM_THREADS=2 bench_threads
//
// `empty` is the price of a launch whose tiles do nothing. `tiles` runs eight tiles of the given length inside an
// ActiveRegion (a step); two threads at best halve it. `parked` does the same after a pause in which the workers went
// to sleep. Run it again with another process busy on one core: a launch should then cost about what one thread takes.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include "runtime/threads.h"

namespace {

using namespace linnet;

// About a nanosecond an iteration; each depends on the one before.
void busy(const void* args, int64_t, float* scratch) {
  float x = scratch[0];
  for (int64_t i = 0; i < *static_cast<const int64_t*>(args); ++i) x = x * 1.0000001f + 1e-9f;
  scratch[0] = x;
}

constexpr int64_t kIterationsPerMicrosecond = 450;
constexpr int64_t kTiles = 8;

void empty(benchmark::State& state) {
  const int64_t iterations = 0;
  const Launch launch = make_launch(nullptr);
  const ActiveRegion active;
  for (auto _ : state) launch.parallel(launch.pool, kTiles, busy, &iterations);
}
BENCHMARK(empty)->UseRealTime();

void tiles(benchmark::State& state) {
  const int64_t iterations = state.range(0) * kIterationsPerMicrosecond;
  const Launch launch = make_launch(nullptr);
  const ActiveRegion active;
  for (auto _ : state) launch.parallel(launch.pool, kTiles, busy, &iterations);
}
BENCHMARK(tiles)->ArgName("us")->Arg(1)->Arg(5)->Arg(20)->Arg(100)->UseRealTime();

void parked(benchmark::State& state) {
  const int64_t iterations = state.range(0) * kIterationsPerMicrosecond;
  const Launch launch = make_launch(nullptr);
  for (auto _ : state) {
    state.PauseTiming();
    usleep(300);
    state.ResumeTiming();
    launch.parallel(launch.pool, kTiles, busy, &iterations);
  }
}
BENCHMARK(parked)->ArgName("us")->Arg(5)->Arg(20)->UseRealTime();

}  // namespace
