// Convolution against a double oracle, for every table and thread count (conv2d_test.h has the bound). What holds for
// every algorithm is tested here with whichever the kernels choose, the bound with those that sum the products as they
// are; test_conv2d_winograd.cpp has the bound of the other.
#include <algorithm>
#include <cmath>
#include <vector>

#include "conv2d_test.h"

namespace linnet::test {
namespace {

// All three passes of one shape.
void check_shape(Conv2dShape s) {
  s.direct_only = true;
  INFO(describe(s));
  const Buffer<float> x = random(x_size(s), 1), kernel = random(kernel_size(s), 2), dy = random(y_size(s), 3);
  const Buffer<float> bias = random(s.oc, 4);
  Sums y(y_size(s)), dx(x_size(s)), dkernel(kernel_size(s)), dbias(s.oc);
  for (int64_t i = 0; i < y_size(s); ++i) {
    y.add(i, bias[i % s.oc]);
    dbias.add(i % s.oc, dy[i]);
  }
  each_product(s, [&](int64_t xi, int64_t ki, int64_t yi) {
    const double xv = x[xi], kv = kernel[ki], dv = dy[yi];
    y.add(yi, xv * kv);
    dx.add(xi, dv * kv);
    dkernel.add(ki, xv * dv);
  });
  const int64_t window = s.kh * s.kw, pixels = s.n * s.oh * s.ow;

  for_each_case([&](Case& run) {
    run.without_cache = run.threads == 3;  // results go past the caches
    const KernelTable& k = run.kernels;
    run.without_cache = run.threads > 1;  // results past the caches
    Buffer<float> got_y(y_size(s)), got_dx(x_size(s)), got_dkernel(kernel_size(s)), got_dbias(s.oc);
    k.conv2d_forward(s, x.data(), kernel.data(), got_y.data(), {.bias = bias.data()},
                     run.launch(k.conv2d_forward_workspace(s)));
    check_sums(got_y, y, window * s.c / s.groups + 2);
    check_packed(run, s, x.data(), kernel.data(), {.bias = bias.data()}, got_y);
    k.conv2d_grad_input(s, dy.data(), kernel.data(), got_dx.data(), run.launch(k.conv2d_grad_input_workspace(s)));
    check_sums(got_dx, dx, window * s.oc / s.groups + window + 2);
    k.conv2d_grad_weight(s, x.data(), dy.data(), got_dkernel.data(), got_dbias.data(),
                         run.launch(k.conv2d_grad_weight_workspace(s)));
    check_sums(got_dkernel, dkernel, pixels + 32);
    check_sums(got_dbias, dbias, pixels + 32);

    Buffer<float> without_bias(kernel_size(s));
    k.conv2d_grad_weight(s, x.data(), dy.data(), without_bias.data(), nullptr,
                         run.launch(k.conv2d_grad_weight_workspace(s)));
    check_same_bits(without_bias, got_dkernel);
  });
}

void check_sizes(std::initializer_list<Sizes> list) {
  for (const Sizes& z : list) check_shape(shape(z));
}

}  // namespace

TEST_CASE("conv2d: shapes that networks have") {
  check_sizes({
      {.n = 2,
       .h = 28,
       .w = 28,
       .c = 1,
       .kh = 5,
       .kw = 5,
       .oc = 6,
       .pad_top = 2,
       .pad_bottom = 2,
       .pad_left = 2,
       .pad_right = 2},
      {.n = 3, .h = 14, .w = 14, .c = 6, .kh = 5, .kw = 5, .oc = 16},
      {.n = 2, .h = 5, .w = 5, .c = 16, .kh = 5, .kw = 5, .oc = 120},
      {.n = 1,
       .h = 16,
       .w = 16,
       .c = 16,
       .kh = 3,
       .kw = 3,
       .oc = 16,
       .pad_top = 1,
       .pad_bottom = 1,
       .pad_left = 1,
       .pad_right = 1},
      {.n = 1,
       .h = 16,
       .w = 16,
       .c = 16,
       .kh = 3,
       .kw = 3,
       .oc = 32,
       .stride_h = 2,
       .stride_w = 2,
       .pad_bottom = 1,
       .pad_right = 1},
      {.n = 1,
       .h = 8,
       .w = 8,
       .c = 64,
       .kh = 3,
       .kw = 3,
       .oc = 72,
       .pad_top = 1,
       .pad_bottom = 1,
       .pad_left = 1,
       .pad_right = 1},
      {.n = 1,
       .h = 30,
       .w = 31,
       .c = 3,
       .kh = 7,
       .kw = 7,
       .oc = 64,
       .stride_h = 2,
       .stride_w = 2,
       .pad_top = 3,
       .pad_bottom = 3,
       .pad_left = 3,
       .pad_right = 3},
      {.n = 2, .h = 7, .w = 9, .c = 24, .kh = 1, .kw = 1, .oc = 40},
      {.n = 3, .h = 19, .w = 19, .c = 20, .kh = 1, .kw = 1, .oc = 23},
      {.n = 2, .h = 32, .w = 32, .c = 5, .kh = 1, .kw = 1, .oc = 17},
      {.n = 2, .h = 7, .w = 9, .c = 24, .kh = 1, .kw = 1, .oc = 40, .stride_h = 2, .stride_w = 2},
  });
}

TEST_CASE("conv2d: every number of output channels, and the widths around a vector") {
  for (int64_t oc = 1; oc <= 33; ++oc)
    check_sizes({{.n = 2, .h = 5, .w = 6, .c = 3, .kh = 3, .kw = 3, .oc = oc, .pad_top = 1, .pad_right = 1}});
  for (int64_t c = 1; c <= 18; ++c) check_sizes({{.n = 1, .h = 4, .w = 7, .c = c, .kh = 2, .kw = 3, .oc = 5}});
  for (int64_t w = 1; w <= 35; ++w)
    check_sizes({{.n = 1, .h = 3, .w = w, .c = 2, .kh = 2, .kw = 3, .oc = 4, .pad_left = 1, .pad_right = 1}});
  for (int64_t w = 1; w <= 35; ++w)
    check_sizes({{.n = 1, .h = 2, .w = w, .c = 5, .kh = 2, .kw = 3, .oc = 20, .pad_left = 1, .pad_right = 1}});
}

TEST_CASE("conv2d: hostile shapes") {
  check_sizes({
      {.n = 1, .h = 1, .w = 1, .c = 1, .kh = 1, .kw = 1, .oc = 1},
      {.n = 1,
       .h = 1,
       .w = 1,
       .c = 1,
       .kh = 3,
       .kw = 3,
       .oc = 1,
       .pad_top = 1,
       .pad_bottom = 1,
       .pad_left = 1,
       .pad_right = 1},
      {.n = 2,
       .h = 2,
       .w = 3,
       .c = 2,
       .kh = 7,
       .kw = 5,
       .oc = 3,
       .pad_top = 5,
       .pad_bottom = 4,
       .pad_left = 3,
       .pad_right = 4},
      {.n = 3, .h = 13, .w = 11, .c = 7, .kh = 3, .kw = 5, .oc = 17, .stride_h = 5, .stride_w = 7},
      {.n = 1,
       .h = 17,
       .w = 19,
       .c = 5,
       .kh = 2,
       .kw = 2,
       .oc = 11,
       .stride_h = 3,
       .stride_w = 4,
       .pad_top = 1,
       .pad_left = 1},
      {.n = 2,
       .h = 11,
       .w = 13,
       .c = 4,
       .kh = 3,
       .kw = 3,
       .oc = 19,
       .dilation_h = 2,
       .dilation_w = 3,
       .pad_top = 2,
       .pad_bottom = 2,
       .pad_left = 3,
       .pad_right = 3},
      {.n = 1,
       .h = 12,
       .w = 14,
       .c = 3,
       .kh = 3,
       .kw = 2,
       .oc = 3,
       .stride_h = 2,
       .stride_w = 3,
       .dilation_h = 3,
       .dilation_w = 2,
       .pad_top = 1,
       .pad_bottom = 3,
       .pad_left = 2,
       .pad_right = 1},
      {.n = 2, .h = 9, .w = 8, .c = 12, .kh = 3, .kw = 3, .oc = 18, .pad_top = 1, .pad_left = 2, .groups = 3},
      {.n = 2,
       .h = 9,
       .w = 8,
       .c = 64,
       .kh = 3,
       .kw = 3,
       .oc = 64,
       .stride_h = 2,
       .stride_w = 1,
       .pad_top = 1,
       .pad_left = 1,
       .groups = 2},
      {.n = 2, .h = 6, .w = 7, .c = 5, .kh = 3, .kw = 3, .oc = 5, .pad_top = 1, .pad_left = 1, .groups = 5},
      {.n = 3,
       .h = 6,
       .w = 7,
       .c = 67,
       .kh = 3,
       .kw = 3,
       .oc = 67,
       .stride_h = 2,
       .pad_top = 1,
       .pad_left = 1,
       .groups = 67},
      {.n = 1, .h = 6, .w = 7, .c = 16, .kh = 3, .kw = 3, .oc = 16, .dilation_w = 2, .pad_left = 2, .groups = 16},
      {.n = 1, .h = 6, .w = 7, .c = 16, .kh = 3, .kw = 3, .oc = 32, .pad_left = 2, .groups = 16},
      {.n = 2, .h = 1, .w = 40, .c = 3, .kh = 1, .kw = 9, .oc = 10, .pad_left = 4, .pad_right = 4},
      {.n = 2, .h = 40, .w = 1, .c = 3, .kh = 9, .kw = 1, .oc = 10, .pad_top = 4, .pad_bottom = 4},
      // Planes whose rows end inside a vector, and whose size is a whole number of register tiles.
      {.n = 2, .h = 33, .w = 20, .c = 1, .kh = 2, .kw = 1, .oc = 2},
      {.n = 2, .h = 32, .w = 36, .c = 2, .kh = 1, .kw = 2, .oc = 3, .stride_w = 2},
      // Windows that lie in the padding altogether.
      {.n = 1,
       .h = 3,
       .w = 3,
       .c = 2,
       .kh = 2,
       .kw = 2,
       .oc = 3,
       .pad_top = 4,
       .pad_bottom = 3,
       .pad_left = 5,
       .pad_right = 4},
      {.n = 1,
       .h = 3,
       .w = 3,
       .c = 18,
       .kh = 2,
       .kw = 2,
       .oc = 33,
       .pad_top = 4,
       .pad_bottom = 3,
       .pad_left = 5,
       .pad_right = 4},
  });
}

TEST_CASE("conv2d: sizes that overflow scratch or are cut into blocks") {
  check_sizes({
      {.n = 1, .h = 3, .w = 5000, .c = 2, .kh = 3, .kw = 3, .oc = 3, .pad_left = 1, .pad_right = 1},
      {.n = 1, .h = 3, .w = 4500, .c = 1, .kh = 2, .kw = 2, .oc = 17},
      {.n = 1, .h = 2, .w = 700, .c = 300, .kh = 2, .kw = 2, .oc = 2, .pad_left = 1},
      {.n = 1, .h = 40, .w = 12, .c = 130, .kh = 3, .kw = 3, .oc = 140, .pad_top = 1, .pad_left = 1},
      {.n = 1, .h = 16, .w = 16, .c = 1200, .kh = 16, .kw = 16, .oc = 1, .pad_left = 1, .pad_right = 1},
      {.n = 1, .h = 150, .w = 150, .c = 1, .kh = 149, .kw = 149, .oc = 1},
      {.n = 7, .h = 70, .w = 3, .c = 9, .kh = 3, .kw = 3, .oc = 18, .stride_h = 2},
  });
}

TEST_CASE("conv2d: many output channels, small images: the gradient of the kernel over several images at once") {
  check_sizes({
      {.n = 9, .h = 7, .w = 6, .c = 33, .kh = 3, .kw = 3, .oc = 200, .pad_top = 1, .pad_left = 1, .pad_right = 1},
      {.n = 3, .h = 31, .w = 30, .c = 40, .kh = 3, .kw = 2, .oc = 193, .stride_h = 2, .stride_w = 2, .pad_right = 1},
      {.n = 2, .h = 3, .w = 430, .c = 32, .kh = 2, .kw = 3, .oc = 200, .stride_w = 2, .pad_left = 2},
      {.n = 2, .h = 9, .w = 8, .c = 70, .kh = 3, .kw = 3, .oc = 420, .dilation_h = 2, .pad_top = 3, .groups = 2},
  });
}

TEST_CASE("conv2d: a few channels behind the last vector") {
  for (const int64_t oc : {17, 18, 20, 21, 33, 35, 66})
    check_sizes({
        {.n = 2, .h = 8, .w = 9, .c = 7, .kh = 5, .kw = 5, .oc = oc, .pad_top = 1, .pad_left = 2},
        {.n = 3, .h = 9, .w = 8, .c = 33, .kh = 3, .kw = 3, .oc = oc, .stride_h = 2, .stride_w = 2, .pad_left = 1},
        {.n = 1, .h = 7, .w = 8, .c = 20, .kh = 3, .kw = 2, .oc = 2 * oc, .dilation_w = 2, .pad_top = 2, .groups = 2},
    });
}

TEST_CASE("conv2d: 1x1 windows at a stride") {
  for (const int64_t size : {1, 2, 7, 8})
    check_sizes({
        {.n = 3, .h = size, .w = size + 1, .c = 5, .kh = 1, .kw = 1, .oc = 7, .stride_h = 2, .stride_w = 3},
        {.n = 2, .h = size, .w = size, .c = 17, .kh = 1, .kw = 1, .oc = 33, .stride_h = 3, .stride_w = 2},
        {.n = 2, .h = size, .w = size, .c = 4, .kh = 1, .kw = 1, .oc = 9, .stride_h = 2, .pad_top = 1, .pad_left = 2},
    });
}

TEST_CASE("conv2d: depthwise") {
  for (const int64_t window : {1, 2, 3, 4, 5, 7})
    for (const int64_t stride : {1, 2, 3})
      for (const int64_t dilation : {1, 2}) {
        const int64_t pad = window / 2;
        for (const int64_t channels : {16, 21, 32})
          check_sizes({{.n = 2,
                        .h = 11 + window,
                        .w = 15 + window,
                        .c = channels,
                        .kh = window,
                        .kw = window,
                        .oc = channels,
                        .stride_h = stride,
                        .stride_w = stride,
                        .dilation_h = dilation,
                        .dilation_w = dilation,
                        .pad_top = pad,
                        .pad_bottom = pad + 1,
                        .pad_left = pad + 1,
                        .pad_right = pad,
                        .groups = channels}});
      }
  check_sizes({
      {.n = 1, .h = 2, .w = 2, .c = 18, .kh = 3, .kw = 3, .oc = 18, .pad_top = 4, .pad_left = 5, .groups = 18},
      {.n = 1, .h = 3, .w = 40, .c = 40, .kh = 2, .kw = 9, .oc = 40, .stride_w = 2, .pad_right = 8, .groups = 40},
      {.n = 5, .h = 90, .w = 31, .c = 33, .kh = 3, .kw = 3, .oc = 33, .pad_top = 1, .pad_bottom = 1, .groups = 33},
  });
}

TEST_CASE("conv2d: groups of few channels share vectors") {
  for (const int64_t groups : {2, 3, 5, 8, 17})
    for (const int64_t in : {1, 2, 3, 8})
      for (const int64_t out : {1, 2, 3, 4, 8}) {
        if (in == 1 && out == 1) continue;  // depthwise
        const int64_t stride = 1 + (groups + in) % 2, dilation = 1 + (in + out) % 2;
        check_sizes({{.n = 2,
                      .h = 9,
                      .w = 11,
                      .c = groups * in,
                      .kh = 3,
                      .kw = 3,
                      .oc = groups * out,
                      .stride_h = stride,
                      .stride_w = stride,
                      .dilation_h = dilation,
                      .dilation_w = 1 + groups % 2,
                      .pad_top = 1,
                      .pad_left = 2,
                      .groups = groups}});
      }
  check_sizes({
      {.n = 1, .h = 30, .w = 70, .c = 96, .kh = 5, .kw = 4, .oc = 64, .pad_top = 2, .pad_left = 2, .groups = 32},
      {.n = 3, .h = 2, .w = 3, .c = 12, .kh = 3, .kw = 3, .oc = 12, .pad_top = 4, .pad_left = 5, .groups = 6},
      {.n = 2, .h = 6, .w = 5, .c = 80, .kh = 3, .kw = 3, .oc = 4, .stride_h = 3, .pad_bottom = 2, .groups = 2},
  });
}

TEST_CASE("conv2d: empty sizes give zeros or nothing") {
  check_sizes({
      {.n = 0, .h = 5, .w = 5, .c = 3, .kh = 3, .kw = 3, .oc = 4},
      {.n = 2, .h = 5, .w = 5, .c = 0, .kh = 3, .kw = 3, .oc = 4},
      {.n = 2, .h = 2, .w = 2, .c = 3, .kh = 3, .kw = 3, .oc = 4},
      {.n = 0, .h = 5, .w = 5, .c = 3, .kh = 1, .kw = 1, .oc = 4},
  });
}

TEST_CASE("conv2d: the epilogue") {
  // Few and many output channels: several algorithms, and channels that do not fill a vector.
  for (const int64_t oc : {1, 6, 16, 21}) {
    for (const int64_t kernel_width : {1, 3}) {
      const Conv2dShape s = shape({.n = 2,
                                   .h = 9,
                                   .w = 10,
                                   .c = 4,
                                   .kh = 3,
                                   .kw = kernel_width,
                                   .oc = oc,
                                   .pad_top = 1,
                                   .pad_left = kernel_width / 2});
      INFO(describe(s));
      const Buffer<float> x = random(x_size(s), 1), kernel = random(kernel_size(s), 2), bias = random(oc, 4);
      const Buffer<float> residual = random(y_size(s), 5);
      for (const Activation activation : {Activation::none, Activation::relu, Activation::tanh, Activation::sigmoid})
        for (const bool has_bias : {false, true})
          for (const bool has_residual : {false, true}) {
            std::vector<double> expected(static_cast<size_t>(y_size(s)));
            for (int64_t i = 0; i < y_size(s); ++i)
              expected[static_cast<size_t>(i)] = (has_bias ? bias[i % oc] : 0.0) + (has_residual ? residual[i] : 0.0);
            each_product(s, [&](int64_t xi, int64_t ki, int64_t yi) {
              expected[static_cast<size_t>(yi)] += static_cast<double>(x[xi]) * kernel[ki];
            });
            for (double& v : expected) {
              if (activation == Activation::relu) v = std::max(v, 0.0);
              if (activation == Activation::tanh) v = std::tanh(v);
              if (activation == Activation::sigmoid) v = 1 / (1 + std::exp(-v));
            }
            for_each_case([&](Case& run) {
              Buffer<float> y(y_size(s));
              run.kernels.conv2d_forward(s, x.data(), kernel.data(), y.data(),
                                         {.bias = has_bias ? bias.data() : nullptr,
                                          .residual = has_residual ? residual.data() : nullptr,
                                          .activation = activation},
                                         run.launch(run.kernels.conv2d_forward_workspace(s)));
              check_close(y.data(), expected, 1e-5, 1e-5);
            });
          }
    }
  }
}

TEST_CASE("conv2d: NaN reaches the outputs below it and no others") {
  for (const int64_t oc : {3, 16, 40}) {
    const Conv2dShape s =
        shape({.n = 2, .h = 9, .w = 11, .c = 3, .kh = 3, .kw = 3, .oc = oc, .pad_top = 1, .pad_left = 1});
    Buffer<float> x = random(x_size(s), 1), dy = random(y_size(s), 3);
    const Buffer<float> kernel = random(kernel_size(s), 2);
    const int64_t bad_x = ((0 * s.h + 4) * s.w + 5) * s.c + 1, bad_y = ((1 * s.oh + 3) * s.ow + 2) * s.oc;
    x[bad_x] = std::nanf("");
    dy[bad_y] = std::nanf("");
    std::vector<bool> y_nan(static_cast<size_t>(y_size(s))), dx_nan(static_cast<size_t>(x_size(s)));
    each_product(s, [&](int64_t xi, int64_t, int64_t yi) {
      if (xi == bad_x) y_nan[static_cast<size_t>(yi)] = true;
      if (yi == bad_y) dx_nan[static_cast<size_t>(xi)] = true;
    });
    for_each_case([&](Case& run) {
      for (const Activation activation : {Activation::none, Activation::relu}) {
        Buffer<float> y(y_size(s));
        run.kernels.conv2d_forward(s, x.data(), kernel.data(), y.data(), {.activation = activation},
                                   run.launch(run.kernels.conv2d_forward_workspace(s)));
        int64_t wrong = 0;
        for (int64_t i = 0; i < y.size(); ++i) wrong += std::isnan(y[i]) != y_nan[static_cast<size_t>(i)];
        CHECK(wrong == 0);
      }
      Buffer<float> dx(x_size(s));
      run.kernels.conv2d_grad_input(s, dy.data(), kernel.data(), dx.data(),
                                    run.launch(run.kernels.conv2d_grad_input_workspace(s)));
      int64_t wrong = 0;
      for (int64_t i = 0; i < dx.size(); ++i) wrong += std::isnan(dx[i]) != dx_nan[static_cast<size_t>(i)];
      CHECK(wrong == 0);
    });
  }
}

TEST_CASE("conv2d: the same bits on any number of threads, past the caches, for an image alone or in a batch") {
  // Large enough that a launch has several tiles.
  for (const Conv2dShape& s :
       {shape({.n = 9,
               .h = 28,
               .w = 28,
               .c = 1,
               .kh = 5,
               .kw = 5,
               .oc = 6,
               .pad_top = 2,
               .pad_bottom = 2,
               .pad_left = 2,
               .pad_right = 2}),
        shape({.n = 11, .h = 14, .w = 14, .c = 6, .kh = 5, .kw = 5, .oc = 16}),
        shape({.n = 3, .h = 20, .w = 22, .c = 32, .kh = 3, .kw = 3, .oc = 48, .pad_top = 1, .pad_left = 1}),
        shape({.n = 3, .h = 33, .w = 20, .c = 24, .kh = 3, .kw = 3, .oc = 40, .stride_h = 2, .stride_w = 2}),
        shape({.n = 5, .h = 33, .w = 20, .c = 48, .kh = 1, .kw = 1, .oc = 56}),
        shape({.n = 5, .h = 33, .w = 20, .c = 64, .kh = 3, .kw = 3, .oc = 64, .groups = 64}),
        shape({.n = 19, .h = 14, .w = 14, .c = 20, .kh = 3, .kw = 3, .oc = 4})}) {
    INFO(describe(s));
    const Buffer<float> x = random(x_size(s), 1), kernel = random(kernel_size(s), 2), dy = random(y_size(s), 3);
    const int before = num_threads();
    for (const KernelTable* table : available_kernels()) {
      if (std::string(table->name) == "reference") continue;  // shares nothing
      INFO(table->name);
      const auto forward = [&](Case& run, const Conv2dShape& part, const float* from) {
        Buffer<float> y(y_size(part));
        table->conv2d_forward(part, from, kernel.data(), y.data(), {.activation = Activation::relu},
                              run.launch(table->conv2d_forward_workspace(part)));
        return y;
      };
      const auto grad_input = [&](Case& run, const Conv2dShape& part, const float* from) {
        Buffer<float> dx(x_size(part));
        table->conv2d_grad_input(part, from, kernel.data(), dx.data(),
                                 run.launch(table->conv2d_grad_input_workspace(part)));
        return dx;
      };
      const auto grad_weight = [&](Case& run) {
        Buffer<float> dkernel(kernel_size(s) + s.oc);
        table->conv2d_grad_weight(s, x.data(), dy.data(), dkernel.data(), dkernel.data() + kernel_size(s),
                                  run.launch(table->conv2d_grad_weight_workspace(s)));
        return dkernel;
      };
      set_num_threads(1);
      Case one(*table, 1);
      const Buffer<float> y = forward(one, s, x.data()), dx = grad_input(one, s, dy.data()), dw = grad_weight(one);
      for (const int threads : {2, 3, 5}) {
        set_num_threads(threads);
        Case run(*table, threads);
        run.without_cache = threads > 2;
        check_same_bits(y, forward(run, s, x.data()));
        check_same_bits(dx, grad_input(run, s, dy.data()));
        check_same_bits(dw, grad_weight(run));
      }
      Conv2dShape single = s;
      single.n = 1;
      const Buffer<float> last_y = forward(one, single, x.data() + x_size(single) * (s.n - 1));
      const Buffer<float> last_dx = grad_input(one, single, dy.data() + y_size(single) * (s.n - 1));
      CHECK(std::equal(last_y.begin(), last_y.end(), y.end() - last_y.size()));
      CHECK(std::equal(last_dx.begin(), last_dx.end(), dx.end() - last_dx.size()));
    }
    set_num_threads(before);
  }
}

TEST_CASE("conv2d: workspaces do not shrink when the batch grows") {
  for (const Sizes& z : {Sizes{.h = 28, .w = 28, .c = 1, .kh = 5, .kw = 5, .oc = 6},
                         Sizes{.h = 14, .w = 14, .c = 6, .kh = 5, .kw = 5, .oc = 16},
                         Sizes{.h = 14, .w = 14, .c = 512, .kh = 3, .kw = 3, .oc = 512},
                         Sizes{.h = 14, .w = 14, .c = 512, .kh = 1, .kw = 1, .oc = 256},
                         Sizes{.h = 23, .w = 23, .c = 40, .kh = 1, .kw = 1, .oc = 300},
                         Sizes{.h = 40, .w = 40, .c = 64, .kh = 3, .kw = 3, .oc = 64, .groups = 64}}) {
    for (const KernelTable* table : available_kernels()) {
      size_t forward = 0, grad_input = 0, grad_weight = 0;
      for (const int64_t n : {0, 1, 2, 3, 5, 8, 15, 16, 17, 33, 64, 200}) {
        Conv2dShape s = shape(z);
        s.n = n;
        CHECK(table->conv2d_forward_workspace(s) >= forward);
        CHECK(table->conv2d_grad_input_workspace(s) >= grad_input);
        CHECK(table->conv2d_grad_weight_workspace(s) >= grad_weight);
        forward = table->conv2d_forward_workspace(s);
        grad_input = table->conv2d_grad_input_workspace(s);
        grad_weight = table->conv2d_grad_weight_workspace(s);
        CHECK(forward % 64 == 0);
        CHECK(grad_input % 64 == 0);
        CHECK(grad_weight % 64 == 0);
      }
    }
  }
}

}  // namespace linnet::test
