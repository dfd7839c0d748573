// The reference table, second part: pointwise programs, one element at a time.
//
// For every element of the iteration space: load the inputs into registers 0 .. inputs - 1, run the program, store the
// output registers. Functions are taken in double and rounded, so each instruction is right to half an ulp. All inputs
// of an element are read before its outputs are written, which is what makes in-place programs right.
#include <cmath>

#include "kernels/declare.h"
#include "kernels/philox.h"

namespace linnet::LINNET_ISA {
namespace {

float random_normal(const PointwiseArgs& args, const Instruction& i, int64_t element) {
  const PhiloxBlock block =
      philox(args.seed, static_cast<uint32_t>(i.stream), args.step, static_cast<uint64_t>(element / 4));
  const int64_t pair = element % 4 / 2 * 2;
  const double radius = std::sqrt(-2 * std::log(double{positive_uniform_from_word(block.word[pair])}));
  const double angle = 2 * M_PI * uniform_from_word(block.word[pair + 1]);
  return static_cast<float>(radius * (element % 2 ? std::sin(angle) : std::cos(angle)));
}

// Python's a % b: has the sign of b.
float floor_mod(float a, float b) {
  const float r = std::fmod(a, b);
  if (r == 0) return std::copysign(0.0f, b);
  return (r < 0) != (b < 0) ? r + b : r;
}

// Python's a // b: the whole number q for which a is near q * b + a % b.
float floor_divide(float a, float b) {
  if (b == 0) return a / b;
  const double r = std::fmod(a, b);
  const double quotient = std::nearbyint((a - r) / b);
  return static_cast<float>(r != 0 && (r < 0) != (b < 0) ? quotient - 1 : quotient);
}

float run(const PointwiseArgs& args, const Instruction& i, const float* r, int64_t element) {
  const float a = r[i.a], b = r[i.b], c = r[i.c];
  const double x = a;
  const auto rounded = [](double y) { return static_cast<float>(y); };
  switch (i.op) {
    case Opcode::add:
      return a + b;
    case Opcode::subtract:
      return a - b;
    case Opcode::multiply:
      return a * b;
    case Opcode::divide:
      return a / b;
    case Opcode::maximum:
      return a > b || a != a ? a : b;  // a NaN on either side wins
    case Opcode::minimum:
      return a < b || a != a ? a : b;
    case Opcode::power:
      return rounded(std::pow(x, double{b}));
    case Opcode::floor_divide:
      return floor_divide(a, b);
    case Opcode::mod:
      return floor_mod(a, b);
    case Opcode::arctan2:
      return rounded(std::atan2(x, double{b}));
    case Opcode::divide_no_nan:
      return b == 0 ? 0 : a / b;
    case Opcode::equal:
      return a == b;
    case Opcode::not_equal:
      return a != b;
    case Opcode::less:
      return a < b;
    case Opcode::less_equal:
      return a <= b;
    case Opcode::greater:
      return a > b;
    case Opcode::greater_equal:
      return a >= b;
    case Opcode::logical_and:
      return a != 0 && b != 0;
    case Opcode::logical_or:
      return a != 0 || b != 0;
    case Opcode::relu_grad:
      return b > 0 ? a : 0;
    case Opcode::where:
      return a != 0 ? b : c;
    case Opcode::clip: {
      const float above = std::isnan(a) || a > b ? a : b;
      return std::isnan(above) || above < c ? above : c;
    }
    case Opcode::negative:
      return -a;
    case Opcode::absolute:
      return std::fabs(a);
    case Opcode::sign:
      return a > 0 ? 1 : a < 0 ? -1 : a;
    case Opcode::square:
      return a * a;
    case Opcode::sqrt:
      return std::sqrt(a);
    case Opcode::rsqrt:
      return rounded(1 / std::sqrt(x));
    case Opcode::reciprocal:
      return 1 / a;
    case Opcode::exp:
      return rounded(std::exp(x));
    case Opcode::expm1:
      return rounded(std::expm1(x));
    case Opcode::log:
      return rounded(std::log(x));
    case Opcode::log1p:
      return rounded(std::log1p(x));
    case Opcode::sin:
      return rounded(std::sin(x));
    case Opcode::cos:
      return rounded(std::cos(x));
    case Opcode::tan:
      return rounded(std::tan(x));
    case Opcode::tanh:
      return rounded(std::tanh(x));
    case Opcode::sigmoid:
      return rounded(1 / (1 + std::exp(-x)));
    case Opcode::softplus:
      return rounded(x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)));
    case Opcode::erf:
      return rounded(std::erf(x));
    case Opcode::floor:
      return std::floor(a);
    case Opcode::ceil:
      return std::ceil(a);
    case Opcode::round:
      return std::nearbyint(a);
    case Opcode::relu:
      return a < 0 ? 0 : a;  // keeps NaN
    case Opcode::logical_not:
      return a == 0;
    case Opcode::is_nan:
      return std::isnan(a);
    case Opcode::is_finite:
      return std::isfinite(a);
    case Opcode::copy:
      return a;
    case Opcode::constant:
      return i.imm;
    case Opcode::random_uniform: {
      const PhiloxBlock block =
          philox(args.seed, static_cast<uint32_t>(i.stream), args.step, static_cast<uint64_t>(element / 4));
      return uniform_from_word(block.word[element % 4]);
    }
    case Opcode::random_normal:
      return random_normal(args, i, element);
    case Opcode::count:
      break;
  }
  return 0;
}

}  // namespace

void pointwise(const PointwiseArgs& args, const Launch&) {
  int64_t elements = 1;
  for (int d = 0; d < args.rank; ++d) elements *= args.shape[d];

  for (int64_t element = 0; element < elements; ++element) {
    float registers[kMaxRegisters] = {};
    for (int k = 0; k < args.inputs; ++k) {
      int64_t rest = element, offset = 0;
      for (int d = args.rank - 1; d >= 0; --d) {
        offset += rest % args.shape[d] * args.in_strides[k][d];
        rest /= args.shape[d];
      }
      registers[k] = args.in[k][offset];
    }
    for (int i = 0; i < args.instructions; ++i) {
      const Instruction& instruction = args.program[i];
      registers[instruction.dst] = run(args, instruction, registers, element);
    }
    for (int k = 0; k < args.outputs; ++k) args.out[k][element] = registers[args.out_register[k]];
  }
}

}  // namespace linnet::LINNET_ISA
