// int32 <-> float32, the limits included.
#include <cmath>
#include <limits>

#include "kernel_test.h"

namespace linnet::test {

TEST_CASE("cast_to_float and cast_to_int") {
  for_each_case([](Case& run) {
    for (const int64_t n : {0, 1, 7, 16, 33, 300007}) {
      const Buffer<int32_t> whole = random_integers(n, 1, -2147483648LL, 2147483648LL);
      const Buffer<float> x = random(n, 2, -100000, 100000);
      Buffer<float> y(n), y_expected(n);
      Buffer<int32_t> z(n), z_expected(n);
      for (int64_t i = 0; i < n; ++i) {
        y_expected[i] = static_cast<float>(whole[i]);
        z_expected[i] = static_cast<int32_t>(x[i]);
      }
      run.kernels.cast_to_float(n, whole.data(), y.data(), run.launch());
      run.kernels.cast_to_int(n, x.data(), z.data(), run.launch());
      check_same_bits(y, y_expected);
      check_same_bits(z, z_expected);
    }
  });
}

TEST_CASE("cast_to_int: towards zero, saturating, NaN is 0") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const Buffer<float> x = {1.9f,  -1.9f, -0.5f,    2147483520.0f, 2147483648.0f, -2147483648.0f,
                           -3e9f, 1e30f, infinity, -infinity,     std::nanf("")};
  constexpr int32_t most = std::numeric_limits<int32_t>::max(), least = std::numeric_limits<int32_t>::min();
  for_each_case([&](Case& run) {
    Buffer<int32_t> y(x.size());
    run.kernels.cast_to_int(x.size(), x.data(), y.data(), run.launch());
    check_same_bits(y, {1, -1, 0, 2147483520, most, least, least, most, most, least, 0});
  });
}

}  // namespace linnet::test
