// What is computed once and kept, what must not be, and that no change of a variable is missed. Folded results are
// compared with the plainest run within 2e-6 of the largest number; everything else must have the same bits.
#include "graph/prepare.h"

#include "graph_test.h"
#include "runtime/dispatch.h"

using namespace linnet;
using namespace linnet::test;

namespace {

// A net with memory of its own, run as often as a test likes.
class Prepared {
 public:
  Prepared(const Net& net, const std::vector<int>& outputs, const std::string& debug, bool prepare, int64_t n = 2)
      : n_(n), outputs_(outputs), executable_(net.graph, outputs, 3, DebugOptions::parse(debug), prepare) {
    for (int id : net.variables)
      memory_.push_back(random_floats(element_count(net.graph.type(id).shape, 0) + 1, static_cast<unsigned>(id)));
    for (size_t i = 0; i < memory_.size(); ++i) executable_.bind_variable(net.variables[i], memory_[i].data());
    for (int id : executable_.inputs())
      inputs_.push_back(
          random_floats(element_count(net.graph.type(id).shape, n) + 1, 100u + static_cast<unsigned>(id)));
  }

  Result run() {
    std::vector<const void*> pointers;
    for (const auto& input : inputs_) pointers.push_back(input.data());
    executable_.run(n_, pointers, 1, 0);
    Result result;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const float* data = static_cast<const float*>(executable_.output(i));
      result.values.emplace_back(data, data + element_count(executable_.output_type(i).shape, n_));
    }
    result.dump = executable_.dump();
    return result;
  }

  std::vector<float>& memory(size_t variable) { return memory_[variable]; }
  Executable& executable() { return executable_; }

  // "prepare" lines, then the others: the operations only.
  std::string launches() const {
    const std::string dump = executable_.dump();
    std::string result;
    for (size_t line = dump.find('\n') + 1; line < dump.size(); line = dump.find('\n', line) + 1) {
      std::string word = dump.substr(line, dump.find(' ', line) - line);
      if (word == "prepare") {
        const size_t next = line + 8;
        word = "(" + dump.substr(next, dump.find(' ', next) - next) + ")";
      }
      result += (result.empty() ? "" : " ") + word;
    }
    return result;
  }

 private:
  int64_t n_;
  std::vector<int> outputs_;
  Executable executable_;
  std::vector<std::vector<float>> memory_, inputs_;
};

// The launches of the prepared plan, after checking its results, twice and for every instruction set.
std::string prepared(const Net& net, const std::vector<int>& outputs, float tolerance = 2e-6f) {
  const std::string before = kernels().name;
  std::string launches;
  for (const KernelTable* table : available_kernels()) {
    set_kernels(table->name);
    INFO(table->name);
    Prepared full(net, outputs, "", true), plain(net, outputs, "nofuse,noplan,reference", false);
    Prepared unprepared(net, outputs, "", false), apart(net, outputs, "noplan", true);
    const Result want = plain.run(), first = full.run();
    CAPTURE(first.dump);
    check_same(first, want, 2e-5f);
    check_same(first, unprepared.run(), tolerance);
    check_same(apart.run(), first, 0.0f);
    check_same(full.run(), unprepared.run(), tolerance);
    if (table == available_kernels().back()) launches = full.launches();  // the reference packs everything
  }
  set_kernels(before);
  return launches;
}

struct Block {
  Net net;
  int x, kernel, bias, mean, variance, gamma, beta, shortcut;
  Block() {
    x = net.input({-1, 4, 4, 2});
    kernel = net.variable({3, 3, 2, 5});
    bias = net.variable({5});
    mean = net.variable({5});
    variance = net.add("square", {net.variable({5})});
    gamma = net.variable({5});
    beta = net.variable({5});
    shortcut = net.input({-1, 4, 4, 5});
  }
  int conv() { return net.add("conv2d", {x, kernel}, {{"padding", Ints{1, 1, 1, 1}}}); }
  // As ops.batch_normalization writes it.
  int normalize(int y) {
    const int deviation = net.add("rsqrt", {net.add("add", {variance, net.graph.scalar(0.1f)})});
    const int factor = net.add("multiply", {deviation, gamma});
    const int shift = net.add("add", {net.add("negative", {net.add("multiply", {mean, factor})}), beta});
    return net.add("add", {net.add("multiply", {y, factor}), shift});
  }
};

}  // namespace

