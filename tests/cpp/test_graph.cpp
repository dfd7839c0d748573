// Recording: what `add` checks, and the edits that rewrites use.
#include <cstring>

#include "graph_test.h"

using namespace linnet;
using namespace linnet::test;

TEST_CASE("graph: a failed add leaves the graph as it was") {
  Net net;
  const int x = net.input({-1, 3});
  const std::string before = net.graph.dump();
  const int values = net.graph.value_count();
  CHECK_THROWS_AS(net.add("matmul", {x, x}), ShapeError);
  CHECK_THROWS_AS(net.add("nonsense", {x}), std::invalid_argument);
  CHECK_THROWS_AS(net.add("relu", {x + 1}), std::invalid_argument);
  CHECK_THROWS_AS(net.add("relu", {-1}), std::invalid_argument);
  CHECK_THROWS_AS(net.add("assign", {x, x}), ShapeError);
  CHECK(net.graph.dump() == before);
  CHECK(net.graph.value_count() == values);
}

TEST_CASE("graph: scalars are shared by their bits") {
  Graph graph;
  const int one = graph.scalar(1.0f), zero = graph.scalar(0.0f), minus = graph.scalar(-0.0f), nan = graph.scalar(NAN);
  CHECK(graph.scalar(1.0f) == one);
  CHECK(zero != minus);
  CHECK(graph.scalar(NAN) == nan);
}

TEST_CASE("graph: constants are copied") {
  Graph graph;
  float data[2] = {1.0f, 2.0f};
  const int id = graph.constant(f32({2}), data);
  data[0] = 9.0f;
  float kept;
  std::memcpy(&kept, graph.value(id).data.get(), sizeof kept);
  CHECK(kept == 1.0f);
}

TEST_CASE("graph: value numbers are checked") {
  Graph graph;
  graph.scalar(1.0f);
  CHECK_NOTHROW(graph.type(0));
  CHECK_THROWS_AS(graph.type(1), std::invalid_argument);
  CHECK_THROWS_AS(graph.type(-1), std::invalid_argument);
}

TEST_CASE("graph: aliases, consumers and readers") {
  Net net;
  const int flat = net.variable({12});
  const int view = net.add("view", {flat}, {{"offset", int64_t{2}}, {"shape", Ints{2, 3}}});
  const int shaped = net.add("reshape", {view}, {{"shape", Ints{6}}});
  const int y = net.add("sin", {shaped}), z = net.add("add", {view, view});
  CHECK(net.graph.alias_root(shaped) == flat);
  CHECK(net.graph.alias_root(y) == y);
  CHECK(net.graph.consumers(view).size() == 2);
  CHECK(net.graph.use_count(view) == 3);
  CHECK(net.graph.readers(flat) == std::vector<int>{net.graph.value(y).node, net.graph.value(z).node});
}

TEST_CASE("graph: replace and remove_unused") {
  Net net;
  const int x = net.input({3}), v = net.variable({3});
  const int a = net.add("sin", {x}), b = net.add("cos", {x}), c = net.add("exp", {a});
  net.assign(v, a);
  net.graph.outputs = {c, a};
  net.graph.replace(a, b);
  CHECK(net.graph.outputs == std::vector<int>{c, b});
  CHECK(net.graph.use_count(a) == 0);
  CHECK(net.graph.use_count(b) == 3);
  net.graph.remove_unused({});
  CHECK(net.graph.node(net.graph.value(a).node).dead);
  CHECK(net.graph.node(net.graph.value(c).node).dead);
  CHECK_FALSE(net.graph.node(net.graph.value(b).node).dead);  // the assignment reads it
}

TEST_CASE("graph: labels name the layer") {
  Net net;
  const int x = net.input({3});
  net.add("relu", {x});
  CHECK(net.graph.node(0).label() == "relu \"layer\"");
  net.graph.add("relu", {x}, {});
  CHECK(net.graph.node(1).label() == "relu");
}

TEST_CASE("graph: every operation is complete") {
  for (const OpDef* op : all_ops()) {
    CAPTURE(op->name);
    CHECK(find_op(op->name) == op);
    CHECK((op->infer != nullptr));
    const int ways = op->pointwise() + op->alias + (op->lower != nullptr);
    CHECK(ways == 1);
    if (op->effect()) CHECK((op->gradient == nullptr));
    if (op->takes_epilogue || op->takes_activation) {
      bool has = false;
      for (const AttributeSpec& spec : op->attributes) has = has || std::string(spec.name) == "activation";
      CHECK(has);
    }
  }
}
