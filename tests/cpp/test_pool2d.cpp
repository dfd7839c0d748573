// Max and average pooling against loops in double, for every table and thread count.
//
// The maximum must be exact, NaN and the position of the first maximum included. An average of K values is a sum of K
// floats times a rounded 1 / K: its error is below (K + 3) u times the mean of the magnitudes, u = 2^-24; values lie in
// [-1, 1], so that is an absolute bound.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernel_test.h"

namespace linnet::test {
namespace {

int64_t x_size(const Pool2dShape& s) { return s.n * s.h * s.w * s.c; }
int64_t y_size(const Pool2dShape& s) { return s.n * s.oh * s.ow * s.c; }

// Calls visit(y_index, x_index, k) for every position inside x, in row-major order for each y.
template <class Visit>
void each_position(const Pool2dShape& s, Visit visit) {
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t oy = 0; oy < s.oh; ++oy)
      for (int64_t ox = 0; ox < s.ow; ++ox)
        for (int64_t c = 0; c < s.c; ++c)
          for (int64_t k = 0; k < s.kh * s.kw; ++k) {
            const int64_t iy = oy * s.stride_h - s.pad_top + k / s.kw, ix = ox * s.stride_w - s.pad_left + k % s.kw;
            if (iy < 0 || iy >= s.h || ix < 0 || ix >= s.w) continue;
            visit(((n * s.oh + oy) * s.ow + ox) * s.c + c, ((n * s.h + iy) * s.w + ix) * s.c + c, k);
          }
}

std::string describe(const Pool2dShape& s) {
  std::string text;
  for (const int64_t v : {s.n, s.h, s.w, s.c, s.kh, s.kw, s.oh, s.ow, s.stride_h, s.stride_w, s.pad_top, s.pad_left})
    text += std::to_string(v) + " ";
  return "n h w c kh kw oh ow stride pad: " + text;
}

void check_max(const Pool2dShape& s, const Buffer<float>& x) {
  INFO(describe(s));
  const size_t outputs = static_cast<size_t>(y_size(s));
  std::vector<double> y(outputs), dx(static_cast<size_t>(x_size(s)));
  std::vector<int> argmax(outputs, -1);
  std::vector<int64_t> from(outputs);
  each_position(s, [&](int64_t yi, int64_t xi, int64_t k) {
    const size_t j = static_cast<size_t>(yi);
    if (argmax[j] < 0 || x[xi] > y[j] || (std::isnan(x[xi]) && !std::isnan(y[j]))) {
      y[j] = x[xi];
      argmax[j] = static_cast<int>(k);
      from[j] = xi;
    }
  });
  const Buffer<float> dy = random(y_size(s), 7);
  for (size_t i = 0; i < outputs; ++i) dx[static_cast<size_t>(from[i])] += dy[static_cast<int64_t>(i)];

  for_each_case([&](Case& run) {
    Buffer<float> got(y_size(s)), inference(y_size(s)), got_dx(x_size(s));
    Buffer<uint8_t> got_argmax(y_size(s));
    run.kernels.max_pool2d_forward(s, x.data(), got.data(), got_argmax.data(), run.launch());
    check_close(got.data(), y, 0, 0);
    int64_t wrong = 0;
    for (size_t i = 0; i < outputs; ++i) wrong += got_argmax[static_cast<int64_t>(i)] != argmax[i];
    CHECK(wrong == 0);
    run.kernels.max_pool2d_forward(s, x.data(), inference.data(), nullptr, run.launch());
    check_close(inference.data(), y, 0, 0);
    run.kernels.max_pool2d_grad(s, dy.data(), got_argmax.data(), got_dx.data(), run.launch());
    check_close(got_dx.data(), dx, 1e-6, static_cast<double>(s.kh * s.kw) * 0x1p-24);
  });
}

void check_average(const Pool2dShape& s, const Buffer<float>& x) {
  INFO(describe(s));
  std::vector<double> y(static_cast<size_t>(y_size(s))), dx(static_cast<size_t>(x_size(s))), count(y.size());
  const Buffer<float> dy = random(y_size(s), 7);
  each_position(s, [&](int64_t yi, int64_t, int64_t) { count[static_cast<size_t>(yi)] += 1; });
  each_position(s, [&](int64_t yi, int64_t xi, int64_t) {
    y[static_cast<size_t>(yi)] += x[xi] / count[static_cast<size_t>(yi)];
    dx[static_cast<size_t>(xi)] += dy[yi] / count[static_cast<size_t>(yi)];
  });
  const double bound = static_cast<double>(s.kh * s.kw + 3) * 0x1p-24;
  for_each_case([&](Case& run) {
    Buffer<float> got(y_size(s)), got_dx(x_size(s));
    run.kernels.average_pool2d_forward(s, x.data(), got.data(), run.launch());
    check_close(got.data(), y, 0, bound);
    run.kernels.average_pool2d_grad(s, dy.data(), got_dx.data(), run.launch());
    check_close(got_dx.data(), dx, 0, bound);
  });
}

void check_same_everywhere(const Pool2dShape& s) {
  INFO(describe(s));
  const Buffer<float> x = random(x_size(s), 1), dy = random(y_size(s), 2);
  const int before = num_threads();
  for (const KernelTable* table : available_kernels()) {
    INFO(table->name);
    const auto all = [&](int threads, bool without_cache) {
      set_num_threads(threads);
      Case run(*table, threads);
      run.without_cache = without_cache;
      Buffer<float> out(2 * y_size(s) + 2 * x_size(s));
      Buffer<uint8_t> argmax(y_size(s));
      float* const dx = out.data() + 2 * y_size(s);
      table->max_pool2d_forward(s, x.data(), out.data(), argmax.data(), run.launch());
      table->average_pool2d_forward(s, x.data(), out.data() + y_size(s), run.launch());
      table->max_pool2d_grad(s, dy.data(), argmax.data(), dx, run.launch());
      table->average_pool2d_grad(s, dy.data(), dx + x_size(s), run.launch());
      return out;
    };
    const Buffer<float> one = all(1, false);
    for (const int threads : {2, 3, 5}) check_same_bits(one, all(threads, threads == 3));
  }
  set_num_threads(before);
}

// n, h, w, c, kh, kw, oh, ow, stride, pad: every window holds a position of x.
const Pool2dShape kShapes[] = {
    {2, 28, 28, 6, 2, 2, 14, 14, 2, 2, 0, 0},   {3, 10, 10, 16, 2, 2, 5, 5, 2, 2, 0, 0},
    {2, 7, 9, 20, 2, 2, 3, 4, 2, 2, 0, 0},      {1, 9, 11, 3, 3, 3, 4, 5, 2, 2, 0, 0},
    {2, 8, 8, 33, 3, 3, 4, 4, 2, 2, 1, 1},      {1, 5, 7, 1, 3, 2, 5, 7, 1, 1, 1, 1},
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0},       {1, 1, 1, 5, 3, 3, 1, 1, 1, 1, 1, 1},
    {2, 13, 17, 7, 2, 3, 3, 3, 5, 6, 0, 1},     {2, 12, 9, 2, 1, 1, 4, 3, 3, 3, 0, 0},
    {2, 7, 7, 64, 7, 7, 1, 1, 7, 7, 0, 0},      {3, 6, 5, 19, 16, 16, 2, 2, 3, 3, 11, 11},
    {1, 3, 7000, 5, 2, 2, 1, 3500, 2, 2, 0, 0}, {1, 4, 4, 33001, 2, 2, 2, 2, 2, 2, 0, 0},
    {1, 4, 3, 40000, 2, 2, 3, 2, 1, 1, 0, 0},   {70, 4, 6, 6, 2, 2, 2, 3, 2, 2, 0, 0},
    {33, 16, 15, 9, 3, 3, 14, 13, 1, 1, 0, 0},  {0, 4, 4, 3, 2, 2, 2, 2, 2, 2, 0, 0},
    {2, 1, 1, 3, 2, 2, 0, 0, 2, 2, 0, 0},       {2, 4, 4, 0, 2, 2, 2, 2, 2, 2, 0, 0},
};

}  // namespace

