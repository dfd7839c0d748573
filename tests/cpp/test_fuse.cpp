// What fuses, what must not, and that the results stay: every case compares the launches of the plan, and the numbers
// of a fused run with those of the plainest one (graph_test.h).
#include "graph/pointwise.h"
#include "graph_test.h"

using namespace linnet;
using namespace linnet::test;

namespace {

// Launch lists as doctest can print them.
std::string text(const Launches& launches) {
  std::string result;
  for (const std::string& launch : launches) result += (result.empty() ? "" : " ") + launch;
  return result;
}

#define CHECK_LAUNCHES(net, outputs, expected) CHECK(text(fused(net, outputs)) == expected)

}  // namespace

TEST_CASE("fuse: bias, residual and activation become the product's epilogue") {
  Net net;
  const int x = net.input({-1, 5}), w = net.variable({5, 7}), b = net.variable({7}), r = net.input({-1, 7});
  const int y = net.add("matmul", {x, w});
  const int biased = net.add("add", {b, y});
  SUBCASE("bias") { CHECK_LAUNCHES(net, {biased}, "matmul"); }
  SUBCASE("bias, residual, tanh") {
    const int out = net.add("tanh", {net.add("add", {r, biased})});
    CHECK_LAUNCHES(net, {out}, "matmul");
  }
  SUBCASE("residual, then bias: the bias stays behind, since it comes first in the epilogue") {
    const int out = net.add("add", {net.add("add", {y, r}), b});
    CHECK_LAUNCHES(net, {out}, "matmul pointwise");
  }
  SUBCASE("nothing follows an activation") {
    const int out = net.add("sigmoid", {net.add("relu", {biased})});
    CHECK_LAUNCHES(net, {out}, "matmul pointwise");
  }
  SUBCASE("an activation without a name in the kernel stays") {
    const int out = net.add("erf", {biased});
    CHECK_LAUNCHES(net, {out}, "matmul pointwise");
  }
  SUBCASE("a second residual stays") {
    const int out = net.add("add", {net.add("add", {biased, r}), r});
    CHECK_LAUNCHES(net, {out}, "matmul pointwise");
  }
}

TEST_CASE("fuse: an epilogue that would lose a value somebody reads") {
  Net net;
  const int x = net.input({-1, 5}), w = net.variable({5, 5}), b = net.variable({5});
  const int y = net.add("matmul", {x, w});
  const int biased = net.add("add", {y, b});
  const int out = net.add("relu", {biased});
  SUBCASE("an output") { CHECK_LAUNCHES(net, (std::vector<int>{y, out}), "matmul pointwise"); }
  SUBCASE("read by another product") {
    const int other = net.add("matmul", {biased, w});
    CHECK_LAUNCHES(net, (std::vector<int>{out, other}), "matmul pointwise matmul");
  }
  SUBCASE("added to itself") {
    const int doubled = net.add("add", {biased, biased});
    CHECK_LAUNCHES(net, {doubled}, "matmul pointwise");
  }
  SUBCASE("read through an alias") {
    const int stopped = net.add("stop_gradient", {biased});
    const int product = net.add("multiply", {out, stopped});
    CHECK_LAUNCHES(net, {product}, "matmul pointwise");
  }
}

TEST_CASE("fuse: operands that do not fit an epilogue") {
  Net net;
  const int x = net.input({-1, 5}), w = net.variable({5, 7}), scalar = net.variable({}), row = net.variable({1, 7});
  const int column = net.input({-1, 1}), y = net.add("matmul", {x, w});
  int out = -1;
  SUBCASE("a scalar") { out = net.add("add", {y, scalar}); }
  SUBCASE("a row of rank 2") { out = net.add("add", {y, row}); }
  SUBCASE("a column") { out = net.add("add", {y, column}); }
  SUBCASE("another operation") { out = net.add("subtract", {y, net.variable({7})}); }
  CHECK_LAUNCHES(net, {out}, "matmul pointwise");
}

