// Winograd's algorithm against a double oracle, with an error bound that holds for every element (winograd_test.h).
#include <cmath>
#include <vector>

#include "winograd_test.h"

namespace linnet::test {
namespace {

// All three passes of one shape. `chosen`: the shape must be one for which the kernels take this algorithm.
void check_shape(const Conv2dShape& s, bool chosen) {
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
  const auto window = [&](int64_t ky, int64_t kx, int64_t i, int64_t o) {
    return kernel[((ky * s.kw + kx) * s.c + i) * s.oc + o];
  };
  y.magnitude = forward_magnitude(s, x.data(), window);
  for (int64_t i = 0; i < y_size(s); ++i) y.magnitude[static_cast<size_t>(i)] += std::abs(bias[i % s.oc]);
  Conv2dShape turned = s;
  std::swap(turned.h, turned.oh), std::swap(turned.w, turned.ow), std::swap(turned.c, turned.oc);
  turned.pad_top = s.kh - 1 - s.pad_top, turned.pad_left = s.kw - 1 - s.pad_left;
  dx.magnitude = forward_magnitude(turned, dy.data(), [&](int64_t ky, int64_t kx, int64_t o, int64_t i) {
    return window(s.kh - 1 - ky, s.kw - 1 - kx, i, o);
  });
  const int64_t tile = 7 - s.kh, tiles = s.n * ((s.oh + tile - 1) / tile) * ((s.ow + tile - 1) / tile);
  dkernel.magnitude = weight_magnitude(s, x.data(), dy.data());

  for_each_case([&](Case& run) {
    const KernelTable& k = run.kernels;
    Conv2dShape direct = s;
    direct.direct_only = true;
    const auto forward = [&](const Conv2dShape& shape) {
      Buffer<float> got(y_size(s));
      k.conv2d_forward(shape, x.data(), kernel.data(), got.data(), {.bias = bias.data()},
                       run.launch(k.conv2d_forward_workspace(shape)));
      return got;
    };
    const auto grad_input = [&](const Conv2dShape& shape) {
      Buffer<float> got(x_size(s));
      k.conv2d_grad_input(shape, dy.data(), kernel.data(), got.data(),
                          run.launch(k.conv2d_grad_input_workspace(shape)));
      return got;
    };
    const auto grad_weight = [&](const Conv2dShape& shape) {
      Buffer<float> got(kernel_size(s)), got_dbias(s.oc), without_bias(kernel_size(s));
      k.conv2d_grad_weight(shape, x.data(), dy.data(), got.data(), got_dbias.data(),
                           run.launch(k.conv2d_grad_weight_workspace(shape)));
      check_sums(got_dbias, dbias, s.n * s.oh * s.ow + 32);
      k.conv2d_grad_weight(shape, x.data(), dy.data(), without_bias.data(), nullptr,
                           run.launch(k.conv2d_grad_weight_workspace(shape)));
      check_same_bits(without_bias, got);
      return got;
    };
    const auto differs = [&](const Buffer<float>& a, const Buffer<float>& b) {
      return std::memcmp(a.data(), b.data(), a.bytes()) != 0;
    };
    const Buffer<float> got_y = forward(s), got_dx = grad_input(s), got_dkernel = grad_weight(s);
    check_sums(got_y, y, s.c + kMapRoundings);
    check_sums(got_dx, dx, s.oc + kMapRoundings);
    check_sums(got_dkernel, dkernel, tiles + kMapRoundings);
    // Another algorithm rounds otherwise, and `direct_only` must give it.
    if (chosen && std::string(k.name) != "reference") {
      CHECK(differs(got_y, forward(direct)));
      CHECK(differs(got_dx, grad_input(direct)));
      CHECK(differs(got_dkernel, grad_weight(direct)));
    }
  });
}

}  // namespace

TEST_CASE("conv2d winograd: every remainder of height and width, every padding") {
  int64_t turn = 0;
  for (int64_t h = 10; h < 14; ++h)
    for (int64_t w = 10; w < 14; ++w, ++turn)
      check_shape(shape({.n = 2,
                         .h = h,
                         .w = w,
                         .c = 80,
                         .kh = 3,
                         .kw = 3,
                         .oc = 80,
                         .pad_top = turn % 3,
                         .pad_bottom = turn / 2 % 3,
                         .pad_left = turn / 3 % 3,
                         .pad_right = turn % 2 + 1}),
                  true);
}

TEST_CASE("conv2d winograd: 5x5 windows, every remainder and padding") {
  int64_t turn = 0;
  for (int64_t h = 14; h < 17; ++h)
    for (int64_t w = 14; w < 17; ++w, ++turn)
      check_shape(shape({.n = 2,
                         .h = h,
                         .w = w,
                         .c = 40,
                         .kh = 5,
                         .kw = 5,
                         .oc = 40,
                         .pad_top = turn % 5,
                         .pad_bottom = turn / 2 % 5,
                         .pad_left = turn / 3 % 5,
                         .pad_right = turn % 4 + 1}),
                  true);
}

TEST_CASE("conv2d winograd: 5x5 windows, channels that do not fill vectors and panels") {
  for (const int64_t c : {31, 33, 50})
    for (const int64_t oc : {29, 48, 65})
      check_shape(shape({.n = 1,
                         .h = 12,
                         .w = 12,
                         .c = c,
                         .kh = 5,
                         .kw = 5,
                         .oc = oc,
                         .pad_top = 2,
                         .pad_bottom = 2,
                         .pad_left = 2,
                         .pad_right = 2}),
                  true);
}

TEST_CASE("conv2d winograd: channels that do not fill vectors and panels") {
  for (const int64_t c : {24, 31, 33, 47, 50})
    for (const int64_t oc : {24, 29, 33, 48, 65})
      check_shape(shape({.n = 1,
                         .h = 12,
                         .w = 12,
                         .c = c,
                         .kh = 3,
                         .kw = 3,
                         .oc = oc,
                         .pad_top = 1,
                         .pad_bottom = 1,
                         .pad_left = 1,
                         .pad_right = 1}),
                  true);
}

// Some passes of these are Winograd's, others not, as vectors are long.
TEST_CASE("conv2d winograd: a few channels on one side or both") {
  for (const int64_t c : {4, 5, 7, 8})
    for (const int64_t oc : {4, 8, 15, 33})
      for (const bool turned : {false, true})
        check_shape(shape({.n = 2,
                           .h = 13,
                           .w = 16,
                           .c = turned ? oc : c,
                           .kh = 3,
                           .kw = 3,
                           .oc = turned ? c : oc,
                           .pad_top = 1,
                           .pad_bottom = 1,
                           .pad_left = 1,
                           .pad_right = 1}),
                    false);
  // The gradient of the weights is, with 8 channels already.
  const Conv2dShape s = shape({.n = 2, .h = 18, .w = 18, .c = 8, .kh = 3, .kw = 3, .oc = 8});
  const Buffer<float> x = random(x_size(s), 1), dy = random(y_size(s), 2);
  for_each_case([&](Case& run) {
    if (std::string(run.kernels.name) == "reference") return;
    const auto gradient = [&](bool direct_only) {
      Conv2dShape here = s;
      here.direct_only = direct_only;
      Buffer<float> dkernel(kernel_size(s));
      run.kernels.conv2d_grad_weight(here, x.data(), dy.data(), dkernel.data(), nullptr,
                                     run.launch(run.kernels.conv2d_grad_weight_workspace(here)));
      return dkernel;
    };
    const Buffer<float> winograd = gradient(false), direct = gradient(true);
    CHECK(std::memcmp(winograd.data(), direct.data(), winograd.bytes()) != 0);
  });
}

TEST_CASE("conv2d winograd: patches in scratch and in the workspace, several waves") {
  for (const Sizes& z : {Sizes{.n = 1, .h = 44, .w = 40, .c = 24, .kh = 3, .kw = 3, .oc = 24},
                         Sizes{.n = 9, .h = 11, .w = 11, .c = 250, .kh = 3, .kw = 3, .oc = 40},
                         Sizes{.n = 2, .h = 62, .w = 62, .c = 264, .kh = 3, .kw = 3, .oc = 20},
                         Sizes{.n = 3, .h = 62, .w = 62, .c = 17, .kh = 3, .kw = 3, .oc = 33},
                         Sizes{.n = 2, .h = 32, .w = 32, .c = 9, .kh = 3, .kw = 3, .oc = 200},
                         Sizes{.n = 2, .h = 4, .w = 62, .c = 40, .kh = 3, .kw = 3, .oc = 64},
                         Sizes{.n = 2, .h = 61, .w = 4, .c = 70, .kh = 3, .kw = 3, .oc = 75}})
    check_shape(shape(z), true);
}

TEST_CASE("conv2d winograd: 5x5 windows, both orders of the work, several waves") {
  for (const Sizes& z : {Sizes{.n = 1, .h = 44, .w = 40, .c = 24, .kh = 5, .kw = 5, .oc = 24},
                         Sizes{.n = 5, .h = 12, .w = 12, .c = 250, .kh = 5, .kw = 5, .oc = 40},
                         Sizes{.n = 1, .h = 14, .w = 14, .c = 40, .kh = 5, .kw = 5, .oc = 132},
                         Sizes{.n = 1, .h = 14, .w = 14, .c = 170, .kh = 5, .kw = 5, .oc = 180}})
    check_shape(shape(z), true);
}

TEST_CASE("conv2d winograd: 5x5 windows, images of a pixel or a line, and few channels") {
  for (const Sizes& z :
       {Sizes{.n = 2,
              .h = 1,
              .w = 1,
              .c = 40,
              .kh = 5,
              .kw = 5,
              .oc = 40,
              .pad_top = 2,
              .pad_bottom = 2,
              .pad_left = 2,
              .pad_right = 2},
        Sizes{.n = 1, .h = 5, .w = 5, .c = 64, .kh = 5, .kw = 5, .oc = 64},
        Sizes{.n = 1, .h = 1, .w = 30, .c = 33, .kh = 5, .kw = 5, .oc = 35, .pad_top = 4, .pad_left = 3},
        Sizes{.n = 1, .h = 13, .w = 13, .c = 9, .kh = 5, .kw = 5, .oc = 17, .pad_left = 6, .pad_right = 5},
        Sizes{.n = 1,
              .h = 16,
              .w = 16,
              .c = 40,
              .kh = 5,
              .kw = 5,
              .oc = 40,
              .pad_top = 6,
              .pad_bottom = 7,
              .pad_left = 9,
              .pad_right = 5}})
    check_shape(shape(z), false);
}

TEST_CASE("conv2d winograd: images of a pixel or a line, and few channels") {
  for (const Sizes& z :
       {Sizes{.n = 2,
              .h = 1,
              .w = 1,
              .c = 40,
              .kh = 3,
              .kw = 3,
              .oc = 40,
              .pad_top = 1,
              .pad_bottom = 1,
              .pad_left = 1,
              .pad_right = 1},
        Sizes{.n = 1, .h = 3, .w = 3, .c = 64, .kh = 3, .kw = 3, .oc = 64},
        Sizes{.n = 1, .h = 1, .w = 30, .c = 33, .kh = 3, .kw = 3, .oc = 35, .pad_top = 2, .pad_left = 2},
        Sizes{.n = 1,
              .h = 31,
              .w = 1,
              .c = 33,
              .kh = 3,
              .kw = 3,
              .oc = 35,
              .pad_top = 1,
              .pad_bottom = 2,
              .pad_left = 1,
              .pad_right = 1},
        Sizes{.n = 1, .h = 9, .w = 9, .c = 9, .kh = 3, .kw = 3, .oc = 17, .pad_left = 4, .pad_right = 3},
        Sizes{.n = 1,
              .h = 16,
              .w = 16,
              .c = 40,
              .kh = 3,
              .kw = 3,
              .oc = 40,
              .pad_top = 4,
              .pad_bottom = 5,
              .pad_left = 6,
              .pad_right = 3}})
    check_shape(shape(z), false);
}

TEST_CASE("conv2d winograd: the relative error is below 2e-6") {
  for (const int64_t window : {3, 5})
    for (const int64_t c : {64, 512}) {
      const Conv2dShape s = shape({.n = 1,
                                   .h = 16,
                                   .w = 16,
                                   .c = c,
                                   .kh = window,
                                   .kw = window,
                                   .oc = 64,
                                   .pad_top = window / 2,
                                   .pad_bottom = window / 2,
                                   .pad_left = window / 2,
                                   .pad_right = window / 2});
      const Buffer<float> x = random(x_size(s), 1), kernel = random(kernel_size(s), 2);
      std::vector<double> expected(static_cast<size_t>(y_size(s)));
      each_product(s, [&](int64_t xi, int64_t ki, int64_t yi) {
        expected[static_cast<size_t>(yi)] += static_cast<double>(x[xi]) * kernel[ki];
      });
      for_each_case([&](Case& run) {
        Buffer<float> y(y_size(s));
        run.kernels.conv2d_forward(s, x.data(), kernel.data(), y.data(), {},
                                   run.launch(run.kernels.conv2d_forward_workspace(s)));
        check_packed(run, s, x.data(), kernel.data(), {}, y);
        double error = 0, norm = 0;
        for (int64_t i = 0; i < y.size(); ++i) {
          const double e = expected[static_cast<size_t>(i)];
          error += (y[i] - e) * (y[i] - e), norm += e * e;
        }
        CHECK(std::sqrt(error / norm) < 2e-6);
      });
    }
}

// What is packed is the kernel for images of few tiles, whose windows are transformed where they are multiplied, and
// for large windows and many tiles.
TEST_CASE("conv2d winograd: packed kernels") {
  struct Packed {
    int64_t window, size, c, oc;
  };
  for (const Packed& p : {Packed{3, 7, 173, 175}, Packed{3, 5, 260, 129}, Packed{3, 4, 300, 113},
                          Packed{3, 3, 200, 160}, Packed{5, 4, 171, 187}, Packed{3, 17, 700, 170}}) {
    const Conv2dShape s = shape({.n = 1,
                                 .h = p.size,
                                 .w = p.size,
                                 .c = p.c,
                                 .kh = p.window,
                                 .kw = p.window,
                                 .oc = p.oc,
                                 .pad_top = p.window / 2,
                                 .pad_bottom = p.window / 2,
                                 .pad_left = p.window / 2,
                                 .pad_right = p.window / 2});
    INFO(describe(s));
    const Buffer<float> x = random(x_size(s), 1), kernel = random(kernel_size(s), 2), bias = random(s.oc, 3);
    for_each_case([&](Case& run) {
      Buffer<float> y(y_size(s));
      run.kernels.conv2d_forward(s, x.data(), kernel.data(), y.data(), {.bias = bias.data()},
                                 run.launch(run.kernels.conv2d_forward_workspace(s)));
      check_packed(run, s, x.data(), kernel.data(), {.bias = bias.data()}, y);
    });
  }
}

TEST_CASE("conv2d winograd: the epilogue") {
  for (const int64_t window : {3, 5}) {
    const Conv2dShape s =
        shape({.n = 2, .h = 13, .w = 14, .c = 40, .kh = window, .kw = window, .oc = 37, .pad_top = 1, .pad_left = 1});
    const Buffer<float> x = random(x_size(s), 1, -0.2, 0.2), kernel = random(kernel_size(s), 2), bias = random(s.oc, 4);
    const Buffer<float> residual = random(y_size(s), 5);
    for (const Activation activation : {Activation::none, Activation::relu, Activation::tanh, Activation::sigmoid})
      for (const bool has_bias : {false, true})
        for (const bool has_residual : {false, true}) {
          std::vector<double> expected(static_cast<size_t>(y_size(s)));
          for (int64_t i = 0; i < y_size(s); ++i)
            expected[static_cast<size_t>(i)] = (has_bias ? bias[i % s.oc] : 0.0) + (has_residual ? residual[i] : 0.0);
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

TEST_CASE("conv2d winograd: same bits on any number of threads, for an image in any batch, on every entry") {
  const int before = num_threads();
  // Channels for patches in scratch and in the workspace; more than one block of tiles.
  for (const int64_t window : {3, 5})
    for (const int64_t c : {48, 224}) {
      const Conv2dShape s =
          shape({.n = 9, .h = 17, .w = 18, .c = c, .kh = window, .kw = window, .oc = 224, .pad_top = 1, .pad_left = 1});
      const Buffer<float> x = random(x_size(s), 1), kernel = random(kernel_size(s), 2), dy = random(y_size(s), 3);
      for (const KernelTable* table : available_kernels()) {
        if (std::string(table->name) == "reference") continue;
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
        set_num_threads(3);
        Case three(*table, 3);
        check_same_bits(y, forward(three, s, x.data()));
        check_same_bits(dx, grad_input(three, s, dy.data()));
        check_same_bits(dw, grad_weight(three));
        for (const int64_t n : {1, 2, 5}) {
          Conv2dShape last = s;
          last.n = n;
          const Buffer<float> last_y = forward(three, last, x.data() + x_size(s) / s.n * (s.n - n));
          const Buffer<float> last_dx = grad_input(three, last, dy.data() + y_size(s) / s.n * (s.n - n));
          CHECK(std::memcmp(last_y.data(), y.end() - last_y.size(), last_y.bytes()) == 0);
          CHECK(std::memcmp(last_dx.data(), dx.end() - last_dx.size(), last_dx.bytes()) == 0);
        }
      }
    }
  set_num_threads(before);
}

TEST_CASE("conv2d winograd: a NaN reaches what depends on it, and stays in its tiles") {
  for (const int64_t window : {3, 5}) {
    const Conv2dShape s = shape({.n = 2,
                                 .h = 13,
                                 .w = 14,
                                 .c = 40,
                                 .kh = window,
                                 .kw = window,
                                 .oc = 40,
                                 .pad_top = window / 2,
                                 .pad_bottom = window / 2,
                                 .pad_left = window / 2,
                                 .pad_right = window / 2});
    Buffer<float> x = random(x_size(s), 1);
    const Buffer<float> kernel = random(kernel_size(s), 2);
    const int64_t bad_y = 5, bad_x = 6;
    x[(bad_y * s.w + bad_x) * s.c + 3] = std::nanf("");
    for_each_case([&](Case& run) {
      for (const Activation activation : {Activation::none, Activation::relu}) {
        Buffer<float> y(y_size(s));
        run.kernels.conv2d_forward(s, x.data(), kernel.data(), y.data(), {.activation = activation},
                                   run.launch(run.kernels.conv2d_forward_workspace(s)));
        int64_t missing = 0, strange = 0;
        for (int64_t i = 0; i < y.size(); ++i) {
          const int64_t n = i / (s.oh * s.ow * s.oc);
          const int64_t dy = std::abs(i / (s.ow * s.oc) % s.oh - bad_y), dx = std::abs(i / s.oc % s.ow - bad_x);
          missing += n == 0 && dy <= window / 2 && dx <= window / 2 && !std::isnan(y[i]);
          strange += (n > 0 || dy > window / 2 + 3 || dx > window / 2 + 3) && std::isnan(y[i]);
        }
        CHECK(missing == 0);
        CHECK(strange == 0);
      }
    });
  }
}

TEST_CASE("conv2d winograd: workspaces do not shrink when the batch grows") {
  for (const int64_t window : {3, 5})
    for (const int64_t c : {32, 64, 200, 256, 512}) {
      for (const KernelTable* table : available_kernels()) {
        size_t forward = 0, grad_input = 0, grad_weight = 0;
        for (int64_t n = 1; n < 60; ++n) {
          const Conv2dShape s = shape({.n = n,
                                       .h = 14,
                                       .w = 27,
                                       .c = c,
                                       .kh = window,
                                       .kw = window,
                                       .oc = 96,
                                       .pad_top = 1,
                                       .pad_bottom = 1,
                                       .pad_left = 1,
                                       .pad_right = 1});
          CHECK(table->conv2d_forward_workspace(s) >= forward);
          CHECK(table->conv2d_grad_input_workspace(s) >= grad_input);
          CHECK(table->conv2d_grad_weight_workspace(s) >= grad_weight);
          forward = table->conv2d_forward_workspace(s);
          grad_input = table->conv2d_grad_input_workspace(s);
          grad_weight = table->conv2d_grad_weight_workspace(s);
        }
      }
    }
}

}  // namespace linnet::test
