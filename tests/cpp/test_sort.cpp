// sort_order against a stable sort: ties, NaN, signed zeros, integers, few and many values, the first k.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernel_test.h"

namespace linnet::test {
namespace {

template <class T>
Buffer<int32_t> stable_order(int64_t rows, int64_t n, int64_t k, bool descending, const Buffer<T>& x) {
  Buffer<int32_t> order(rows * k);
  for (int64_t r = 0; r < rows; ++r) {
    std::vector<int32_t> numbers(static_cast<size_t>(n));
    std::iota(numbers.begin(), numbers.end(), 0);
    std::stable_sort(numbers.begin(), numbers.end(), [&](int32_t i, int32_t j) {
      const double a = static_cast<double>(x[r * n + i]), b = static_cast<double>(x[r * n + j]);
      if (std::isnan(a) || std::isnan(b)) return descending ? std::isnan(a) && !std::isnan(b) : !std::isnan(a);
      return descending ? a > b : a < b;
    });
    std::copy_n(numbers.begin(), k, order.begin() + r * k);
  }
  return order;
}

struct Extent {
  int64_t rows, n, k;
};
constexpr Extent kExtents[] = {{1, 1, 1},     {0, 5, 5},       {3, 0, 0},       {7, 2, 1},
                               {5, 24, 24},   {4, 25, 25},     {9, 31, 31},     {3, 257, 10},
                               {2, 1031, 31}, {600, 200, 200}, {1, 66000, 300}, {2, 65537, 5}};

}  // namespace

TEST_CASE("sort_order: floats with ties, NaN, infinities and signed zeros") {
  for_each_case([](Case& run) {
    for (const Extent& s : kExtents) {
      if (s.n > 2000 && std::string(run.kernels.name) == "reference") continue;  // quadratic
      for (const bool descending : {false, true}) {
        Buffer<float> x = random(s.rows * s.n, 1);
        for (int64_t i = 0; i < x.size(); ++i) {
          if (i % 3 == 0) x[i] = std::round(8 * x[i]);
          if (i % 7 == 3) x[i] = -x[i] * 1e30f;
          if (i % 11 == 2) x[i] = i % 2 ? -0.0f : 0.0f;
          if (i % 31 == 5) x[i] = i % 2 ? std::nanf("") : -std::nanf("");
          if (i % 37 == 6) x[i] = (i % 2 ? -1.0f : 1.0f) * std::numeric_limits<float>::infinity();
        }
        Buffer<int32_t> order(s.rows * s.k);
        run.kernels.sort_order(false, descending, s.rows, s.n, s.k, x.data(), order.data(),
                               run.launch(run.kernels.sort_order_workspace(s.rows, s.n)));
        check_same_bits(order, stable_order(s.rows, s.n, s.k, descending, x));
      }
    }
  });
}

TEST_CASE("sort_order: integers that floats cannot tell apart") {
  for_each_case([](Case& run) {
    for (const auto& [rows, n] : {std::pair<int64_t, int64_t>{3, 20}, {2, 300}}) {
      Buffer<int32_t> x = random_integers(rows * n, 4, 16777216, 16777226);
      for (int64_t i = 0; i < x.size(); i += 5) x[i] = -x[i];
      Buffer<int32_t> order(rows * n);
      run.kernels.sort_order(true, false, rows, n, n, x.data(), order.data(), run.launch());
      check_same_bits(order, stable_order(rows, n, n, false, x));
    }
  });
}

}  // namespace linnet::test
