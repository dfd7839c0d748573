// What the tests of convolution share: shapes, the products behind every output, and the check of a sum of products.
//
// Error bound: a float sum of K products in any order, with or without FMA, is off by at most
// gamma_K * sum |x w|, gamma_K = K u / (1 - K u), u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms,
// section 3.1). The oracle returns both sums, so the bound needs no tuning; it is checked for every element.
#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "kernel_test.h"

namespace linnet::test {

struct Sums {
  std::vector<double> value, magnitude;
  explicit Sums(int64_t size) : value(static_cast<size_t>(size)), magnitude(static_cast<size_t>(size)) {}
  void add(int64_t i, double product) {
    value[static_cast<size_t>(i)] += product;
    magnitude[static_cast<size_t>(i)] += std::abs(product);
  }
};

inline int64_t x_size(const Conv2dShape& s) { return s.n * s.h * s.w * s.c; }
inline int64_t y_size(const Conv2dShape& s) { return s.n * s.oh * s.ow * s.oc; }
inline int64_t kernel_size(const Conv2dShape& s) { return s.kh * s.kw * s.c / s.groups * s.oc; }

template <class Visit>
void each_product(const Conv2dShape& s, Visit visit) {
  const int64_t cg = s.c / s.groups, og = s.oc / s.groups;
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t oy = 0; oy < s.oh; ++oy)
      for (int64_t ox = 0; ox < s.ow; ++ox)
        for (int64_t ky = 0; ky < s.kh; ++ky)
          for (int64_t kx = 0; kx < s.kw; ++kx) {
            const int64_t iy = oy * s.stride_h + ky * s.dilation_h - s.pad_top;
            const int64_t ix = ox * s.stride_w + kx * s.dilation_w - s.pad_left;
            if (iy < 0 || iy >= s.h || ix < 0 || ix >= s.w) continue;
            for (int64_t g = 0; g < s.groups; ++g)
              for (int64_t i = 0; i < cg; ++i)
                for (int64_t o = g * og; o < (g + 1) * og; ++o)
                  visit(((n * s.h + iy) * s.w + ix) * s.c + g * cg + i, ((ky * s.kw + kx) * cg + i) * s.oc + o,
                        ((n * s.oh + oy) * s.ow + ox) * s.oc + o);
          }
}

// `terms` bounds the number of additions and roundings behind one element.
template <class Values>
void check_sums(const Values& actual, const Sums& expected, int64_t terms) {
  const double unit = 0x1p-24, gamma = static_cast<double>(terms) * unit / (1 - static_cast<double>(terms) * unit);
  int64_t wrong = 0, first = -1;
  for (int64_t i = 0; i < actual.size(); ++i) {
    const size_t j = static_cast<size_t>(i);
    const double error = std::abs(static_cast<double>(actual[i]) - expected.value[j]);
    if (!(error <= gamma * expected.magnitude[j]) && wrong++ == 0) first = i;
  }
  INFO("wrong: " << wrong << " of " << actual.size() << ", first at " << first);
  CHECK(wrong == 0);
}

// A convolution's shape from what a user says; oh and ow follow. pad is what lies before and behind.
struct Sizes {
  int64_t n, h, w, c, kh, kw, oc;
  int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  int64_t groups = 1;
};

inline Conv2dShape shape(const Sizes& z) {
  Conv2dShape s;
  s.n = z.n, s.h = z.h, s.w = z.w, s.c = z.c, s.kh = z.kh, s.kw = z.kw, s.oc = z.oc;
  s.stride_h = z.stride_h, s.stride_w = z.stride_w, s.dilation_h = z.dilation_h, s.dilation_w = z.dilation_w;
  s.pad_top = z.pad_top, s.pad_left = z.pad_left, s.groups = z.groups;
  const auto out = [](int64_t size, int64_t window, int64_t stride, int64_t dilation) {
    const int64_t room = size - (window - 1) * dilation - 1;
    return room < 0 ? 0 : room / stride + 1;
  };
  s.oh = out(z.h + z.pad_top + z.pad_bottom, z.kh, z.stride_h, z.dilation_h);
  s.ow = out(z.w + z.pad_left + z.pad_right, z.kw, z.stride_w, z.dilation_w);
  return s;
}

// y = conv(x) with weights packed for n and for more images must have the bits of `expected`, computed without.
inline void check_packed(Case& run, Conv2dShape s, const float* x, const float* kernel, const Epilogue& epilogue,
                         const Buffer<float>& expected) {
  for (const int64_t images : {s.n, s.n + 30}) {
    Conv2dShape most = s;
    most.n = images;
    const size_t size = run.kernels.conv2d_packed_size(most);
    CHECK(size % 64 == 0);
    if (size == 0) continue;
    Buffer<float> packed(static_cast<int64_t>(size / sizeof(float))), y(expected.size());
    run.kernels.conv2d_pack(most, kernel, packed.data(), run.launch());
    s.packed = true;
    run.kernels.conv2d_forward(s, x, packed.data(), y.data(), epilogue,
                               run.launch(run.kernels.conv2d_forward_workspace(s)));
    check_same_bits(y, expected);
  }
}

inline std::string describe(const Conv2dShape& s) {
  std::string text;
  for (const int64_t v : {s.n, s.h, s.w, s.c, s.kh, s.kw, s.oh, s.ow, s.oc, s.stride_h, s.stride_w, s.dilation_h,
                          s.dilation_w, s.pad_top, s.pad_left, s.groups})
    text += std::to_string(v) + " ";
  return "n h w c kh kw oh ow oc stride dilation pad groups: " + text;
}

}  // namespace linnet::test