TEST_CASE("prepare: convolution, batch normalisation, residual and activation are one launch") {
  Block b;
  SUBCASE("with everything") {
    const int y = b.net.add("add", {b.normalize(b.net.add("add", {b.conv(), b.bias})), b.shortcut});
    CHECK(prepared(b.net, {b.net.add("relu", {y})}) == "(pointwise) (pointwise) (conv2d_pack) conv2d_packed");
  }
  SUBCASE("without a bias") {
    CHECK(prepared(b.net, {b.net.add("relu", {b.normalize(b.conv())})}) ==
          "(pointwise) (pointwise) (conv2d_pack) conv2d_packed");
  }
  SUBCASE("the convolution has another reader") {
    const int y = b.conv();
    CHECK(prepared(b.net, {b.normalize(y), y}) == "(pointwise) (conv2d_pack) conv2d_packed pointwise");
  }
  SUBCASE("what lies between is wanted") {
    const int y = b.net.add("add", {b.conv(), b.bias});
    CHECK(prepared(b.net, {b.normalize(y), y}) == "(pointwise) (conv2d_pack) conv2d_packed pointwise");
  }
  SUBCASE("depthwise") {
    const int x = b.net.input({-1, 4, 4, 5}), kernel = b.net.variable({3, 3, 1, 5});
    const int y = b.net.add("conv2d", {x, kernel}, {{"groups", int64_t{5}}});
    CHECK(prepared(b.net, {b.normalize(y)}) == "(pointwise) (pointwise) (conv2d_pack) conv2d_packed");
  }
  SUBCASE("two in a row, and a difference") {
    const int y = b.normalize(b.net.add("subtract", {b.normalize(b.conv()), b.bias}));
    const std::string launches = prepared(b.net, {y});
    CHECK(launches.find(") conv2d_packed") != std::string::npos);
    CHECK(launches.find("conv2d_packed ") == std::string::npos);
  }
}

TEST_CASE("prepare: products") {
  Net net;
  const int x = net.input({-1, 5}), w = net.variable({5, 7}), b = net.variable({7}), scale = net.variable({7});
  SUBCASE("scaled by channel") {
    const int y = net.add("multiply", {net.add("add", {net.add("matmul", {x, w}), b}), scale});
    CHECK(prepared(net, {y}) == "(pointwise) (pointwise) (matmul_pack) matmul_packed");
  }
  SUBCASE("scaled by a number") {
    const int y = net.add("multiply", {net.graph.scalar(0.5f), net.add("matmul", {x, w})});
    CHECK(prepared(net, {net.add("tanh", {y})}) == "(pointwise) (matmul_pack) matmul_packed");
  }
  SUBCASE("transposed weights are packed, not scaled") {
    const int wt = net.variable({7, 5});
    const int y = net.add("multiply", {net.add("matmul", {x, wt}, {{"trans_b", true}}), scale});
    CHECK(prepared(net, {y}) == "(matmul_pack) matmul_packed pointwise");
  }
  SUBCASE("offsets alone stay an epilogue") {
    CHECK(prepared(net, {net.add("add", {net.add("matmul", {x, w}), b})}, 0.0f) == "(matmul_pack) matmul_packed");
  }
  SUBCASE("the scale is an input, or computed from one") {
    const int late = net.add("max", {x}, {{"axes", Ints{0}}});  // (5)
    const int square = net.variable({5, 5});
    CHECK(prepared(net, {net.add("multiply", {net.add("matmul", {x, square}), late})}, 0.0f) ==
          "(matmul_pack) max matmul_packed pointwise");
  }
  SUBCASE("leading axes are rows") {
    const int batch = net.input({-3, 4, 5});
    CHECK(prepared(net, {net.add("matmul", {batch, w})}, 0.0f) == "(matmul_pack) matmul_packed");
  }
  SUBCASE("weights through a view, and as an output") {
    const int flat = net.variable({100});
    const int part = net.add("view", {flat}, {{"offset", int64_t{16}}, {"shape", Ints{5, 7}}});
    CHECK(prepared(net, {net.add("matmul", {x, part}), net.add("square", {part})}, 0.0f) ==
          "(pointwise) (matmul_pack) matmul_packed");
  }
}

