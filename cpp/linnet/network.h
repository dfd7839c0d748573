// Writing and training a network in C++. It is linnet's graph with the memory of its weights, and nothing more: tensors
// are joined by operations, `gradients` differentiates, `compile` makes a list of kernel calls that runs without an
// allocation for intermediate values.
//
//   linnet::Network net(/*seed=*/1);
//   Tensor x = net.input("x", {-1, 2}), y = net.input("y", {-1, 1});
//   Tensor w = net.variable("w", {2, 1}, net.glorot_uniform({2, 1})), b = net.variable("b", {1});
//   Tensor answer = sigmoid(matmul(x, w) + b);
//   Program training = net.compile_training(mean(square(answer - y)), linnet::Adam{}, 64);
//   Program prediction = net.compile({answer}, 64);
//   for (...) loss = training.run({inputs, targets})[0].scalar();
//
// Operators and the functions at the end are shorthands for `Network::add`, which reaches every operation of linnet by
// its name: net.add("conv2d", {x, kernel}, {{"strides", Ints{2, 2}}, {"padding", Ints{1, 1, 1, 1}}}). There are no
// layers, losses or data sets here; those are in Python.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "linnet/types.h"

namespace linnet {

struct NetworkState;
struct ProgramState;

// A value of a network: an input, a variable, or what an operation makes. Cheap to copy; keeps its network alive.
class Tensor {
 public:
  const Shape& shape() const;

 private:
  friend class Network;
  Tensor(std::shared_ptr<NetworkState> network, int value) : network_(std::move(network)), value_(value) {}
  std::shared_ptr<NetworkState> network_;
  int value_;
};

// A plan for some outputs, up to its capacity of rows. One run at a time; programs of one network share its variables.
class Program {
 public:
  // One pass. `inputs`: the data of the inputs that this program needs, in the order they were made; input_names()
  // says which. Throws std::invalid_argument when the data does not fit, a label is out of range, or the rows are more
  // than the capacity.
  std::vector<Array> run(const std::vector<ArrayView>& inputs);

  std::vector<std::string> input_names() const;
  int64_t capacity() const;
  // Bytes for intermediate values, known before the first run.
  size_t memory() const;

  // Of a training program, from the next run on.
  void set_learning_rate(double rate);

  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  ~Program();

 private:
  friend class Network;
  explicit Program(std::unique_ptr<ProgramState> state);
  std::unique_ptr<ProgramState> state_;
};

// How compile_training updates the weights.
struct Adam {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
};
struct Sgd {
  double learning_rate = 0.01, momentum = 0.0;
  bool nesterov = false;
};

class Network {
 public:
  using Settings = std::vector<std::pair<std::string, Attribute>>;

  // The seed decides initial weights and dropout: the same seed, the same bits.
  explicit Network(uint64_t seed = 0);

  // Data given at every run. A first size of -1 is the batch; all inputs of a run have the same number of rows.
  Tensor input(const std::string& name, const Shape& shape);
  Tensor integer_input(const std::string& name, const Shape& shape);  // labels, ids

  // Weights: zero, or these values. The network owns the memory.
  Tensor variable(const std::string& name, const Shape& shape);
  Tensor variable(const std::string& name, const Shape& shape, const std::vector<float>& values);
  // Random initial values for a matrix (in, out) or a convolution kernel (height, width, in, out), as Keras draws them.
  std::vector<float> glorot_uniform(const Shape& shape);

  Tensor constant(const Shape& shape, const std::vector<float>& values);
  Tensor scalar(float value);

  // The first output, or all outputs, of an operation by name.
  Tensor add(const std::string& operation, const std::vector<Tensor>& inputs, const Settings& settings = {});
  std::vector<Tensor> add_all(const std::string& operation, const std::vector<Tensor>& inputs,
                              const Settings& settings = {});

  // d loss / d target for each target, as tensors of this network. The loss is a scalar that depends on all of them.
  std::vector<Tensor> gradients(const Tensor& loss, const std::vector<Tensor>& targets);

  // A program that computes `outputs` for up to `capacity` rows. `updates`: variables that take a new value at the end
  // of each run, for optimizers of one's own.
  Program compile(const std::vector<Tensor>& outputs, int64_t capacity,
                  const std::vector<std::pair<Tensor, Tensor>>& updates = {});

  // A program that computes the loss (its only output) and improves every variable that the loss depends on.
  Program compile_training(const Tensor& loss, const Adam& optimizer, int64_t capacity);
  Program compile_training(const Tensor& loss, const Sgd& optimizer, int64_t capacity);

  // The numbers in a variable, between runs.
  std::vector<float> get(const Tensor& variable) const;
  void set(const Tensor& variable, const std::vector<float>& values);

  // The network that a tensor belongs to; the functions below use it.
  static Network of(const Tensor& tensor) { return Network(tensor.network_); }

 private:
  explicit Network(std::shared_ptr<NetworkState> state) : state_(std::move(state)) {}
  int value_of(const Tensor& tensor) const;
  std::vector<int> values_of(const std::vector<Tensor>& tensors) const;
  std::shared_ptr<NetworkState> state_;
};

// ---- shorthands --------------------------------------------------------------------------------------------------
inline Tensor operator+(const Tensor& a, const Tensor& b) { return Network::of(a).add("add", {a, b}); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return Network::of(a).add("subtract", {a, b}); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return Network::of(a).add("multiply", {a, b}); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return Network::of(a).add("divide", {a, b}); }
inline Tensor operator+(const Tensor& a, float b) { return a + Network::of(a).scalar(b); }
inline Tensor operator-(const Tensor& a, float b) { return a - Network::of(a).scalar(b); }
inline Tensor operator*(const Tensor& a, float b) { return a * Network::of(a).scalar(b); }
inline Tensor operator/(const Tensor& a, float b) { return a / Network::of(a).scalar(b); }
inline Tensor operator+(float a, const Tensor& b) { return Network::of(b).scalar(a) + b; }
inline Tensor operator-(float a, const Tensor& b) { return Network::of(b).scalar(a) - b; }
inline Tensor operator*(float a, const Tensor& b) { return Network::of(b).scalar(a) * b; }

inline Tensor matmul(const Tensor& a, const Tensor& b) { return Network::of(a).add("matmul", {a, b}); }
inline Tensor relu(const Tensor& x) { return Network::of(x).add("relu", {x}); }
inline Tensor tanh(const Tensor& x) { return Network::of(x).add("tanh", {x}); }
inline Tensor sigmoid(const Tensor& x) { return Network::of(x).add("sigmoid", {x}); }
inline Tensor exp(const Tensor& x) { return Network::of(x).add("exp", {x}); }
inline Tensor log(const Tensor& x) { return Network::of(x).add("log", {x}); }
inline Tensor square(const Tensor& x) { return Network::of(x).add("square", {x}); }
inline Tensor softmax(const Tensor& x) { return Network::of(x).add("softmax", {x}); }
inline Tensor reshape(const Tensor& x, const Shape& shape) {
  return Network::of(x).add("reshape", {x}, {{"shape", shape}});
}
// Over all elements, to a scalar.
Tensor sum(const Tensor& x);
Tensor mean(const Tensor& x);
// -log(probability of the label), one number a row, from the outputs (rows, classes) before softmax.
inline Tensor sparse_cross_entropy(const Tensor& logits, const Tensor& labels) {
  return Network::of(logits).add("sparse_cross_entropy", {logits, labels});
}

}  // namespace linnet
