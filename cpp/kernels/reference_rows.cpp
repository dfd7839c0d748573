// The reference table, third part: kernels that sum over an axis. Reductions, softmax, cross-entropies, batch
// normalisation. Sums run in double and are rounded once. Softmax subtracts the largest logit before anything else, so
// that it holds for logits of any size.
#include <cmath>
#include <limits>

#include "kernels/declare.h"

namespace linnet::LINNET_ISA {
namespace {

// log(sum_j exp(x[j])) in two parts, since their sum loses the second one when x is large. NaN or +inf in x gives NaN.
struct LogSumExp {
  double largest, log_sum;
  double log_softmax(double x) const { return (x - largest) - log_sum; }
};

LogSumExp log_sum_exp(int64_t n, const float* x /* (n) */) {
  double largest = -std::numeric_limits<double>::infinity();
  for (int64_t j = 0; j < n; ++j)
    if (x[j] > largest) largest = x[j];
  double sum = 0;
  for (int64_t j = 0; j < n; ++j) sum += std::exp(x[j] - largest);
  return {largest, std::log(sum)};
}

bool wins(bool least, float value, float best) {
  if (std::isnan(best)) return false;
  return std::isnan(value) || (least ? value < best : value > best);
}

}  // namespace

void reduce(Reduction reduction, int64_t outer, int64_t mid, int64_t inner, const float* x, float* y, const Launch&) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      const float* column = x + o * mid * inner + i;  // (mid), inner apart
      double result = 0;
      if (reduction == Reduction::max) result = -infinity;
      if (reduction == Reduction::min) result = infinity;
      if (reduction == Reduction::prod) result = 1;
      for (int64_t m = 0; m < mid; ++m) {
        const double value = column[m * inner];
        switch (reduction) {
          case Reduction::sum:
          case Reduction::mean:
            result += value;
            break;
          case Reduction::max:
            if (value > result || std::isnan(value)) result = value;
            break;
          case Reduction::min:
            if (value < result || std::isnan(value)) result = value;
            break;
          case Reduction::prod:
            result *= value;
            break;
        }
      }
      if (reduction == Reduction::mean) result /= static_cast<double>(mid);
      y[o * inner + i] = static_cast<float>(result);
    }
}

size_t reduce_workspace(int64_t, int64_t, int64_t) { return 0; }

void arg_reduce(bool least, int64_t outer, int64_t mid, int64_t inner, const float* x, int32_t* y, const Launch&) {
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      const float* column = x + o * mid * inner + i;  // (mid), inner apart
      int64_t best = 0;
      for (int64_t m = 1; m < mid; ++m)
        if (wins(least, column[m * inner], column[best * inner])) best = m;
      y[o * inner + i] = static_cast<int32_t>(best);
    }
}

void softmax_forward(bool log, int64_t rows, int64_t n, const float* x, float* y, const Launch&) {
  for (int64_t r = 0; r < rows; ++r) {
    const LogSumExp total = log_sum_exp(n, x + r * n);
    for (int64_t j = 0; j < n; ++j) {
      const double log_y = total.log_softmax(x[r * n + j]);
      y[r * n + j] = static_cast<float>(log ? log_y : std::exp(log_y));
    }
  }
}

void softmax_grad(bool log, int64_t rows, int64_t n, const float* dy, const float* y, float* dx, const Launch&) {
  for (int64_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (int64_t j = r * n; j < (r + 1) * n; ++j) sum += log ? dy[j] : double{dy[j]} * y[j];
    for (int64_t j = r * n; j < (r + 1) * n; ++j)
      dx[j] = static_cast<float>(log ? dy[j] - std::exp(double{y[j]}) * sum : y[j] * (dy[j] - sum));
  }
}

void sparse_cross_entropy_forward(int64_t rows, int64_t classes, const float* logits, const int32_t* labels,
                                  float* loss, float* probs, int64_t* bad_row, const Launch&) {
  *bad_row = -1;
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = logits + r * classes;  // (classes)
    const LogSumExp total = log_sum_exp(classes, row);
    for (int64_t j = 0; j < classes; ++j)
      probs[r * classes + j] = static_cast<float>(std::exp(total.log_softmax(row[j])));
    if (labels[r] >= 0 && labels[r] < classes) {
      loss[r] = static_cast<float>(-total.log_softmax(row[labels[r]]));
    } else {
      loss[r] = std::numeric_limits<float>::quiet_NaN();
      if (*bad_row < 0) *bad_row = r;
    }
  }
}

