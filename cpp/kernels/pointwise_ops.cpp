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

// Python's a % b from the remainder r of the division towards zero: has the sign of b.
float floor_mod(float r, float b) {
  if (r == 0.0f) return __builtin_copysignf(0.0f, b);
  return (r < 0.0f) != (b < 0.0f) ? r + b : r;
}

// Python's a // b from the quotient towards zero and its remainder: the whole number for which a is near q * b + a % b.
float floor_divide(double quotient, double r, float b) {
  return static_cast<float>((r != 0.0) & ((r < 0.0) != (b < 0.0f)) ? quotient - 1.0 : quotient);
}

// True where a / b towards zero and its remainder are exact in double: the quotient is below 2^29. It then lies at
// least 2^-24 away from the next whole number unless it is one, and its product with b has at most 53 bits.
bool divides_in_double(double a, double b) {
  return (__builtin_fabs(a) < 0x1p29 * __builtin_fabs(b)) & (__builtin_fabs(b) < double{kInfinity});
}

// dst[i] = f(quotient towards zero, remainder, b[i]). Large quotients, zeros and infinities take the library's fmod.
template <class F>
void map_division(int64_t n, float* dst, const float* a, const float* b, F f) {
  const auto divide = [&](int64_t i) {
    const double quotient = __builtin_trunc(double{a[i]} / double{b[i]});
    return f(quotient, a[i] - quotient * b[i], b[i]);
  };
  int others = 0;
#pragma omp simd reduction(+ : others)
  for (int64_t i = 0; i < n; ++i) others += !divides_in_double(a[i], b[i]);
  if (others == 0) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) dst[i] = divide(i);
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    const double r = __builtin_fmodf(a[i], b[i]);
    dst[i] = divides_in_double(a[i], b[i]) ? divide(i)
             : b[i] == 0.0f                ? f(a[i] / b[i], r, b[i])
                                           : f(__builtin_nearbyint((a[i] - r) / b[i]), r, b[i]);
  }
}

// Blocks of one stream, eight in a vector. A word lies in the lower half of a 64-bit lane, where the cipher's products
// are made; what is above it is dropped by the next product. Two vectors at a time hide the latency of the chain: 0.5
// ns for a number, where the compiler's own vectors of philox4x32 take 2.4. That needs a 64-bit product of vectors:
// AVX-512.
struct PhiloxVectors {
  static constexpr int64_t kBlocks = 16;  // per step
  typedef uint64_t Words __attribute__((vector_size(64)));

  // words (blocks rounded up to kBlocks, 4)
  static void make(uint64_t seed, uint32_t stream, uint64_t step, uint64_t first, int64_t blocks, uint32_t* words) {
    constexpr Words kLane = {0, 1, 2, 3, 4, 5, 6, 7};
    constexpr uint64_t kLow = 0xffffffffu;
    for (int64_t b = 0; b < blocks; b += kBlocks) {
      Words w[2][4];
      for (int v = 0; v < 2; ++v) {
        const Words block = kLane + (first + static_cast<uint64_t>(b + 8 * v));
        w[v][0] = block;
        w[v][1] = Words{} + stream;
        w[v][2] = Words{} + step;
        w[v][3] = (block >> 32) ^ (step >> 32);
      }
      uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
      for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 2
        for (int v = 0; v < 2; ++v) {
          const Words p0 = (w[v][0] & kLow) * 0xD2511F53u, p1 = (w[v][2] & kLow) * 0xCD9E8D57u;
          w[v][0] = (p1 >> 32) ^ w[v][1] ^ uint64_t { key0 };
          w[v][2] = (p0 >> 32) ^ w[v][3] ^ uint64_t { key1 };
          w[v][1] = p1;
          w[v][3] = p0;
        }
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
      }
      for (int v = 0; v < 2; ++v) {
        const Words left = (w[v][0] & kLow) | (w[v][1] << 32), right = (w[v][2] & kLow) | (w[v][3] << 32);
        const Words half[2] = {__builtin_shufflevector(left, right, 0, 8, 1, 9, 2, 10, 3, 11),
                               __builtin_shufflevector(left, right, 4, 12, 5, 13, 6, 14, 7, 15)};
        __builtin_memcpy(words + 4 * (b + 8 * v), half, sizeof half);
      }
    }
  }
};

