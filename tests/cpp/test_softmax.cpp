// Softmax and log-softmax over rows, forward and gradient.
#include <cmath>
#include <limits>

#include "kernel_test.h"

namespace linnet::test {
namespace {

std::vector<double> softmax(bool log, int64_t rows, int64_t n, const Buffer<float>& x) {
  std::vector<double> y;
  for (int64_t r = 0; r < rows; ++r) {
    double most = -HUGE_VAL, sum = 0;
    for (int64_t j = 0; j < n; ++j) most = std::max(most, double{x[r * n + j]});
    for (int64_t j = 0; j < n; ++j) sum += std::exp(x[r * n + j] - most);
    for (int64_t j = 0; j < n; ++j) {
      const double value = x[r * n + j] - most - std::log(sum);
      y.push_back(log ? value : std::exp(value));
    }
  }
  return y;
}

constexpr int64_t kSizes[][2] = {{0, 5}, {3, 0}, {1, 1}, {32, 10}, {7, 16}, {5, 17}, {3, 100}, {2, 1000}, {20000, 13}};

}  // namespace

TEST_CASE("softmax: forward") {
  for_each_case([](Case& run) {
    for (const auto& [rows, n] : kSizes) {
      for (const double range : {1.0, 60.0, 1000.0}) {
        const Buffer<float> x = random(rows * n, 1, -range, range);
        Buffer<float> y(rows * n);
        run.kernels.softmax_forward(false, rows, n, x.data(), y.data(), run.launch());
        check_close(y.data(), softmax(false, rows, n, x), 8e-6, 1e-37);
        run.kernels.softmax_forward(true, rows, n, x.data(), y.data(), run.launch());
        check_close(y.data(), softmax(true, rows, n, x), 1e-6, 2e-6);
      }
    }
  });
}

TEST_CASE("softmax: gradient") {
  for_each_case([](Case& run) {
    for (const auto& [rows, n] : kSizes) {
      for (const bool log : {false, true}) {
        const Buffer<float> x = random(rows * n, 1, -3, 3), dy = random(rows * n, 2);
        Buffer<float> y(rows * n), dx(rows * n);
        const std::vector<double> exact = softmax(log, rows, n, x);
        std::copy(exact.begin(), exact.end(), y.begin());
        std::vector<double> expected(exact.size());
        for (int64_t r = 0; r < rows; ++r) {
          double sum = 0;
          for (int64_t j = r * n; j < (r + 1) * n; ++j) sum += log ? dy[j] : double{dy[j]} * y[j];
          for (int64_t j = r * n; j < (r + 1) * n; ++j)
            expected[static_cast<size_t>(j)] = log ? dy[j] - std::exp(double{y[j]}) * sum : y[j] * (dy[j] - sum);
        }
        run.kernels.softmax_grad(log, rows, n, dy.data(), y.data(), dx.data(), run.launch());
        check_close(dx.data(), expected, 1e-5, 2e-6);
      }
    }
  });
}

TEST_CASE("softmax: masked, overflowing and broken rows") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const double nan = std::nan("");
  const Buffer<float> x = {1,         -infinity, 1,        3e38f, -3e38f, 0, -infinity,
                           -infinity, -infinity, infinity, 0,     1,      0, std::numeric_limits<float>::quiet_NaN(),
                           1};
  const std::vector<double> expected = {0.5, 0, 0.5, 1, 0, 0, nan, nan, nan, nan, nan, nan, nan, nan, nan};
  for_each_case([&](Case& run) {
    Buffer<float> y(15);
    run.kernels.softmax_forward(false, 5, 3, x.data(), y.data(), run.launch());
    check_close(y.data(), expected, 1e-6, 0);
  });
}

TEST_CASE("softmax: a row's bits do not depend on its company or on threads") {
  const int64_t rows = 30000, n = 11;
  const Buffer<float> x = random(rows * n, 1, -5, 5);
  const int before = num_threads();
  for (const KernelTable* table : available_kernels()) {
    set_num_threads(1);
    Case one(*table, 1);
    Buffer<float> y(rows * n), again(rows * n), alone(n), same(n);
    table->softmax_forward(false, rows, n, x.data(), y.data(), one.launch());
    set_num_threads(3);
    table->softmax_forward(false, rows, n, x.data(), again.data(), one.launch());
    check_same_bits(y, again);
    table->softmax_forward(false, 1, n, x.data() + 777 * n, alone.data(), one.launch());
    std::copy_n(y.data() + 777 * n, n, same.data());
    check_same_bits(alone, same);
  }
  set_num_threads(before);
}

}  // namespace linnet::test
