// The public settings are those of the engine.
#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

#include "linnet/linnet.h"

TEST_CASE("runtime: threads, instruction sets, algorithm, version") {
  const int threads = linnet::num_threads();
  linnet::set_num_threads(3);
  CHECK(linnet::num_threads() == 3);
  linnet::set_num_threads(threads);
  CHECK_THROWS_AS(linnet::set_num_threads(0), std::invalid_argument);

  const std::string isa = linnet::isa();
  CHECK(linnet::available_isas().back() == "reference");
  linnet::set_isa("reference");
  CHECK(linnet::isa() == "reference");
  linnet::set_isa(isa);
  CHECK_THROWS_AS(linnet::set_isa("avx9"), std::invalid_argument);

  const std::string algorithm = linnet::conv_algorithm();
  linnet::set_conv_algorithm("direct");
  CHECK(linnet::conv_algorithm() == "direct");
  linnet::set_conv_algorithm(algorithm);

  const std::vector<std::string> operations = linnet::operations();
  CHECK(std::count(operations.begin(), operations.end(), "conv2d") == 1);
  const std::string version = linnet::version();
  CHECK(std::count(version.begin(), version.end(), '.') == 2);
}
