// A pad in front of a convolution becomes the convolution's own padding, which costs nothing: no padded copy of the
// image is written, kept for backward and read again.
//
//   conv2d(pad(x), kernel)                 -> conv2d(x, kernel) with more padding
//   conv2d_grad_weight(pad(x), dy)         -> the same
//   slice(conv2d_grad_input(dy, kernel))   -> conv2d_grad_input of the part that the slice keeps
//
// Autodiff has made the slice from the pad, so all three are found independently and leave nothing of the pad behind.
// Padding as wide as the window or wider stays a pad: the kernels need not know windows that see nothing of the image.
#include <string>

#include "graph/graph.h"
#include "ops/conv2d_padding.h"

namespace linnet {
namespace {

// The padding of a convolution with `more` ({top, bottom, left, right}) around it; empty when that is too wide.
Ints widened(const Attributes& attributes, const Ints& more, const Shape& kernel) {
  Ints padding = attributes.ints("padding");
  const Ints& dilation = attributes.ints("dilation");
  for (size_t i = 0; i < 4; ++i) {
    padding[i] += more[i];
    if (padding[i] > (kernel[i / 2] - 1) * dilation[i / 2]) return {};
  }
  return padding;
}

}  // namespace

bool take_padding(Graph& graph, int index, const Shape& kernel) {
  const Node& node = graph.node(index);
  const Value& padded = graph.value(node.inputs[0]);
  if (padded.kind != ValueKind::computed) return false;
  const Node& pad = graph.node(padded.node);
  if (std::string(pad.op->name) != "pad" || pad.attributes.number("value") != 0.0) return false;
  const Ints& before = pad.attributes.ints("before");
  const Ints& after = pad.attributes.ints("after");
  if (before[0] || after[0] || before[3] || after[3]) return false;
  const int x = pad.inputs[0];
  // A variable could be written between the pad and here.
  if (graph.value(graph.alias_root(x)).kind == ValueKind::variable) return false;
  const Ints padding = widened(node.attributes, {before[1], after[1], before[2], after[2]}, kernel);
  if (padding.empty()) return false;
  Node& target = graph.node(index);
  target.inputs[0] = x;
  target.attributes.set("padding", padding);
  return true;
}

bool take_slice(Graph& graph, int index, const Shape& kernel) {
  const Node& node = graph.node(index);
  const int dx = node.outputs[0];
  if (graph.use_count(dx) != 1) return false;
  const std::vector<int> readers = graph.consumers(dx);
  if (readers.empty()) return false;
  const Node& slice = graph.node(readers[0]);
  if (std::string(slice.op->name) != "slice" || slice.attributes.ints("step") != Ints{1, 1, 1, 1}) return false;
  const Shape& whole = graph.type(dx).shape;
  const Ints& begin = slice.attributes.ints("begin");
  const Ints& end = slice.attributes.ints("end");
  if (begin[0] != 0 || end[0] != whole[0] || begin[3] != 0 || end[3] != whole[3]) return false;
  const Ints cut = {begin[1], whole[1] - end[1], begin[2], whole[2] - end[2]};
  const Ints padding = widened(node.attributes, cut, kernel);
  if (padding.empty()) return false;
  const int kept = slice.outputs[0];
  graph.node(readers[0]).dead = true;
  Node& target = graph.node(index);
  target.attributes.set("padding", padding);
  target.attributes.set("shape", graph.type(kept).shape);
  graph.take_output(index, 0, kept);
  return true;
}

}  // namespace linnet
