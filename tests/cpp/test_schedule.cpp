// launch_order: updates move up to what they need and no further, and everything else stays.
#include "graph/schedule.h"

#include "graph_test.h"

namespace linnet::test {
namespace {

std::string order_of(const Graph& graph) {
  std::string words;
  for (int i : launch_order(graph)) words += (words.empty() ? "" : " ") + std::string(graph.node(i).op->name);
  return words;
}

}  // namespace

TEST_CASE("schedule: an update stands right behind its gradient") {
  Net net;
  const int w = net.variable({4}), x = net.input({4});
  const int g = net.add("exp", {x});
  const int other = net.add("tanh", {x});
  net.sgd(w, g);
  net.graph.outputs = {other};
  CHECK(order_of(net.graph) == "exp update tanh");
}

TEST_CASE("schedule: an update waits for those who read or write what it writes") {
  Net net;
  const int w = net.variable({4}), x = net.input({4});
  const int g = net.add("exp", {x});
  SUBCASE("a reader") {
    net.graph.outputs = {net.add("multiply", {w, x}), net.add("tanh", {x})};
    net.sgd(w, g);
    CHECK(order_of(net.graph) == "exp multiply update tanh");
  }
  SUBCASE("a reader that comes later") {
    net.add("tanh", {x});
    net.sgd(w, g);
    net.add("multiply", {w, x});
    CHECK(order_of(net.graph) == "exp update tanh multiply");
  }
  SUBCASE("a writer") {
    net.assign(w, x);
    net.add("tanh", {x});
    net.sgd(w, g);
    CHECK(order_of(net.graph) == "exp assign update tanh");
  }
  SUBCASE("a reader of its slot") {
    const int m = net.variable({4});
    net.add("multiply", {m, x});
    net.add("tanh", {x});
    net.graph.add("update", {w, m, w, w, w, w, net.graph.scalar(0.1f), net.count(), g},
                  {{"rule", std::string("momentum")}});
    CHECK(order_of(net.graph) == "exp multiply update tanh");
  }
}

TEST_CASE("schedule: views of one array are apart") {
  Net net;
  const int flat = net.variable({12}), x = net.input({4});
  const auto part = [&](int64_t offset) { return net.add("view", {flat}, {{"offset", offset}, {"shape", Ints{4}}}); };
  const int a = part(0), b = part(8), g = net.add("exp", {x});
  net.add("multiply", {a, x});
  net.add("add", {b, x});
  net.add("tanh", {x});
  const int rate = net.graph.scalar(0.1f);
  SUBCASE("the first") {
    net.graph.add("update", {flat, flat, flat, flat, flat, flat, rate, net.count(), g},
                  {{"rule", std::string("sgd")}, {"offsets", Ints{0}}});
    CHECK(order_of(net.graph) == "exp multiply update add tanh");
  }
  SUBCASE("the second, through its view") {
    net.sgd(b, g);
    CHECK(order_of(net.graph) == "exp multiply add update tanh");
  }
  SUBCASE("one in between") {
    net.graph.add("update", {flat, flat, flat, flat, flat, flat, rate, net.count(), g},
                  {{"rule", std::string("sgd")}, {"offsets", Ints{4}}});
    CHECK(order_of(net.graph) == "exp update multiply add tanh");
  }
  SUBCASE("overlapping by one number") {
    net.graph.add("update", {flat, flat, flat, flat, flat, flat, rate, net.count(), g},
                  {{"rule", std::string("sgd")}, {"offsets", Ints{5}}});
    CHECK(order_of(net.graph) == "exp multiply add update tanh");
  }
}

TEST_CASE("schedule: a learning rate that is computed moves up, too, and assignments do not") {
  Net net;
  const int w = net.variable({4}), x = net.input({4}), base = net.variable({}), count = net.variable({});
  const int g = net.add("exp", {x});
  net.add("tanh", {x});
  const int rate = net.add("multiply", {base, count});
  net.graph.add("update", {w, w, w, w, w, w, rate, net.count(), g}, {{"rule", std::string("sgd")}});
  net.assign(count, net.input({}));
  CHECK(order_of(net.graph) == "multiply exp update tanh assign");
}

TEST_CASE("schedule: early updates free their gradients' memory and change no bit") {
  Net net;
  const int64_t wide = 64;
  int h = net.input({-1, wide});
  std::vector<int> weights;
  for (int layer = 0; layer < 6; ++layer) {
    weights.push_back(net.variable({wide, wide}));
    h = net.add("tanh", {net.add("matmul", {h, weights.back()})});
  }
  const int loss = net.sum(net.add("square", {h}));
  const std::vector<int> gradients = append_gradients(net.graph, loss, weights);
  Net together = net;
  for (size_t i = 0; i < weights.size(); ++i) net.sgd(weights[i], gradients[i]);
  // The same, but for updates that come after a reader of all weights.
  int last = -1;
  for (int w : weights) {
    const int sum = together.sum(w);
    last = last < 0 ? sum : together.add("add", {last, sum});
  }
  for (size_t i = 0; i < weights.size(); ++i)
    together.sgd(weights[i],
                 together.add("add", {gradients[i], together.add("multiply", {last, together.graph.scalar(0)})}));
  check_same(run(net, {loss}, "", 2, 3), run(together, {loss}, "", 2, 3), 1e-5f);
  const Executable early(net.graph, {loss}, 2, {}), late(together.graph, {loss}, 2, {});
  const size_t gradient = static_cast<size_t>(wide * wide) * sizeof(float);
  CHECK(early.arena_bytes() + 3 * gradient < late.arena_bytes());
}

}  // namespace linnet::test
