// Layer, group, instance and root-mean-square normalisation: values, statistics and gradients over hostile shapes (long
// and short groups, single steps, no samples), large means, and the same bits on any number of threads and in any
// batch.
#include <cmath>

#include "kernel_test.h"

namespace linnet::test {
namespace {

constexpr float kEpsilon = 1e-3f;

struct Shape {
  int64_t samples, steps, c, groups;
  int64_t size() const { return samples * steps * c; }
  int64_t statistics() const { return samples * groups; }
};

// Runs (one step, long groups) and columns (short groups); vector widths and their neighbours; several chunks.
constexpr Shape kShapes[] = {{0, 3, 4, 2},  {3, 1, 1, 1},   {5, 1, 17, 1},  {2, 1, 5000, 1},   {300, 1, 33, 1},
                             {3, 7, 64, 2}, {2, 5, 96, 3},  {4, 9, 24, 3},  {3, 1, 12, 4},     {2, 300, 6, 2},
                             {5, 4, 7, 7},  {2, 11, 31, 1}, {9, 70, 16, 8}, {2, 3, 8200, 4100}};

struct Forward {
  Buffer<float> y, mean, rstd;
};

Forward forward(Case& run, const Shape& s, bool rms, const float* x, const float* gamma, const float* beta) {
  Forward r = {Buffer<float>(s.size()), Buffer<float>(s.statistics()), Buffer<float>(s.statistics())};
  run.kernels.group_norm_forward({.samples = s.samples,
                                  .steps = s.steps,
                                  .c = s.c,
                                  .groups = s.groups,
                                  .rms = rms,
                                  .x = x,
                                  .gamma = gamma,
                                  .beta = beta,
                                  .epsilon = kEpsilon,
                                  .y = r.y.data(),
                                  .mean = r.mean.data(),
                                  .rstd = r.rstd.data()},
                                 run.launch());
  return r;
}

struct Gradients {
  Buffer<float> dx, dgamma, dbeta;
};

Gradients gradients(Case& run, const Shape& s, bool rms, const float* x, const float* dy, const float* gamma,
                    const float* mean, const float* rstd) {
  Gradients g = {Buffer<float>(s.size()), Buffer<float>(s.c), Buffer<float>(s.c)};
  const size_t bytes = run.kernels.group_norm_grad_workspace(s.samples, s.steps, s.c);
  CHECK(bytes % 64 == 0);
  CHECK(bytes <= run.kernels.group_norm_grad_workspace(s.samples + 7, s.steps, s.c));
  run.kernels.group_norm_grad({.samples = s.samples,
                               .steps = s.steps,
                               .c = s.c,
                               .groups = s.groups,
                               .rms = rms,
                               .x = x,
                               .dy = dy,
                               .gamma = gamma,
                               .mean = mean,
                               .rstd = rstd,
                               .dx = g.dx.data(),
                               .dgamma = g.dgamma.data(),
                               .dbeta = g.dbeta.data()},
                              run.launch(bytes));
  return g;
}

// f(group, index) for every value: which statistic it belongs to, and where it lies.
template <class F>
void each_value(const Shape& s, F f) {
  for (int64_t i = 0; i < s.size(); ++i) f(i / (s.steps * s.c) * s.groups + i % s.c / (s.c / s.groups), i);
}

struct Exact {
  std::vector<double> y, mean, rstd, dx, dgamma, dbeta;
};

Exact exact(const Shape& s, bool rms, const Buffer<float>& x, const Buffer<float>& dy, const float* gamma,
            const float* beta) {
  const auto statistics = static_cast<size_t>(s.statistics());
  Exact e;
  const double count = static_cast<double>(s.steps * s.c / s.groups);
  std::vector<double> sum(statistics), product(statistics);
  e.mean.resize(statistics);
  e.rstd.resize(statistics);
  e.dgamma.resize(static_cast<size_t>(s.c));
  e.dbeta.resize(static_cast<size_t>(s.c));
  const auto at = [](std::vector<double>& values, int64_t i) -> double& { return values[static_cast<size_t>(i)]; };
  if (!rms) each_value(s, [&](int64_t g, int64_t i) { at(e.mean, g) += x[i] / count; });
  each_value(s, [&](int64_t g, int64_t i) { at(e.rstd, g) += std::pow(x[i] - at(e.mean, g), 2) / count; });
  for (double& value : e.rstd) value = 1 / std::sqrt(value + kEpsilon);
  const auto scale = [&](int64_t i) { return gamma ? double{gamma[i % s.c]} : 1; };
  const auto normal = [&](int64_t g, int64_t i) { return (x[i] - at(e.mean, g)) * at(e.rstd, g); };
  each_value(s, [&](int64_t g, int64_t i) {
    e.y.push_back(normal(g, i) * scale(i) + (beta ? double{beta[i % s.c]} : 0));
    at(sum, g) += dy[i] * scale(i) / count;
    at(product, g) += dy[i] * scale(i) * normal(g, i) / count;
    at(e.dgamma, i % s.c) += dy[i] * normal(g, i);
    at(e.dbeta, i % s.c) += dy[i];
  });
  each_value(s, [&](int64_t g, int64_t i) {
    e.dx.push_back(at(e.rstd, g) * (dy[i] * scale(i) - (rms ? 0 : at(sum, g)) - normal(g, i) * at(product, g)));
  });
  return e;
}

void check_all(Case& run, const Shape& s, bool rms, bool affine, const Buffer<float>& x) {
  INFO("shape " << s.samples << ", " << s.steps << ", " << s.c << "; groups " << s.groups << ", rms " << rms);
  const Buffer<float> dy = random(s.size(), 2), gamma = random(s.c, 3, 0.5, 2), beta = random(s.c, 4);
  const float *g = affine ? gamma.data() : nullptr, *b = affine && !rms ? beta.data() : nullptr;
  const Exact want = exact(s, rms, x, dy, g, b);
  const Forward f = forward(run, s, rms, x.data(), g, b);
  CHECK(relative_error(f.y.data(), want.y) < 2e-6);
  CHECK(relative_error(f.mean.data(), want.mean) < 1e-6);
  CHECK(relative_error(f.rstd.data(), want.rstd) < 2e-6);
  const Gradients d = gradients(run, s, rms, x.data(), dy.data(), g, f.mean.data(), f.rstd.data());
  CHECK(relative_error(d.dx.data(), want.dx) < 4e-6);
  CHECK(relative_error(d.dgamma.data(), want.dgamma) < 4e-6);
  CHECK(relative_error(d.dbeta.data(), want.dbeta) < 4e-6);
}

}  // namespace

TEST_CASE("group_norm: values and gradients") {
  for_each_case([](Case& run) {
    for (const Shape& s : kShapes) {
      const Buffer<float> x = random(s.size(), 1, -2, 3);
      for (const bool rms : {false, true})
        for (const bool affine : {false, true}) {
          // A group of one value has no deviation: its gradient is rounding.
          if (s.steps * s.c == s.groups && !rms) continue;
          check_all(run, s, rms, affine, x);
        }
    }
  });
}

TEST_CASE("group_norm: a large mean does not swallow the deviation") {
  for_each_case([](Case& run) {
    for (const Shape& s : {Shape{4, 1, 300, 1}, Shape{3, 50, 64, 2}, Shape{3, 300, 12, 3}}) {
      Buffer<float> x = random(s.size(), 1);
      for (float& value : x) value += 1000;
      const Forward f = forward(run, s, false, x.data(), nullptr, nullptr);
      const Exact want = exact(s, false, x, random(s.size(), 2), nullptr, nullptr);
      CHECK(relative_error(f.rstd.data(), want.rstd) < 1e-5);
      CHECK(relative_error(f.y.data(), want.y) < 2e-4);  // the mean itself is rounded
    }
  });
}

TEST_CASE("group_norm: nothing to normalise") {
  for_each_case([](Case& run) {
    const Shape s = {2, 0, 4, 2};
    const Forward f = forward(run, s, false, nullptr, nullptr, nullptr);
    for (int64_t i = 0; i < 4; ++i) {
      CHECK(f.mean[i] == 0);
      CHECK(std::abs(f.rstd[i] - 1 / std::sqrt(kEpsilon)) < 1e-3);
    }
    const Gradients g = gradients(run, s, false, nullptr, nullptr, nullptr, f.mean.data(), f.rstd.data());
    check_close(g.dgamma.data(), std::vector<double>(4), 0, 0);
    check_close(g.dbeta.data(), std::vector<double>(4), 0, 0);
  });
}

TEST_CASE("group_norm: a NaN stays in its group") {
  for_each_case([](Case& run) {
    for (const Shape& s : {Shape{3, 1, 40, 1}, Shape{3, 4, 8, 2}}) {
      Buffer<float> x = random(s.size(), 1);
      x[s.steps * s.c + 1] = std::nanf("");
      const Forward f = forward(run, s, false, x.data(), nullptr, nullptr);
      each_value(s, [&](int64_t group, int64_t i) { CHECK(std::isnan(f.y[i]) == (group == s.groups)); });
    }
  });
}

TEST_CASE("group_norm: results that go past the caches have the same bits") {
  for_each_case([](Case& run) {
    for (const Shape& s : {Shape{6, 1, 96, 1}, Shape{5, 7, 64, 2}, Shape{3, 9, 32, 8}, Shape{4, 5, 24, 3}}) {
      const Buffer<float> x = random(s.size(), 1), dy = random(s.size(), 2), mean = random(s.statistics(), 3);
      const Buffer<float> rstd = random(s.statistics(), 4, 0.5, 1);
      const size_t bytes = run.kernels.group_norm_grad_workspace(s.samples, s.steps, s.c);
      Buffer<float> y[2] = {Buffer<float>(s.size()), Buffer<float>(s.size())}, dx[2] = {y[0], y[0]};
      for (const int past : {0, 1}) {
        Launch launch = run.launch(bytes);
        launch.cache = past ? 0 : int64_t{1} << 40;
        Buffer<float> statistics(s.statistics()), more(s.statistics());
        run.kernels.group_norm_forward({.samples = s.samples,
                                        .steps = s.steps,
                                        .c = s.c,
                                        .groups = s.groups,
                                        .x = x.data(),
                                        .epsilon = kEpsilon,
                                        .y = y[past].data(),
                                        .mean = statistics.data(),
                                        .rstd = more.data()},
                                       launch);
        run.kernels.group_norm_grad({.samples = s.samples,
                                     .steps = s.steps,
                                     .c = s.c,
                                     .groups = s.groups,
                                     .x = x.data(),
                                     .dy = dy.data(),
                                     .mean = mean.data(),
                                     .rstd = rstd.data(),
                                     .dx = dx[past].data()},
                                    launch);
      }
      check_same_bits(y[0], y[1]);
      check_same_bits(dx[0], dx[1]);
    }
  });
}

TEST_CASE("group_norm: bits do not depend on threads or on the batch") {
  const int before = num_threads();
  for (const KernelTable* table : available_kernels()) {
    for (const Shape& s : {Shape{2000, 1, 67, 1}, Shape{40, 100, 24, 6}, Shape{20, 60, 128, 2}}) {
      const Buffer<float> x = random(s.size(), 1), dy = random(s.size(), 2), gamma = random(s.c, 3);
      set_num_threads(1);
      Case one(*table, 1);
      const Forward f = forward(one, s, false, x.data(), gamma.data(), nullptr);
      const Gradients g = gradients(one, s, false, x.data(), dy.data(), gamma.data(), f.mean.data(), f.rstd.data());
      set_num_threads(3);
      const Forward f3 = forward(one, s, false, x.data(), gamma.data(), nullptr);
      const Gradients g3 = gradients(one, s, false, x.data(), dy.data(), gamma.data(), f.mean.data(), f.rstd.data());
      check_same_bits(f.y, f3.y);
      check_same_bits(g.dx, g3.dx);
      check_same_bits(g.dgamma, g3.dgamma);
      check_same_bits(g.dbeta, g3.dbeta);
      const int64_t sample = s.steps * s.c, last = s.samples - 1;
      const Shape alone = {1, s.steps, s.c, s.groups};
      const Forward fa = forward(one, alone, false, x.data() + last * sample, gamma.data(), nullptr);
      const Gradients ga = gradients(one, alone, false, x.data() + last * sample, dy.data() + last * sample,
                                     gamma.data(), fa.mean.data(), fa.rstd.data());
      Buffer<float> y(sample), dx(sample);
      std::copy_n(f.y.data() + last * sample, sample, y.data());
      std::copy_n(g.dx.data() + last * sample, sample, dx.data());
      check_same_bits(fa.y, y);
      check_same_bits(ga.dx, dx);
    }
  }
  set_num_threads(before);
}

}  // namespace linnet::test
