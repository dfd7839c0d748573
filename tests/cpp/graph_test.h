// What tests of the graph room need: a short way to write graphs, and a way to run them plainly or fully.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "graph/autodiff.h"
#include "graph/executable.h"

namespace linnet::test {

inline Type f32(Shape shape) { return {DType::f32, std::move(shape)}; }

// A graph and the data of its inputs and variables: random numbers, the same in every run.
struct Net {
  Graph graph;
  std::vector<int> variables;

  int input(Shape shape) { return graph.input("x", f32(std::move(shape))); }
  int variable(Shape shape) {
    variables.push_back(graph.variable("v" + std::to_string(variables.size()), f32(std::move(shape))));
    return variables.back();
  }
  std::vector<int> add_all(const std::string& op, const std::vector<int>& inputs, const Attributes& attributes = {}) {
    return graph.add(op, inputs, attributes, "layer");
  }
  int add(const std::string& op, const std::vector<int>& inputs, const Attributes& attributes = {}) {
    return add_all(op, inputs, attributes).at(0);
  }
  void assign(int variable, int value) { graph.add("assign", {variable, value}, {}); }
  // The number of updates done, as the optimizers take it.
  int count() {
    const int32_t done = 3;
    return graph.constant({DType::i32, {}}, &done);
  }
  void sgd(int w, int g) {
    graph.add("update", {w, w, w, w, w, w, graph.scalar(0.1f), count(), g}, {{"rule", std::string("sgd")}});
  }
  int sum(int value) {
    Ints axes;
    for (size_t i = 0; i < graph.type(value).shape.size(); ++i) axes.push_back(static_cast<int64_t>(i));
    return axes.empty() ? value : add("sum", {value}, {{"axes", axes}});
  }
};

inline std::vector<float> random_floats(int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  std::vector<float> result(static_cast<size_t>(count));
  for (float& value : result) value = uniform(generator);
  return result;
}

struct Result {
  std::vector<std::vector<float>> values;  // outputs, then variables after the run
  std::vector<std::string> launches;       // operation of every launch
  std::string dump;
};

// Runs n rows and returns everything a test may compare. `steps` runs, one after the other.
inline Result run(const Net& net, const std::vector<int>& outputs, const std::string& debug, int64_t n = 2,
                  int steps = 1) {
  Executable executable(net.graph, outputs, 3, DebugOptions::parse(debug));
  std::vector<std::vector<float>> memory, inputs;
  std::vector<const void*> pointers;
  for (int id : net.variables)
    memory.push_back(random_floats(element_count(net.graph.type(id).shape, 0) + 1, static_cast<unsigned>(id)));
  for (size_t i = 0; i < memory.size(); ++i) executable.bind_variable(net.variables[i], memory[i].data());
  for (int id : executable.inputs()) {
    inputs.push_back(random_floats(element_count(net.graph.type(id).shape, n) + 1, 100u + static_cast<unsigned>(id)));
    pointers.push_back(inputs.back().data());
  }
  for (int step = 0; step < steps; ++step) executable.run(n, pointers, 1, static_cast<uint64_t>(step));
  Result result;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const float* data = static_cast<const float*>(executable.output(i));
    result.values.emplace_back(data, data + element_count(executable.output_type(i).shape, n));
  }
  for (const auto& values : memory) result.values.push_back(values);
  result.dump = executable.dump();
  for (size_t line = result.dump.find('\n') + 1; line < result.dump.size(); line = result.dump.find('\n', line) + 1) {
    result.launches.push_back(result.dump.substr(line, result.dump.find(' ', line) - line));
  }
  return result;
}

// `tolerance` is relative to the largest number of a value, or to 1.
inline void check_same(const Result& a, const Result& b, float tolerance) {
  REQUIRE(a.values.size() == b.values.size());
  for (size_t i = 0; i < a.values.size(); ++i) {
    REQUIRE(a.values[i].size() == b.values[i].size());
    float worst = 0.0f, largest = 1.0f;
    for (size_t j = 0; j < a.values[i].size(); ++j) {
      const float error = std::abs(a.values[i][j] - b.values[i][j]);
      worst = std::isnan(error) ? INFINITY : std::max(worst, error);
      largest = std::max(largest, std::abs(b.values[i][j]));
    }
    CAPTURE(i);
    CHECK(worst <= tolerance * largest);
  }
}

// The launches of the fused plan, after checking that its results are those of the plainest one.
inline std::vector<std::string> fused(const Net& net, const std::vector<int>& outputs) {
  const Result plain = run(net, outputs, "nofuse,noplan,reference");
  const Result full = run(net, outputs, "");
  CAPTURE(full.dump);
  check_same(full, plain, 2e-5f);
  check_same(run(net, outputs, "noplan"), full, 0.0f);
  check_same(run(net, outputs, "nofuse"), plain, 2e-5f);
  check_same(run(net, outputs, "", 2, 2), run(net, outputs, "nofuse,noplan,reference", 2, 2), 1e-4f);
  return full.launches;
}

using Launches = std::vector<std::string>;

}  // namespace linnet::test
