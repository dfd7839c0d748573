// The setting itself; tests/test_config.py tests that plans follow it, and the environment variable.
#include <doctest/doctest.h>

#include <stdexcept>

#include "runtime/conv_algorithm.h"

using namespace linnet;

TEST_CASE("conv_algorithm: set, read back, and refused when unknown") {
  const std::string before = conv_algorithm();
  set_conv_algorithm("direct");
  CHECK(conv_direct_only());
  CHECK(conv_algorithm() == "direct");
  CHECK_THROWS_AS(set_conv_algorithm("winograd"), std::invalid_argument);
  CHECK_THROWS_WITH(set_conv_algorithm(""), "convolution algorithm '': expected auto or direct");
  CHECK(conv_algorithm() == "direct");
  set_conv_algorithm("auto");
  CHECK_FALSE(conv_direct_only());
  set_conv_algorithm(before);
}
