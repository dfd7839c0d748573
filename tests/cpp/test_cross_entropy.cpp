// Cross-entropy with integer labels and with target distributions: loss, probabilities, gradients, bad labels.
#include <cmath>

#include "kernel_test.h"

namespace linnet::test {
namespace {

constexpr int64_t kSizes[][2] = {{0, 10}, {1, 1}, {32, 10}, {7, 16}, {5, 17}, {3, 1000}, {20000, 10}};

struct Exact {
  std::vector<double> log_probs, probs;
};

Exact log_softmax(int64_t rows, int64_t classes, const Buffer<float>& x) {
  Exact y;
  for (int64_t r = 0; r < rows; ++r) {
    double most = -HUGE_VAL, sum = 0;
    for (int64_t j = 0; j < classes; ++j) most = std::max(most, double{x[r * classes + j]});
    for (int64_t j = 0; j < classes; ++j) sum += std::exp(x[r * classes + j] - most);
    for (int64_t j = 0; j < classes; ++j) {
      y.log_probs.push_back(x[r * classes + j] - most - std::log(sum));
      y.probs.push_back(std::exp(y.log_probs.back()));
    }
  }
  return y;
}

}  // namespace

TEST_CASE("sparse_cross_entropy: forward and gradient") {
  for_each_case([](Case& run) {
    for (const auto& [rows, classes] : kSizes) {
      const Buffer<float> x = random(rows * classes, 1, -20, 20), dloss = random(rows, 2);
      const Buffer<int32_t> labels = random_integers(rows, 3, 0, classes);
      Buffer<float> loss(rows), probs(rows * classes), dx(rows * classes);
      int64_t bad_row = 99;
      run.kernels.sparse_cross_entropy_forward(rows, classes, x.data(), labels.data(), loss.data(), probs.data(),
                                               &bad_row, run.launch());
      CHECK(bad_row == -1);
      const Exact exact = log_softmax(rows, classes, x);
      std::vector<double> expected_loss, expected_dx;
      for (int64_t r = 0; r < rows; ++r) {
        expected_loss.push_back(-exact.log_probs[static_cast<size_t>(r * classes + labels[r])]);
        for (int64_t j = 0; j < classes; ++j) {
          const double p = exact.probs[static_cast<size_t>(r * classes + j)];
          expected_dx.push_back((p - (j == labels[r] ? 1 : 0)) * dloss[r]);
        }
      }
      check_close(loss.data(), expected_loss, 1e-6, 2e-6);
      check_close(probs.data(), exact.probs, 8e-6, 1e-37);
      run.kernels.sparse_cross_entropy_grad(rows, classes, probs.data(), labels.data(), dloss.data(), dx.data(),
                                            run.launch());
      check_close(dx.data(), expected_dx, 2e-6, 3e-7);
    }
  });
}

TEST_CASE("sparse_cross_entropy: labels outside the classes are reported and harmless") {
  for_each_case([](Case& run) {
    for (const int64_t rows : {1, 6, 30000}) {
      const int64_t classes = 9;
      const Buffer<float> x = random(rows * classes, 1);
      Buffer<int32_t> labels = random_integers(rows, 2, 0, classes);
      const int64_t first = rows / 2;
      labels[rows - 1] = std::numeric_limits<int32_t>::min();
      labels[first] = 9;
      Buffer<float> loss(rows), probs(rows * classes), dx(rows * classes), ones(rows);
      std::fill(ones.begin(), ones.end(), 1.0f);
      int64_t bad_row = 99;
      run.kernels.sparse_cross_entropy_forward(rows, classes, x.data(), labels.data(), loss.data(), probs.data(),
                                               &bad_row, run.launch());
      CHECK(bad_row == first);
      for (int64_t r = 0; r < rows; ++r) {
        const bool bad = r == first || r == rows - 1;
        if (std::isnan(loss[r]) != bad) FAIL_CHECK("row " << r << " has loss " << loss[r]);
      }
      check_close(probs.data(), log_softmax(rows, classes, x).probs, 2e-6, 0);
      run.kernels.sparse_cross_entropy_grad(rows, classes, probs.data(), labels.data(), ones.data(), dx.data(),
                                            run.launch());
      for (int64_t j = 0; j < classes; ++j) CHECK(dx[first * classes + j] == probs[first * classes + j]);
    }
  });
}

TEST_CASE("cross_entropy: forward and gradient, targets that need not sum to one") {
  for_each_case([](Case& run) {
    for (const auto& [rows, classes] : kSizes) {
      const Buffer<float> x = random(rows * classes, 1, -9, 9), targets = random(rows * classes, 2, 0, 1);
      const Buffer<float> dloss = random(rows, 3);
      Buffer<float> loss(rows), probs(rows * classes), dx(rows * classes);
      run.kernels.cross_entropy_forward(rows, classes, x.data(), targets.data(), loss.data(), probs.data(),
                                        run.launch());
      const Exact exact = log_softmax(rows, classes, x);
      std::vector<double> expected_loss, expected_dx;
      for (int64_t r = 0; r < rows; ++r) {
        double total = 0, sum = 0;
        for (int64_t j = r * classes; j < (r + 1) * classes; ++j) {
          total -= targets[j] * exact.log_probs[static_cast<size_t>(j)];
          sum += targets[j];
        }
        expected_loss.push_back(total);
        for (int64_t j = r * classes; j < (r + 1) * classes; ++j)
          expected_dx.push_back((exact.probs[static_cast<size_t>(j)] * sum - targets[j]) * dloss[r]);
      }
      check_close(loss.data(), expected_loss, 3e-6, 3e-6);
      check_close(probs.data(), exact.probs, 8e-6, 1e-37);
      run.kernels.cross_entropy_grad(rows, classes, probs.data(), targets.data(), dloss.data(), dx.data(),
                                     run.launch());
      check_close(dx.data(), expected_dx, 5e-6, 1e-6);
    }
  });
}

TEST_CASE("cross_entropy: NaN logits give NaN, confident logits no infinity") {
  for_each_case([](Case& run) {
    const Buffer<float> x = {0, std::nanf(""), 1, 1000, -1000, 0};
    const Buffer<int32_t> labels = {0, 1};
    Buffer<float> loss(2), probs(6);
    int64_t bad_row;
    run.kernels.sparse_cross_entropy_forward(2, 3, x.data(), labels.data(), loss.data(), probs.data(), &bad_row,
                                             run.launch());
    CHECK(bad_row == -1);
    CHECK(std::isnan(loss[0]));
    CHECK(loss[1] == 2000);
  });
}

}  // namespace linnet::test
