// depth_windows and its gradient against the definition, exactly: nothing is rounded but sums of a few terms.
#include "kernel_test.h"

namespace linnet::test {
namespace {

const DepthWindows kShapes[] = {
    {.n = 2, .d = 5, .od = 3, .pixels = 7, .groups = 1, .kd = 3, .c = 4},
    {.n = 2, .d = 5, .od = 5, .pixels = 3, .groups = 1, .kd = 3, .c = 17, .pad = 1},
    {.n = 1, .d = 7, .od = 3, .pixels = 2, .groups = 3, .kd = 2, .c = 1, .stride = 2, .pad = 0},
    {.n = 3, .d = 6, .od = 4, .pixels = 5, .groups = 2, .kd = 3, .c = 5, .stride = 2, .dilation = 2, .pad = 3},
    {.n = 1, .d = 1, .od = 4, .pixels = 1, .groups = 1, .kd = 4, .c = 1, .stride = 1, .dilation = 1, .pad = 3},
    {.n = 1, .d = 2, .od = 2, .pixels = 1, .groups = 1, .kd = 3, .c = 2, .stride = 1, .dilation = 9, .pad = 9},
    {.n = 0, .d = 3, .od = 3, .pixels = 4, .groups = 1, .kd = 1, .c = 2},
    {.n = 1, .d = 9, .od = 9, .pixels = 1031, .groups = 1, .kd = 3, .c = 16, .pad = 1},
};

// Calls f(index of x or -1, index of windows) for every element of windows.
template <class F>
void each_element(const DepthWindows& s, F f) {
  int64_t to = 0;
  for (int64_t frame = 0; frame < s.n * s.od; ++frame)
    for (int64_t p = 0; p < s.pixels; ++p)
      for (int64_t g = 0; g < s.groups; ++g)
        for (int64_t k = 0; k < s.kd; ++k)
          for (int64_t i = 0; i < s.c; ++i) {
            const int64_t depth = frame % s.od * s.stride - s.pad + k * s.dilation;
            const int64_t from = (((frame / s.od * s.d + depth) * s.pixels + p) * s.groups + g) * s.c + i;
            f(depth < 0 || depth >= s.d ? -1 : from, to++);
          }
}

}  // namespace

TEST_CASE("depth_windows: every shape") {
  for_each_case([](Case& run) {
    for (const DepthWindows& s : kShapes) {
      const Buffer<float> x = random(s.n * s.d * s.pixels * s.groups * s.c, 1);
      Buffer<float> windows(s.n * s.od * s.pixels * s.groups * s.kd * s.c);
      run.kernels.depth_windows(s, x.data(), windows.data(), run.launch());
      std::vector<double> expected(static_cast<size_t>(windows.size()));
      each_element(
          s, [&](int64_t from, int64_t to) { expected[static_cast<size_t>(to)] = from < 0 ? 0.0 : double{x[from]}; });
      check_close(windows.data(), expected, 0, 0);
    }
  });
}

TEST_CASE("depth_windows_grad: every shape") {
  for_each_case([](Case& run) {
    for (const DepthWindows& s : kShapes) {
      const Buffer<float> dwindows = random(s.n * s.od * s.pixels * s.groups * s.kd * s.c, 1);
      Buffer<float> dx(s.n * s.d * s.pixels * s.groups * s.c);
      run.kernels.depth_windows_grad(s, dwindows.data(), dx.data(), run.launch());
      std::vector<double> expected(static_cast<size_t>(dx.size()), 0.0);
      each_element(s, [&](int64_t from, int64_t to) {
        if (from >= 0) expected[static_cast<size_t>(from)] += double{dwindows[to]};
      });
      check_close(dx.data(), expected, 1e-6, 1e-6);
    }
  });
}

}  // namespace linnet::test
