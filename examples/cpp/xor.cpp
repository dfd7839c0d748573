// The smallest network that one neuron cannot replace: a hidden layer learns XOR.
//
//   answer = sigmoid(tanh(x w1 + b1) w2 + b2)        x (n, 2), w1 (2, 8), w2 (8, 1)
//
// The exit status is 0 when all four answers are right.
#include <linnet/linnet.h>

#include <cstdio>
#include <vector>

using linnet::Array;
using linnet::Program;
using linnet::Tensor;

int main() {
  const std::vector<float> questions = {0, 0, 0, 1, 1, 0, 1, 1};  // four rows of two
  const std::vector<float> targets = {0, 1, 1, 0};

  linnet::Network net(/*seed=*/1);
  const Tensor x = net.input("x", {-1, 2});  // -1: any number of rows
  const Tensor y = net.input("y", {-1, 1});
  const Tensor w1 = net.variable("w1", {2, 8}, net.glorot_uniform({2, 8}));
  const Tensor b1 = net.variable("b1", {8});
  const Tensor w2 = net.variable("w2", {8, 1}, net.glorot_uniform({8, 1}));
  const Tensor b2 = net.variable("b2", {1});

  const Tensor hidden = tanh(matmul(x, w1) + b1);
  const Tensor answer = sigmoid(matmul(hidden, w2) + b2);
  const Tensor loss = mean(square(answer - y));

  // Two plans on the same weights, for four rows at a time. Training appends gradients and the optimizer by itself.
  Program training = net.compile_training(loss, linnet::Adam{/*learning_rate=*/0.05}, 4);
  Program prediction = net.compile({answer}, 4);

  for (int step = 1; step <= 500; ++step) {
    const float value = training.run({questions, targets})[0].scalar();
    if (step % 100 == 0) std::printf("step %3d  loss %.5f\n", step, static_cast<double>(value));
  }

  const Array answers = prediction.run({questions})[0];
  bool learnt = true;
  for (size_t i = 0; i < targets.size(); ++i) {
    const float a = answers.values[i];
    std::printf("%.0f xor %.0f = %.3f\n", static_cast<double>(questions[2 * i]),
                static_cast<double>(questions[2 * i + 1]), static_cast<double>(a));
    learnt = learnt && (a > 0.5f) == (targets[i] > 0.5f);
  }
  return learnt ? 0 : 1;
}
