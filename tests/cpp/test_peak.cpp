// The yardsticks do the work they are paid for: chains and streams compute what they say, on every table.
#include <limits>

#include "kernel_test.h"
#include "runtime/peak.h"

using namespace linnet;
using namespace linnet::test;

TEST_CASE("fma_chains counts its operations and keeps every chain") {
  for_each_case([](Case& run) {
    const Launch launch = run.launch();
    for (const int64_t tiles : {0, 1, 5}) {
      Buffer<float> sums = random(tiles, 1, 0.5, 1.5);
      const Buffer<float> start = sums;
      const double operations = run.kernels.fma_chains(tiles, 10, sums.data(), launch);
      CHECK(operations == run.kernels.fma_chains(1, 1, random(1, 2).data(), launch) * static_cast<double>(tiles * 10));
      // Every lane of chain j begins at (j + 1) s and ends at (j + 1) s a^10 + b (1 - a^10) / (1 - a).
      const double lanes_and_chains = operations / (2.0 * 10 * static_cast<double>(std::max<int64_t>(tiles, 1)));
      const int chains = std::string(run.kernels.name) == "reference" ? 1 : 12;
      for (int64_t t = 0; t < tiles; ++t) {
        const double s = start[t], a = 0.999f + start[t] * 1e-9f, b = start[t] * 1e-3f;
        double expected = 0;
        for (int chain = 1; chain <= chains; ++chain) {
          double x = chain * s;
          for (int i = 0; i < 10; ++i) x = x * a + b;
          expected += x * lanes_and_chains / chains;
        }
        CHECK(sums[t] == doctest::Approx(expected).epsilon(1e-5));
      }
    }
  });
}

TEST_CASE("stream reads, writes, updates and copies every element") {
  for_each_case([](Case& run) {
    const Launch launch = run.launch();
    for (const int64_t n : {0, 1, 15, 17, 127, 65535, 65536, 3 * 65536 + 131}) {
      CAPTURE(n);
      Buffer<float> x = random(n, 3);
      const Buffer<float> before = x;
      const int64_t tiles = (n + 65535) / 65536;
      Buffer<float> sums(tiles), y(n);
      CHECK(run.kernels.stream(Stream::read, n, x.data(), sums.data(), launch) == 4.0 * static_cast<double>(n));
      check_same_bits(x, before);
      std::vector<double> expected(static_cast<size_t>(tiles));
      for (int64_t i = 0; i < n; ++i) expected[static_cast<size_t>(i / 65536)] += before[i];
      check_close(sums.data(), expected, 1e-4, 1e-2);
      CHECK(run.kernels.stream(Stream::write, n, nullptr, y.data(), launch) == 4.0 * static_cast<double>(n));
      check_close(y.data(), std::vector<double>(static_cast<size_t>(n), 1.0), 0, 0);
      CHECK(run.kernels.stream(Stream::copy, n, x.data(), y.data(), launch) == 8.0 * static_cast<double>(n));
      check_same_bits(y, before);
      run.kernels.stream(Stream::update, n, x.data(), nullptr, launch);
      for (int64_t i = 0; i < n; ++i) x[i] -= 1.0f - before[i];
      check_close(x.data(), std::vector<double>(static_cast<size_t>(n)), 0, 0);
    }
  });
}

TEST_CASE("measured limits are numbers") {
  const Bandwidth bandwidth = measure_bandwidth(0);
  for (const double limit : {measure_fma_peak(0), measure_read(0, 1 << 18), bandwidth.read, bandwidth.write,
                             bandwidth.update, bandwidth.copy}) {
    CHECK(limit > 0);
    CHECK(limit < std::numeric_limits<double>::infinity());
  }
}
