// What runs twice, what must not, and that results keep their bits. The nets are small; `least` = 0 asks for every
// gain.
#include "graph/recompute.h"

#include "graph/fuse.h"
#include "graph_test.h"
#include "runtime/threads.h"

using namespace linnet;
using namespace linnet::test;

namespace {

int count_of(const Graph& graph, const std::string& op) {
  int count = 0;
  for (int i = 0; i < graph.node_count(); ++i) count += !graph.node(i).dead && op == graph.node(i).op->name;
  return count;
}

int count_of(const Launches& launches, const std::string& op) {
  return static_cast<int>(std::count(launches.begin(), launches.end(), op));
}

// Blocks of 1x1 convolution, batch normalisation and relu over images of `size` x `size`, with or without a residual
// sum, and the gradients of all kernels.
struct Tower {
  Net net;
  std::vector<int> outputs, gammas, normed;

  Tower(int blocks, int64_t size, int64_t channels, bool residual) {
    const auto block = [&](int x) {
      const int kernel = net.variable({1, 1, channels, channels});
      kernels_.push_back(kernel);
      gammas.push_back(net.variable({channels}));
      return net.add_all("batch_norm", {net.add("conv2d", {x, kernel}), gammas.back(), net.variable({channels})})[0];
    };
    int y = net.add("relu", {block(net.input({-1, size, size, channels}))});
    for (int i = 1; i < blocks; ++i) {
      const int z = block(y);
      y = net.add("relu", {residual ? net.add("add", {z, y}) : z});
      normed.push_back(y);
    }
    const int loss = net.sum(net.add("square", {net.add("mean", {y}, {{"axes", Ints{1, 2}}})}));
    outputs = append_gradients(net.graph, loss, kernels_);
    outputs.push_back(loss);
  }

  // The graph as an Executable has it before it recomputes.
  Graph fused() const {
    Graph graph = net.graph;
    graph.outputs = outputs;
    fuse(graph);
    return graph;
  }

 private:
  std::vector<int> kernels_;
};

}  // namespace

TEST_CASE("recompute: normalised values are not kept") {
  Graph graph = Tower(8, 8, 16, false).fused();
  const size_t layer = 3 * 8 * 8 * 16 * 4, before = peak_bytes(graph, 3);
  REQUIRE(recompute(graph, 3, 0));
  CHECK(count_of(graph, "batch_norm") >= 8 + 6);
  CHECK(before >= 16 * layer);                // 8 convolutions and 8 normalised
  CHECK(peak_bytes(graph, 3) <= 11 * layer);  // 8 convolutions, and what one block's backward needs
  for (int i = 0; i < graph.node_count(); ++i) {
    for (int id : graph.node(i).inputs) {
      const Value& value = graph.value(id);
      if (!graph.node(i).dead && value.kind == ValueKind::computed) CHECK(value.node < i);
    }
  }
}

TEST_CASE("recompute: every other sum of a residual chain") {
  Graph graph = Tower(9, 8, 16, true).fused();
  const size_t before = peak_bytes(graph, 3);
  REQUIRE(recompute(graph, 3, 0));
  const int again = count_of(graph, "batch_norm") - 9;
  CHECK(again >= 3);
  CHECK(again <= 5);
  CHECK(peak_bytes(graph, 3) < before - 3 * (3 * 8 * 8 * 16 * 4));
}

TEST_CASE("recompute: only where it gains enough") {
  Graph graph = Tower(8, 8, 16, false).fused();
  CHECK(!recompute(graph, 3));  // kilobytes
  CHECK(count_of(graph, "batch_norm") == 8);
  Graph forward;
  const int x = forward.input("x", f32({-1, 8}));
  int y = x;
  for (int i = 0; i < 5; ++i) y = forward.add("matmul", {y, forward.variable("w", f32({8, 8}))}, {})[0];
  forward.outputs = {y};
  CHECK(!recompute(forward, 3, 0));
  Graph empty;
  CHECK(!recompute(empty, 3, 0));
  CHECK(peak_bytes(empty, 3) == 0);
}

TEST_CASE("recompute: not over a change of an operand") {
  // The scales change between forward and backward: gradients are appended after this, so build it by hand.
  Net net;
  std::vector<int> gammas, normed;
  int y = net.input({-1, 8, 8, 16});
  for (int i = 0; i < 6; ++i) {
    gammas.push_back(net.variable({16}));
    const int x = net.add("conv2d", {y, net.variable({1, 1, 16, 16})});
    y = net.add_all("batch_norm", {x, gammas.back(), net.variable({16})})[0];
    normed.push_back(x);
    normed.push_back(y);
  }
  const int row = net.add("mean", {y}, {{"axes", Ints{0, 1, 2}}});
  const bool written = [&] {
    bool result = false;
    SUBCASE("written") { result = true; }
    SUBCASE("not written") {}
    return result;
  }();
  for (int gamma : gammas) {
    if (written) net.assign(gamma, row);
  }
  std::vector<int> outputs;
  for (size_t i = normed.size(); i-- > 0;) outputs.push_back(net.add("max", {normed[i]}, {{"axes", Ints{1, 2}}}));
  Graph graph = net.graph;
  graph.outputs = outputs;
  fuse(graph);
  CHECK(recompute(graph, 3, 0) == !written);
  CHECK((count_of(graph, "batch_norm") == 6) == written);
}

TEST_CASE("recompute: a plan that is large enough does it by itself, and gives the same bits on any threads") {
  for (const bool residual : {false, true}) {
    const Tower tower(residual ? 9 : 6, 224, 16, residual);
    const Result kept = run(tower.net, tower.outputs, "norecompute", 3);
    const int before = num_threads();
    for (int threads : {1, 2, 3}) {
      set_num_threads(threads);
      const Result again = run(tower.net, tower.outputs, "", 3);
      CHECK(count_of(again.launches, "batch_norm") > count_of(kept.launches, "batch_norm"));
      check_same(again, kept, 0.0f);
    }
    set_num_threads(before);
    const Executable small(tower.net.graph, tower.outputs, 3, {});
    const Executable large(tower.net.graph, tower.outputs, 3, DebugOptions::parse("norecompute"));
    CHECK(small.arena_bytes() < large.arena_bytes() - large.arena_bytes() / 8);
  }
}
