// Convolution and pooling at the sizes that networks are made of: time, floating-point operations a second and share of
// the FMA peak (measured in this process, on all threads). Pooling counts its comparisons or additions.
//
//   LINNET_NUM_THREADS=1 bench_conv2d --benchmark_filter=lenet5
//   LINNET_NUM_THREADS=1 bench_conv2d --benchmark_filter=sweep
//   LINNET_ISA=x86-64-v3 bench_conv2d --benchmark_enable_random_interleaving=true --benchmark_repetitions=5
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/peak.h"
#include "runtime/threads.h"

namespace {

struct Conv {
  const char* name;
  int64_t n, size, c, window, oc, stride, pad;  // square; pad before, and as much behind as `size` needs
  int64_t groups = 1, dilation = 1;
};

constexpr Conv kConvs[] = {
    {"lenet5_c1", 32, 28, 1, 5, 6, 1, 2},
    {"lenet5_c3", 32, 14, 6, 5, 16, 1, 0},
    // Neighbours of LeNet's sizes: nothing may depend on those very numbers.
    {"near_lenet5_c1", 32, 27, 1, 5, 7, 1, 2},
    {"near_lenet5_c3", 32, 15, 7, 5, 17, 1, 0},
    {"resnet20/3x32x32_16", 128, 32, 3, 3, 16, 1, 1},
    {"resnet20/16x32x32_16", 128, 32, 16, 3, 16, 1, 1},
    {"resnet20/16x32x32_32_s2", 128, 32, 16, 3, 32, 2, 1},
    {"resnet20/32x16x16_32", 128, 16, 32, 3, 32, 1, 1},
    {"resnet20/64x8x8_64", 128, 8, 64, 3, 64, 1, 1},
    {"resnet50/3x224x224_64_7x7s2", 4, 224, 3, 7, 64, 2, 3},
    {"resnet50/64x56x56_64", 8, 56, 64, 3, 64, 1, 1},
    {"resnet50/128x28x28_256_1x1", 8, 28, 128, 1, 256, 1, 0},
    {"resnet50/128x28x28_256_s2", 8, 28, 128, 3, 256, 2, 1},
    {"resnet50/512x14x14_512", 4, 14, 512, 3, 512, 1, 1},
    {"resnet50/512x7x7_512", 8, 7, 512, 3, 512, 1, 1},
    {"resnet50/128x28x28_128", 8, 28, 128, 3, 128, 1, 1},
    {"resnet50/256x14x14_256", 8, 14, 256, 3, 256, 1, 1},
    {"vgg/3x224x224_64", 1, 224, 3, 3, 64, 1, 1},
    {"vgg/64x224x224_64", 1, 224, 64, 3, 64, 1, 1},
    {"vgg/256x56x56_256", 4, 56, 256, 3, 256, 1, 1},
    {"vgg/512x28x28_512", 4, 28, 512, 3, 512, 1, 1},
    {"near_winograd/63x53x53_65", 8, 53, 63, 3, 65, 1, 1},
    {"resnet50/128x56x56_128_s2", 8, 56, 128, 3, 128, 2, 1},
    {"resnet50/256x28x28_256_s2", 8, 28, 256, 3, 256, 2, 1},
    {"resnet50/512x14x14_512_s2", 8, 14, 512, 3, 512, 2, 1},
    {"resnet50/512x28x28_1024_1x1s2", 8, 28, 512, 1, 1024, 2, 0},
    {"alexnet/3x227x227_96_11x11s4", 16, 227, 3, 11, 96, 4, 0},
    {"alexnet/96x27x27_256_5x5", 16, 27, 96, 5, 256, 1, 2},
    {"near_winograd/95x26x26_257_5x5", 16, 26, 95, 5, 257, 1, 2},
    {"inception/16x28x28_32_5x5", 8, 28, 16, 5, 32, 1, 2},
    {"inception/24x14x14_64_5x5", 8, 14, 24, 5, 64, 1, 2},
    {"inception/48x7x7_128_5x5", 8, 7, 48, 5, 128, 1, 2},
    // Groups: ResNeXt's, AlexNet's and MobileNet's.
    {"groups/128x56x56_128_g32", 8, 56, 128, 3, 128, 1, 1, 32},
    {"groups/96x27x27_256_5x5_g2", 16, 27, 96, 5, 256, 1, 2, 2},
    {"groups/dilated_128x28x28_128", 8, 28, 128, 3, 128, 1, 2, 1, 2},
    {"depthwise/32x112x112", 8, 112, 32, 3, 32, 1, 1, 32},
    {"depthwise/64x112x112_s2", 8, 112, 64, 3, 64, 2, 1, 64},
    {"depthwise/512x14x14", 8, 14, 512, 3, 512, 1, 1, 512},
    // Neighbours, one step in each direction: channels in and out, width, window and padding. The share of the peak may
    // fall by the lanes that the last vector of output channels leaves empty, and little more.
    {"sweep/16x14x14_31_5x5", 32, 14, 16, 5, 31, 1, 0},
    {"sweep/16x14x14_32_5x5", 32, 14, 16, 5, 32, 1, 0},
    {"sweep/16x14x14_33_5x5", 32, 14, 16, 5, 33, 1, 0},
    {"sweep/17x14x14_32_5x5", 32, 14, 17, 5, 32, 1, 0},
    {"sweep/16x15x15_32_5x5", 32, 15, 16, 5, 32, 1, 0},
    {"sweep/16x14x14_32_5x5_pad1", 32, 14, 16, 5, 32, 1, 1},
    {"sweep/6x14x14_15_5x5", 32, 14, 6, 5, 15, 1, 0},
    {"sweep/6x14x14_17_5x5", 32, 14, 6, 5, 17, 1, 0},
    {"sweep/6x14x14_18_5x5", 32, 14, 6, 5, 18, 1, 0},
    {"sweep/6x14x14_20_5x5", 32, 14, 6, 5, 20, 1, 0},
    {"sweep/64x28x28_64_s2", 8, 28, 64, 3, 64, 2, 1},
    {"sweep/63x28x28_63_s2", 8, 28, 63, 3, 63, 2, 1},
    {"sweep/65x28x28_65_s2", 8, 28, 65, 3, 65, 2, 1},
    {"sweep/64x29x29_64_s2", 8, 29, 64, 3, 64, 2, 1},
    {"sweep/129x28x28_129_s2", 8, 28, 129, 3, 129, 2, 1},
    {"batch_1/64x56x56_64", 1, 56, 64, 3, 64, 1, 1},
    {"batch_1/lenet5_c3", 1, 14, 6, 5, 16, 1, 0},
};

linnet::Conv2dShape shape_of(const Conv& c) {
  linnet::Conv2dShape s;
  s.n = c.n, s.h = s.w = c.size, s.c = c.c, s.kh = s.kw = c.window, s.oc = c.oc;
  s.stride_h = s.stride_w = c.stride;
  s.pad_top = s.pad_left = c.pad;
  s.groups = c.groups;
  s.dilation_h = s.dilation_w = c.dilation;
  s.oh = s.ow = (c.size + 2 * c.pad - (c.window - 1) * c.dilation - 1) / c.stride + 1;
  return s;
}

std::vector<float> numbers(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 7919 % 1000) * 2e-3f - 1;
  return values;
}

