// Shape arithmetic with a symbolic batch, against the concrete sizes for several numbers of rows.
#include <doctest/doctest.h>

#include "base/aligned.h"
#include "base/error.h"
#include "base/shape.h"

using namespace linnet;

TEST_CASE("shape: extents and counts") {
  CHECK(extent(5, 3) == 5);
  CHECK(extent(-1, 3) == 3);
  CHECK(extent(-4, 3) == 12);
  CHECK(extent(-4, 0) == 0);
  CHECK(element_count({}, 7) == 1);
  CHECK(element_count({-1, 28, 28, 1}, 2) == 1568);
  CHECK(element_count({-3, 5}, 2) == 30);
  CHECK(element_count({-1, 0}, 2) == 0);
  CHECK(element_count({-1, -1}, 4) == 16);
}

TEST_CASE("shape: merged dimensions") {
  const Shape shape = {2, -3, 5, 7};
  CHECK(merged_dim(shape, 0, 0) == 1);
  CHECK(merged_dim(shape, 2, 4) == 35);
  CHECK(merged_dim(shape, 0, 4) == -210);
  CHECK(merged_dim({-1, 0}, 0, 2) == 0);
  CHECK_THROWS_AS(merged_dim({-1, 2, -1}, 0, 3), UnsupportedError);
  for (int64_t n : {0, 1, 4}) {
    for (size_t begin = 0; begin <= shape.size(); ++begin) {
      for (size_t end = begin; end <= shape.size(); ++end) {
        const Shape part(shape.begin() + static_cast<std::ptrdiff_t>(begin),
                         shape.begin() + static_cast<std::ptrdiff_t>(end));
        CHECK(extent(merged_dim(shape, begin, end), n) == element_count(part, n));
      }
    }
  }
}

TEST_CASE("shape: the same number of elements for every n") {
  CHECK(same_count({-1, 12}, {-4, 3}));
  CHECK(same_count({}, {1, 1}));
  CHECK(same_count({6}, {2, 3}));
  CHECK(same_count({-1, 0}, {0}));
  CHECK(same_count({-1, -2}, {-2, -1}));
  CHECK_FALSE(same_count({-1, 12}, {-4, 4}));
  CHECK_FALSE(same_count({-1}, {1}));
  CHECK_FALSE(same_count({-4}, {4}));
  CHECK_FALSE(same_count({-1, -1}, {-1}));
}

TEST_CASE("shape: text") {
  CHECK(to_string(Shape{}) == "()");
  CHECK(to_string(Shape{5}) == "(5,)");
  CHECK(to_string(Shape{-1, 28, 1}) == "(n, 28, 1)");
  CHECK(to_string(Shape{-50, 8}) == "(50n, 8)");
  CHECK(to_string(Shape{-1}) == "(n,)");
}

TEST_CASE("shape: strides") {
  int64_t strides[3];
  contiguous_strides({4, -2, 3}, 5, strides);
  CHECK(strides[0] == 30);
  CHECK(strides[1] == 3);
  CHECK(strides[2] == 1);
}

namespace {

// "" when the shapes do not broadcast.
std::string broadcast(const Shape& a, const Shape& b) {
  Shape result;
  const bool fits = broadcast_shapes(a, b, &result);
  Shape swapped;
  CHECK(broadcast_shapes(b, a, &swapped) == fits);
  if (fits) CHECK(swapped == result);
  return fits ? to_string(result) : "";
}

}  // namespace

TEST_CASE("shape: broadcasting") {
  CHECK(broadcast({}, {}) == "()");
  CHECK(broadcast({}, {-1, 3}) == "(n, 3)");
  CHECK(broadcast({3}, {-1, 3}) == "(n, 3)");
  CHECK(broadcast({1, 3}, {-1, 1}) == "(n, 3)");
  CHECK(broadcast({-2, 1}, {5}) == "(2n, 5)");
  CHECK(broadcast({4, 1, 3}, {2, 1}) == "(4, 2, 3)");
  CHECK(broadcast({1}, {0}) == "(0,)");
  CHECK(broadcast({-1, 3}, {-1, 4}) == "");
  CHECK(broadcast({-1}, {-2}) == "");
  CHECK(broadcast({-1}, {2}) == "");
  CHECK(broadcast({0}, {2}) == "");
  Shape in_place = {-1, 1};
  CHECK(broadcast_shapes(in_place, {5}, &in_place));
  CHECK(in_place == Shape{-1, 5});
}

TEST_CASE("aligned memory: zeroed, on a cache line, rounded up") {
  CHECK(round_up(0) == 0);
  CHECK(round_up(1) == 64);
  CHECK(round_up(64) == 64);
  CHECK(round_up(65) == 128);
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{63}, size_t{1000}}) {
    const AlignedBuffer buffer = allocate_zeroed(bytes);
    CHECK(reinterpret_cast<uintptr_t>(buffer.get()) % kAlignment == 0);
    for (size_t i = 0; i < bytes; ++i) REQUIRE(buffer[i] == std::byte{0});
  }
}
