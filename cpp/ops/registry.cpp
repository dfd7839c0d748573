// All operations, family by family. A new operation joins its family's list; a new family adds one line here.
#include <map>
#include <string>

#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {

const std::vector<const OpDef*>& all_ops() {
  static const std::vector<const OpDef*> ops = [] {
    std::vector<const OpDef*> list;
    for (const OpList* family :
         {&pointwise_ops(),     &random_ops(),     &reshape_ops(),        &strided_ops(),   &matmul_ops(),
          &conv2d_ops(),        &conv3d_ops(),     &pool2d_ops(),         &reduce_ops(),    &softmax_ops(),
          &cross_entropy_ops(), &batch_norm_ops(), &group_norm_ops(),     &embedding_ops(), &affine_transform_ops(),
          &resize_ops(),        &sort_ops(),       &cumulative_sum_ops(), &recurrent_ops(), &static_batch_ops(),
          &optimizer_ops()}) {
      for (const OpDef& op : *family) list.push_back(&op);
    }
    return list;
  }();
  return ops;
}

const OpDef* find_op(const std::string& name) {
  static const std::map<std::string, const OpDef*> by_name = [] {
    std::map<std::string, const OpDef*> index;
    for (const OpDef* op : all_ops()) index.emplace(op->name, op);
    return index;
  }();
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

Activation activation_named(const std::string& name) {
  if (name == "none") return Activation::none;
  if (name == "relu") return Activation::relu;
  if (name == "tanh") return Activation::tanh;
  if (name == "sigmoid") return Activation::sigmoid;
  throw std::invalid_argument("unknown activation '" + name + "'; a kernel applies none, relu, tanh or sigmoid");
}

EpilogueInputs epilogue_inputs(const Node& node, size_t own) {
  EpilogueInputs result;
  if (node.attributes.flag("bias")) result.bias = node.inputs[own++];
  if (node.attributes.flag("residual")) result.residual = node.inputs[own];
  result.activation = activation_named(node.attributes.text("activation"));
  return result;
}

std::vector<AttributeSpec> with_epilogue(std::vector<AttributeSpec> own) {
  own.push_back({"bias", false});
  own.push_back({"residual", false});
  own.push_back({"activation", std::string("none")});
  return own;
}

void infer_epilogue(const InferContext& context, size_t own, const Shape& output) {
  activation_named(context.attributes.text("activation"));
  if (context.attributes.flag("bias")) {
    const Shape& bias = context.inputs[own++].shape;
    if (bias != Shape{output.back()})
      context.fail("bias " + to_string(bias) + " does not fit the output " + to_string(output));
  }
  if (context.attributes.flag("residual") && context.inputs[own].shape != output) {
    context.fail("residual " + to_string(context.inputs[own].shape) + " does not fit the output " + to_string(output));
  }
}

}  // namespace linnet