void sparse_cross_entropy_grad(int64_t rows, int64_t classes, const float* probs, const int32_t* labels,
                               const float* dloss, float* dlogits, const Launch&) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < classes; ++j)
      dlogits[r * classes + j] = (probs[r * classes + j] - (j == labels[r] ? 1.0f : 0.0f)) * dloss[r];
}

void cross_entropy_forward(int64_t rows, int64_t classes, const float* logits, const float* targets, float* loss,
                           float* probs, const Launch&) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = logits + r * classes;  // (classes)
    const LogSumExp total = log_sum_exp(classes, row);
    double sum = 0;
    for (int64_t j = 0; j < classes; ++j) {
      const double log_y = total.log_softmax(row[j]);
      sum -= targets[r * classes + j] * log_y;
      probs[r * classes + j] = static_cast<float>(std::exp(log_y));
    }
    loss[r] = static_cast<float>(sum);
  }
}

void cross_entropy_grad(int64_t rows, int64_t classes, const float* probs, const float* targets, const float* dloss,
                        float* dlogits, const Launch&) {
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t begin = r * classes;
    double sum = 0;
    for (int64_t j = 0; j < classes; ++j) sum += targets[begin + j];
    for (int64_t j = begin; j < begin + classes; ++j)
      dlogits[j] = static_cast<float>((probs[j] * sum - targets[j]) * dloss[r]);
  }
}

void batch_norm_forward(int64_t rows, int64_t c, const float* x, const float* gamma, const float* beta, float epsilon,
                        Activation activation, float* y, float* mean, float* variance, const Launch&) {
  for (int64_t j = 0; j < c; ++j) {
    double sum = 0, squares = 0;
    for (int64_t r = 0; r < rows; ++r) sum += x[r * c + j];
    const double center = rows ? sum / static_cast<double>(rows) : 0;
    for (int64_t r = 0; r < rows; ++r) squares += (x[r * c + j] - center) * (x[r * c + j] - center);
    const double spread = rows ? squares / static_cast<double>(rows) : 0;
    mean[j] = static_cast<float>(center);
    variance[j] = static_cast<float>(spread);

    for (int64_t r = 0; r < rows; ++r) {
      double value = (x[r * c + j] - center) / std::sqrt(spread + epsilon);
      value = value * (gamma ? gamma[j] : 1) + (beta ? beta[j] : 0);
      if (activation == Activation::relu && value < 0) value = 0;
      if (activation == Activation::tanh) value = std::tanh(value);
      if (activation == Activation::sigmoid) value = 1 / (1 + std::exp(-value));
      y[r * c + j] = static_cast<float>(value);
    }
  }
}

void batch_norm_grad(int64_t rows, int64_t c, const float* x, const float* dy, const float* gamma, const float* mean,
                     const float* variance, float epsilon, float* dx, float* dgamma, float* dbeta, const Launch&) {
  for (int64_t j = 0; j < c; ++j) {
    const double rstd = 1 / std::sqrt(double{variance[j]} + epsilon);
    double sum = 0, sum_normal = 0;  // of dy, and of dy times the normalised x
    for (int64_t r = 0; r < rows; ++r) {
      sum += dy[r * c + j];
      sum_normal += dy[r * c + j] * (double{x[r * c + j]} - mean[j]) * rstd;
    }
    for (int64_t r = 0; r < rows; ++r) {
      const double normal = (double{x[r * c + j]} - mean[j]) * rstd;
      const double centered = dy[r * c + j] - (sum + normal * sum_normal) / static_cast<double>(rows);
      dx[r * c + j] = static_cast<float>((gamma ? gamma[j] : 1) * rstd * centered);
    }
    dgamma[j] = static_cast<float>(sum_normal);
    dbeta[j] = static_cast<float>(sum);
  }
}

size_t batch_norm_workspace(int64_t, int64_t) { return 0; }

}  // namespace linnet::LINNET_ISA
