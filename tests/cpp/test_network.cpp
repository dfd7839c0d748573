// The C++ face for writing networks: training, gradients against differences, updates, ownership, and its errors.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <vector>

#include "linnet/linnet.h"

using namespace linnet;

namespace {

// Two layers on random data; every call makes the same network.
struct Regression {
  Network net{3};
  Tensor x = net.input("x", {-1, 3}), y = net.input("y", {-1, 1});
  Tensor w1 = net.variable("w1", {3, 5}, net.glorot_uniform({3, 5})), b1 = net.variable("b1", {5});
  Tensor w2 = net.variable("w2", {5, 1}, net.glorot_uniform({5, 1})), b2 = net.variable("b2", {1});
  Tensor answer = matmul(tanh(matmul(x, w1) + b1), w2) + b2;
  Tensor loss = mean(square(answer - y));
  std::vector<float> xs, ys;

  explicit Regression(int rows = 7) {
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < 3; ++j) xs.push_back(std::sin(static_cast<float>(3 * i + j)));
      ys.push_back(xs[xs.size() - 3] * xs[xs.size() - 1]);
    }
  }
};

}  // namespace

TEST_CASE("network: adam and sgd lower the loss, the same way every time") {
  const auto train = [](auto optimizer) {
    Regression r;
    Program training = r.net.compile_training(r.loss, optimizer, 7);
    std::vector<float> losses;
    for (int step = 0; step < 60; ++step) losses.push_back(training.run({r.xs, r.ys})[0].scalar());
    CHECK(losses.back() < 0.5f * losses.front());
    return losses;
  };
  CHECK(train(Adam{0.02}) == train(Adam{0.02}));
  train(Sgd{0.1});
  train(Sgd{0.05, 0.9});
  train(Sgd{0.05, 0.9, true});
}

TEST_CASE("network: a batch of any size up to the capacity, and programs that share the weights") {
  Regression r;
  Program training = r.net.compile_training(r.loss, Adam{0.02}, 7);
  Program prediction = r.net.compile({r.answer}, 7);
  CHECK(prediction.input_names() == std::vector<std::string>{"x"});
  CHECK(training.input_names() == std::vector<std::string>{"x", "y"});
  CHECK(prediction.capacity() == 7);
  CHECK(prediction.memory() > 0);
  const Array before = prediction.run({r.xs})[0];
  training.run({r.xs, r.ys});
  const Array after = prediction.run({r.xs})[0];
  CHECK(before.values != after.values);
  CHECK(after.shape == Shape{7, 1});
  for (int i = 0; i < 7; ++i) CHECK(prediction.run({ArrayView(&r.xs[3 * i], 3)})[0].scalar() == after.values[i]);
  CHECK(prediction.run({std::vector<float>{}})[0].shape == Shape{0, 1});
}

TEST_CASE("network: gradients are those of differences") {
  Regression r;
  const std::vector<Tensor> targets = {r.w1, r.b1, r.w2, r.b2};
  std::vector<Tensor> outputs = r.net.gradients(r.loss, targets);
  outputs.push_back(r.loss);
  Program program = r.net.compile(outputs, 7);
  const std::vector<Array> found = program.run({r.xs, r.ys});
  for (size_t t = 0; t < targets.size(); ++t) {
    const std::vector<float> values = r.net.get(targets[t]);
    REQUIRE(found[t].values.size() == values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      const auto loss_at = [&](float step) {
        std::vector<float> moved = values;
        moved[i] += step;
        r.net.set(targets[t], moved);
        return static_cast<double>(program.run({r.xs, r.ys}).back().scalar());
      };
      const double slope = (loss_at(1e-2f) - loss_at(-1e-2f)) / 2e-2;
      CHECK(static_cast<double>(found[t].values[i]) == doctest::Approx(slope).epsilon(0.02).scale(0.05));
    }
    r.net.set(targets[t], values);
  }
}

TEST_CASE("network: updates give an optimizer of one's own") {
  Regression a, b;
  const std::vector<Tensor> weights = {a.w1, a.b1, a.w2, a.b2};
  const std::vector<Tensor> gradients = a.net.gradients(a.loss, weights);
  std::vector<std::pair<Tensor, Tensor>> updates;
  for (size_t i = 0; i < weights.size(); ++i) updates.emplace_back(weights[i], weights[i] - gradients[i] * 0.1f);
  Program own = a.net.compile({a.loss}, 7, updates), built_in = b.net.compile_training(b.loss, Sgd{0.1}, 7);
  for (int step = 0; step < 5; ++step)
    CHECK(own.run({a.xs, a.ys})[0].scalar() == doctest::Approx(built_in.run({b.xs, b.ys})[0].scalar()));
  // Values are those before the run: two variables change places.
  Network net;
  const Tensor p = net.variable("p", {2}, {1, 2}), q = net.variable("q", {2}, {3, 4});
  Program swap = net.compile({p}, 1, {{p, q}, {q, p}});
  CHECK(swap.run({})[0].values == std::vector<float>{1, 2});
  CHECK(net.get(p) == std::vector<float>{3, 4});
  CHECK(net.get(q) == std::vector<float>{1, 2});
}

