// The reverse walk: which values get a gradient, and what happens where paths meet. The derivatives themselves are held
// against differences by the tests of the operations (Python).
#include "graph_test.h"

using namespace linnet;
using namespace linnet::test;

namespace {

// d loss / d target for every target, with the inputs that `run` makes, plainly and fused.
std::vector<std::vector<float>> gradients_of(Net& net, int loss, const std::vector<int>& targets) {
  const std::vector<int> gradients = append_gradients(net.graph, loss, targets);
  for (int id : gradients) REQUIRE(id >= 0);
  const Result plain = run(net, gradients, "nofuse,noplan,reference");
  check_same(run(net, gradients, ""), plain, 1e-5f);
  return plain.values;
}

std::vector<float> values_of(const Net& net, int value) { return run(net, {value}, "reference").values[0]; }

void check_close(const std::vector<float>& got, const std::vector<float>& want) {
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(want[i]).epsilon(1e-4));
}

}  // namespace

TEST_CASE("autodiff: a value that is read several times gets the sum") {
  Net net;
  const int x = net.input({4});
  const int cube = net.add("multiply", {net.add("multiply", {x, x}), x});
  const int y = net.add("add", {cube, net.add("negative", {x})});  // x^3 - x
  const std::vector<float> data = values_of(net, x);
  std::vector<float> want;
  for (float v : data) want.push_back(3 * v * v - 1);
  check_close(gradients_of(net, net.sum(y), {x})[0], want);
}

TEST_CASE("autodiff: no path gives -1, and appends nothing for it") {
  Net net;
  const int x = net.input({4}), z = net.input({4}), ids = net.graph.input("ids", {DType::i32, {4}});
  const int loss = net.sum(net.add("sin", {x}));
  const int nodes = net.graph.node_count();
  CHECK(append_gradients(net.graph, loss, {z, ids}) == std::vector<int>{-1, -1});
  CHECK(net.graph.node_count() == nodes);
  const std::vector<int> mixed = append_gradients(net.graph, loss, {z, x});
  CHECK(mixed[0] == -1);
  CHECK(mixed[1] >= 0);
}

TEST_CASE("autodiff: paths that only pass steps and integers carry nothing") {
  Net net;
  const int x = net.input({2, 3});
  CHECK(append_gradients(net.graph, net.sum(net.add("floor", {x})), {x})[0] == -1);
  CHECK(append_gradients(net.graph, net.sum(net.add("stop_gradient", {x})), {x})[0] == -1);
  const int best = net.add("argmax", {x}, {{"axis", int64_t{1}}});
  CHECK(append_gradients(net.graph, net.sum(net.add("cast", {best}, {{"dtype", std::string("float32")}})), {x})[0] ==
        -1);
  const int both = net.add("multiply", {x, net.add("greater", {x, net.graph.scalar(0.0f)})});
  CHECK(append_gradients(net.graph, net.sum(both), {x})[0] >= 0);
}

TEST_CASE("autodiff: a stopped factor is a constant") {
  Net net;
  const int x = net.input({4});
  const int y = net.add("multiply", {x, net.add("stop_gradient", {net.add("exp", {x})})});
  const std::vector<float> data = values_of(net, x);
  std::vector<float> want;
  for (float v : data) want.push_back(std::exp(v));
  check_close(gradients_of(net, net.sum(y), {x})[0], want);
}

TEST_CASE("autodiff: targets in the middle, and a target that another target depends on") {
  Net net;
  const int x = net.input({4});
  const int middle = net.add("sin", {x});
  const int loss = net.sum(net.add("square", {middle}));
  const std::vector<std::vector<float>> got = gradients_of(net, loss, {middle, x, middle, loss});
  const std::vector<float> data = values_of(net, x);
  std::vector<float> at_middle, at_x;
  for (float v : data) {
    at_middle.push_back(2 * std::sin(v));
    at_x.push_back(2 * std::sin(v) * std::cos(v));
  }
  check_close(got[0], at_middle);
  check_close(got[1], at_x);
  check_close(got[2], at_middle);
  check_close(got[3], {1.0f});
}

