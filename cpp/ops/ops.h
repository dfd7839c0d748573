// One list of operations per family; registry.cpp joins them. Each family has its own file with the same name.
#pragma once
#include <vector>

#include "graph/op.h"

namespace linnet {

using OpList = std::vector<OpDef>;

const OpList& pointwise_ops();
const OpList& random_ops();
const OpList& reshape_ops();
const OpList& strided_ops();
const OpList& matmul_ops();
const OpList& conv2d_ops();
const OpList& conv3d_ops();
const OpList& pool2d_ops();
const OpList& reduce_ops();
const OpList& softmax_ops();
const OpList& cross_entropy_ops();
const OpList& batch_norm_ops();
const OpList& group_norm_ops();
const OpList& embedding_ops();
const OpList& affine_transform_ops();
const OpList& resize_ops();
const OpList& recurrent_ops();
const OpList& static_batch_ops();
const OpList& sort_ops();
const OpList& cumulative_sum_ops();
const OpList& optimizer_ops();

// The activation a node's "activation" attribute names; "none", "relu", "tanh" or "sigmoid".
Activation activation_named(const std::string& name);

// Epilogue operands of a node whose own inputs are the first `own`: bias, then residual, as its attributes say.
struct EpilogueInputs {
  int bias = -1, residual = -1;
  Activation activation = Activation::none;
  Epilogue at(const Run& run) const {
    return {bias < 0 ? nullptr : run.f32(bias), residual < 0 ? nullptr : run.f32(residual), activation};
  }
};
EpilogueInputs epilogue_inputs(const Node& node, size_t own);

// The attributes every operation with an epilogue has. The fuser sets them; a caller may, too.
std::vector<AttributeSpec> with_epilogue(std::vector<AttributeSpec> own);

// Checks bias and residual of an operation with an epilogue whose output has this shape.
void infer_epilogue(const InferContext& context, size_t own, const Shape& output);

}  // namespace linnet
