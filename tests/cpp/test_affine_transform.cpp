// Sampling at transformed places: against the reference table, which follows the contract pixel by pixel; crops and
// flips against what they are; the gradient against the transpose of the sampling.
#include <vector>

#include "kernel_test.h"

namespace linnet::test {
namespace {

AffineArgs args_of(int64_t n, int64_t h, int64_t w, int64_t c, int64_t oh, int64_t ow, const Buffer<float>& transforms,
                   bool bilinear, FillMode fill) {
  AffineArgs args;
  args.n = n, args.h = h, args.w = w, args.c = c, args.oh = oh, args.ow = ow;
  args.transforms = transforms.data();
  args.one_transform = transforms.size() == 8 && n != 1;
  args.bilinear = bilinear;
  args.fill = fill;
  args.fill_value = 0.75f;
  return args;
}

// Rows a0 a1 a2 b0 b1 b2 c0 c1 that turn, shift and stretch; every third looks askew.
Buffer<float> transforms_of(int64_t n, int64_t h, int64_t w, uint64_t seed) {
  Buffer<float> t = random(8 * n, seed, -1.3, 1.3);
  for (int64_t i = 0; i < n; ++i) {
    t[8 * i + 2] *= static_cast<float>(w);
    t[8 * i + 5] *= static_cast<float>(h);
    for (int64_t k : {6, 7}) t[8 * i + k] *= i % 3 == 2 ? 0.01f : 0.0f;
  }
  return t;
}

std::vector<double> expected(const AffineArgs& args, const Buffer<float>& x) {
  const KernelTable& reference = *available_kernels().back();
  Case run(reference, 1);
  Buffer<float> y(args.n * args.oh * args.ow * args.c);
  reference.affine_transform_forward(args, x.data(), y.data(), run.launch());
  return to_double(y);
}

constexpr FillMode kFills[] = {FillMode::constant, FillMode::nearest, FillMode::wrap, FillMode::mirror,
                               FillMode::reflect};

struct Size {
  int64_t n, h, w, c, oh, ow;
};
constexpr Size kSizes[] = {{4, 7, 9, 3, 7, 9}, {3, 5, 4, 1, 11, 300}, {3, 6, 5, 2, 3, 17},    {3, 8, 8, 4, 8, 8},
                           {3, 1, 1, 3, 4, 5}, {3, 3, 2, 17, 5, 6},   {3, 1, 13, 5, 2, 9},    {0, 4, 4, 3, 4, 4},
                           {2, 4, 4, 0, 4, 4}, {3, 9, 7, 3, 0, 5},    {70, 16, 16, 3, 16, 16}};

}  // namespace

TEST_CASE("affine_transform: turned, shifted and stretched images") {
  for (const Size& s : kSizes) {
    const Buffer<float> x = random(s.n * s.h * s.w * s.c, 1), transforms = transforms_of(s.n, s.h, s.w, 2);
    for (const FillMode fill : kFills) {
      for (const bool bilinear : {false, true}) {
        const AffineArgs args = args_of(s.n, s.h, s.w, s.c, s.oh, s.ow, transforms, bilinear, fill);
        const std::vector<double> y = expected(args, x);
        for_each_case([&](Case& run) {
          Buffer<float> got(s.n * s.oh * s.ow * s.c);
          run.kernels.affine_transform_forward(args, x.data(), got.data(), run.launch());
          check_close(got.data(), y, 0, 2e-4);  // coordinates of some hundred pixels have errors of 1e-5
        });
      }
    }
  }
}

TEST_CASE("affine_transform: crops and flips are exact") {
  const int64_t h = 9, w = 11, c = 3;
  const Buffer<float> x = random(2 * h * w * c, 1);
  const Buffer<float> crops = {1, 0, 4, 0, 1, 3, 0, 0, -1, 0, w - 1, 0, -1, h - 1, 0, 0};
  for (const bool bilinear : {false, true}) {
    const AffineArgs args = args_of(2, h, w, c, 5, 6, crops, bilinear, FillMode::reflect);
    for_each_case([&](Case& run) {
      Buffer<float> y(2 * 5 * 6 * c);
      run.kernels.affine_transform_forward(args, x.data(), y.data(), run.launch());
      int64_t wrong = 0;
      for (int64_t oy = 0; oy < 5; ++oy)
        for (int64_t ox = 0; ox < 6; ++ox)
          for (int64_t j = 0; j < c; ++j) {
            wrong += y[(oy * 6 + ox) * c + j] != x[((oy + 3) * w + ox + 4) * c + j];
            wrong += y[((5 + oy) * 6 + ox) * c + j] != x[((h + h - 1 - oy) * w + w - 1 - ox) * c + j];
          }
      CHECK(wrong == 0);
    });
  }
}

TEST_CASE("affine_transform: shifts beyond every border") {
  for (const float shift : {-20.0f, -3.0f, 2.0f, 5.0f, 40.0f}) {
    const Buffer<float> x = random(6 * 5 * 2, 1), transform = {1, 0, shift, 0, 1, -shift / 2, 0, 0};
    for (const FillMode fill : kFills) {
      const AffineArgs args = args_of(1, 6, 5, 2, 6, 5, transform, true, fill);
      const std::vector<double> y = expected(args, x);
      for_each_case([&](Case& run) {
        Buffer<float> got(6 * 5 * 2);
        run.kernels.affine_transform_forward(args, x.data(), got.data(), run.launch());
        check_close(got.data(), y, 0, 1e-6);
      });
    }
  }
}

TEST_CASE("affine_transform: any number may be in a transform") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  const Buffer<float> x = random(5 * 4 * 3, 1);
  for (const float value : {nan, inf, -inf, 1e30f, -1e30f, 3e9f}) {
    for (int64_t place = 0; place < 8; ++place) {
      Buffer<float> transform = {1, 0, 0, 0, 1, 0, 0, 0};
      transform[place] = value;
      for (const FillMode fill : kFills) {
        const AffineArgs args = args_of(1, 5, 4, 3, 5, 4, transform, true, fill);
        for_each_case([&](Case& run) {
          Buffer<float> y(5 * 4 * 3);
          run.kernels.affine_transform_forward(args, x.data(), y.data(), run.launch());
          bool finite = true;
          for (const float v : y) finite = finite && std::isfinite(v);
          CHECK(finite);
        });
      }
    }
  }
}

