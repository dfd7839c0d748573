// The instructions of a pointwise program, one loop for each opcode, over n contiguous elements.
//
// Operations that every processor rounds exactly (+, <, sqrt, floor ...) are plain loops that the compiler vectorises.
// Functions (exp, tanh ...) run through math.h: full vectors, then one partial vector for the rest through the same
// code. Either way an element's bits do not depend on where in the array it stands. Nothing is broadcast here: the
// caller (pointwise.cpp) hands over n elements of each operand.
#include "kernels/pointwise_ops.h"

#include "kernels/lanes.h"
#include "kernels/math.h"
#include "kernels/philox.h"

namespace linnet::LINNET_ISA {
namespace {

// dst[i] = f(a[i]) and dst[i] = f(a[i], b[i]) for scalar f.
template <class F>
void map(int64_t n, float* dst, const float* a, F f) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) dst[i] = f(a[i]);
}

template <class F>
void map(int64_t n, float* dst, const float* a, const float* b, F f) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) dst[i] = f(a[i], b[i]);
}

// The same for f of vectors. Unused lanes of the last vector hold 1, harmless to every function.
template <class F>
void map_vectors(int64_t n, float* dst, const float* a, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(dst + i, f(load(a + i)));
  if (i < n) store_part(dst + i, f(load_part(a + i, n - i, 1.0f)), n - i);
}

template <class F>
void map_vectors(int64_t n, float* dst, const float* a, const float* b, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(dst + i, f(load(a + i), load(b + i)));
  if (i < n) store_part(dst + i, f(load_part(a + i, n - i, 1.0f), load_part(b + i, n - i, 1.0f)), n - i);
}

// Python's a % b: has the sign of b. fmod is exact for any quotient, which no short vector formula is.
float floor_mod(float a, float b) {
  const float r = __builtin_fmodf(a, b);
  if (r == 0.0f) return __builtin_copysignf(0.0f, b);
  return (r < 0.0f) != (b < 0.0f) ? r + b : r;
}

// Python's a // b: the whole number q for which a is near q * b + a % b.
float floor_divide(float a, float b) {
  if (b == 0.0f) return a / b;
  const double r = __builtin_fmodf(a, b);
  const double quotient = __builtin_nearbyint((a - r) / b);
  return static_cast<float>(r != 0.0 && (r < 0.0) != (b < 0.0f) ? quotient - 1.0 : quotient);
}

// The words of the blocks that hold elements random.element .. + n.
void make_words(int64_t n, const RandomContext& random, int32_t stream) {
  const int64_t blocks = (n + 3) / 4, first = random.element / 4;
  uint32_t* words = random.words;  // (blocks, 4)
#pragma omp simd
  for (int64_t b = 0; b < blocks; ++b) {
    const PhiloxBlock block =
        philox(random.seed, static_cast<uint32_t>(stream), random.step, static_cast<uint64_t>(first + b));
    words[4 * b + 0] = block.word[0];
    words[4 * b + 1] = block.word[1];
    words[4 * b + 2] = block.word[2];
    words[4 * b + 3] = block.word[3];
  }
}

// Box & Muller on the pairs (words[2 j], words[2 j + 1]): radius sqrt(-2 log u), angle a random part of the circle.
void normals_from_words(int64_t n, float* dst, const uint32_t* words) {
  float u[kLanes], turn[kLanes], x[kLanes], y[kLanes];
  for (int64_t begin = 0; begin < n; begin += 2 * kLanes) {
    const int64_t pairs = n - begin < 2 * kLanes ? (n - begin + 1) / 2 : kLanes;
    for (int i = 0; i < kLanes; ++i) {
      const int64_t pair = begin + 2 * (i < pairs ? i : 0);
      u[i] = positive_uniform_from_word(words[pair]);
      turn[i] = uniform_from_word(words[pair + 1]);
    }
    const Vec squared = log_vec(load(u)) * -2.0f;
    const Vec angle = load(turn) * 6.2831853071795865f;
    store(x, squared);
    for (int i = 0; i < kLanes; ++i) x[i] = __builtin_sqrtf(x[i]);
    const Vec radius = load(x);
    store(x, radius * cos_vec(angle));
    store(y, radius * sin_vec(angle));
    for (int64_t i = 0; i < pairs; ++i) {
      dst[begin + 2 * i] = x[i];
      if (begin + 2 * i + 1 < n) dst[begin + 2 * i + 1] = y[i];
    }
  }
}

float truth(bool condition) { return condition ? 1.0f : 0.0f; }

}  // namespace

