// Times the yardsticks (peak.h).
#include "runtime/peak.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/aligned.h"
#include "runtime/cpu.h"
#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace linnet {
namespace {

// The best rate of `work`, which returns how much it has done, over `seconds`; at least three runs, of which the first
// wakes the threads and touches the memory.
template <class Work>
double best_rate(double seconds, Work work) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (int run = 0; run < 3 || Clock::now() < end; ++run) {
    const auto begin = Clock::now();
    const double done = work();
    best = std::max(best, done / std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

}  // namespace

double measure_fma_peak(double seconds) {
  // A tile takes some 20 us on a fast core, a launch half a millisecond: short enough to fit between two disturbances.
  constexpr int64_t kSteps = 8192, kTilesPerThread = 24;
  std::vector<float> sums(static_cast<size_t>(kTilesPerThread * num_threads()));
  const Launch launch = make_launch(nullptr);
  const ActiveRegion awake;
  return best_rate(seconds, [&] {
    std::fill(sums.begin(), sums.end(), 1.0f);
    return kernels().fma_chains(static_cast<int64_t>(sums.size()), kSteps, sums.data(), launch);
  });
}

Bandwidth measure_bandwidth(double seconds) {
  const int64_t cache = std::max(cpu().l3, int64_t{16} << 20);
  const AlignedBuffer memory = allocate_zeroed(static_cast<size_t>(4 * cache));
  const int64_t floats = cache;
  float* x = reinterpret_cast<float*>(memory.get());
  std::vector<float> sums(static_cast<size_t>(floats / 65536 + 1));
  const Launch launch = make_launch(nullptr);
  const ActiveRegion awake;
  const auto rate = [&](Stream kind, int64_t n, float* y) {
    return best_rate(seconds / 4, [&] { return kernels().stream(kind, n, x, y, launch); });
  };
  return {.read = rate(Stream::read, floats, sums.data()),
          .write = rate(Stream::write, floats, x),
          .update = rate(Stream::update, floats, nullptr),
          .copy = rate(Stream::copy, floats / 2, x + floats / 2)};
}

double measure_read(double seconds, int64_t bytes) {
  const AlignedBuffer memory = allocate_zeroed(static_cast<size_t>(bytes));
  const int64_t floats = bytes / static_cast<int64_t>(sizeof(float));
  float* x = reinterpret_cast<float*>(memory.get());
  std::vector<float> sums(static_cast<size_t>(floats / 65536 + 1));
  const Launch launch = make_launch(nullptr);
  const ActiveRegion awake;
  constexpr int kTimes = 8;  // a clock's reading must not show
  return best_rate(seconds, [&] {
    double done = 0;
    for (int i = 0; i < kTimes; ++i) done += kernels().stream(Stream::read, floats, x, sums.data(), launch);
    return done;
  });
}

}  // namespace linnet
