// take_along and its gradient: ids from both ends, repeated, and outside.
#include "kernel_test.h"

namespace linnet::test {
namespace {

struct Extent {
  int64_t rows, n, k;
};
constexpr Extent kExtents[] = {{1, 1, 1}, {0, 3, 4}, {5, 3, 0}, {4, 7, 13}, {1000, 17, 31}, {3, 5000, 20000}};

}  // namespace

TEST_CASE("take_along") {
  for_each_case([](Case& run) {
    for (const Extent& s : kExtents) {
      const Buffer<float> x = random(s.rows * s.n, 1);
      Buffer<int32_t> ids = random_integers(s.rows * s.k, 2, -s.n, s.n);
      Buffer<float> y(s.rows * s.k), expected(s.rows * s.k);
      for (int64_t i = 0; i < y.size(); ++i) expected[i] = x[i / s.k * s.n + (ids[i] < 0 ? ids[i] + s.n : ids[i])];
      int64_t bad_row = 99;
      run.kernels.take_along(s.rows, s.n, s.k, x.data(), ids.data(), y.data(), &bad_row, run.launch());
      CHECK(bad_row == -1);
      check_same_bits(y, expected);
      if (s.rows * s.k < 4) continue;
      ids[s.rows * s.k - 1] = static_cast<int32_t>(s.n);
      ids[2] = static_cast<int32_t>(-s.n - 1);
      run.kernels.take_along(s.rows, s.n, s.k, x.data(), ids.data(), y.data(), &bad_row, run.launch());
      CHECK(bad_row == 2);
    }
  });
}

TEST_CASE("take_along: the gradient sums in the order of the picks") {
  for_each_case([](Case& run) {
    for (const Extent& s : kExtents) {
      const Buffer<int32_t> ids = random_integers(s.rows * s.k, 2, -s.n, s.n);
      const Buffer<float> dy = random(s.rows * s.k, 3);
      Buffer<float> dx(s.rows * s.n), expected(s.rows * s.n);
      std::fill(expected.begin(), expected.end(), 0.0f);
      for (int64_t i = 0; i < dy.size(); ++i) expected[i / s.k * s.n + (ids[i] < 0 ? ids[i] + s.n : ids[i])] += dy[i];
      run.kernels.take_along_grad(s.rows, s.n, s.k, ids.data(), dy.data(), dx.data(), run.launch());
      check_same_bits(dx, expected);
    }
  });
}

}  // namespace linnet::test