TEST_CASE("prepare: what changes from run to run is not kept") {
  Net net;
  const int x = net.input({-1, 6}), v = net.variable({6}), w = net.variable({6});
  SUBCASE("random numbers") {
    const int noise = net.add("random_uniform", {}, {{"shape", Ints{6}}, {"stream", int64_t{0}}});
    CHECK(prepared(net, {net.add("add", {noise, v})}, 0.0f) == "pointwise");
    CHECK(prepared(net, {net.add("dropout", {v}, {{"rate", 0.5}, {"stream", int64_t{0}}})}, 0.0f) == "pointwise");
  }
  SUBCASE("the number of rows") {
    const int rows = net.add("broadcast_to", {v}, {{"shape", Ints{-1, 6}}});
    CHECK(prepared(net, {net.add("sum", {rows}, {{"axes", Ints{0}}})}, 0.0f) == "broadcast_to sum");
  }
  SUBCASE("a variable that is written, before and after") {
    const int before = net.add("sin", {v}), kept = net.add("sin", {w});
    net.assign(v, net.add("add", {before, kept}));
    CHECK(prepared(net, {net.add("cos", {v}), kept}, 0.0f) == "(pointwise) pointwise assign pointwise");
  }
  SUBCASE("kept and passing values of one shape do not join") {
    const int kept = net.add("sin", {v}), row = net.add("max", {x}, {{"axes", Ints{0}}});
    const int y = net.add("multiply", {net.add("cos", {kept}), net.add("add", {row, kept})});
    CHECK(prepared(net, {y}, 0.0f) == "(pointwise) max pointwise");
  }
}

TEST_CASE("prepare: a constant expression is an output, and needs no run of its own each time") {
  Net net;
  const int v = net.variable({6});
  const int y = net.add("exp", {net.add("negative", {v})});
  CHECK(prepared(net, {y, net.add("reshape", {y}, {{"shape", Ints{2, 3}}})}, 0.0f) == "(pointwise)");
}

TEST_CASE("prepare: every way to change a variable is seen") {
  Net net;
  const int x = net.input({-1, 5}), w = net.variable({5, 7}), s = net.variable({7});
  const int y = net.add("multiply", {net.add("matmul", {x, w}), s});
  Prepared fast(net, {y}, "", true), slow(net, {y}, "nofuse,reference", false);
  check_same(fast.run(), slow.run(), 2e-6f);
  const auto change = [](Prepared& of, size_t variable, unsigned seed) {
    std::vector<float>& memory = of.memory(variable);
    const std::vector<float> next = random_floats(static_cast<int64_t>(memory.size()), seed);
    std::copy(next.begin(), next.end(), memory.begin());
  };
  SUBCASE("reported") {
    for (size_t variable : {size_t{0}, size_t{1}}) {
      change(fast, variable, 7), change(slow, variable, 7);
      memory_written(fast.memory(variable).data() + 2, 4);  // a part of it is enough
      check_same(fast.run(), slow.run(), 2e-6f);
    }
  }
  SUBCASE("unreported changes are not seen: the promise is the caller's") {
    const Result before = fast.run();
    change(fast, 1, 7);
    check_same(fast.run(), before, 0.0f);
  }
  SUBCASE("bound again, to the same and to other memory") {
    change(fast, 0, 8), change(slow, 0, 8);
    fast.executable().bind_variable(w, fast.memory(0).data());
    check_same(fast.run(), slow.run(), 2e-6f);
    std::vector<float> other = slow.memory(1);
    other[3] += 1.0f;
    slow.memory(1)[3] += 1.0f;
    fast.executable().bind_variable(s, other.data());
    check_same(fast.run(), slow.run(), 2e-6f);
    other[2] += 1.0f;
    slow.memory(1)[2] += 1.0f;
    memory_written(&other[2], sizeof(float));
    check_same(fast.run(), slow.run(), 2e-6f);
  }
  SUBCASE("written by another executable") {
    Net writer;
    const int target = writer.variable({35}), delta = writer.input({35});
    writer.assign(target, writer.add("add", {target, delta}));
    Executable other(writer.graph, {}, 1, {});
    other.bind_variable(target, fast.memory(0).data());
    const std::vector<float> step = random_floats(35, 9);
    for (int i = 0; i < 3; ++i) {
      other.run(1, {step.data()}, 0, 0);
      for (size_t j = 0; j < 35; ++j) slow.memory(0)[j] = fast.memory(0)[j];
      check_same(fast.run(), slow.run(), 2e-6f);
    }
  }
}

TEST_CASE("prepare: an error while preparing is met again by the next run") {
  Net net;
  const int table = net.variable({4, 3}), ids = net.add("cast", {net.variable({2})}, {{"dtype", std::string("int32")}});
  Executable executable(net.graph, {net.add("embedding", {table, ids})}, 1, {}, true);
  std::vector<float> entries(12, 1.0f), numbers = {1.0f, 9.0f};
  executable.bind_variable(net.variables[0], entries.data());
  executable.bind_variable(net.variables[1], numbers.data());
  CHECK_THROWS(executable.run(1, {}, 0, 0));
  CHECK_THROWS(executable.run(1, {}, 0, 0));
  numbers[1] = 2.0f;
  memory_written(numbers.data(), 8);
  executable.run(1, {}, 0, 0);
  CHECK(static_cast<const float*>(executable.output(0))[5] == 1.0f);
}