TEST_CASE("fuse: a bias that is computed later, or written in between, stays out of the epilogue") {
  Net net;
  const int x = net.input({-1, 5}), w = net.variable({5, 7}), b = net.variable({7});
  const int y = net.add("matmul", {x, w});
  SUBCASE("later") {
    const int late = net.add("max", {net.add("square", {w})}, {{"axes", Ints{0}}});
    CHECK_LAUNCHES(net, {net.add("add", {y, late})}, "matmul pointwise max pointwise");
  }
  SUBCASE("from the product itself") {
    const int mean = net.add("mean", {y}, {{"axes", Ints{0}}});
    CHECK_LAUNCHES(net, {net.add("add", {y, mean})}, "matmul mean pointwise");
  }
  SUBCASE("assigned") {
    net.assign(b, net.input({7}));
    CHECK_LAUNCHES(net, {net.add("add", {y, b})}, "matmul assign pointwise");
  }
  SUBCASE("assigned through a view") {
    const int flat = net.variable({20});
    const int part = net.add("view", {flat}, {{"offset", int64_t{4}}, {"shape", Ints{7}}});
    net.sgd(part, net.input({7}));
    CHECK_LAUNCHES(net, {net.add("add", {y, part})}, "update matmul pointwise");
  }
}

TEST_CASE("fuse: convolutions and batch normalisation take what they can") {
  Net net;
  const int x = net.input({-1, 4, 4, 2}), k = net.variable({3, 3, 2, 5}), b = net.variable({5});
  const int y = net.add("add", {net.add("conv2d", {x, k}, {{"padding", Ints{1, 1, 1, 1}}}), b});
  SUBCASE("conv2d") { CHECK_LAUNCHES(net, {net.add("relu", {y})}, "conv2d"); }
  const int normed = net.add_all("batch_norm", {y, net.variable({5}), net.variable({5})})[0];
  SUBCASE("batch_norm takes an activation") { CHECK_LAUNCHES(net, {net.add("relu", {normed})}, "conv2d batch_norm"); }
  SUBCASE("batch_norm takes a residual") {
    CHECK_LAUNCHES(net, {net.add("relu", {net.add("add", {normed, y})})}, "conv2d batch_norm");
  }
  SUBCASE("but no bias") { CHECK_LAUNCHES(net, {net.add("add", {normed, b})}, "conv2d batch_norm pointwise"); }
  SUBCASE("and no residual that comes later") {
    const int later = net.add("conv2d", {x, k}, {{"padding", Ints{1, 1, 1, 1}}});
    CHECK_LAUNCHES(net, {net.add("sin", {net.add("add", {normed, later})})}, "conv2d batch_norm conv2d pointwise");
  }
}