TEST_CASE("network: the learning rate can change, and a program outlives its network") {
  auto r = std::make_unique<Regression>();
  Program training = r->net.compile_training(r->loss, Adam{}, 7);
  training.set_learning_rate(0.0);
  const std::vector<float> before = r->net.get(r->w1);
  training.run({r->xs, r->ys});
  CHECK(r->net.get(r->w1) == before);
  Program prediction = r->net.compile({r->answer}, 7);
  CHECK_THROWS_AS(prediction.set_learning_rate(0.1), std::invalid_argument);
  const std::vector<float> xs = r->xs;
  const Array expected = prediction.run({xs})[0];
  r.reset();
  CHECK(prediction.run({xs})[0].values == expected.values);
}

TEST_CASE("network: operations by name, integers and constants") {
  Network net;
  const Tensor x = net.input("x", {-1, 4, 4, 1}), label = net.integer_input("label", {-1});
  const Tensor kernel = net.constant({2, 2, 1, 1}, {1, 1, 1, 1});
  const Tensor sums = net.add("conv2d", {x, kernel}, {{"strides", Ints{2, 2}}});
  const Tensor rows = reshape(sums, {-1, 4});
  const Tensor winner = net.add("argmax", {rows}, {{"axis", 1}});
  Program program = net.compile({sums, winner, sparse_cross_entropy(rows, label)}, 2);
  std::vector<float> image(16, 0.0f);
  image[10] = 3.0f;
  const std::vector<Array> found = program.run({image, std::vector<int32_t>{3}});
  CHECK(found[0].shape == Shape{1, 2, 2, 1});
  CHECK(found[0].values == std::vector<float>{0, 0, 0, 3});
  CHECK(found[1].integers == std::vector<int32_t>{3});
  CHECK(found[2].scalar() == doctest::Approx(std::log(3.0 + std::exp(3.0)) - 3.0));
  CHECK_THROWS_WITH_AS(program.run({image, std::vector<int32_t>{4}}), doctest::Contains("label 4 is outside"),
                       std::invalid_argument);
}

TEST_CASE("network: initial values follow the seed and the fans") {
  Network a(5), b(5), c(6);
  const std::vector<float> first = a.glorot_uniform({3, 3, 4, 8});
  CHECK(first == b.glorot_uniform({3, 3, 4, 8}));
  CHECK(first != a.glorot_uniform({3, 3, 4, 8}));
  CHECK(first != c.glorot_uniform({3, 3, 4, 8}));
  float largest = 0;
  for (float value : first) largest = std::max(largest, std::abs(value));
  const double limit = std::sqrt(6.0 / (9 * (4 + 8)));
  CHECK(static_cast<double>(largest) <= limit);
  CHECK(static_cast<double>(largest) > 0.9 * limit);
  CHECK_THROWS_AS(a.glorot_uniform({3}), std::invalid_argument);
}

TEST_CASE("network: errors say what was expected and what came") {
  Regression r;
  Program prediction = r.net.compile({r.answer}, 7);
  CHECK_THROWS_WITH(prediction.run({}), "this program needs 1 inputs (x), got 0");
  CHECK_THROWS_WITH(prediction.run({std::vector<float>(4)}),
                    "input \"x\" float32(n, 3) needs 3 numbers a row, got 4 in all");
  CHECK_THROWS_WITH(prediction.run({std::vector<int32_t>(3)}), "input \"x\" float32(n, 3) was given int32 numbers");
  CHECK_THROWS_WITH(prediction.run({std::vector<float>(24)}), "a run of 8 rows was asked of a plan for 7");
  Program training = r.net.compile_training(r.loss, Adam{}, 7);
  CHECK_THROWS_WITH(training.run({r.xs, std::vector<float>(2)}),
                    "input \"y\" float32(n, 1) was given 2 rows, the input before it 7");
  CHECK_THROWS_WITH(r.net.add("tanhh", {r.x}), "unknown operation 'tanhh'");
  CHECK_THROWS_WITH(r.net.add("conv2d", {r.x, r.w1}, {{"stride", 2}}), doctest::Contains("unknown attribute 'stride'"));
  CHECK_THROWS_WITH(r.net.add("update", {r.x}), doctest::Contains("update changes variables"));
  CHECK_THROWS_AS(matmul(r.w1, r.x), std::invalid_argument);
  Network other;
  CHECK_THROWS_WITH(other.add("tanh", {r.x}), "this tensor belongs to another network");
  CHECK_THROWS_WITH(r.net.compile_training(mean(square(r.y)), Adam{}, 7),
                    "compile_training: the loss depends on no variable of the network");
  CHECK_THROWS_WITH(r.net.gradients(r.loss, {r.net.variable("unused", {2})}),
                    "gradients: the loss does not depend on target 0 \"unused\"");
  CHECK_THROWS_AS(r.net.gradients(r.answer, {r.w1}), std::invalid_argument);
  CHECK_THROWS_WITH(r.net.variable("w", {2}, {1, 2, 3}), "variable \"w\" of shape (2,) cannot take 3 numbers");
  CHECK_THROWS_AS(r.net.get(r.x), std::invalid_argument);
  CHECK_THROWS_AS(r.net.set(r.x, {}), std::invalid_argument);
  CHECK_THROWS_AS(r.net.constant({2}, {1}), std::invalid_argument);
  CHECK_THROWS_AS(r.net.input("bad", {2, -1}), std::invalid_argument);
  CHECK_THROWS_AS(r.net.compile({r.answer}, -1), std::invalid_argument);
}