TEST_CASE("pool2d: shapes") {
  for (const Pool2dShape& s : kShapes) {
    const Buffer<float> x = random(x_size(s), 1);
    check_max(s, x);
    check_average(s, x);
  }
}

TEST_CASE("pool2d: every number of channels around a vector") {
  for (int64_t c = 1; c <= 35; ++c) {
    for (const Pool2dShape& s :
         {Pool2dShape{2, 6, 8, c, 2, 2, 3, 4, 2, 2, 0, 0}, Pool2dShape{2, 5, 6, c, 3, 3, 3, 3, 2, 2, 1, 1}}) {
      const Buffer<float> x = random(x_size(s), static_cast<uint64_t>(c));
      check_max(s, x);
      check_average(s, x);
    }
  }
}

TEST_CASE("pool2d: ties, NaN, infinities and signed zeros") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  const float values[] = {0.0f, -0.0f, 1.0f, -1.0f, inf, -inf, nan};
  for (const Pool2dShape& s :
       {Pool2dShape{4, 8, 8, 6, 2, 2, 4, 4, 2, 2, 0, 0}, Pool2dShape{4, 8, 8, 17, 3, 3, 4, 4, 2, 2, 1, 1}}) {
    // Few distinct values, so that most windows have ties; -inf alone in some.
    const Buffer<int32_t> choice = random_integers(x_size(s), 3, 0, 7);
    Buffer<float> x(x_size(s));
    for (int64_t i = 0; i < x.size(); ++i) x[i] = values[choice[i]];
    check_max(s, x);
    for (float& v : x) v = -inf;
    check_max(s, x);
    for (float& v : x) v = nan;
    check_max(s, x);
  }
}

TEST_CASE("pool2d: the same bits on any number of threads, and past the caches") {
  for (const Pool2dShape& s :
       {Pool2dShape{40, 16, 14, 9, 3, 3, 8, 7, 2, 2, 1, 1}, Pool2dShape{9, 16, 14, 32, 3, 3, 8, 7, 2, 2, 1, 1},
        Pool2dShape{9, 17, 14, 80, 2, 2, 8, 7, 2, 2, 0, 0}})
    check_same_everywhere(s);
}

}  // namespace linnet::test
