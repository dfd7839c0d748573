// Batch normalisation: statistics that survive a large mean, output with residual and activation, gradients with and
// without a relu, the same bits on any number of threads.
#include <cmath>

#include "kernel_test.h"

namespace linnet::test {
namespace {

struct Result {
  Buffer<float> y, mean, variance;
};

constexpr float kEpsilon = 1e-3f;

Result forward(Case& run, int64_t rows, int64_t c, const Buffer<float>& x, const float* gamma, const float* beta,
               Activation activation = Activation::none, const float* residual = nullptr) {
  Result r = {Buffer<float>(rows * c), Buffer<float>(c), Buffer<float>(c)};
  const size_t bytes = run.kernels.batch_norm_workspace(rows, c);
  CHECK(bytes % 64 == 0);
  run.kernels.batch_norm_forward({.rows = rows,
                                  .c = c,
                                  .x = x.data(),
                                  .gamma = gamma,
                                  .beta = beta,
                                  .residual = residual,
                                  .epsilon = kEpsilon,
                                  .activation = activation,
                                  .y = r.y.data(),
                                  .mean = r.mean.data(),
                                  .variance = r.variance.data()},
                                 run.launch(bytes));
  return r;
}

struct Gradients {
  Buffer<float> dx, dgamma, dbeta, dz;
};

// `relu` none: the gradient of the normalisation alone. from_y needs `y`. dz is written when asked for.
Gradients gradients(Case& run, int64_t rows, int64_t c, const Buffer<float>& x, const Buffer<float>& dy,
                    const float* gamma, const float* beta, const float* mean, const float* variance,
                    ReluMask relu = ReluMask::none, const float* y = nullptr, bool with_dz = false,
                    const float* more_dy = nullptr) {
  Gradients g = {Buffer<float>(rows * c), Buffer<float>(c), Buffer<float>(c), Buffer<float>(with_dz ? rows * c : 0)};
  run.kernels.batch_norm_grad({.rows = rows,
                               .c = c,
                               .x = x.data(),
                               .dy = dy.data(),
                               .more_dy = more_dy,
                               .gamma = gamma,
                               .beta = beta,
                               .mean = mean,
                               .variance = variance,
                               .y = y,
                               .epsilon = kEpsilon,
                               .relu = relu,
                               .dx = g.dx.data(),
                               .dgamma = g.dgamma.data(),
                               .dbeta = g.dbeta.data(),
                               .dz = with_dz ? g.dz.data() : nullptr},
                              run.launch(run.kernels.batch_norm_workspace(rows, c)));
  return g;
}

struct Exact {
  std::vector<double> mean, variance;
};

Exact moments(int64_t rows, int64_t c, const Buffer<float>& x) {
  Exact e;
  for (int64_t j = 0; j < c; ++j) {
    double sum = 0, squares = 0;
    for (int64_t r = 0; r < rows; ++r) sum += x[r * c + j];
    const double mean = sum / static_cast<double>(rows);
    for (int64_t r = 0; r < rows; ++r) squares += std::pow(x[r * c + j] - mean, 2);
    e.mean.push_back(mean);
    e.variance.push_back(squares / static_cast<double>(rows));
  }
  return e;
}

constexpr int64_t kSizes[][2] = {{1, 1},   {2, 3},     {32, 1},     {33, 6},    {1000, 16},
                                 {97, 64}, {30001, 5}, {130, 4096}, {3, 4099},  {40000, 8},
                                 {7, 0},   {200, 513}, {67, 511},   {1001, 17}, {130, 1025}};

void check_same_everywhere(int64_t rows, int64_t c) {
  INFO(rows << " rows, " << c << " channels");
  const Buffer<float> x = random(rows * c, 1), dy = random(rows * c, 2);
  const int before = num_threads();
  for (const KernelTable* table : available_kernels()) {
    std::vector<Buffer<float>> first;
    for (const int threads : {1, 2, 3, 5}) {
      set_num_threads(threads);
      Case run(*table, threads);
      run.without_cache = threads == 3;
      Result r = forward(run, rows, c, x, nullptr, nullptr);
      const Gradients g = gradients(run, rows, c, x, dy, nullptr, nullptr, r.mean.data(), r.variance.data(),
                                    ReluMask::from_y, r.y.data(), true);
      const std::vector<Buffer<float>> results = {r.y, r.mean, r.variance, g.dx, g.dgamma, g.dbeta, g.dz};
      if (first.empty()) first = results;
      for (size_t i = 0; i < results.size(); ++i) check_same_bits(results[i], first[i]);
    }
  }
  set_num_threads(before);
}

}  // namespace

TEST_CASE("batch_norm: forward") {
  for_each_case([](Case& run) {
    for (const auto& [rows, c] : kSizes) {
      INFO(rows << " rows, " << c << " channels");
      const Buffer<float> x = random(rows * c, 1, -2, 5), gamma = random(c, 2), beta = random(c, 3);
      const Exact exact = moments(rows, c, x);
      for (const bool affine : {true, false}) {
        const Result r = forward(run, rows, c, x, affine ? gamma.data() : nullptr, affine ? beta.data() : nullptr);
        check_close(r.mean.data(), exact.mean, 1e-6, 1e-6);
        check_close(r.variance.data(), exact.variance, 2e-6, 1e-12);
        std::vector<double> y;
        for (int64_t i = 0; i < rows * c; ++i) {
          const size_t j = static_cast<size_t>(i % c);
          const double normal = (x[i] - exact.mean[j]) / std::sqrt(exact.variance[j] + double{kEpsilon});
          y.push_back(affine ? normal * gamma[i % c] + beta[i % c] : normal);
        }
        check_close(r.y.data(), y, 1e-5, 2e-5);
      }
    }
  });
}

TEST_CASE("batch_norm: activations") {
  const int64_t rows = 101, c = 7;
  const Buffer<float> x = random(rows * c, 1, -3, 3);
  for_each_case([&](Case& run) {
    const Result plain = forward(run, rows, c, x, nullptr, nullptr);
    for (const Activation activation : {Activation::relu, Activation::tanh, Activation::sigmoid}) {
      std::vector<double> expected = to_double(plain.y);
      for (double& v : expected) {
        if (activation == Activation::relu) v = std::max(v, 0.0);
        if (activation == Activation::tanh) v = std::tanh(v);
        if (activation == Activation::sigmoid) v = 1 / (1 + std::exp(-v));
      }
      check_close(forward(run, rows, c, x, nullptr, nullptr, activation).y.data(), expected, 1e-6, 1e-6);
    }
  });
}

TEST_CASE("batch_norm: a residual is added before the activation") {
  for_each_case([](Case& run) {
    for (const auto& [rows, c] : kSizes) {
      INFO(rows << " rows, " << c << " channels");
      const Buffer<float> x = random(rows * c, 1, -2, 5), gamma = random(c, 2), beta = random(c, 3);
      const Buffer<float> residual = random(rows * c, 4);
      const Result plain = forward(run, rows, c, x, gamma.data(), beta.data());
      std::vector<double> expected = to_double(plain.y);
      for (int64_t i = 0; i < rows * c; ++i) {
        double& value = expected[static_cast<size_t>(i)];
        value = std::max(value + residual[i], 0.0);
      }
      const Result r = forward(run, rows, c, x, gamma.data(), beta.data(), Activation::relu, residual.data());
      check_close(r.y.data(), expected, 1e-6, 1e-6);
      check_same_bits(r.mean, plain.mean);
      check_same_bits(r.variance, plain.variance);
    }
  });
}

TEST_CASE("batch_norm: no cancellation when the mean is large") {
  const int64_t rows = 50000, c = 3;
  Buffer<float> x = random(rows * c, 1, -1, 1);
  for (int64_t i = 0; i < x.size(); ++i) x[i] += i % c == 1 ? 10000.0f : 0.0f;  // E[x^2] - E[x]^2 would be noise
  const Exact exact = moments(rows, c, x);
  for_each_case([&](Case& run) {
    const Result r = forward(run, rows, c, x, nullptr, nullptr);
    check_close(r.mean.data(), exact.mean, 1e-6, 1e-6);
    check_close(r.variance.data(), exact.variance, 1e-5, 0);
  });
}

TEST_CASE("batch_norm: a chunk that begins far from its mean") {
  const int64_t rows = 5000, c = 5;
  Buffer<float> x = random(rows * c, 1, -1, 1);
  for (int64_t j = 0; j < c; ++j) x[j] = 1e6f;  // the sums are taken around the first rows
  const Exact exact = moments(rows, c, x);
  for_each_case([&](Case& run) {
    const Result r = forward(run, rows, c, x, nullptr, nullptr);
    check_close(r.mean.data(), exact.mean, 3e-5, 1e-6);  // 200, from differences to 40,000: 200 u = 1.2e-5 and chains
    check_close(r.variance.data(), exact.variance, 1e-4, 0);
  });
}

TEST_CASE("batch_norm: constant channels, NaN in one channel, no rows") {
  for_each_case([](Case& run) {
    Buffer<float> x = random(300, 1);
    for (int64_t i = 0; i < 300; i += 3) x[i] = 4;
    x[100] = std::nanf("");  // channel 1
    const Result r = forward(run, 100, 3, x, nullptr, nullptr);
    CHECK(r.variance[0] == 0);
    CHECK(r.y[0] == 0);
    CHECK(std::isnan(r.mean[1]));
    CHECK(std::isnan(r.y[1]));
    CHECK(std::isfinite(r.y[2]));
    const Result none = forward(run, 0, 3, Buffer<float>(0), nullptr, nullptr);
    for (int64_t j = 0; j < 3; ++j) CHECK((none.mean[j] == 0 && none.variance[j] == 0));
  });
}

TEST_CASE("batch_norm: gradient") {
  for_each_case([](Case& run) {
    for (const auto& [rows, c] : kSizes) {
      INFO(rows << " rows, " << c << " channels");
      const Buffer<float> x = random(rows * c, 1, -1, 3), dy = random(rows * c, 2), gamma = random(c, 3);
      const Exact exact = moments(rows, c, x);
      Buffer<float> mean(c), variance(c);
      std::copy(exact.mean.begin(), exact.mean.end(), mean.begin());
      std::copy(exact.variance.begin(), exact.variance.end(), variance.begin());
      std::vector<double> sum(static_cast<size_t>(c)), product(static_cast<size_t>(c)), expected;
      const auto normal = [&](int64_t i) {
        return (double{x[i]} - mean[i % c]) / std::sqrt(double{variance[i % c]} + kEpsilon);
      };
      for (int64_t i = 0; i < rows * c; ++i) {
        sum[static_cast<size_t>(i % c)] += dy[i];
        product[static_cast<size_t>(i % c)] += dy[i] * normal(i);
      }
      const double n = static_cast<double>(rows);
      for (const bool scaled : {true, false}) {
        expected.clear();
        for (int64_t i = 0; i < rows * c; ++i) {
          const size_t j = static_cast<size_t>(i % c);
          const double centered = dy[i] - sum[j] / n - normal(i) * product[j] / n;
          expected.push_back((scaled ? gamma[i % c] : 1) * centered / std::sqrt(double{variance[i % c]} + kEpsilon));
        }
        const Gradients g =
            gradients(run, rows, c, x, dy, scaled ? gamma.data() : nullptr, nullptr, mean.data(), variance.data());
        const double slack = 2e-6 * std::sqrt(n) + 1e-5;
        check_close(g.dbeta.data(), sum, 1e-5, slack);
        check_close(g.dgamma.data(), product, 1e-5, slack);
        check_close(g.dx.data(), expected, 1e-5, 1e-5 * (rows < 4 ? 40 : 1));
      }
    }
  });
}

// The mask from x is that of y, also where y is a rounding away from zero or NaN; dz is dy through it; and the
// gradients are those of dz.
TEST_CASE("batch_norm: the gradient through a relu") {
  for_each_case([](Case& run) {
    for (const auto& [rows, c] : kSizes) {
      INFO(rows << " rows, " << c << " channels");
      Buffer<float> x = random(rows * c, 1, -1, 3), gamma = random(c, 3), beta = random(c, 4);
      const Buffer<float> dy = random(rows * c, 2), residual = random(rows * c, 5);
      for (int64_t i = 0; i < rows * c; i += 3) x[i] = 1;
      for (int64_t j = 0; j < c; j += 2) gamma[j] = 1e-30f, beta[j] = 0;  // denormal and tiny outputs
      if (rows > 100 && c > 2) x[50 * c + 2] = std::nanf("");
      Buffer<float> half = dy;
      for (float& value : half) value *= 0.5f;
      for (const bool with_residual : {false, true}) {
        const Result r = forward(run, rows, c, x, gamma.data(), beta.data(), Activation::relu,
                                 with_residual ? residual.data() : nullptr);
        Buffer<float> dz(rows * c);
        for (int64_t i = 0; i < rows * c; ++i) dz[i] = r.y[i] > 0 ? dy[i] : 0.0f;
        const auto grad = [&](const Buffer<float>& gradient, ReluMask relu, bool with_dz) {
          return gradients(run, rows, c, x, gradient, gamma.data(), beta.data(), r.mean.data(), r.variance.data(), relu,
                           r.y.data(), with_dz);
        };
        const Gradients expected = grad(dz, ReluMask::none, false);
        for (const ReluMask relu : {ReluMask::from_y, ReluMask::from_x}) {
          if (relu == ReluMask::from_x && with_residual) continue;
          for (const bool with_dz : {false, true}) {
            const Gradients g = grad(dy, relu, with_dz);
            if (with_dz) check_same_bits(g.dz, dz);
            check_close(g.dx.data(), to_double(expected.dx), 1e-5, 1e-5);
            check_close(g.dgamma.data(), to_double(expected.dgamma), 1e-5, 1e-4);
            check_close(g.dbeta.data(), to_double(expected.dbeta), 1e-5, 1e-4);

            const Gradients of_sum = gradients(run, rows, c, x, half, gamma.data(), beta.data(), r.mean.data(),
                                               r.variance.data(), relu, r.y.data(), with_dz, half.data());
            check_same_bits(of_sum.dx, g.dx, true);
            check_same_bits(of_sum.dgamma, g.dgamma, true);
            if (with_dz) check_same_bits(of_sum.dz, dz);
          }
        }
      }
    }
  });
}

TEST_CASE("batch_norm: the same bits on any number of threads, and past the caches") {
  for (const auto& [rows, c] : kSizes) check_same_everywhere(rows, c);
  check_same_everywhere(60000, 10);
}

}  // namespace linnet::test