TEST_CASE("autodiff: only the way to the targets is differentiated") {
  Net net;
  const int x = net.input({-1, 4}), w = net.variable({4, 4}), u = net.variable({4, 4});
  const int h = net.add("matmul", {x, w});
  const int loss = net.sum(net.add("matmul", {h, u}));
  append_gradients(net.graph, loss, {u});
  int products = 0;
  for (int i = 0; i < net.graph.node_count(); ++i) products += std::string(net.graph.node(i).op->name) == "matmul";
  CHECK(products == 3);  // two forward, one for u
}

TEST_CASE("autodiff: broadcast operands get the sum over their copies") {
  Net net;
  const int x = net.input({-1, 3, 4}), row = net.variable({4}), column = net.variable({3, 1}),
            one = net.variable({1, 1});
  int y = net.add("multiply", {x, row});
  y = net.add("multiply", {y, column});
  y = net.add("multiply", {y, one});
  const std::vector<std::vector<float>> got = gradients_of(net, net.sum(y), {row, column, one});
  const Result data = run(net, {x, row, column, one}, "reference");
  std::vector<float> want_row(4), want_column(3), want_one(1);
  for (size_t i = 0; i < data.values[0].size(); ++i) {
    const size_t r = i % 4, c = i / 4 % 3;
    const float v = data.values[0][i], a = data.values[1][r], b = data.values[2][c], d = data.values[3][0];
    want_row[r] += v * b * d;
    want_column[c] += v * a * d;
    want_one[0] += v * a * b;
  }
  check_close(got[0], want_row);
  check_close(got[1], want_column);
  check_close(got[2], want_one);
}

TEST_CASE("autodiff: a gradient can be differentiated again") {
  Net net;
  const int x = net.input({5});
  const int loss = net.sum(net.add("sin", {x}));
  const int first = append_gradients(net.graph, loss, {x})[0];
  const std::vector<float> data = values_of(net, x);
  std::vector<float> want;
  for (float v : data) want.push_back(-std::sin(v));
  check_close(gradients_of(net, net.sum(first), {x})[0], want);
}

TEST_CASE("autodiff: two outputs of one node") {
  Net net;
  const int x = net.input({-1, 4}), gamma = net.variable({4}), beta = net.variable({4});
  const std::vector<int> normed = net.add_all("batch_norm", {x, gamma, beta});
  CHECK(append_gradients(net.graph, net.sum(normed[1]), {x})[0] == -1);  // statistics carry none
  CHECK(append_gradients(net.graph, net.sum(normed[0]), {x, gamma, beta})[2] >= 0);
}

TEST_CASE("autodiff: bad losses and targets") {
  Net net;
  const int x = net.input({4}), number = net.graph.input("n", {DType::i32, {}});
  CHECK_THROWS_WITH(append_gradients(net.graph, x, {x}),
                    "gradients: the loss must be a float32 scalar, got float32(4,)");
  CHECK_THROWS_AS(append_gradients(net.graph, number, {x}), std::invalid_argument);
  CHECK_THROWS_AS(append_gradients(net.graph, net.sum(x), {99}), std::invalid_argument);
}

TEST_CASE("autodiff: a given gradient flows into a value of any shape") {
  Net net;
  const int x = net.input({3}), dy = net.input({3}), y = net.add("square", {x});
  const int dx = append_gradients(net.graph, y, {x}, dy)[0];
  const std::vector<float> data = values_of(net, x), flow = values_of(net, dy);
  std::vector<float> want;
  for (size_t i = 0; i < data.size(); ++i) want.push_back(2 * data[i] * flow[i]);
  check_close(run(net, {dx}, "").values[0], want);
  CHECK(append_gradients(net.graph, y, {y}, dy)[0] == dy);
  CHECK_THROWS_WITH(append_gradients(net.graph, y, {x}, net.input({4})),
                    "gradients: the seed must be like the value it is the gradient of, float32(3,); got float32(4,)");
}

TEST_CASE("autodiff: a hand-made epilogue has no gradient") {
  Net net;
  const int x = net.input({-1, 4}), w = net.variable({4, 4}), b = net.variable({4});
  const int y = net.add("matmul", {x, w, b}, {{"bias", true}});
  CHECK_THROWS_AS(append_gradients(net.graph, net.sum(y), {w}), UnsupportedError);
  const int z = net.add("matmul", {x, w}, {{"activation", std::string("tanh")}});
  CHECK_THROWS_AS(append_gradients(net.graph, net.sum(z), {w}), UnsupportedError);
}
