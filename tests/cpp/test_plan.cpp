// Placement: buffers that live together never share a byte, those that do not share much; packed values and in-place
// pointwise results.
#include <algorithm>

#include "graph/plan.h"
#include "graph_test.h"

using namespace linnet;
using namespace linnet::test;

namespace {

bool together(const Interval& a, const Interval& b) { return a.first <= b.last && b.first <= a.last; }

// Checks the promise of `place` and returns the size.
size_t check_placed(const std::vector<Interval>& intervals, bool share) {
  size_t total = 0;
  const std::vector<size_t> offsets = place(intervals, share, &total);
  REQUIRE(offsets.size() == intervals.size());
  for (size_t i = 0; i < offsets.size(); ++i) {
    REQUIRE(offsets[i] % kAlignment == 0);
    REQUIRE(offsets[i] + intervals[i].bytes <= total);
    for (size_t j = 0; j < i; ++j) {
      if (share && !together(intervals[i], intervals[j])) continue;
      if (!intervals[i].bytes || !intervals[j].bytes) continue;
      const bool apart = offsets[i] + intervals[i].bytes <= offsets[j] || offsets[j] + intervals[j].bytes <= offsets[i];
      REQUIRE(apart);
    }
  }
  return total;
}

// The most bytes that live at one time: no placement can be smaller.
size_t peak(const std::vector<Interval>& intervals) {
  size_t most = 0;
  for (const Interval& at : intervals) {
    size_t bytes = 0;
    for (const Interval& other : intervals)
      bytes += other.first <= at.first && at.first <= other.last ? round_up(other.bytes) : 0;
    most = std::max(most, bytes);
  }
  return most;
}

}  // namespace

TEST_CASE("place: by hand") {
  CHECK(check_placed({}, true) == 0);
  CHECK(check_placed({{0, 0, 100}}, true) == 128);
  CHECK(check_placed({{0, 1, 64}, {1, 2, 64}}, true) == 128);  // both ends are included
  CHECK(check_placed({{0, 1, 64}, {2, 3, 64}}, true) == 64);
  CHECK(check_placed({{0, 1, 64}, {2, 3, 64}}, false) == 128);
  CHECK(check_placed({{0, 9, 64}, {0, 1, 640}, {2, 3, 640}, {4, 5, 320}}, true) == 704);
  CHECK(check_placed({{0, 3, 0}, {1, 2, 64}}, true) == 64);
}

TEST_CASE("place: random intervals never overlap, and waste little") {
  std::mt19937 generator(7);
  size_t used = 0, needed = 0;
  for (int round = 0; round < 400; ++round) {
    std::uniform_int_distribution<int> count(1, 60), start(0, 40), length(0, round % 3 ? 6 : 40), size(0, 3000);
    std::vector<Interval> intervals;
    for (int i = count(generator); i > 0; --i) {
      const int first = start(generator);
      intervals.push_back({first, first + length(generator), static_cast<size_t>(size(generator))});
    }
    const size_t total = check_placed(intervals, true);
    CHECK(total >= peak(intervals));
    CHECK(total <= check_placed(intervals, false));
    used += total;
    needed += peak(intervals);
  }
  CHECK(static_cast<double>(used) < 1.15 * static_cast<double>(needed));
}

TEST_CASE("plan: a chain of layers needs two buffers, not one for each") {
  Net net;
  int y = net.input({-1, 64});
  const int w = net.variable({64, 64});
  for (int i = 0; i < 10; ++i) y = net.add("matmul", {y, w});
  const Executable planned(net.graph, {y}, 16, {}), unplanned(net.graph, {y}, 16, DebugOptions::parse("noplan"));
  const size_t layer = 16 * 64 * 4;
  CHECK(planned.arena_bytes() <= 2 * layer + planned.workspace_bytes());
  CHECK(unplanned.arena_bytes() >= 10 * layer);
  check_same(run(net, {y}, ""), run(net, {y}, "noplan"), 0.0f);
}

TEST_CASE("plan: pointwise results take the place of an operand that dies") {
  Net net;
  const int x = net.input({-1, 64}), w = net.variable({64, 64});
  const int product = net.add("matmul", {x, w});
  const auto arena = [&](int output) {
    return Executable(net.graph, {output}, 16, DebugOptions::parse("nofuse")).arena_bytes();
  };
  const size_t layer = 16 * 64 * 4;
  const size_t alone = arena(product);
  SUBCASE("one operand") { CHECK(arena(net.add("sin", {product})) == alone); }
  SUBCASE("an operand that is read twice by the node stays apart or is read before it is written") {
    const int y = net.add("multiply", {product, net.add("reshape", {product}, {{"shape", Ints{-1, 64}}})});
    fused(net, {y});
  }
  SUBCASE("an operand that lives on") {
    const int y = net.add("sin", {product});
    CHECK(arena(net.add("add", {net.add("matmul", {y, w}), product})) >= 2 * layer);
    fused(net, {net.add("add", {net.add("matmul", {y, w}), product})});
  }
  SUBCASE("a broadcast operand of another size, and one of the same size under another shape") {
    const int row = net.add("max", {product}, {{"axes", Ints{0}}});
    fused(net, {net.add("multiply", {product, row})});
    const int square = net.add("matmul", {w, w});
    const int turned = net.add("transpose", {square}, {{"axes", Ints{1, 0}}});
    fused(net, {net.add("multiply", {turned, square})});
  }
  SUBCASE("an operand with as many elements that is broadcast") {
    const int a = net.add("sum", {net.add("square", {net.variable({8, 3})})}, {{"axes", Ints{1}}});  // (8)
    const int b =
        net.add("sum", {net.add("square", {net.variable({8, 3})})}, {{"axes", Ints{1}}, {"keepdims", true}});  // (8, 1)
    fused(net, {net.add("subtract", {a, b}), net.add("sin", {a}), net.add("cos", {b})});
  }
  SUBCASE("several outputs of one program over operands that die with it") {
    const int other = net.add("matmul", {x, net.variable({64, 64})});
    const int a = net.add("add", {product, other}), b = net.add("subtract", {product, other});
    const int c = net.add("multiply", {a, b});
    const int d = net.add("where", {net.add("greater", {product, b}), c, other});
    fused(net,
          {net.add("matmul", {a, w}), net.add("matmul", {b, w}), net.add("matmul", {c, w}), net.add("matmul", {d, w})});
  }
}

TEST_CASE("plan: packed gradients lie where they belong") {
  Net net;
  const int x = net.input({-1, 8}), w = net.variable({8, 4}), b = net.variable({4}), scale = net.variable({});
  const int y = net.add("multiply", {net.add("add", {net.add("matmul", {x, w}), b}), scale});
  const std::vector<int> g = append_gradients(net.graph, net.sum(net.add("square", {y})), {w, b, scale});
  const int pack = net.add("pack", g, {{"offsets", Ints{0, 32, 48}}, {"size", int64_t{64}}});
  const Result packed = run(net, {pack, g[0], g[1], g[2]}, "");
  for (size_t i = 0; i < 64; ++i) {
    const float want = i < 32    ? packed.values[1][i]
                       : i < 36  ? packed.values[2][i - 32]
                       : i == 48 ? packed.values[3][0]
                                 : 0.0f;
    CHECK(packed.values[0][i] == want);
  }
  CHECK(packed.dump.find("persistent+0") != std::string::npos);
  CHECK(packed.dump.find("persistent+128") != std::string::npos);
  CHECK(packed.dump.find("persistent+192") != std::string::npos);
  const Executable executable(net.graph, {pack}, 2, {});
  CHECK(executable.persistent_bytes() == 256);
  fused(net, {pack});
}
