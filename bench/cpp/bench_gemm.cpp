// GEMM at the sizes that training steps are made of: time, floating-point operations a second and share of the FMA peak
// (measured in this process, on all threads).
//
//   LINNET_NUM_THREADS=1 bench_gemm --benchmark_filter=mlp
//   bench_gemm --benchmark_filter=neighbours
//   LINNET_ISA=x86-64-v3 bench_gemm --benchmark_enable_random_interleaving=true --benchmark_repetitions=5
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/peak.h"
#include "runtime/threads.h"

namespace {

struct Shape {
  const char* name;
  int64_t m, n, k;
  bool trans_a, trans_b;
};

// forward: x W with bias and relu; grad_weight: x^T dy; grad_input: dy W^T.
constexpr Shape kShapes[] = {
    {"mlp_1/forward", 128, 512, 784, false, false},
    {"mlp_1/grad_weight", 784, 512, 128, true, false},
    {"mlp_2/forward", 128, 10, 512, false, false},
    {"mlp_2/grad_weight", 512, 10, 128, true, false},
    {"mlp_2/grad_input", 128, 512, 10, false, true},
    {"logistic/forward", 128, 10, 784, false, false},
    {"logistic/grad_weight", 784, 10, 128, true, false},
    {"lenet5_120/forward", 32, 120, 400, false, false},
    {"lenet5_120/grad_weight", 400, 120, 32, true, false},
    {"lenet5_120/grad_input", 32, 400, 120, false, true},
    {"lenet5_84/forward", 32, 84, 120, false, false},
    {"lenet5_84/grad_weight", 120, 84, 32, true, false},
    {"lenet5_84/grad_input", 32, 120, 84, false, true},
    {"lenet5_10/forward", 32, 10, 84, false, false},
    {"lenet5_10/grad_weight", 84, 10, 32, true, false},
    {"lenet5_10/grad_input", 32, 84, 10, false, true},
    {"batch_1/120", 1, 120, 400, false, false},
    {"batch_1/84", 1, 84, 120, false, false},
    {"batch_1/10", 1, 10, 84, false, false},
    {"batch_1/4096", 1, 4096, 4096, false, false},
    {"square/64", 64, 64, 64, false, false},
    {"square/256", 256, 256, 256, false, false},
    {"square/512", 512, 512, 512, false, false},
    {"square/1024", 1024, 1024, 1024, false, false},
    {"square/2048", 2048, 2048, 2048, false, false},
    {"tall/3136x64x576", 3136, 64, 576, false, false},
    {"tall/12544x64x147", 12544, 64, 147, false, false},
    {"wide/32x1024x256", 32, 1024, 256, false, false},
    // One more or one less must not cost more than its share.
    {"neighbours/127x512x784", 127, 512, 784, false, false},
    {"neighbours/129x512x784", 129, 512, 784, false, false},
    {"neighbours/128x511x784", 128, 511, 784, false, false},
    {"neighbours/128x513x784", 128, 513, 784, false, false},
    {"neighbours/511", 511, 511, 511, false, false},
    {"neighbours/513", 513, 513, 513, false, false},
    {"neighbours/1023", 1023, 1023, 1023, false, false},
    {"neighbours/1025", 1025, 1025, 1025, false, false},
    {"neighbours/3137x65x577", 3137, 65, 577, false, false},
    {"neighbours/3135x63x575", 3135, 63, 575, false, false},
    {"neighbours/4x4097x4097", 4, 4097, 4097, false, false},
    {"neighbours/5x4097x4097", 5, 4097, 4097, false, false},
};

std::vector<float> numbers(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 7919 % 1000) * 2e-3f - 1;
  return values;
}

void gemm(benchmark::State& state, const Shape& s) {
  static const double peak = linnet::measure_fma_peak(0.05);  // of all threads
  const std::vector<float> a = numbers(s.m * s.k), b = numbers(s.k * s.n), bias = numbers(s.n);
  std::vector<float> c(static_cast<size_t>(s.m * s.n));
  linnet::GemmArgs g;
  g.m = s.m, g.n = s.n, g.k = s.k;
  g.a = a.data(), g.lda = s.trans_a ? s.m : s.k, g.trans_a = s.trans_a;
  g.b = b.data(), g.ldb = s.trans_b ? s.k : s.n, g.trans_b = s.trans_b;
  g.c = c.data(), g.ldc = s.n;
  if (!s.trans_a && !s.trans_b) {
    g.epilogue.bias = bias.data();
    g.epilogue.activation = linnet::Activation::relu;
  }
  const linnet::KernelTable& table = linnet::kernels();
  std::vector<float> workspace(table.gemm_workspace(g) / sizeof(float) + 16);
  void* aligned = reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(workspace.data()) + 63) & ~uintptr_t{63});
  const linnet::Launch launch = linnet::make_launch(aligned);
  const linnet::ActiveRegion awake;
  for (auto _ : state) {
    table.gemm(g, launch);
    benchmark::ClobberMemory();
  }
  const double operations = 2.0 * static_cast<double>(s.m * s.n * s.k);
  using benchmark::Counter;
  state.counters["FLOP/s"] = Counter(operations, Counter::kIsIterationInvariantRate);
  state.counters["of_peak"] = Counter(operations / peak, Counter::kIsIterationInvariantRate);
}

const int registered = [] {
  for (const Shape& shape : kShapes) {
    benchmark::RegisterBenchmark(shape.name, gemm, shape)->UseRealTime()->Unit(benchmark::kMicrosecond);
  }
  return 0;
}();

}  // namespace