void execute(const Instruction& instruction, int64_t n, float* dst, const float* a, const float* b, const float* c,
             const RandomContext& random) {
  using F = float;
  switch (instruction.op) {
    case Opcode::add:
      return map(n, dst, a, b, [](F x, F y) { return x + y; });
    case Opcode::subtract:
      return map(n, dst, a, b, [](F x, F y) { return x - y; });
    case Opcode::multiply:
      return map(n, dst, a, b, [](F x, F y) { return x * y; });
    case Opcode::divide:
      return map(n, dst, a, b, [](F x, F y) { return x / y; });
    case Opcode::maximum:  // a NaN on either side wins
      return map(n, dst, a, b, [](F x, F y) { return (x > y) | (x != x) ? x : y; });
    case Opcode::minimum:
      return map(n, dst, a, b, [](F x, F y) { return (x < y) | (x != x) ? x : y; });
    case Opcode::power:
      return map_vectors(n, dst, a, b, [](Vec x, Vec y) { return power_vec(x, y); });
    case Opcode::floor_divide:
      for (int64_t i = 0; i < n; ++i) dst[i] = floor_divide(a[i], b[i]);
      return;
    case Opcode::mod:
      for (int64_t i = 0; i < n; ++i) dst[i] = floor_mod(a[i], b[i]);
      return;
    case Opcode::arctan2:
      return map_vectors(n, dst, a, b, [](Vec y, Vec x) { return arctan2_vec(y, x); });
    case Opcode::divide_no_nan:
      return map(n, dst, a, b, [](F x, F y) { return y == 0.0f ? 0.0f : x / y; });
    case Opcode::equal:
      return map(n, dst, a, b, [](F x, F y) { return truth(x == y); });
    case Opcode::not_equal:
      return map(n, dst, a, b, [](F x, F y) { return truth(x != y); });
    case Opcode::less:
      return map(n, dst, a, b, [](F x, F y) { return truth(x < y); });
    case Opcode::less_equal:
      return map(n, dst, a, b, [](F x, F y) { return truth(x <= y); });
    case Opcode::greater:
      return map(n, dst, a, b, [](F x, F y) { return truth(x > y); });
    case Opcode::greater_equal:
      return map(n, dst, a, b, [](F x, F y) { return truth(x >= y); });
    case Opcode::logical_and:
      return map(n, dst, a, b, [](F x, F y) { return truth((x != 0.0f) & (y != 0.0f)); });
    case Opcode::logical_or:
      return map(n, dst, a, b, [](F x, F y) { return truth((x != 0.0f) | (y != 0.0f)); });
    case Opcode::relu_grad:
      return map(n, dst, a, b, [](F x, F y) { return y > 0.0f ? x : 0.0f; });
    case Opcode::where:
#pragma omp simd
      for (int64_t i = 0; i < n; ++i) dst[i] = a[i] != 0.0f ? b[i] : c[i];
      return;
    case Opcode::negative:
      return map(n, dst, a, [](F x) { return -x; });
    case Opcode::absolute:
      return map(n, dst, a, [](F x) { return __builtin_fabsf(x); });
    case Opcode::sign:
      return map(n, dst, a, [](F x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; });
    case Opcode::square:
      return map(n, dst, a, [](F x) { return x * x; });
    case Opcode::sqrt:
      return map(n, dst, a, [](F x) { return __builtin_sqrtf(x); });
    case Opcode::rsqrt:
      return map(n, dst, a, [](F x) { return 1.0f / __builtin_sqrtf(x); });
    case Opcode::reciprocal:
      return map(n, dst, a, [](F x) { return 1.0f / x; });
    case Opcode::exp:
      return map_vectors(n, dst, a, [](Vec x) { return exp_vec(x); });
    case Opcode::expm1:
      return map_vectors(n, dst, a, [](Vec x) { return expm1_vec(x); });
    case Opcode::log:
      return map_vectors(n, dst, a, [](Vec x) { return log_vec(x); });
    case Opcode::log1p:
      return map_vectors(n, dst, a, [](Vec x) { return log1p_vec(x); });
    case Opcode::sin:
      return map_vectors(n, dst, a, [](Vec x) { return sin_vec(x); });
    case Opcode::cos:
      return map_vectors(n, dst, a, [](Vec x) { return cos_vec(x); });
    case Opcode::tan:
      return map_vectors(n, dst, a, [](Vec x) { return tan_vec(x); });
    case Opcode::tanh:
      return map_vectors(n, dst, a, [](Vec x) { return tanh_vec(x); });
    case Opcode::sigmoid:
      return map_vectors(n, dst, a, [](Vec x) { return sigmoid_vec(x); });
    case Opcode::softplus:
      return map_vectors(n, dst, a, [](Vec x) { return softplus_vec(x); });
    case Opcode::erf:
      return map_vectors(n, dst, a, [](Vec x) { return erf_vec(x); });
    case Opcode::floor:
      return map(n, dst, a, [](F x) { return __builtin_floorf(x); });
    case Opcode::ceil:
      return map(n, dst, a, [](F x) { return __builtin_ceilf(x); });
    case Opcode::round:
      return map(n, dst, a, [](F x) { return __builtin_rintf(x); });
    case Opcode::relu:  // keeps NaN
      return map(n, dst, a, [](F x) { return x < 0.0f ? 0.0f : x; });
    case Opcode::logical_not:
      return map(n, dst, a, [](F x) { return truth(x == 0.0f); });
    case Opcode::is_nan:
      return map(n, dst, a, [](F x) { return truth(x != x); });
    case Opcode::is_finite:
      return map(n, dst, a, [](F x) { return truth(__builtin_fabsf(x) < kInfinity); });
    case Opcode::copy:
      return map(n, dst, a, [](F x) { return x; });
    case Opcode::constant:
      for (int64_t i = 0; i < n; ++i) dst[i] = instruction.imm;
      return;
    case Opcode::random_uniform:
      make_words(n, random, instruction.stream);
#pragma omp simd
      for (int64_t i = 0; i < n; ++i) dst[i] = uniform_from_word(random.words[i]);
      return;
    case Opcode::random_normal:
      make_words(n, random, instruction.stream);
      return normals_from_words(n, dst, random.words);
    case Opcode::count:
      return;
  }
}

int64_t instruction_cost(Opcode op) {
  switch (op) {
    case Opcode::power:
    case Opcode::floor_divide:
    case Opcode::mod:
    case Opcode::random_normal:
      return 40;
    case Opcode::random_uniform:
      return 10;
    case Opcode::exp:
    case Opcode::expm1:
    case Opcode::log:
    case Opcode::log1p:
    case Opcode::tanh:
    case Opcode::sigmoid:
    case Opcode::erf:
    case Opcode::arctan2:
      return 4;
    case Opcode::softplus:
    case Opcode::sin:
    case Opcode::cos:
    case Opcode::tan:
      return 8;
    default:
      return 1;
  }
}

}  // namespace linnet::LINNET_ISA
