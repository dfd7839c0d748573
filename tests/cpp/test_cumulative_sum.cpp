// Running sums, from both ends, in any place of the shape, of many numbers.
#include "kernel_test.h"

namespace linnet::test {

TEST_CASE("cumulative_sum") {
  struct Extent {
    int64_t outer, mid, inner;
  };
  for_each_case([](Case& run) {
    for (const Extent& s : {Extent{1, 1, 1},
                            {0, 3, 2},
                            {3, 0, 2},
                            {2, 5, 0},
                            {7, 13, 1},
                            {3, 4, 63},
                            {2, 9, 64},
                            {5, 3, 65},
                            {2, 17, 200},
                            {1, 100000, 1},
                            {300, 40, 3}}) {
      for (const bool reverse : {false, true}) {
        const Buffer<float> x = random(s.outer * s.mid * s.inner, 1, -0.5, 1);
        std::vector<double> expected = to_double(x);
        for (int64_t o = 0; o < s.outer; ++o)
          for (int64_t m = 1; m < s.mid; ++m)
            for (int64_t i = 0; i < s.inner; ++i) {
              const auto at = [&](int64_t place) {
                return static_cast<size_t>((o * s.mid + (reverse ? s.mid - 1 - place : place)) * s.inner + i);
              };
              expected[at(m)] += expected[at(m - 1)];
            }
        Buffer<float> y(x.size());
        run.kernels.cumulative_sum(reverse, s.outer, s.mid, s.inner, x.data(), y.data(), run.launch());
        check_close(y.data(), expected, 1e-7, 1e-9);
      }
    }
  });
}

}  // namespace linnet::test