TEST_CASE("fuse: the gradient of batch normalisation goes through a relu on its own") {
  Net net;
  const int x = net.input({-1, 3, 5}), gamma = net.variable({5}), beta = net.variable({5});
  const int before = net.add("sin", {x});
  const int normed = net.add_all("batch_norm", {x, gamma, beta})[0];
  const auto gradients = [&](int y, const std::vector<int>& of) {
    return append_gradients(net.graph, net.sum(net.add("sin", {y})), of);  // cos(y) is a pointwise launch
  };
  SUBCASE("sign from x") {
    CHECK_LAUNCHES(net, gradients(net.add("relu", {normed}), {x, gamma, beta}),
                   "batch_norm broadcast_to pointwise batch_norm_grad");
  }
  SUBCASE("sign from y, with a residual that wants no gradient") {
    const int y = net.add("relu", {net.add("add", {normed, before})});
    CHECK_LAUNCHES(net, gradients(y, {gamma}), "pointwise batch_norm broadcast_to pointwise batch_norm_grad");
  }
  SUBCASE("and one that does") {
    const int y = net.add("relu", {net.add("add", {normed, before})});
    CHECK_LAUNCHES(net, gradients(y, {x, gamma}),
                   "pointwise batch_norm broadcast_to pointwise batch_norm_grad pointwise");
  }
  SUBCASE("the residual is another normalisation") {
    const int other = net.add_all("batch_norm", {before, beta, gamma})[0];
    const int y = net.add("relu", {net.add("add", {normed, other})});
    CHECK_LAUNCHES(net, gradients(y, {gamma}),
                   "pointwise batch_norm batch_norm broadcast_to pointwise batch_norm_grad batch_norm_grad pointwise");
  }
  SUBCASE("what flows back is a sum: a block of a residual network") {
    const int y = net.add("relu", {net.add("add", {normed, before})});
    const int product = net.add("matmul", {y, net.variable({5, 5})});
    CHECK_LAUNCHES(net, gradients(net.add("relu", {net.add("add", {product, y})}), {x, gamma}),
                   "pointwise batch_norm matmul broadcast_to pointwise matmul batch_norm_grad pointwise");
  }
  SUBCASE("and where the sum is no epilogue, either") {
    const int image = net.input({-1, 4, 4, 5}), kernel = net.variable({3, 3, 5, 5});
    const Attributes same = {{"padding", Ints{1, 1, 1, 1}}};
    const int residual = net.add("conv2d", {image, kernel}, same);
    const int y = net.add("relu", {net.add("add", {net.add_all("batch_norm", {image, gamma, beta})[0], residual})});
    const int out = net.add("relu", {net.add("add", {net.add("conv2d", {y, kernel}, same), y})});
    CHECK_LAUNCHES(net, gradients(out, {gamma}),
                   "conv2d batch_norm conv2d broadcast_to pointwise conv2d_grad_input batch_norm_grad");
  }
  SUBCASE("beta is assigned in between: the sign comes from y") {
    const int y = net.add("relu", {normed});
    net.assign(beta, net.input({5}));
    CHECK_LAUNCHES(net, gradients(y, {x, gamma}), "batch_norm assign broadcast_to pointwise batch_norm_grad");
  }
  SUBCASE("another activation") {
    CHECK_LAUNCHES(net, gradients(net.add("tanh", {normed}), {x}),
                   "batch_norm broadcast_to pointwise pointwise batch_norm_grad");
  }
}

TEST_CASE("fuse: chains of pointwise nodes are one launch") {
  Net net;
  const int x = net.input({-1, 6}), row = net.input({6}), column = net.input({-1, 1});
  SUBCASE("a line") {
    int y = x;
    for (const char* op : {"sin", "exp", "negative", "tanh"}) y = net.add(op, {y});
    CHECK_LAUNCHES(net, {y}, "pointwise");
  }
  SUBCASE("a diamond with broadcasting operands, and its middle as an output") {
    const int a = net.add("multiply", {x, row});
    const int left = net.add("sin", {a}), right = net.add("add", {a, column});
    const int y = net.add("multiply", {left, right});
    CHECK_LAUNCHES(net, (std::vector<int>{y, left}), "pointwise");
  }
  SUBCASE("two sources that meet") {
    const int a = net.add("sin", {x}), b = net.add("cos", {net.input({-1, 6})});
    CHECK_LAUNCHES(net, {net.add("add", {a, b})}, "pointwise pointwise");  // the first group is joined, b is its input
  }
  SUBCASE("another shape is another launch") {
    const int a = net.add("sin", {row});
    CHECK_LAUNCHES(net, {net.add("multiply", {x, a})}, "pointwise pointwise");
  }
  SUBCASE("dropout and random numbers join") {
    const int a = net.add("dropout", {net.add("sin", {x})}, {{"rate", 0.5}, {"stream", int64_t{0}}});
    const int noise = net.add("random_normal", {}, {{"shape", Ints{-1, 6}}, {"stream", int64_t{1}}});
    const int y = net.add("add", {a, noise});
    const Launches launches = fused(net, {y});
    CHECK(launches.size() <= 2);
    for (const std::string& launch : launches) CHECK(launch == "pointwise");
  }
}

TEST_CASE("fuse: a chain longer than a program is cut, not refused") {
  Net net;
  int y = net.input({-1, 6});
  for (int i = 0; i < 200; ++i) y = net.add(i % 2 ? "sin" : "cos", {y});
  for (int i = 0; i < 40; ++i)
    y = net.add("multiply", {y, net.add("add", {net.input({-1, 6}), net.graph.scalar(1.0f)})});
  const Launches launches = fused(net, {y});
  CHECK(launches.size() > 1);
  CHECK(launches.size() < 80);
}

