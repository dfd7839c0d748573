// A step allocates nothing: every allocation of the process is counted while steps run. And the errors of binding and
// running that Python's own checks would hide.
#include <atomic>
#include <cstdlib>
#include <new>
#include <stdexcept>

#include "graph_test.h"
#include "runtime/threads.h"

using namespace linnet;
using namespace linnet::test;

namespace {

std::atomic<int64_t> allocations{0};

void* counted(std::size_t bytes, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* p = alignment ? std::aligned_alloc(alignment, round_up(bytes ? bytes : 1, alignment))
                      : std::malloc(bytes ? bytes : 1);
  if (!p) throw std::bad_alloc();
  return p;
}

}  // namespace

// The replacements count and otherwise do what the standard says (the array forms call these).
void* operator new(std::size_t bytes) { return counted(bytes, 0); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return counted(bytes, 0);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace {

// A training step with every kind of launch: convolution, normalisation, pooling, dropout, products, reductions,
// copies, embedding, a packed gradient, adam, assignments.
struct TrainingStep {
  Net net;
  int images, labels, ids, loss;

  TrainingStep() {
    images = net.input({-1, 9, 9, 3});
    labels = net.graph.input("labels", {DType::i32, {-1}});
    ids = net.graph.input("ids", {DType::i32, {-1, 4}});
    const int k = net.variable({3, 3, 3, 8}), b = net.variable({8}), gamma = net.variable({8}),
              beta = net.variable({8});
    const int table = net.variable({11, 8}), w = net.variable({136, 10}), moving = net.variable({8});
    int h = net.add("add", {net.add("conv2d", {images, k}, {{"padding", Ints{1, 1, 1, 1}}}), b});
    const std::vector<int> normed = net.add_all("batch_norm", {h, gamma, beta});
    net.assign(moving, net.add("add", {moving, net.add("multiply", {net.graph.scalar(0.1f),
                                                                    net.add("subtract", {normed[1], moving})})}));
    h = net.add("max_pool2d", {net.add("relu", {normed[0]})}, {{"pool", Ints{2, 2}}, {"strides", Ints{2, 2}}});
    h = net.add("average_pool2d", {h}, {{"pool", Ints{2, 2}}, {"strides", Ints{1, 1}}, {"padding", Ints{0, 1, 0, 1}}});
    h = net.add("dropout", {net.add("reshape", {h}, {{"shape", Ints{-1, 128}}})},
                {{"rate", 0.2}, {"stream", int64_t{0}}});
    const int words = net.add("embedding", {table, ids});
    const int mean = net.add("mean", {net.add("transpose", {words}, {{"axes", Ints{0, 2, 1}}})}, {{"axes", Ints{2}}});
    h = net.add("concatenate", {h, mean}, {{"axis", int64_t{1}}});
    const int logits = net.add("matmul", {h, w});
    const int soft = net.add("softmax", {logits});
    const int losses = net.add("sparse_cross_entropy", {logits, labels});
    loss = net.add("add", {net.add("mean", {losses}, {{"axes", Ints{0}}}),
                           net.add("mean", {net.add("square", {soft})}, {{"axes", Ints{0, 1}}})});
    const std::vector<int> weights = {k, b, gamma, beta, table, w};
    const std::vector<int> gradients = append_gradients(net.graph, loss, weights);
    for (size_t i = 0; i < weights.size(); ++i) {
      const Shape& shape = net.graph.type(weights[i]).shape;
      const int m = net.variable(shape), v = net.variable(shape);
      const int rest = weights[i], rate = net.graph.scalar(0.01f);
      net.graph.add("update", {weights[i], m, v, rest, rest, rest, rate, net.count(), gradients[i]},
                    {{"rule", std::string("adam")}, {"clipnorm", 1.0}});
    }
  }
};

}  // namespace

TEST_CASE("executable: a step allocates nothing") {
  TrainingStep step;
  const int64_t rows = 6;
  std::vector<std::vector<float>> memory;
  for (int id : step.net.variables)
    memory.push_back(std::vector<float>(static_cast<size_t>(element_count(step.net.graph.type(id).shape, 0)), 0.5f));
  const std::vector<float> images = random_floats(rows * 243, 1);
  const std::vector<int32_t> labels = {0, 9, 3, 4, 5, 1}, ids(static_cast<size_t>(rows) * 4, 10);
  const std::vector<int64_t> order = {5, 4, 3, 2, 1, 0};
  const int threads_before = num_threads();
  for (const std::string debug : {"", "nofuse", "noplan"}) {  // the reference kernels may allocate
    for (int threads : {1, 3}) {
      CAPTURE(debug);
      CAPTURE(threads);
      set_num_threads(threads);
      Executable executable(step.net.graph, {step.loss}, rows, DebugOptions::parse(debug));
      for (size_t i = 0; i < memory.size(); ++i) executable.bind_variable(step.net.variables[i], memory[i].data());
      executable.bind_rows(step.images, SourceType::f32, images.data(), rows, 243);
      executable.bind_rows(step.labels, SourceType::i32, labels.data(), rows, 1);
      executable.bind_rows(step.ids, SourceType::i32, ids.data(), rows, 4);
      const std::vector<const void*> inputs = {images.data(), labels.data(), ids.data()};
      for (uint64_t warm = 0; warm < 20; ++warm) executable.run_rows(order.data(), 0, rows, 1, warm);  // thread scratch
      const int64_t before = allocations.load();
      for (uint64_t i = 0; i < 20; ++i) {
        executable.run_rows(order.data(), 1, rows - 1, 1, i);
        executable.run_rows(nullptr, 0, rows, 1, i);
        executable.run(rows, inputs, 1, i);
        executable.run(0, inputs, 1, i);
      }
      CHECK(allocations.load() == before);
    }
  }
  set_num_threads(threads_before);
}

TEST_CASE("executable: binding and running say what is missing") {
  Net net;
  const int x = net.input({-1, 3}), w = net.variable({3});
  const int y = net.add("multiply", {x, w});
  Executable executable(net.graph, {y}, 2, {});
  const float data[6] = {1, 2, 3, 4, 5, 6};
  float weights[3] = {1, 10, 100};
  const std::vector<const void*> inputs = {data};
  CHECK(executable.last_rows() == -1);
  CHECK_THROWS_WITH(executable.run(1, inputs, 0, 0), "variable 'v0' has no memory yet: call bind_variable");
  executable.bind_variable(w, weights);
  CHECK_THROWS_AS(executable.run(3, inputs, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(executable.run(-1, inputs, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(executable.run(1, {}, 0, 0), std::invalid_argument);
  CHECK_THROWS_WITH(executable.run_rows(nullptr, 0, 1, 0, 0), "input 'x' has no data: call bind_rows");
  CHECK_THROWS_AS(executable.bind_rows(x, SourceType::f32, data, 2, 4), ShapeError);
  CHECK_THROWS_AS(executable.bind_rows(w, SourceType::f32, data, 2, 3), std::invalid_argument);
  CHECK_THROWS_AS(executable.bind_variable(x, weights), std::invalid_argument);
  CHECK_THROWS_AS(executable.bind_variable(99, weights), std::invalid_argument);
  executable.run(2, inputs, 0, 0);
  CHECK(executable.last_rows() == 2);
  CHECK(static_cast<const float*>(executable.output(0))[5] == 600.0f);
  executable.bind_rows(x, SourceType::f32, data, 2, 3);
  const int64_t rows[] = {1, 2, -1};
  executable.run_rows(rows, 0, 1, 0, 0);
  CHECK(static_cast<const float*>(executable.output(0))[0] == 4.0f);
  CHECK_THROWS_AS(executable.run_rows(rows, 0, 2, 0, 0), std::out_of_range);
  CHECK_THROWS_AS(executable.run_rows(rows, 2, 1, 0, 0), std::out_of_range);
  CHECK_THROWS_AS(executable.run_rows(nullptr, 1, 2, 0, 0), std::out_of_range);
  CHECK_THROWS_AS(executable.run_rows(nullptr, INT64_MAX, 1, 0, 0), std::out_of_range);
}

TEST_CASE("executable: which variables are written") {
  Net net;
  const int flat = net.variable({8}), other = net.variable({4}), read = net.variable({4});
  const int part = net.add("view", {flat}, {{"offset", int64_t{0}}, {"shape", Ints{4}}});
  net.sgd(part, read);
  net.assign(other, read);
  const Executable executable(net.graph, {}, 1, {});
  CHECK(executable.writes(flat));
  CHECK(executable.writes(other));
  CHECK_FALSE(executable.writes(read));
}

TEST_CASE("executable: debug words") {
  const DebugOptions options = DebugOptions::parse("nofuse,nan");
  CHECK(options.no_fusion);
  CHECK(options.check_finite);
  CHECK_FALSE(options.no_plan);
  CHECK_FALSE(DebugOptions::parse("").no_fusion);
  CHECK_THROWS_AS(DebugOptions::parse("nofuse nan"), std::invalid_argument);
}

TEST_CASE("executable: the flow of labels and ids that are out of range stops before any update") {
  TrainingStep step;
  Executable executable(step.net.graph, {step.loss}, 2, {});
  std::vector<std::vector<float>> memory;
  for (int id : step.net.variables)
    memory.push_back(random_floats(element_count(step.net.graph.type(id).shape, 0), static_cast<unsigned>(id)));
  for (size_t i = 0; i < memory.size(); ++i) executable.bind_variable(step.net.variables[i], memory[i].data());
  const std::vector<std::vector<float>> before = memory;
  const std::vector<float> images = random_floats(2 * 243, 1);
  const std::vector<int32_t> labels = {0, 10}, ids = {0, 1, 2, 3, 4, 5, 6, 7};
  CHECK_THROWS_WITH(
      executable.run(2, {images.data(), labels.data(), ids.data()}, 0, 0),
      "sparse_cross_entropy \"layer\": label 10 is outside of the 10 classes 0 to 9 (row 1 of the batch)");
  for (size_t i = 0; i < memory.size(); ++i) {
    if (i != 6) CHECK(memory[i] == before[i]);  // the moving average is assigned in the forward pass, before the loss
  }
}
