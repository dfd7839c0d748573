// Operations that write variables: assign, and the optimizers with a kernel of their own. Every other optimizer is
// composed of pointwise operations and assign.
#include <cmath>
#include <cstring>

#include "graph/graph.h"
#include "ops/ops.h"

namespace linnet {
namespace {

void expect_same(const InferContext& context, std::initializer_list<size_t> inputs) {
  const Shape& first = context.inputs[*inputs.begin()].shape;
  for (size_t i : inputs) {
    context.expect_float(i);
    if (context.inputs[i].shape != first) {
      context.fail("input " + std::to_string(i) + " has shape " + to_string(context.inputs[i].shape) + ", expected " +
                   to_string(first));
    }
  }
}

void expect_scalar(const InferContext& context, size_t input) {
  context.expect_float(input);
  if (!context.inputs[input].shape.empty()) {
    context.fail("input " + std::to_string(input) + " must be a scalar, got " + to_string(context.inputs[input].shape));
  }
}

// ---- assign: inputs variable, value
void infer_assign(InferContext& context) {
  context.expect_inputs(2);
  const Type& variable = context.inputs[0];
  const Type& value = context.inputs[1];
  if (variable.shape != value.shape || variable.dtype != value.dtype) {
    context.fail(std::string("a variable of ") + name_of(variable.dtype) + to_string(variable.shape) + " cannot take " +
                 name_of(value.dtype) + to_string(value.shape));
  }
}

Lowered lower_assign(const LowerContext& context) {
  const Type& type = context.input(0);
  const size_t bytes = static_cast<size_t>(element_count(type.shape, 0) * item_size(type.dtype));
  return {.run =
              [bytes, variable = context.node.inputs[0], value = context.node.inputs[1]](Run& run) {
                if (run.out(variable) != run.f32(value)) std::memmove(run.out(variable), run.f32(value), bytes);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

// ---- adam: inputs w, g, m, v, learning rate, iterations (steps done so far)
void infer_adam(InferContext& context) {
  context.expect_inputs(6);
  expect_same(context, {0, 1, 2, 3});
  expect_scalar(context, 4);
  expect_scalar(context, 5);
}

Lowered lower_adam(const LowerContext& context) {
  const Attributes& attributes = context.node.attributes;
  return {.run =
              [in = context.node.inputs, count = element_count(context.input(0).shape, 0),
               beta_1 = attributes.number("beta_1"), beta_2 = attributes.number("beta_2"),
               epsilon = attributes.number("epsilon"), adam = context.kernels.adam](Run& run) {
                const double t = static_cast<double>(*run.f32(in[5])) + 1.0;
                const double correction = std::sqrt(1.0 - std::pow(beta_2, t)) / (1.0 - std::pow(beta_1, t));
                adam({.n = count,
                      .w = run.out(in[0]),
                      .g = run.f32(in[1]),
                      .m = run.out(in[2]),
                      .v = run.out(in[3]),
                      .lr_t = static_cast<float>(static_cast<double>(*run.f32(in[4])) * correction),
                      .beta_1 = static_cast<float>(beta_1),
                      .beta_2 = static_cast<float>(beta_2),
                      .epsilon = static_cast<float>(epsilon)},
                     run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

// ---- sgd: inputs w, g, learning rate, or w, g, velocity, learning rate
void infer_sgd(InferContext& context) {
  context.expect_inputs(3);
  expect_same(context, {0, 1});
  expect_scalar(context, 2);
}

void infer_momentum(InferContext& context) {
  context.expect_inputs(4);
  expect_same(context, {0, 1, 2});
  expect_scalar(context, 3);
}

Lowered lower_sgd(const LowerContext& context) {
  return {.run =
              [in = context.node.inputs, count = element_count(context.input(0).shape, 0),
               sgd = context.kernels.sgd](Run& run) {
                sgd({.n = count, .w = run.out(in[0]), .g = run.f32(in[1]), .velocity = nullptr, .lr = *run.f32(in[2])},
                    run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

Lowered lower_momentum(const LowerContext& context) {
  return {.run =
              [in = context.node.inputs, count = element_count(context.input(0).shape, 0),
               momentum = static_cast<float>(context.node.attributes.number("momentum")),
               nesterov = context.node.attributes.flag("nesterov"), sgd = context.kernels.sgd](Run& run) {
                sgd({.n = count,
                     .w = run.out(in[0]),
                     .g = run.f32(in[1]),
                     .velocity = run.out(in[2]),
                     .lr = *run.f32(in[3]),
                     .momentum = momentum,
                     .nesterov = nesterov},
                    run.launch);
              },
          .workspace = 0,
          .explain_bad_row = nullptr};
}

}  // namespace

const OpList& optimizer_ops() {
  static const OpList ops = {
      {.name = "assign", .infer = infer_assign, .lower = lower_assign, .mutates = {0}},
      {.name = "adam",
       .attributes = {{"beta_1", 0.9}, {"beta_2", 0.999}, {"epsilon", 1e-7}},
       .infer = infer_adam,
       .lower = lower_adam,
       .mutates = {0, 2, 3}},
      {.name = "sgd", .infer = infer_sgd, .lower = lower_sgd, .mutates = {0}},
      {.name = "sgd_momentum",
       .attributes = {{"momentum", 0.9}, {"nesterov", false}},
       .infer = infer_momentum,
       .lower = lower_momentum,
       .mutates = {0, 2}},
  };
  return ops;
}

}  // namespace linnet