TEST_CASE("fuse: a minimum of a maximum is one instruction, unless somebody else reads the maximum") {
  Net net;
  const int x = net.input({-1, 6});
  const int above = net.add("maximum", {x, net.graph.scalar(0.0f)});
  const int y = net.add("minimum", {above, net.graph.scalar(6.0f)});
  const int sum = net.add("add", {above, y});
  const auto program = [&](const std::vector<int>& members, const std::vector<int>& outputs) {
    ProgramBuilder builder(net.graph);
    for (int value : members) builder.append(net.graph.node(net.graph.value(value).node));
    return to_string(*builder.finish({-1, 6}, outputs));
  };
  CHECK(program({above, y}, {y}) == "r1=constant 0; r2=constant 6; r3=clip r0,r1,r2");
  CHECK(program({above, y}, {above, y}).find("clip") == std::string::npos);
  CHECK(program({above, y, sum}, {sum}).find("clip") == std::string::npos);
}

TEST_CASE("fuse: up, down, and the third node in between") {
  Net net;
  const int x = net.input({-1, 5}), w = net.variable({5, 5});
  const int a = net.add("sin", {x});
  SUBCASE("up: an independent product in between does not stop") {
    const int product = net.add("matmul", {x, w});
    const int y = net.add("cos", {a});
    CHECK_LAUNCHES(net, (std::vector<int>{product, y}), "pointwise matmul");
  }
  SUBCASE("down: the group waits for an operand from the product") {
    const int product = net.add("sum", {net.add("matmul", {x, w})}, {{"axes", Ints{1}}, {"keepdims", true}});
    const int y = net.add("multiply", {a, product});
    CHECK_LAUNCHES(net, {y}, "matmul sum pointwise");
  }
  SUBCASE("cycle: the product reads the group, the group would read the product") {
    const int product = net.add("matmul", {a, w});
    const int total = net.add("sum", {product}, {{"axes", Ints{1}}, {"keepdims", true}});
    const int y = net.add("multiply", {a, total});
    CHECK_LAUNCHES(net, {y}, "pointwise matmul sum pointwise");
  }
  SUBCASE("cycle through another group") {
    const int total = net.add("sum", {a}, {{"axes", Ints{1}}, {"keepdims", true}});
    const int scaled = net.add("exp", {total});
    const int y = net.add("divide", {a, scaled});
    CHECK_LAUNCHES(net, {y}, "pointwise sum pointwise pointwise");
  }
}

TEST_CASE("fuse: a result that comes back through an alias") {
  Net net;
  const int x = net.input({-1, 6});
  const int v = net.add("sigmoid", {x});
  SUBCASE("stop_gradient") {
    const int y = net.add("multiply", {v, net.add("stop_gradient", {v})});
    CHECK_LAUNCHES(net, {y}, "pointwise pointwise");
  }
  SUBCASE("two reshapes") {
    const int flat = net.add("reshape", {v}, {{"shape", Ints{-6}}});
    const int back = net.add("reshape", {flat}, {{"shape", Ints{-1, 6}}});
    CHECK_LAUNCHES(net, {net.add("subtract", {v, back})}, "pointwise pointwise");
  }
}

TEST_CASE("fuse: assignments between pointwise nodes") {
  Net net;
  const int v = net.variable({6}), x = net.input({6});
  const int before = net.add("add", {v, x});
  net.assign(v, x);
  const int after = net.add("add", {v, before});
  SUBCASE("the read after does not move up, the read before does not move down") {
    CHECK_LAUNCHES(net, (std::vector<int>{before, after}), "pointwise assign pointwise");
  }
  SUBCASE("another variable may be passed") {
    const int other = net.variable({6});
    const int start = net.add("sin", {x});
    net.assign(other, x);
    const int end = net.add("cos", {start});
    const Launches launches = fused(net, {end});
    CHECK(text(launches) == "assign pointwise assign");  // `v` is still assigned; its readers are gone
  }
  SUBCASE("what an assignment stores is there before it") {
    const int next = net.add("negative", {after});
    net.assign(v, next);
    const int last = net.add("multiply", {net.add("add", {next, v}), after});
    CHECK_LAUNCHES(net, (std::vector<int>{before, last}), "pointwise assign pointwise assign pointwise");
  }
}