// A workspace on a 64-byte boundary, and the launch that uses it.
struct Workspace {
  explicit Workspace(size_t bytes) : floats(bytes / sizeof(float) + 16) {}
  linnet::Launch launch() {
    return linnet::make_launch(
        reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(floats.data()) + 63) & ~uintptr_t{63}));
  }
  std::vector<float> floats;
};

void report(benchmark::State& state, double operations) {
  static const double peak = linnet::measure_fma_peak(0.05);  // of all threads
  using benchmark::Counter;
  state.counters["FLOP/s"] = Counter(operations, Counter::kIsIterationInvariantRate);
  state.counters["of_peak"] = Counter(operations / peak, Counter::kIsIterationInvariantRate);
}

enum class Pass { forward, grad_input, grad_weight };

void conv2d(benchmark::State& state, const Conv& conv, Pass pass) {
  const linnet::Conv2dShape s = shape_of(conv);
  const linnet::KernelTable& table = linnet::kernels();
  std::vector<float> x = numbers(s.n * s.h * s.w * s.c), kernel = numbers(s.kh * s.kw * s.c / s.groups * s.oc);
  std::vector<float> y = numbers(s.n * s.oh * s.ow * s.oc), bias = numbers(s.oc);
  linnet::Epilogue epilogue;
  epilogue.bias = bias.data();
  epilogue.activation = linnet::Activation::relu;
  Workspace workspace(std::max({table.conv2d_forward_workspace(s), table.conv2d_grad_input_workspace(s),
                                table.conv2d_grad_weight_workspace(s)}));
  const linnet::Launch launch = workspace.launch();
  const linnet::ActiveRegion awake;
  for (auto _ : state) {
    if (pass == Pass::forward) table.conv2d_forward(s, x.data(), kernel.data(), y.data(), epilogue, launch);
    if (pass == Pass::grad_input) table.conv2d_grad_input(s, y.data(), kernel.data(), x.data(), launch);
    if (pass == Pass::grad_weight) table.conv2d_grad_weight(s, x.data(), y.data(), kernel.data(), bias.data(), launch);
    benchmark::ClobberMemory();
  }
  report(state, 2.0 * static_cast<double>(s.n * s.oh * s.ow * s.oc * s.kh * s.kw * s.c / s.groups));
}

