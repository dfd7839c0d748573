// Elementary functions on vectors (simd.h) as own polynomials: exp, log, tanh ... for kLanes floats at a time.
//
// Each takes the same steps: bring the argument into a small interval by exact arithmetic, evaluate a polynomial there
// (coefficients from a weighted minimax fit, rounded to float one after the other, lowest first), put the scale back,
// and repair the special values by selection, never by branching. A lane's result depends on that lane alone, so a
// value gives the same bits wherever in a vector or tail it stands.
//
// Largest error in units of the last place against double, over every exponent (tests/cpp/test_math.cpp sweeps
// this; without FMA, with it a little less):
//   exp 1   expm1 1.6   log 0.9   log1p 0.9   sigmoid 2.3   softplus 1.6   tanh 5.5   erf 6   sin, cos 1.6   tan 3.7
//   power 1.2   arctan2 1.7
// NaN gives NaN, and infinities, zeros and overflow are as in C's <math.h>. Results below 2^-126 may become 0, as
// kernels run with denormals flushed.
//
// sin, cos, tan beyond 2^18 and power with an argument that is 0, negative, infinite or denormal ask the C library,
// lane by lane: rare and exact. Start reading at exp_vec.
#pragma once
#include "kernels/simd.h"

namespace linnet::LINNET_ISA {

typedef int32_t IntVec __attribute__((vector_size(kLanes * sizeof(float))));
typedef double DoubleVec __attribute__((vector_size(kLanes * sizeof(double))));
typedef int64_t LongVec __attribute__((vector_size(kLanes * sizeof(double))));

inline constexpr float kInfinity = __builtin_inff();
inline constexpr float kNan = __builtin_nanf("");

inline IntVec bits_of(Vec x) { return __builtin_bit_cast(IntVec, x); }
inline Vec from_bits(IntVec x) { return __builtin_bit_cast(Vec, x); }
inline Vec to_vec(IntVec x) { return __builtin_convertvector(x, Vec); }

inline Vec abs_vec(Vec x) { return from_bits(bits_of(x) & 0x7fffffff); }
// a + b modulo 2^32: arithmetic on the bits of arguments that are out of range and repaired later may overflow.
inline IntVec wrapping_add(IntVec a, IntVec b) {
  typedef uint32_t Bits __attribute__((vector_size(kLanes * sizeof(float))));
  return __builtin_bit_cast(IntVec, __builtin_bit_cast(Bits, a) + __builtin_bit_cast(Bits, b));
}

// Magnitude of x, sign of s.
inline Vec copysign_vec(Vec x, Vec s) { return from_bits((bits_of(x) & 0x7fffffff) | (bits_of(s) & ~0x7fffffff)); }

// c0 + c1 x + c2 x^2 + ... (Horner).
template <class... Rest>
inline Vec polynomial(Vec x, float c0, Rest... rest) {
  if constexpr (sizeof...(rest) == 0) {
    return Vec{} + c0;
  } else {
    return polynomial(x, rest...) * x + c0;
  }
}

// Adding 1.5 * 2^23 rounds to a whole number n and leaves n in the low bits: the upper bits are a multiple of 512.
inline constexpr float kRoundToInt = 0x1.8p23f;
inline constexpr float kLog2E = 0x1.715476p0f;
inline constexpr float kLn2High = 0x1.63p-1f;  // 9 bits: n * kLn2High is exact for |n| < 2^15
inline constexpr float kLn2Low = -0x1.bd0106p-13f;

// exp(x) = 2^n exp(r) with r = x - n ln 2, |r| <= ln(2) / 2. The scale is added to the exponent bits.
inline Vec exp_vec(Vec x) {
  const Vec shifted = x * kLog2E + kRoundToInt;
  const Vec n = shifted - kRoundToInt;
  const Vec r = (x - n * kLn2High) - n * kLn2Low;
  const Vec tail = polynomial(r, 0x1.fffffcp-2f, 0x1.55549p-3f, 0x1.5558bcp-5f, 0x1.123b5cp-7f, 0x1.6a445ep-10f);
  const Vec e = (r * r * tail + r) + 1.0f;
  const Vec y = from_bits(wrapping_add(bits_of(e), bits_of(shifted) << 23));
  const Vec upper = x <= 0x1.62e42ep6f ? y : x * kInfinity;  // also NaN
  return x < -0x1.5d589ep6f ? Vec{} : upper;                 // below 2^-126
}

// exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1), halved inside so that 2^128 does not overflow.
inline Vec expm1_vec(Vec x) {
  const Vec clamped = x < -18.0f ? broadcast(-18.0f) : x;
  const Vec shifted = clamped * kLog2E + kRoundToInt;
  const Vec n = shifted - kRoundToInt;
  const Vec r = (clamped - n * kLn2High) - n * kLn2Low;
  const Vec tail = polynomial(r, 0x1.fffffep-2f, 0x1.5554bp-3f, 0x1.5556fep-5f, 0x1.12286p-7f, 0x1.6b91c8p-10f);
  const Vec e = r * r * tail + r;
  const Vec half_scale = from_bits(wrapping_add(bits_of(shifted) << 23, IntVec{} + (126 << 23)));
  const Vec y = (half_scale * e + (half_scale - 0.5f)) * 2.0f;
  const Vec upper = x <= 0x1.62e42ep6f ? y : x * kInfinity;  // also NaN
  return abs_vec(x) < 0x1p-25f ? x : upper;                  // keeps -0
}

// x = 2^exponent m with m in [sqrt(1/2), sqrt(2)), for normal x > 0.
inline IntVec exponent_of(Vec x) { return wrapping_add(bits_of(x), IntVec{} - 0x3f3504f3) >> 23; }
inline Vec mantissa_of(Vec x, IntVec exponent) { return from_bits(wrapping_add(bits_of(x), -exponent << 23)); }

// log(1 + f) - f for f in [sqrt(1/2) - 1, sqrt(2) - 1].
inline Vec log_tail(Vec f) {
  const Vec p = polynomial(f, 0x1.555554p-2f, -0x1.000226p-2f, 0x1.99a01ap-3f, -0x1.547288p-3f, 0x1.22d96ep-3f,
                           -0x1.0d82a4p-3f, 0x1.055ce8p-3f, -0x1.38c2a6p-4f);
  // One product in the difference: of two, the compiler would fuse either, and not the same one in every loop.
  return f * f * (f * p - 0.5f);
}

// log(x) = k ln 2 + log(1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
inline Vec log_vec(Vec x) {
  const IntVec tiny = x < 0x1p-126f;
  const Vec normal = tiny ? x * 0x1p23f : x;
  const IntVec exponent = exponent_of(normal);
  const Vec f = mantissa_of(normal, exponent) - 1.0f;
  const Vec k = to_vec(exponent) - (tiny ? broadcast(23.0f) : Vec{});
  const Vec y = k * kLn2High + (f + (log_tail(f) + k * kLn2Low));
  const Vec finite = x < kInfinity ? y : x;
  return x > 0.0f ? finite : x == 0.0f ? broadcast(-kInfinity) : broadcast(kNan);
}

// log(1 + x): log of the rounded sum u, corrected by what the rounding lost, divided by u.
inline Vec log1p_vec(Vec x) {
  const Vec u = x + 1.0f;
  const Vec lost = (x < 1.0f ? x - (u - 1.0f) : 1.0f - (u - x)) / u;
  const IntVec exponent = exponent_of(u);
  const Vec f = mantissa_of(u, exponent) - 1.0f;
  const Vec k = to_vec(exponent);
  const Vec y = k * kLn2High + (f + (log_tail(f) + (k * kLn2Low + lost)));
  const Vec finite = x < kInfinity ? y : x;
  const Vec inside = x > -1.0f ? finite : x == -1.0f ? broadcast(-kInfinity) : broadcast(kNan);
  return abs_vec(x) < 0x1p-25f ? x : inside;  // keeps -0
}

// 1 / (1 + exp(-x)). A rational approximation would be faster and lose all relative accuracy in the left tail.
inline Vec sigmoid_vec(Vec x) { return 1.0f / (1.0f + exp_vec(-x)); }

// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)).
inline Vec softplus_vec(Vec x) { return (x < 0.0f ? Vec{} : x) + log1p_vec(exp_vec(-abs_vec(x))); }

// An odd function that float sees reach 1 at `end`: the rational a P(a^2) / Q(a^2) of a = |x|, with the sign of x.
template <class Numerator, class Denominator>
inline Vec odd_rational(Vec x, float end, Numerator p, Denominator q) {
  const Vec size = abs_vec(x);
  const Vec a = size > end ? broadcast(end) : size;
  const Vec z = a * a;
  const Vec y = a * p(z) / q(z);
  return copysign_vec((y > 1.0f) | (size > end) ? broadcast(1.0f) : y, x);
}

inline Vec tanh_vec(Vec x) {
  return odd_rational(
      x, 9.02f,
      [](Vec z) {
        return polynomial(z, 1.0f, 0.13679920136928558f, 0.003868333762511611f, 2.800757465593051e-05f,
                          3.058528363908408e-08f, -1.220364521242745e-11f);
      },
      [](Vec z) {
        return polynomial(z, 1.0f, 0.4701325297355652f, 0.027245860546827316f, 0.0003938641457352787f,
                          1.2873745163233252e-06f);
      });
}

inline Vec erf_vec(Vec x) {
  return odd_rational(
      x, 3.93f,
      [](Vec z) {
        return polynomial(z, 1.128379225730896f, 0.18514791131019592f, 0.05425472557544708f, 0.003840297693386674f,
                          0.00037716582301072776f, 4.620005256583681e-06f, -1.2857709563718345e-08f);
      },
      [](Vec z) {
        return polynomial(z, 1.0f, 0.4974164664745331f, 0.1138870045542717f, 0.015434842556715012f,
                          0.0013024081708863378f, 6.250036676647142e-05f);
      });
}

// The lanes of y where `which` is set, computed one at a time by `f` (rare arguments).
template <class F>
inline Vec repair(IntVec which, Vec y, F f) {
  int32_t any = 0;
  for (int i = 0; i < kLanes; ++i) any |= which[i];
  if (any) {
    for (int i = 0; i < kLanes; ++i)
      if (which[i]) y[i] = f(i);
  }
  return y;
}

// x = quadrant * pi / 2 + r, |r| <= pi / 4, for |x| <= kLargeAngle. In double: next to a multiple of pi the difference
// keeps few of the bits of x.
inline constexpr float kLargeAngle = 0x1p18f;
struct Angle {
  Vec sine, cosine;  // of r
  IntVec quadrant;   // its two lowest bits count
};

inline Angle reduce_angle(Vec x) {
  const DoubleVec d = __builtin_convertvector(x, DoubleVec);
  const DoubleVec shifted = d * 0.63661977236758134308 + 0x1.8p52;
  const DoubleVec k = shifted - 0x1.8p52;
  const Vec r = __builtin_convertvector((d - k * 0x1.921fb544p0) - k * 0x1.0b4611a6p-34, Vec);
  const Vec z = r * r;
  const Vec s = z * r * polynomial(z, -0x1.555556p-3f, 0x1.111174p-7f, -0x1.a05956p-13f, 0x1.7c2d52p-19f) + r;
  const Vec c = z * z * polynomial(z, 0x1.55554ap-5f, -0x1.6c0c26p-10f, 0x1.99e71cp-16f) + (1.0f - z * 0.5f);
  return {s, c, __builtin_convertvector(__builtin_bit_cast(LongVec, shifted), IntVec)};
}

inline Vec sin_vec(Vec x) {
  const Angle a = reduce_angle(x);
  const Vec y = (a.quadrant & 1) != 0 ? a.cosine : a.sine;
  const Vec signed_y = x == 0.0f ? x : from_bits(bits_of(y) ^ ((a.quadrant & 2) << 30));  // keeps -0
  return repair(abs_vec(x) > kLargeAngle, signed_y, [&](int i) { return __builtin_sinf(x[i]); });
}

inline Vec cos_vec(Vec x) {
  const Angle a = reduce_angle(x);
  const Vec y = (a.quadrant & 1) != 0 ? a.sine : a.cosine;
  const Vec signed_y = from_bits(bits_of(y) ^ (((a.quadrant ^ (a.quadrant << 1)) & 2) << 30));
  return repair(abs_vec(x) > kLargeAngle, signed_y, [&](int i) { return __builtin_cosf(x[i]); });
}

inline Vec tan_vec(Vec x) {
  const Angle a = reduce_angle(x);
  const IntVec odd = (a.quadrant & 1) != 0;
  const Vec quotient = (odd ? -a.cosine : a.sine) / (odd ? a.sine : a.cosine);
  const Vec y = x == 0.0f ? x : quotient;  // keeps -0
  return repair(abs_vec(x) > kLargeAngle, y, [&](int i) { return __builtin_tanf(x[i]); });
}

// Angle of the point (x, y): atan(min / max) unfolded into the right octant.
inline Vec arctan2_vec(Vec y, Vec x) {
  const Vec a = abs_vec(y), b = abs_vec(x);
  const IntVec steep = a > b;
  const Vec high = steep ? a : b, low = steep ? b : a;
  const Vec ratio = low / high;
  const Vec same = low == kInfinity ? broadcast(1.0f) : ratio;
  const Vec q = high == 0.0f ? Vec{} : same;
  const Vec z = q * q;
  const Vec angle = q * z *
                        polynomial(z, -0x1.5554dcp-2f, 0x1.9978ecp-3f, -0x1.230a96p-3f, 0x1.b4deep-4f, -0x1.35519ep-4f,
                                   0x1.61f182p-5f, -0x1.0c1ca6p-6f, 0x1.7eb304p-9f) +
                    q;
  const Vec octant = steep ? (0x1.921fb6p0f - angle) - 0x1.777a5cp-25f : angle;
  const Vec half = bits_of(x) < 0 ? (0x1.921fb6p1f - octant) - 0x1.777a5cp-24f : octant;
  const Vec result = copysign_vec(half, y);
  return (x == x) & (y == y) ? result : x + y;
}

// x^y = 2^(y log2 x) for normal x > 0. The exponent reaches 2^7 and is needed to 2^-26, so the logarithm is in double.
inline Vec power_vec(Vec x, Vec y) {
  const IntVec exponent = exponent_of(x);
  const DoubleVec m = __builtin_convertvector(mantissa_of(x, exponent), DoubleVec);
  const DoubleVec s = (m - 1.0) / (m + 1.0);  // log(m) = 2 (s + s^3 / 3 + s^5 / 5 + ...), |s| < 0.172
  const DoubleVec z = s * s;
  const DoubleVec series = ((((z * (1.0 / 11) + 1.0 / 9) * z + 1.0 / 7) * z + 1.0 / 5) * z + 1.0 / 3) * z + 1.0;
  const DoubleVec log2 = s * series * 2.8853900817779268 + __builtin_convertvector(exponent, DoubleVec);
  const DoubleVec product = __builtin_convertvector(y, DoubleVec) * log2;
  const DoubleVec low = product > 200.0 ? DoubleVec{} + 200.0 : product;
  const DoubleVec clamped = low < -200.0 ? DoubleVec{} - 200.0 : low;

  const DoubleVec shifted = clamped + 0x1.8p52;
  const Vec f = __builtin_convertvector(clamped - (shifted - 0x1.8p52), Vec);  // |f| <= 1/2
  const IntVec n = __builtin_convertvector(__builtin_bit_cast(LongVec, shifted), IntVec);
  const Vec e = polynomial(f, 1.0f, 0x1.62e43p-1f, 0x1.ebfbep-3f, 0x1.c6af74p-5f, 0x1.3b2a24p-7f, 0x1.5f0dbep-10f,
                           0x1.444c38p-13f);
  const IntVec half = n >> 1;  // in two steps: n may pass the exponents of a float
  const Vec result = e * from_bits((half + 127) << 23) * from_bits((n - half + 127) << 23);

  const IntVec easy = (x >= 0x1p-126f) & (x < kInfinity) & (abs_vec(y) < kInfinity);
  return repair(~easy, result, [&](int i) { return __builtin_powf(x[i], y[i]); });
}

}  // namespace linnet::LINNET_ISA