TEST_CASE("fuse: nodes nobody needs do not run, effects always do") {
  Net net;
  const int x = net.input({6}), v = net.variable({6});
  net.add("exp", {net.add("sin", {x})});
  const int y = net.add("cos", {x});
  CHECK_LAUNCHES(net, {y}, "pointwise");
  net.assign(v, net.add("tanh", {x}));
  CHECK_LAUNCHES(net, {}, "pointwise assign");
}

TEST_CASE("fuse: the bias gradient joins the weight gradient, relu_grad moves behind the pool") {
  Net net;
  const int x = net.input({-1, 6, 6, 2}), k = net.variable({3, 3, 2, 4}), b = net.variable({4});
  const int y = net.add("relu", {net.add("add", {net.add("conv2d", {x, k}), b})});
  const int p = net.add("max_pool2d", {y}, {{"pool", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  const int loss = net.sum(net.add("square", {p}));
  const std::vector<int> gradients = append_gradients(net.graph, loss, {k, b});
  const Launches launches = fused(net, {loss, gradients[0], gradients[1]});
  CHECK(text(launches).find("max_pool2d_grad conv2d_grad_weight") != std::string::npos);
  int sums = 0;
  for (const std::string& launch : launches) sums += launch == "sum";
  CHECK(sums == 1);  // the loss
}

TEST_CASE("fuse: the gradient of a maximum is written without reading x, or runs with what follows it") {
  Net net;
  const Ints axes = {1, 2};
  const int x = net.input({-1, 16, 16, 2}), k = net.variable({3, 3, 2, 4});
  const auto gradient = [&](int before, Attributes attributes) {
    const int loss = net.sum(net.add("square", {net.add("max", {before}, std::move(attributes))}));
    return append_gradients(net.graph, loss, {k})[0];
  };
  const int y = net.add("conv2d", {x, k});
  SUBCASE("after a convolution") {
    for (const bool keepdims : {false, true})
      CHECK_LAUNCHES(net, {gradient(y, {{"axes", axes}, {"keepdims", keepdims}})},
                     "conv2d max broadcast_to pointwise extremum_grad conv2d_grad_weight");
  }
  SUBCASE("a relu between them: its gradient is part of the small launch") {
    CHECK_LAUNCHES(net, {gradient(net.add("relu", {y}), {{"axes", axes}})},
                   "conv2d max broadcast_to pointwise extremum_grad conv2d_grad_weight");
  }
  SUBCASE("another function between them") {
    CHECK_LAUNCHES(net, {gradient(net.add("tanh", {y}), {{"axes", axes}})},
                   "conv2d max broadcast_to pointwise pointwise pointwise conv2d_grad_weight");
  }
  SUBCASE("few elements") {
    const int flat = net.add("reshape", {y}, {{"shape", Ints{-14, 56}}});
    CHECK_LAUNCHES(net, {gradient(flat, {{"axes", Ints{1}}})},
                   "conv2d max broadcast_to pointwise pointwise conv2d_grad_weight");
  }
}

TEST_CASE("fuse: a sum that is read before the weight gradient runs stays a sum") {
  Net net;
  const int x = net.input({-1, 3, 3, 2}), dy = net.input({-1, 2, 2, 4});
  const int dbias = net.add("sum", {dy}, {{"axes", Ints{0, 1, 2}}});
  int used = dbias;
  SUBCASE("at once") { used = net.add("max", {dbias}, {{"axes", Ints{0}}}); }
  SUBCASE("through an alias") {
    used = net.add("max", {net.add("reshape", {dbias}, {{"shape", Ints{2, 2}}})}, {{"axes", Ints{0}}});
  }
  const int dkernel = net.add("conv2d_grad_weight", {x, dy}, {{"shape", Ints{2, 2, 2, 4}}});
  CHECK_LAUNCHES(net, (std::vector<int>{used, dkernel}), "sum max conv2d_grad_weight");
}
