// The functions of kernels/math.h, reached through one-instruction pointwise programs on every table: the error against
// double in units of the last place, swept over all exponents, and the values at the ends of the world.
#include <cmath>
#include <functional>
#include <limits>

#include "kernel_test.h"

namespace linnet::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// y = op(a) or op(a, b), elementwise.
Buffer<float> apply(Case& run, Opcode op, const Buffer<float>& a, const Buffer<float>& b) {
  Buffer<float> y(a.size());
  const Instruction program[] = {{.op = op, .dst = 2, .a = 0, .b = 1}};
  PointwiseArgs args;
  args.rank = 1;
  args.shape[0] = a.size();
  args.inputs = 2;
  args.in[0] = a.data();
  args.in[1] = b.data();
  args.in_strides[0][0] = args.in_strides[1][0] = 1;
  args.outputs = 1;
  args.out[0] = y.data();
  args.out_register[0] = 2;
  args.instructions = 1;
  args.program = program;
  run.kernels.pointwise(args, run.launch());
  return y;
}

// |got - exact| in units of the last place of `exact` as a float. Where the result overflows or is denormal: 0 when
// `got` is one of the neighbours (infinity, the largest float, anything up to the smallest normal one).
double error_in_ulp(double exact, float got) {
  if (std::isnan(exact)) return std::isnan(got) ? 0 : HUGE_VAL;
  if (std::isnan(got)) return HUGE_VAL;
  if (std::abs(exact) < 0x1p-126) return std::abs(got) <= 0x1p-126 ? 0 : HUGE_VAL;
  if (std::abs(exact) >= 0x1.ffffffp127) return got == std::copysign(kInfinity, exact) ? 0 : HUGE_VAL;
  int exponent;
  std::frexp(exact, &exponent);
  return std::abs(got - exact) / std::ldexp(1.0, exponent - 24);
}

// Floats of every exponent and sign, NaNs and infinities too; no denormals, which kernels take for zeros.
Buffer<float> every_exponent(uint32_t step) {
  std::vector<float> values;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += step) {
    uint32_t word = static_cast<uint32_t>(bits);
    if ((word & 0x7fffffff) > 0x7f800000) word |= 0x00400000;  // no signalling NaN: pow(sNaN, 0) is its own world
    float value;
    std::memcpy(&value, &word, sizeof value);
    if (value == 0 || std::fpclassify(value) != FP_SUBNORMAL) values.push_back(value);
  }
  Buffer<float> result(static_cast<int64_t>(values.size()));
  std::copy(values.begin(), values.end(), result.begin());
  return result;
}

void check_ulp(Opcode op, double bound, const Buffer<float>& a, const Buffer<float>& b,
               const std::function<double(double, double)>& oracle) {
  std::vector<double> expected(static_cast<size_t>(a.size()));
  for (int64_t i = 0; i < a.size(); ++i) expected[static_cast<size_t>(i)] = oracle(a[i], b[i]);
  for (const KernelTable* table : available_kernels()) {
    Case run(*table, 1);
    const Buffer<float> y = apply(run, op, a, b);
    double worst = 0;
    int64_t at = 0;
    for (int64_t i = 0; i < a.size(); ++i) {
      const double error = error_in_ulp(expected[static_cast<size_t>(i)], y[i]);
      if (error > worst) worst = error, at = i;
    }
    INFO(std::string(table->name) << ": " << worst << " ulp at (" << a[at] << ", " << b[at] << "), got " << y[at]);
    CHECK(worst <= bound);
  }
}

double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

}  // namespace

TEST_CASE("functions of one argument: error over every exponent") {
  const Buffer<float> x = every_exponent(2003);
  const struct {
    const char* name;
    Opcode op;
    double bound;  // in ulp, as math.h states
    double (*oracle)(double);
  } functions[] = {
      {"exp", Opcode::exp, 1.0, [](double v) { return std::exp(v); }},
      {"expm1", Opcode::expm1, 1.6, [](double v) { return std::expm1(v); }},
      {"log", Opcode::log, 0.9, [](double v) { return std::log(v); }},
      {"log1p", Opcode::log1p, 0.9, [](double v) { return std::log1p(v); }},
      {"sigmoid", Opcode::sigmoid, 2.3, [](double v) { return 1 / (1 + std::exp(-v)); }},
      {"softplus", Opcode::softplus, 1.6, softplus},
      {"tanh", Opcode::tanh, 5.5, [](double v) { return std::tanh(v); }},
      {"erf", Opcode::erf, 6.0, [](double v) { return std::erf(v); }},
      {"sin", Opcode::sin, 1.6, [](double v) { return std::sin(v); }},
      {"cos", Opcode::cos, 1.6, [](double v) { return std::cos(v); }},
      {"tan", Opcode::tan, 3.7, [](double v) { return std::tan(v); }},
      {"sqrt", Opcode::sqrt, 0.51, [](double v) { return std::sqrt(v); }},
      {"rsqrt", Opcode::rsqrt, 1.6, [](double v) { return 1 / std::sqrt(v); }},
  };
  for (const auto& f : functions) {
    INFO(f.name);
    check_ulp(f.op, f.bound, x, x, [&](double v, double) { return f.oracle(v); });
  }
}

