// Pointwise operations: shape rule (NumPy broadcasting), derivative, opcode. One line each in `pointwise_ops`.
//
// Derivatives read outputs instead of inputs where they can (tanh, sigmoid, exp, relu): the input's buffer then dies
// early. They are written with the operations themselves, so backward chains fuse like forward ones.
#include <cmath>
#include <numbers>

#include "graph/pointwise.h"
#include "ops/ops.h"

namespace linnet {
namespace {

void infer_pointwise(InferContext& context, size_t operands) {
  context.expect_inputs(operands);
  Shape shape;
  for (size_t i = 0; i < operands; ++i) {
    context.expect_float(i);
    if (!broadcast_shapes(shape, context.inputs[i].shape, &shape)) {
      std::string shapes;
      for (const Type& type : context.inputs) shapes += (shapes.empty() ? "" : " and ") + to_string(type.shape);
      context.fail("shapes " + shapes + " do not broadcast together");
    }
  }
  if (shape.size() > kMaxRank) context.fail("more than 8 dimensions: " + to_string(shape));
  context.outputs.push_back({DType::f32, shape});
}

void infer_unary(InferContext& context) { infer_pointwise(context, 1); }
void infer_binary(InferContext& context) { infer_pointwise(context, 2); }
void infer_ternary(InferContext& context) { infer_pointwise(context, 3); }

using G = GradientContext;
int mul(G& g, int a, int b) { return g.add("multiply", {a, b}); }
int neg(G& g, int a) { return g.add("negative", {a}); }

// Gives each operand its share of the gradient, summed over the axes it was broadcast along. The shares are functions
// so that only what is needed is computed.
template <class Left, class Right>
void share(G& g, Left left, Right right) {
  if (g.needs(0)) g.set(0, g.reduce_to(left(), g.input(0)));
  if (g.needs(1)) g.set(1, g.reduce_to(right(), g.input(1)));
}

void grad_add(G& g) {
  share(g, [&] { return g.dy(); }, [&] { return g.dy(); });
}
void grad_subtract(G& g) {
  share(g, [&] { return g.dy(); }, [&] { return neg(g, g.dy()); });
}
void grad_multiply(G& g) {
  share(g, [&] { return mul(g, g.dy(), g.input(1)); }, [&] { return mul(g, g.dy(), g.input(0)); });
}
void grad_divide(G& g) {
  share(
      g, [&] { return g.add("divide", {g.dy(), g.input(1)}); },
      [&] { return neg(g, g.add("divide", {mul(g, g.dy(), g.output(0)), g.input(1)})); });
}
void grad_divide_no_nan(G& g) {
  share(
      g, [&] { return g.add("divide_no_nan", {g.dy(), g.input(1)}); },
      [&] { return neg(g, g.add("divide_no_nan", {mul(g, g.dy(), g.output(0)), g.input(1)})); });
}

// Equal operands share the gradient half and half, whichever of the two is asked for first.
int winner_share(G& g, const char* wins, int a, int b) {
  const int half = mul(g, g.add("equal", {a, b}), g.scalar(0.5f));
  return mul(g, g.dy(), g.add("add", {g.add(wins, {a, b}), half}));
}
void grad_maximum(G& g) {
  share(
      g, [&] { return winner_share(g, "greater", g.input(0), g.input(1)); },
      [&] { return winner_share(g, "greater", g.input(1), g.input(0)); });
}
void grad_minimum(G& g) {
  share(
      g, [&] { return winner_share(g, "less", g.input(0), g.input(1)); },
      [&] { return winner_share(g, "less", g.input(1), g.input(0)); });
}

void grad_power(G& g) {
  const int a = g.input(0), b = g.input(1);
  share(
      g,
      [&] {
        const int slope = mul(g, b, g.add("power", {a, g.add("subtract", {b, g.scalar(1.0f)})}));
        // b a^(b-1) is 0 * inf at a = 0, b = 0.
        const int flat = g.add("equal", {b, g.scalar(0.0f)});
        return mul(g, g.dy(), g.add("where", {flat, g.scalar(0.0f), slope}));
      },
      [&] {
        const int positive = g.add("greater", {a, g.scalar(0.0f)});
        const int log = g.add("log", {g.add("where", {positive, a, g.scalar(1.0f)})});
        return mul(g, g.dy(), mul(g, g.output(0), log));
      });
}
void grad_mod(G& g) {
  share(
      g, [&] { return g.dy(); },
      [&] { return neg(g, mul(g, g.dy(), g.add("floor_divide", {g.input(0), g.input(1)}))); });
}
void grad_arctan2(G& g) {
  auto over_square = [&](int numerator) {
    const int square = g.add("add", {g.add("square", {g.input(0)}), g.add("square", {g.input(1)})});
    return mul(g, g.dy(), g.add("divide", {numerator, square}));
  };
  share(g, [&] { return over_square(g.input(1)); }, [&] { return neg(g, over_square(g.input(0))); });
}
void grad_relu_grad(G& g) {
  if (g.needs(0)) g.set(0, g.reduce_to(g.add("relu_grad", {g.dy(), g.input(1)}), g.input(0)));
}
void grad_where(G& g) {
  const int zero = g.scalar(0.0f);
  if (g.needs(1)) g.set(1, g.reduce_to(g.add("where", {g.input(0), g.dy(), zero}), g.input(1)));
  if (g.needs(2)) g.set(2, g.reduce_to(g.add("where", {g.input(0), zero, g.dy()}), g.input(2)));
}

// Unary derivatives: dx = dy * f'(x).
void grad_negative(G& g) { g.set(0, neg(g, g.dy())); }
void grad_absolute(G& g) { g.set(0, mul(g, g.dy(), g.add("sign", {g.input(0)}))); }
void grad_square(G& g) { g.set(0, mul(g, g.dy(), mul(g, g.input(0), g.scalar(2.0f)))); }
void grad_sqrt(G& g) { g.set(0, g.add("divide", {mul(g, g.dy(), g.scalar(0.5f)), g.output(0)})); }
void grad_rsqrt(G& g) {
  const int cube = mul(g, g.add("square", {g.output(0)}), g.output(0));
  g.set(0, mul(g, g.dy(), mul(g, cube, g.scalar(-0.5f))));
}
void grad_reciprocal(G& g) { g.set(0, neg(g, mul(g, g.dy(), g.add("square", {g.output(0)})))); }
void grad_exp(G& g) { g.set(0, mul(g, g.dy(), g.output(0))); }
// exp(x) = y + 1, to within a rounding error of y.
void grad_expm1(G& g) { g.set(0, mul(g, g.dy(), g.add("add", {g.output(0), g.scalar(1.0f)}))); }
void grad_log(G& g) { g.set(0, g.add("divide", {g.dy(), g.input(0)})); }
void grad_log1p(G& g) { g.set(0, g.add("divide", {g.dy(), g.add("add", {g.input(0), g.scalar(1.0f)})})); }
void grad_sin(G& g) { g.set(0, mul(g, g.dy(), g.add("cos", {g.input(0)}))); }
void grad_cos(G& g) { g.set(0, neg(g, mul(g, g.dy(), g.add("sin", {g.input(0)})))); }
void grad_tan(G& g) { g.set(0, mul(g, g.dy(), g.add("add", {g.add("square", {g.output(0)}), g.scalar(1.0f)}))); }
void grad_tanh(G& g) { g.set(0, mul(g, g.dy(), g.add("subtract", {g.scalar(1.0f), g.add("square", {g.output(0)})}))); }
void grad_sigmoid(G& g) {
  const int slope = mul(g, g.output(0), g.add("subtract", {g.scalar(1.0f), g.output(0)}));
  g.set(0, mul(g, g.dy(), slope));
}
void grad_softplus(G& g) { g.set(0, mul(g, g.dy(), g.add("sigmoid", {g.input(0)}))); }
void grad_erf(G& g) {
  const int bell = g.add("exp", {neg(g, g.add("square", {g.input(0)}))});
  g.set(0, mul(g, g.dy(), mul(g, bell, g.scalar(2.0f / std::sqrt(std::numbers::pi_v<float>)))));
}
void grad_relu(G& g) { g.set(0, g.add("relu_grad", {g.dy(), g.output(0)})); }
void grad_copy(G& g) { g.set(0, g.dy()); }

OpDef unary(const char* name, Opcode opcode, void (*gradient)(G&) = nullptr, Activation activation = Activation::none) {
  return {.name = name, .infer = infer_unary, .gradient = gradient, .opcode = opcode, .activation = activation};
}
OpDef binary(const char* name, Opcode opcode, void (*gradient)(G&) = nullptr) {
  return {.name = name, .infer = infer_binary, .gradient = gradient, .opcode = opcode};
}

}  // namespace

const OpList& pointwise_ops() {
  static const OpList ops = {
      binary("add", Opcode::add, grad_add),
      binary("subtract", Opcode::subtract, grad_subtract),
      binary("multiply", Opcode::multiply, grad_multiply),
      binary("divide", Opcode::divide, grad_divide),
      binary("maximum", Opcode::maximum, grad_maximum),
      binary("minimum", Opcode::minimum, grad_minimum),
      binary("power", Opcode::power, grad_power),
      binary("floor_divide", Opcode::floor_divide),
      binary("mod", Opcode::mod, grad_mod),
      binary("arctan2", Opcode::arctan2, grad_arctan2),
      binary("divide_no_nan", Opcode::divide_no_nan, grad_divide_no_nan),
      binary("equal", Opcode::equal),
      binary("not_equal", Opcode::not_equal),
      binary("less", Opcode::less),
      binary("less_equal", Opcode::less_equal),
      binary("greater", Opcode::greater),
      binary("greater_equal", Opcode::greater_equal),
      binary("logical_and", Opcode::logical_and),
      binary("logical_or", Opcode::logical_or),
      binary("relu_grad", Opcode::relu_grad, grad_relu_grad),
      {.name = "where", .infer = infer_ternary, .gradient = grad_where, .opcode = Opcode::where},
      unary("negative", Opcode::negative, grad_negative),
      unary("absolute", Opcode::absolute, grad_absolute),
      unary("sign", Opcode::sign),
      unary("square", Opcode::square, grad_square),
      unary("sqrt", Opcode::sqrt, grad_sqrt),
      unary("rsqrt", Opcode::rsqrt, grad_rsqrt),
      unary("reciprocal", Opcode::reciprocal, grad_reciprocal),
      unary("exp", Opcode::exp, grad_exp),
      unary("expm1", Opcode::expm1, grad_expm1),
      unary("log", Opcode::log, grad_log),
      unary("log1p", Opcode::log1p, grad_log1p),
      unary("sin", Opcode::sin, grad_sin),
      unary("cos", Opcode::cos, grad_cos),
      unary("tan", Opcode::tan, grad_tan),
      unary("tanh", Opcode::tanh, grad_tanh, Activation::tanh),
      unary("sigmoid", Opcode::sigmoid, grad_sigmoid, Activation::sigmoid),
      unary("softplus", Opcode::softplus, grad_softplus),
      unary("erf", Opcode::erf, grad_erf),
      unary("floor", Opcode::floor),
      unary("ceil", Opcode::ceil),
      unary("round", Opcode::round),
      unary("relu", Opcode::relu, grad_relu, Activation::relu),
      unary("logical_not", Opcode::logical_not),
      unary("is_nan", Opcode::is_nan),
      unary("is_finite", Opcode::is_finite),
      unary("copy", Opcode::copy, grad_copy),
  };
  return ops;
}

}  // namespace linnet
