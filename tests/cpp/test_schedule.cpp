// launch_order: updates move up to what they need and no further, and everything else stays. bring_together: what is
// marked meets where nothing stands in the way, and steps that run at once change no bit.
#include "graph/schedule.h"

#include "graph_test.h"
#include "runtime/threads.h"

namespace linnet::test {
namespace {

std::string order_of(const Graph& graph) {
  std::string words;
  for (int i : launch_order(graph)) words += (words.empty() ? "" : " ") + std::string(graph.node(i).op->name);
  return words;
}

// The order after bring_together of all `tanh`; those that may run at once in brackets.
std::string groups_of(const Graph& graph) {
  std::vector<int> order = launch_order(graph);
  std::vector<bool> marked;
  for (int i : order) marked.push_back(std::string(graph.node(i).op->name) == "tanh");
  const std::vector<int> counts = bring_together(graph, order, marked);
  std::string words;
  size_t close = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    CHECK(marked[i] == (std::string(graph.node(order[i]).op->name) == "tanh"));
    if (!words.empty()) words += ' ';
    if (counts[i] > 1) words += '[', close = i + static_cast<size_t>(counts[i]);
    words += graph.node(order[i]).op->name;
    if (i + 1 == close) words += ']';
  }
  return words;
}

// Two directions over the same rows, their sum and the gradients of the weights, twice one above the other.
struct Directions {
  Net net;
  std::vector<int> outputs;
  explicit Directions(bool training) {
    int h = net.input({-1, 7, 5});
    std::vector<int> weights;
    for (int layer = 0; layer < 2; ++layer) {
      std::vector<int> found;
      for (const bool reverse : {false, true}) {
        std::vector<int> inputs = {h};
        for (const Shape& shape : {Shape{layer ? 9 : 5, 36}, Shape{9, 36}, Shape{36}})
          inputs.push_back(net.variable(shape));
        weights.insert(weights.end(), inputs.begin() + 1, inputs.end());
        found.push_back(net.add("lstm", inputs, {{"bias", true}, {"reverse", reverse}}));
      }
      h = net.add("tanh", {net.add("add", found)});
    }
    outputs = {h};
    if (training) outputs = append_gradients(net.graph, net.sum(net.add("square", {h})), weights);
  }
};

}  // namespace

TEST_CASE("schedule: marked nodes that do not need each other stand together") {
  Net net;
  const int x = net.input({4});
  SUBCASE("neighbours, and one that needs them") {
    const int a = net.add("tanh", {x}), b = net.add("tanh", {x});
    net.add("tanh", {net.add("add", {a, b})});
    CHECK(groups_of(net.graph) == "[tanh tanh] add tanh");
  }
  SUBCASE("past what does not need them") {
    net.add("tanh", {x});
    net.add("tanh", {net.add("exp", {x})});
    net.add("tanh", {net.add("square", {x})});
    CHECK(groups_of(net.graph) == "exp square [tanh tanh tanh]");
  }
  SUBCASE("not past what needs them") {
    const int a = net.add("tanh", {x});
    net.add("exp", {a});
    net.add("tanh", {x});
    net.add("tanh", {x});
    CHECK(groups_of(net.graph) == "tanh exp [tanh tanh]");
  }
  SUBCASE("not past what changes a variable that they read") {
    const int w = net.variable({4});
    net.add("tanh", {w});
    net.assign(w, x);
    net.add("tanh", {x});
    CHECK(groups_of(net.graph) == "tanh assign tanh");
  }
}

TEST_CASE("schedule: two directions run at once where there are few rows, with the same bits") {
  for (const bool training : {false, true}) {
    const Directions d(training);
    const std::string dump = run(d.net, d.outputs, "").dump;
    CAPTURE(dump);
    size_t count = 0;
    for (size_t at = dump.find("together 2"); at != std::string::npos; at = dump.find("together 2", at + 1)) ++count;
    CHECK(count == (training ? 4 : 2));
    // More rows are shared out as rows.
    CHECK(Executable(d.net.graph, d.outputs, 64, {}).dump().find("together") == std::string::npos);

    const int before = num_threads();
    set_num_threads(1);
    const Result alone = run(d.net, d.outputs, "", 3);
    for (const int threads : {2, 3}) {
      set_num_threads(threads);
      check_same(run(d.net, d.outputs, "", 3), alone, 0.0f);
      check_same(run(d.net, d.outputs, "noplan", 3), alone, 0.0f);
    }
    set_num_threads(before);
    check_same(alone, run(d.net, d.outputs, "nofuse,noplan,reference", 3), 2e-5f);
  }
}

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