struct PoolCase {
  const char* name;
  linnet::Pool2dShape shape;
};
constexpr PoolCase kPools[] = {
    {"lenet5_s2", {32, 28, 28, 6, 2, 2, 14, 14, 2, 2, 0, 0}},
    {"lenet5_s4", {32, 10, 10, 16, 2, 2, 5, 5, 2, 2, 0, 0}},
    {"near_lenet5_s2", {32, 27, 27, 7, 2, 2, 13, 13, 2, 2, 0, 0}},
    {"resnet50_3x3s2", {8, 112, 112, 64, 3, 3, 56, 56, 2, 2, 1, 1}},
};

void max_pool2d(benchmark::State& state, const linnet::Pool2dShape& s, bool grad) {
  const linnet::KernelTable& table = linnet::kernels();
  const int64_t outputs = s.n * s.oh * s.ow * s.c;
  std::vector<float> x = numbers(s.n * s.h * s.w * s.c), y = numbers(outputs);
  std::vector<uint8_t> argmax(static_cast<size_t>(outputs));
  const linnet::Launch launch = linnet::make_launch(nullptr);
  const linnet::ActiveRegion awake;
  table.max_pool2d_forward(s, x.data(), y.data(), argmax.data(), launch);
  for (auto _ : state) {
    if (grad) {
      table.max_pool2d_grad(s, y.data(), argmax.data(), x.data(), launch);
    } else {
      table.max_pool2d_forward(s, x.data(), y.data(), argmax.data(), launch);
    }
    benchmark::ClobberMemory();
  }
  report(state, static_cast<double>(outputs * s.kh * s.kw));
}

const int registered = [] {
  const auto add = [](const std::string& name, auto... args) {
    benchmark::RegisterBenchmark(name.c_str(), args...)->UseRealTime()->Unit(benchmark::kMicrosecond);
  };
  for (const Conv& conv : kConvs) {
    const std::string name = conv.name;
    add(name + "/forward", conv2d, conv, Pass::forward);
    if (conv.c > 1) add(name + "/grad_input", conv2d, conv, Pass::grad_input);  // no network asks for c1's
    add(name + "/grad_weight", conv2d, conv, Pass::grad_weight);
  }
  for (const PoolCase& pool : kPools) {
    add(std::string(pool.name) + "/max_pool2d_forward", max_pool2d, pool.shape, false);
    add(std::string(pool.name) + "/max_pool2d_grad", max_pool2d, pool.shape, true);
  }
  return 0;
}();

}  // namespace
