// Reading exported models: a file written here by hand, every way in which its graph can be wrong, and random damage.
// Files from Python are in tests/test_cpp_package.py.
#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "kernel_test.h"
#include "linnet/linnet.h"

using linnet::Model;

namespace {

// A file that is removed at the end.
class File {
 public:
  explicit File(const std::string& bytes) {
    path_ =
        (std::filesystem::temp_directory_path() / ("linnet_test_" + std::to_string(std::random_device{}()))).string();
    write(bytes);
  }
  ~File() { std::filesystem::remove(path_); }
  void write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// relu(x w + 0.5) of x (n, 2), w (2, 3).
const std::string kGraph =
    R"({"inputs":[{"name":"x","shape":[-1,2],"dtype":"float32"}],"constants":["constants/0"],"variables":["w"],)"
    R"("nodes":[{"op":"matmul","layer":"dense","inputs":[0,2],"attributes":{"trans_a":false}},)"
    R"({"op":"add","layer":"dense","inputs":[3,1],"attributes":{}},)"
    R"({"op":"relu","layer":"","inputs":[4],"attributes":{}}],"outputs":[{"name":"y","value":5}]})";

std::string file_of(const std::string& graph, const std::string& kind = "graph", const std::string& version = "1") {
  std::string escaped;
  for (char c : graph) escaped += c == '"' ? std::string("\\\"") : std::string(1, c);
  const std::string header = R"({"__metadata__":{"format":"linnet","version":")" + version + R"(","kind":")" + kind +
                             R"(","graph":")" + escaped +
                             R"("},"constants/0":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                             R"("w":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]}})";
  const float numbers[] = {0.5f, 1, 2, 3, 4, 5, 6};
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(reinterpret_cast<const char*>(numbers), sizeof numbers);
}

}  // namespace

TEST_CASE("model: loads and predicts, more rows than the capacity, too") {
  const File file(file_of(kGraph));
  const Model model = Model::load(file.path(), 2);
  REQUIRE(model.inputs().size() == 1);
  CHECK(model.inputs()[0].name == "x");
  CHECK(model.inputs()[0].shape == linnet::Shape{-1, 2});
  CHECK(model.outputs()[0].name == "y");
  CHECK(model.outputs()[0].shape == linnet::Shape{-1, 3});
  CHECK_FALSE(model.outputs()[0].integer);
  const std::vector<float> x = {1, 0, 0, 1, -1, 0, 0, 0, 2, 2};
  const linnet::Array y = model.predict({x})[0];
  CHECK(y.shape == linnet::Shape{5, 3});
  CHECK(y.values ==
        std::vector<float>{1.5f, 2.5f, 3.5f, 4.5f, 5.5f, 6.5f, 0, 0, 0, 0.5f, 0.5f, 0.5f, 10.5f, 14.5f, 18.5f});
  CHECK(model.predict({std::vector<float>{}})[0].shape == linnet::Shape{0, 3});
  CHECK_THROWS_AS(model.predict({}), std::invalid_argument);
  CHECK_THROWS_AS(model.predict({std::vector<float>(3)}), std::invalid_argument);
  CHECK_THROWS_AS(model.predict({std::vector<int32_t>(2)}), std::invalid_argument);
  CHECK_THROWS_AS(Model::load(file.path(), 0), std::invalid_argument);
  CHECK(linnet::load_arrays(file.path()).at("w").values == std::vector<float>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("model: what is wrong with a file is said") {
  const File file("");
  const auto fails = [&](const std::string& bytes, const std::string& message) {
    CAPTURE(message);
    file.write(bytes);
    CHECK_THROWS_WITH_AS(Model::load(file.path()), doctest::Contains(message.c_str()), std::runtime_error);
  };
  const auto graph_fails = [&](const std::string& from, const std::string& to, const std::string& message) {
    fails(file_of(replaced(kGraph, from, to)), message);
  };
  fails("", "truncated");
  fails(file_of(kGraph, "model"), "model.export");
  fails(file_of(kGraph, "graph", "2"), "version 2");
  fails(file_of("{"), "not valid JSON");
  fails(file_of("[]"), "the graph must be an object");
  fails(file_of("{}"), "the graph has no \"inputs\"");
  graph_fails("\"relu\"", "\"relux\"", "node 2 (relux): this linnet has no such operation");
  graph_fails("\"relu\"", "\"assign\"", "node 2 (assign) changes variables");
  graph_fails("\"relu\",\"layer\":\"\"", "\"matmul\",\"layer\":\"last\"", "matmul \"last\": takes 2 inputs, got 1");
  graph_fails("[0,2]", "[0,7]", "node 0 (matmul) reads value 7; there are 3 before it");
  graph_fails("[0,2]", "[0,-1]", "reads value -1");
  graph_fails("[0,2]", "[0,\"w\"]", "must be an integer, got a string");
  graph_fails("[0,2]", "[2,2]", "inner sizes");
  graph_fails("\"trans_a\"", "\"trans_c\"", "unknown attribute 'trans_c'");
  graph_fails("false", "[1.5]", "attribute \"trans_a\"");
  graph_fails("false", "\"yes\"", "must be bool");
  graph_fails("false", "9223372036854775807", "is too large: 9223372036854775807");
  graph_fails("false", "[1,-9223372036854775808]", "is too large: -9223372036854775808");
  graph_fails("[-1,2]", "[2,-1]", "wrong shape");
  graph_fails("[-1,2]", "[]", "no batch axis");
  graph_fails("[-1,2]", "[-1,4611686018427387904]", "too large");
  graph_fails("float32", "float16", "unknown type \"float16\"");
  graph_fails("\"value\":5", "\"value\":2", "without a batch axis");
  graph_fails("\"value\":5", "\"value\":6", "reads value 6");
  graph_fails("[{\"name\":\"y\",\"value\":5}]", "[]", "no outputs");
  graph_fails("[\"w\"]", "[\"v\"]", "no tensor \"v\"");
  graph_fails("[\"constants/0\"]", "[\"w\"]", "used twice");
  graph_fails("[\"constants/0\"]", "[]", "reads value");
}

TEST_CASE("model: damaged files are an error or a model, never a crash") {
  const std::string whole = file_of(kGraph);
  const File file(whole);
  linnet::test::Numbers numbers(3);
  int errors = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = whole;
    for (uint64_t k = 1 + numbers.next() % 2; k-- > 0;) {
      char& byte = bytes[numbers.next() % bytes.size()];
      const bool digit = byte >= '0' && byte <= '9';
      byte = static_cast<char>(digit ? '0' + numbers.next() % 10 : 32 + numbers.next() % 95);
    }
    file.write(bytes);
    try {
      const Model model = Model::load(file.path(), 2);
      std::vector<float> x(static_cast<size_t>(model.inputs()[0].shape.size() > 1 ? model.inputs()[0].shape[1] : 1));
      if (!x.empty()) model.predict({x});
    } catch (const std::runtime_error&) {
      ++errors;
    } catch (const std::invalid_argument&) {
      ++errors;
    }
  }
  CHECK(errors > 1000);
}
