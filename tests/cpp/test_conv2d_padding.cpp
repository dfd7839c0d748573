// Pads that become a convolution's own padding, forward and backward, and those that must stay.
#include "graph_test.h"

using namespace linnet;
using namespace linnet::test;

namespace {

std::string joined(const Launches& launches) {
  std::string result;
  for (const std::string& launch : launches) result += (result.empty() ? "" : " ") + launch;
  return result;
}

Attributes around(const Ints& before, const Ints& after, double value = 0.0) {
  return {{"before", before}, {"after", after}, {"value", value}};
}

}  // namespace

TEST_CASE("padding: a convolution and both its gradients take it") {
  Net net;
  const int x = net.variable({2, 9, 8, 3}), k = net.variable({3, 5, 3, 4});
  SUBCASE("alone") {
    const int padded = net.add("pad", {x}, around({0, 1, 2, 0}, {0, 2, 0, 0}));
    const int loss = net.sum(net.add("square", {net.add("conv2d", {padded, k}, {{"strides", Ints{2, 1}}})}));
    const std::vector<int> gradients = append_gradients(net.graph, loss, {x, k});
    // x is a variable here, which an effect could write: forward keeps its pad, the gradient loses its slice.
    CHECK(joined(fused(net, {loss, gradients[0], gradients[1]})).find("slice") == std::string::npos);
  }
  SUBCASE("on top of its own") {
    const int image = net.add("relu", {x});
    const int padded = net.add("pad", {image}, around({0, 1, 1, 0}, {0, 1, 0, 0}));
    const int y = net.add("conv2d", {padded, k}, {{"padding", Ints{1, 0, 2, 1}}});
    const int loss = net.sum(net.add("square", {y}));
    const std::vector<int> gradients = append_gradients(net.graph, loss, {x, k});
    const std::string launches = joined(fused(net, {loss, gradients[0], gradients[1]}));
    CHECK(launches.find("slice") == std::string::npos);
    CHECK(launches.find("pad ") == std::string::npos);
  }
}

TEST_CASE("padding: what stays a pad") {
  Net net;
  const int x = net.input({-1, 7, 7, 3}), k = net.variable({3, 3, 3, 4});
  int y = -1;
  SUBCASE("as wide as the window") {
    y = net.add("conv2d", {net.add("pad", {x}, around({0, 3, 0, 0}, {0, 0, 0, 0})), k});
  }
  SUBCASE("another value than zero") {
    y = net.add("conv2d", {net.add("pad", {x}, around({0, 1, 1, 0}, {0, 1, 1, 0}, 1.0)), k});
  }
  SUBCASE("channels") {
    const int wide = net.variable({3, 3, 4, 2});
    y = net.add("conv2d", {net.add("pad", {x}, around({0, 0, 0, 1}, {0, 0, 0, 0})), wide});
  }
  CHECK(joined(fused(net, {y})) == "pad conv2d");
}

TEST_CASE("padding: a pad that somebody else reads stays for them") {
  Net net;
  const int x = net.input({-1, 7, 7, 3}), k = net.variable({3, 3, 3, 4});
  const int padded = net.add("pad", {x}, around({0, 1, 1, 0}, {0, 1, 1, 0}));
  const int y = net.add("conv2d", {padded, k});
  CHECK(joined(fused(net, {y, padded})) == "pad conv2d");
}