TEST_CASE("functions of one argument: error where arguments are everyday numbers") {
  const Buffer<float> x = random(200003, 1, -12, 12);
  check_ulp(Opcode::exp, 1.0, x, x, [](double v, double) { return std::exp(v); });
  check_ulp(Opcode::expm1, 1.6, x, x, [](double v, double) { return std::expm1(v); });
  check_ulp(Opcode::log, 0.9, x, x, [](double v, double) { return std::log(v); });
  check_ulp(Opcode::log1p, 0.9, x, x, [](double v, double) { return std::log1p(v); });
  check_ulp(Opcode::sigmoid, 2.3, x, x, [](double v, double) { return 1 / (1 + std::exp(-v)); });
  check_ulp(Opcode::softplus, 1.6, x, x, [](double v, double) { return softplus(v); });
  check_ulp(Opcode::tanh, 5.5, x, x, [](double v, double) { return std::tanh(v); });
  check_ulp(Opcode::erf, 6.0, x, x, [](double v, double) { return std::erf(v); });
  check_ulp(Opcode::sin, 1.6, x, x, [](double v, double) { return std::sin(v); });
  check_ulp(Opcode::cos, 1.6, x, x, [](double v, double) { return std::cos(v); });
  check_ulp(Opcode::tan, 3.7, x, x, [](double v, double) { return std::tan(v); });
}

TEST_CASE("power and arctan2: error over pairs") {
  const Buffer<float> wide = every_exponent(30011), near = random(wide.size(), 2, -20, 20);
  Buffer<float> base = random(wide.size(), 3, 0, 8);
  const auto power = [](double x, double y) { return std::pow(x, y); };
  check_ulp(Opcode::power, 1.2, base, near, power);
  check_ulp(Opcode::power, 1.2, wide, near, power);
  check_ulp(Opcode::power, 1.2, near, wide, power);
  for (const float exponent : {-2.0f, -0.5f, 0.0f, 0.5f, 1.0f, 2.0f, 3.0f, kInfinity, kNan}) {
    std::fill(base.begin(), base.end(), exponent);
    check_ulp(Opcode::power, 1.2, wide, base, power);
    check_ulp(Opcode::power, 1.2, base, wide, power);
  }

  const auto arctan2 = [](double y, double x) { return std::atan2(y, x); };
  check_ulp(Opcode::arctan2, 1.8, wide, near, arctan2);
  check_ulp(Opcode::arctan2, 1.8, near, wide, arctan2);
  check_ulp(Opcode::arctan2, 1.8, near, random(near.size(), 4, -20, 20), arctan2);
  for (const float other : {-kInfinity, -1.0f, -0.0f, 0.0f, 1.0f, kInfinity, kNan}) {
    std::fill(base.begin(), base.end(), other);
    check_ulp(Opcode::arctan2, 1.8, wide, base, arctan2);
    check_ulp(Opcode::arctan2, 1.8, base, wide, arctan2);
  }
}

TEST_CASE("functions at zero, infinity and NaN, with the sign of zero") {
  const struct {
    Opcode op;
    float x, y;
  } values[] = {
      {Opcode::exp, 0, 1},
      {Opcode::exp, kInfinity, kInfinity},
      {Opcode::exp, -kInfinity, 0},
      {Opcode::exp, 88.73f, kInfinity},
      {Opcode::exp, -104, 0},
      {Opcode::expm1, -0.0f, -0.0f},
      {Opcode::expm1, -kInfinity, -1},
      {Opcode::expm1, kInfinity, kInfinity},
      {Opcode::log, 0, -kInfinity},
      {Opcode::log, -0.0f, -kInfinity},
      {Opcode::log, -1, kNan},
      {Opcode::log, 1, 0},
      {Opcode::log, kInfinity, kInfinity},
      {Opcode::log1p, -0.0f, -0.0f},
      {Opcode::log1p, -1, -kInfinity},
      {Opcode::log1p, -2, kNan},
      {Opcode::log1p, kInfinity, kInfinity},
      {Opcode::tanh, -0.0f, -0.0f},
      {Opcode::tanh, kInfinity, 1},
      {Opcode::tanh, -kInfinity, -1},
      {Opcode::sigmoid, 0, 0.5f},
      {Opcode::sigmoid, -kInfinity, 0},
      {Opcode::sigmoid, kInfinity, 1},
      {Opcode::softplus, -kInfinity, 0},
      {Opcode::softplus, kInfinity, kInfinity},
      {Opcode::erf, -0.0f, -0.0f},
      {Opcode::erf, kInfinity, 1},
      {Opcode::erf, -kInfinity, -1},
      {Opcode::sin, -0.0f, -0.0f},
      {Opcode::sin, kInfinity, kNan},
      {Opcode::cos, 0, 1},
      {Opcode::cos, -kInfinity, kNan},
      {Opcode::tan, -0.0f, -0.0f},
  };
  for_each_case([&](Case& run) {
    for (const auto& v : values) {
      INFO("opcode " << static_cast<int>(v.op) << " of " << v.x);
      const Buffer<float> y = apply(run, v.op, {v.x}, {v.x});
      if (std::isnan(v.y)) {
        CHECK(std::isnan(y[0]));
      } else {
        check_same_bits(y, {v.y});
      }
      CHECK(std::isnan(apply(run, v.op, {kNan}, {kNan})[0]));
    }
  });
}

}  // namespace linnet::test
