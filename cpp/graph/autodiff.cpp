// The reverse walk (autodiff.h): `mark_dependents` finds what lies between targets and loss, `visit` asks each node's
// operation for the gradients of its inputs, `accumulate` adds up where a value is read more than once. Above it is
// what an operation's gradient may ask for (GradientContext). Start at Autodiff::run.
#include "graph/autodiff.h"

#include <algorithm>

namespace linnet {

GradientContext::GradientContext(Graph& graph, int node, std::vector<int> output_gradients)
    : gradients(graph.node(node).inputs.size(), -1),
      graph_(graph),
      node_(node),
      output_gradients_(std::move(output_gradients)),
      needed_(gradients.size(), true) {}

int GradientContext::input(size_t i) const { return graph_.node(node_).inputs[i]; }
int GradientContext::output(size_t i) const { return graph_.node(node_).outputs[i]; }
const Attributes& GradientContext::attributes() const { return graph_.node(node_).attributes; }
const Type& GradientContext::type(int value) const { return graph_.type(value); }
int GradientContext::scalar(float value) { return graph_.scalar(value); }

std::vector<int> GradientContext::add_all(const char* op, const std::vector<int>& inputs, Attributes attributes) {
  const std::string layer = graph_.node(node_).layer;
  return graph_.add(op, inputs, attributes, layer);
}

int GradientContext::add(const char* op, const std::vector<int>& inputs, Attributes attributes) {
  return add_all(op, inputs, std::move(attributes)).front();
}

int GradientContext::reduce_to(int gradient, int input) {
  const Shape target = type(input).shape;
  Shape from = type(gradient).shape;
  if (from == target) return gradient;
  const size_t extra = from.size() - target.size();
  // Runs of broadcast axes, last first, each summed by one node that keeps the axes.
  for (size_t end = from.size(); end > 0;) {
    auto broadcast = [&](size_t axis) { return axis < extra || (target[axis - extra] == 1 && from[axis] != 1); };
    if (!broadcast(end - 1)) {
      --end;
      continue;
    }
    size_t begin = end - 1;
    while (begin > 0 && broadcast(begin - 1)) --begin;
    Ints axes;
    for (size_t axis = begin; axis < end; ++axis) axes.push_back(static_cast<int64_t>(axis));
    gradient = add("sum", {gradient}, {{"axes", axes}, {"keepdims", true}});
    end = begin;
  }
  if (type(gradient).shape != target) gradient = add("reshape", {gradient}, {{"shape", target}});
  return gradient;
}

class Autodiff {
 public:
  Autodiff(Graph& graph, int loss, const std::vector<int>& targets) : graph_(graph), loss_(loss), targets_(targets) {}

  std::vector<int> run(int seed) {
    mark_dependents();
    gradient_.assign(static_cast<size_t>(graph_.value_count()), -1);
    if (depends_[static_cast<size_t>(loss_)]) gradient_[static_cast<size_t>(loss_)] = seed;
    for (int node = last_node_; node >= 0; --node) visit(node);
    std::vector<int> result;
    for (int target : targets_) result.push_back(gradient_[static_cast<size_t>(target)]);
    return result;
  }

 private:
  // depends_[v]: v is a target, or computed from one by differentiable operations.
  void mark_dependents() {
    last_node_ = graph_.value(loss_).node;
    depends_.assign(static_cast<size_t>(graph_.value_count()), false);
    for (int target : targets_) depends_[static_cast<size_t>(target)] = true;
    for (int i = 0; i <= last_node_; ++i) {
      const Node& node = graph_.node(i);
      if (!node.op->gradient) continue;
      const bool reached = std::any_of(node.inputs.begin(), node.inputs.end(),
                                       [&](int id) { return depends_[static_cast<size_t>(id)]; });
      for (int id : node.outputs) {
        if (reached && graph_.type(id).dtype == DType::f32) depends_[static_cast<size_t>(id)] = true;
      }
    }
  }

  void visit(int index) {
    const Node& node = graph_.node(index);
    if (!node.op->gradient) return;
    std::vector<int> output_gradients;
    bool reached = false;
    for (int id : node.outputs) {
      output_gradients.push_back(gradient_[static_cast<size_t>(id)]);
      reached = reached || output_gradients.back() >= 0;
    }
    if (!reached) return;
    GradientContext context(graph_, index, std::move(output_gradients));
    bool any = false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      context.needed_[i] = depends_[static_cast<size_t>(node.inputs[i])];
      any = any || context.needed_[i];
    }
    if (!any) return;
    check_no_epilogue(node);
    const OpDef* op = node.op;
    const std::vector<int> inputs = node.inputs;  // `node` moves when nodes are appended
    op->gradient(context);
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (context.needed_[i] && context.gradients[i] >= 0) accumulate(inputs[i], context.gradients[i]);
    }
  }

  // Bias, residual and activation of a fused node come from the fuser, which runs after this. A caller who set them
  // by hand would get the gradient of the bare operation.
  void check_no_epilogue(const Node& node) const {
    if (!node.op->takes_epilogue && !node.op->takes_residual && !node.op->takes_activation) return;
    for (const char* name : {"bias", "residual"}) {
      const Attribute* given = node.attributes.find(name);
      if (given && std::get<bool>(*given)) {
        throw UnsupportedError(node.label() + ": no gradient with the attribute '" + name +
                               "'; add it as a node of its own");
      }
    }
    const Attribute* activation = node.attributes.find("activation");
    if (activation && std::get<std::string>(*activation) != "none") {
      throw UnsupportedError(node.label() +
                             ": no gradient with the attribute 'activation'; add it as a node of its own");
    }
  }

  void accumulate(int value, int gradient) {
    int& sum = gradient_[static_cast<size_t>(value)];
    sum = sum < 0 ? gradient : graph_.add("add", {sum, gradient}, {}).front();
  }

  Graph& graph_;
  int loss_;
  const std::vector<int>& targets_;
  int last_node_ = -1;
  std::vector<bool> depends_;
  std::vector<int> gradient_;  // by value: the value that holds its gradient so far
};

std::vector<int> append_gradients(Graph& graph, int loss, const std::vector<int>& targets, int seed) {
  const auto shown = [&](int id) {
    return std::string(name_of(graph.type(id).dtype)) + to_string(graph.type(id).shape);
  };
  if (graph.type(loss).dtype != DType::f32 || (seed < 0 && !graph.type(loss).shape.empty())) {
    throw std::invalid_argument("gradients: the loss must be a float32 scalar, got " + shown(loss));
  }
  if (seed >= 0 && (graph.type(seed).dtype != DType::f32 || graph.type(seed).shape != graph.type(loss).shape)) {
    throw std::invalid_argument("gradients: the seed must be like the value it is the gradient of, " + shown(loss) +
                                "; got " + shown(seed));
  }
  for (int target : targets) graph.value(target);
  return Autodiff(graph, loss, targets).run(seed < 0 ? graph.scalar(1.0f) : seed);
}

}  // namespace linnet
