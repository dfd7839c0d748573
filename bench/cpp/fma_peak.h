// The FMA peak of one core, measured: the yardstick for every "share of peak".
//
// Twelve independent chains of FMAs in registers cover latency times throughput on every x86-64 core (4 cycles x 2 a
// cycle = 8). The vector width is the widest the processor has. Where neither AVX2 nor AVX-512 is there,
// multiplications and additions are counted at 128 bits. The empty asm hides that all chains begin alike: the compiler
// would merge them. The bodies are repeated because a target attribute cannot be a template parameter.
#pragma once
#include <chrono>
#include <cstdint>

namespace linnet::bench {

inline constexpr int kChains = 12;
inline constexpr int64_t kSteps = 200'000;

typedef float Float4 __attribute__((vector_size(16)));
typedef float Float8 __attribute__((vector_size(32)));
typedef float Float16 __attribute__((vector_size(64)));

// Each returns the floating-point operations it has done.
#if defined(__x86_64__)
__attribute__((noinline, target("avx512f"))) inline double fma_chains_512() {
  Float16 x[kChains] = {}, a = Float16{} + 0.999f, b = Float16{} + 0.001f;
#pragma GCC unroll 12
  for (int j = 0; j < kChains; ++j) asm volatile("" : "+v"(x[j]));
  for (int64_t i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) x[j] = x[j] * a + b;
  }
#pragma GCC unroll 12
  for (int j = 0; j < kChains; ++j) asm volatile("" ::"v"(x[j]));
  return 2.0 * 16 * kChains * kSteps;
}

__attribute__((noinline, target("avx2,fma"))) inline double fma_chains_256() {
  Float8 x[kChains] = {}, a = Float8{} + 0.999f, b = Float8{} + 0.001f;
#pragma GCC unroll 12
  for (int j = 0; j < kChains; ++j) asm volatile("" : "+x"(x[j]));
  for (int64_t i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) x[j] = x[j] * a + b;
  }
#pragma GCC unroll 12
  for (int j = 0; j < kChains; ++j) asm volatile("" ::"x"(x[j]));
  return 2.0 * 8 * kChains * kSteps;
}
#endif

__attribute__((noinline)) inline double fma_chains_128() {
#if defined(__x86_64__)
#define LINNET_VECTOR_REGISTER "x"
#else
#define LINNET_VECTOR_REGISTER "w"
#endif
  Float4 x[kChains] = {}, a = Float4{} + 0.999f, b = Float4{} + 0.001f;
#pragma GCC unroll 12
  for (int j = 0; j < kChains; ++j) asm volatile("" : "+" LINNET_VECTOR_REGISTER(x[j]));
  for (int64_t i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) x[j] = x[j] * a + b;
  }
#pragma GCC unroll 12
  for (int j = 0; j < kChains; ++j) asm volatile("" ::LINNET_VECTOR_REGISTER(x[j]));
#undef LINNET_VECTOR_REGISTER
  return 2.0 * 4 * kChains * kSteps;
}

// Floating-point operations a second of one core: the best of many short runs, each under a millisecond.
inline double fma_peak() {
  double (*chains)() = fma_chains_128;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) chains = fma_chains_256;
  if (__builtin_cpu_supports("avx512f")) chains = fma_chains_512;
#endif
  double best = 0;
  for (int run = 0; run < 50; ++run) {
    const auto start = std::chrono::steady_clock::now();
    const double operations = chains();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (operations / seconds.count() > best) best = operations / seconds.count();
  }
  return best;
}

}  // namespace linnet::bench