TEST_CASE("affine_transform: one transform for all, and the same image whatever is beside it") {
  const Buffer<float> x = random(3 * 8 * 7 * 3, 1), one = transforms_of(1, 8, 7, 5);
  for_each_case([&](Case& run) {
    const AffineArgs all = args_of(3, 8, 7, 3, 8, 7, one, true, FillMode::reflect);
    Buffer<float> y(3 * 8 * 7 * 3);
    run.kernels.affine_transform_forward(all, x.data(), y.data(), run.launch());
    for (int64_t i = 0; i < 3; ++i) {
      Buffer<float> image(8 * 7 * 3), alone(8 * 7 * 3), part(8 * 7 * 3);
      std::memcpy(image.data(), x.data() + i * image.size(), image.bytes());
      std::memcpy(part.data(), y.data() + i * part.size(), part.bytes());
      const AffineArgs args = args_of(1, 8, 7, 3, 8, 7, one, true, FillMode::reflect);
      run.kernels.affine_transform_forward(args, image.data(), alone.data(), run.launch());
      check_same_bits(part, alone);
    }
  });
}

TEST_CASE("affine_transform: the gradient is the transpose") {
  for (const Size& s : kSizes) {
    const Buffer<float> transforms = transforms_of(s.n, s.h, s.w, 2), dy = random(s.n * s.oh * s.ow * s.c, 3);
    const Buffer<float> x = random(s.n * s.h * s.w * s.c, 4);
    for (const FillMode fill : kFills) {
      for (const bool bilinear : {false, true}) {
        AffineArgs args = args_of(s.n, s.h, s.w, s.c, s.oh, s.ow, transforms, bilinear, fill);
        args.fill_value = 0;
        double forward = 0, size = 1;  // <dy, y>, which must be <dx, x>
        const std::vector<double> y = expected(args, x);
        for (size_t i = 0; i < y.size(); ++i) {
          forward += static_cast<double>(dy[static_cast<int64_t>(i)]) * y[i];
          size += std::abs(static_cast<double>(dy[static_cast<int64_t>(i)]) * y[i]);
        }
        Buffer<float> wanted(x.size());
        Case reference(*available_kernels().back(), 1);
        reference.kernels.affine_transform_grad(args, dy.data(), wanted.data(), reference.launch());
        for_each_case([&](Case& run) {
          Buffer<float> dx(x.size());
          run.kernels.affine_transform_grad(args, dy.data(), dx.data(), run.launch());
          double backward = 0;
          for (int64_t i = 0; i < x.size(); ++i) backward += static_cast<double>(dx[i]) * static_cast<double>(x[i]);
          CHECK(std::abs(forward - backward) <= 1e-4 * size);
          CHECK(relative_error(dx.data(), to_double(wanted)) <= 1e-3);
        });
      }
    }
  }
}

TEST_CASE("affine_transform: the same bits on any number of threads") {
  const int64_t n = 40, h = 33, w = 31, c = 3;
  const Buffer<float> x = random(n * h * w * c, 1), transforms = transforms_of(n, h, w, 2);
  const AffineArgs args = args_of(n, h, w, c, h, w, transforms, true, FillMode::reflect);
  const int before = num_threads();
  for (const KernelTable* table : available_kernels()) {
    INFO(table->name);
    const auto all = [&](int threads) {
      set_num_threads(threads);
      Case run(*table, threads);
      Buffer<float> out(2 * x.size());
      table->affine_transform_forward(args, x.data(), out.data(), run.launch());
      table->affine_transform_grad(args, x.data(), out.data() + x.size(), run.launch());
      return out;
    };
    const Buffer<float> one = all(1);
    for (const int threads : {2, 3, 5}) check_same_bits(one, all(threads));
  }
  set_num_threads(before);
}

}  // namespace linnet::test