// The words of the blocks that hold elements random.element .. + n; a few behind them may be written, too.
void make_words(int64_t n, const RandomContext& random, int32_t stream) {
  const int64_t blocks = (n + 3) / 4, first = random.element / 4;
  uint32_t* words = random.words;  // (blocks, 4)
  if constexpr (kLanes == 16) {
    return PhiloxVectors::make(random.seed, static_cast<uint32_t>(stream), random.step, static_cast<uint64_t>(first),
                               blocks, words);
  }
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

// For floats and for vectors: operations that have a form past the caches.
struct Add {
  template <class T>
  T operator()(T x, T y) const {
    return x + y;
  }
};
struct Subtract {
  template <class T>
  T operator()(T x, T y) const {
    return x - y;
  }
};
struct Multiply {
  template <class T>
  T operator()(T x, T y) const {
    return x * y;
  }
};
struct Maximum {  // a NaN on either side wins
  template <class T>
  T operator()(T x, T y) const {
    return (x > y) | (x != x) ? x : y;
  }
};
struct Minimum {
  template <class T>
  T operator()(T x, T y) const {
    return (x < y) | (x != x) ? x : y;
  }
};
struct ReluGrad {
  template <class T>
  T operator()(T x, T y) const {
    return y > 0.0f ? x : T{};
  }
};

Vec clip(const float* x, const float* low, const float* high, int64_t lanes) {
  return Minimum()(Maximum()(load_some(x, lanes, 0), load_some(low, lanes, 0)), load_some(high, lanes, 0));
}

// dst[i] = f(i, lanes) for vectors, past the caches.
template <class F>
void map_past_caches(int64_t n, float* dst, F f) {
  each_vector(n, [&](int64_t i, int64_t lanes) {
    lanes == kLanes ? store_past_caches(dst + i, f(i, lanes)) : store_part(dst + i, f(i, lanes), lanes);
  });
}

float truth(bool condition) { return condition ? 1.0f : 0.0f; }

}  // namespace

void execute(const Instruction& instruction, int64_t n, float* dst, const float* a, const float* b, const float* c,
             const RandomContext& random) {
  using F = float;
  switch (instruction.op) {
    case Opcode::add:
      return map(n, dst, a, b, Add());
    case Opcode::subtract:
      return map(n, dst, a, b, Subtract());
    case Opcode::multiply:
      return map(n, dst, a, b, Multiply());
    case Opcode::divide:
      return map(n, dst, a, b, [](F x, F y) { return x / y; });
    case Opcode::maximum:
      return map(n, dst, a, b, Maximum());
    case Opcode::minimum:
      return map(n, dst, a, b, Minimum());
    case Opcode::power:
      return map_vectors(n, dst, a, b, [](Vec x, Vec y) { return power_vec(x, y); });
    case Opcode::floor_divide:
      return map_division(n, dst, a, b, [](double q, double r, F y) { return floor_divide(q, r, y); });
    case Opcode::mod:
      return map_division(n, dst, a, b, [](double, double r, F y) { return floor_mod(static_cast<F>(r), y); });
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
      return map(n, dst, a, b, ReluGrad());
    case Opcode::where:
#pragma omp simd
      for (int64_t i = 0; i < n; ++i) dst[i] = a[i] != 0.0f ? b[i] : c[i];
      return;
    case Opcode::clip:  // as vectors: GCC makes branches of two choices in a row
      return each_vector(
          n, [&](int64_t i, int64_t lanes) { store_some(dst + i, clip(a + i, b + i, c + i, lanes), lanes); });
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

bool goes_past_caches(Opcode op) {
  switch (op) {
    case Opcode::add:
    case Opcode::subtract:
    case Opcode::multiply:
    case Opcode::maximum:
    case Opcode::minimum:
    case Opcode::relu_grad:
    case Opcode::where:
    case Opcode::clip:
    case Opcode::relu:
      return true;
    default:
      return false;
  }
}

void execute_past_caches(const Instruction& instruction, int64_t n, float* dst, const float* a, const float* b,
                         const float* c) {
  const auto map_past = [&](auto f) {
    map_past_caches(
        n, dst, [&](int64_t i, int64_t lanes) { return f(load_some(a + i, lanes, 0), load_some(b + i, lanes, 0)); });
  };
  switch (instruction.op) {
    case Opcode::add:
      return map_past(Add());
    case Opcode::subtract:
      return map_past(Subtract());
    case Opcode::multiply:
      return map_past(Multiply());
    case Opcode::maximum:
      return map_past(Maximum());
    case Opcode::minimum:
      return map_past(Minimum());
    case Opcode::relu_grad:
      return map_past(ReluGrad());
    case Opcode::where:
      return map_past_caches(n, dst, [&](int64_t i, int64_t lanes) {
        return load_some(a + i, lanes, 0) != 0.0f ? load_some(b + i, lanes, 0) : load_some(c + i, lanes, 0);
      });
    case Opcode::clip:
      return map_past_caches(n, dst, [&](int64_t i, int64_t lanes) { return clip(a + i, b + i, c + i, lanes); });
    case Opcode::relu:
      return map_past_caches(n, dst, [&](int64_t i, int64_t lanes) {
        const Vec x = load_some(a + i, lanes, 0);
        return x < 0.0f ? Vec{} : x;
      });
    default:
      return;
  }
}

int64_t instruction_cost(Opcode op) {
  switch (op) {
    case Opcode::power:
    case Opcode::random_normal:
      return 40;
    case Opcode::random_uniform:
      return kLanes == 16 ? 5 : 20;
    case Opcode::floor_divide:
    case Opcode::mod:
      return 20;
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
