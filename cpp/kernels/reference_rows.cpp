// The reference table, third part: kernels that sum over an axis. Reductions, softmax, cross-entropies,
// normalisations. Sums run in double and are rounded once. Softmax subtracts the largest logit before anything else, so
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

// x as batch normalisation sees it, before gamma and beta.
double normalized(double x, double mean, double variance, double epsilon) {
  return (x - mean) / std::sqrt(variance + epsilon);
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

void reduce_extreme(bool least, int64_t outer, int64_t mid, int64_t inner, const float* x, float* y, float* count,
                    int32_t* where, const Launch& launch) {
  reduce(least ? Reduction::min : Reduction::max, outer, mid, inner, x, y, launch);
  for (int64_t e = 0; e < outer * inner; ++e) {
    int64_t equal = 0, last = -1;
    for (int64_t m = 0; m < mid; ++m) {
      if (x[(e / inner * mid + m) * inner + e % inner] != y[e]) continue;
      ++equal;
      last = m;
    }
    count[e] = static_cast<float>(equal);
    if (where) where[e] = static_cast<int32_t>(equal == 1 ? last : -1);
  }
}

size_t reduce_extreme_workspace(int64_t, int64_t, int64_t) { return 0; }

void reduce_extreme_grad(int64_t outer, int64_t mid, int64_t inner, const float* share, const int32_t* where,
                         const float* x, const float* y, float* dx, const Launch&) {
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t m = 0; m < mid; ++m)
      for (int64_t i = 0; i < inner; ++i) {
        const int64_t element = (o * mid + m) * inner + i, column = o * inner + i;
        const bool known = where[column] >= 0, dead = share[column] == 0;
        const bool wins = known ? where[column] == m : x[element] == y[column];
        dx[element] = wins && !dead ? share[column] : !known && std::isnan(y[column]) && !dead ? y[column] : 0.0f;
      }
}

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

void batch_norm_forward(const BatchNormArgs& a, const Launch&) {
  const int64_t rows = a.rows, c = a.c;
  for (int64_t j = 0; j < c; ++j) {
    double sum = 0, squares = 0;
    for (int64_t r = 0; r < rows; ++r) sum += a.x[r * c + j];
    const double center = rows ? sum / static_cast<double>(rows) : 0;
    for (int64_t r = 0; r < rows; ++r) squares += (a.x[r * c + j] - center) * (a.x[r * c + j] - center);
    a.mean[j] = static_cast<float>(center);
    a.variance[j] = static_cast<float>(rows ? squares / static_cast<double>(rows) : 0);
    for (int64_t r = 0; r < rows; ++r) {
      double value = normalized(a.x[r * c + j], a.mean[j], a.variance[j], a.epsilon) * (a.gamma ? a.gamma[j] : 1);
      value += (a.beta ? a.beta[j] : 0) + double{a.residual ? a.residual[r * c + j] : 0};
      if (a.activation == Activation::relu && value < 0) value = 0;
      if (a.activation == Activation::tanh) value = std::tanh(value);
      if (a.activation == Activation::sigmoid) value = 1 / (1 + std::exp(-value));
      a.y[r * c + j] = static_cast<float>(value);
    }
  }
}

void batch_norm_grad(const BatchNormGradArgs& a, const Launch&) {
  const int64_t rows = a.rows, c = a.c;
  for (int64_t j = 0; j < c; ++j) {
    const double gamma = a.gamma ? a.gamma[j] : 1, beta = a.beta ? a.beta[j] : 0;
    const auto normal = [&](int64_t i) { return normalized(a.x[i], a.mean[j], a.variance[j], a.epsilon); };
    const auto through_relu = [&](int64_t i) {
      const bool open = a.relu == ReluMask::from_y   ? a.y[i] > 0
                        : a.relu == ReluMask::from_x ? static_cast<float>(normal(i) * gamma + beta) > 0
                                                     : true;
      return open ? a.dy[i] + (a.more_dy ? a.more_dy[i] : 0.0f) : 0.0f;
    };
    double sum = 0, sum_normal = 0;  // of dz, and of dz times the normalised x
    for (int64_t i = j; i < rows * c; i += c) {
      sum += through_relu(i);
      sum_normal += through_relu(i) * normal(i);
    }
    for (int64_t i = j; i < rows * c; i += c) {
      const double centered = through_relu(i) - (sum + normal(i) * sum_normal) / static_cast<double>(rows);
      a.dx[i] = static_cast<float>(gamma / std::sqrt(double{a.variance[j]} + a.epsilon) * centered);
      if (a.dz) a.dz[i] = through_relu(i);
    }
    a.dgamma[j] = static_cast<float>(sum_normal);
    a.dbeta[j] = static_cast<float>(sum);
  }
}

size_t batch_norm_workspace(int64_t, int64_t) { return 0; }

void group_norm_forward(const GroupNormArgs& a, const Launch&) {
  const int64_t width = a.c / a.groups;  // channels of a group
  for (int64_t i = 0; i < a.samples * a.groups; ++i) {
    const int64_t channel = i % a.groups * width, first = i / a.groups * a.steps * a.c + channel;
    const double count = a.steps * width > 0 ? static_cast<double>(a.steps * width) : 1;
    double sum = 0, squares = 0;
    for (int64_t s = 0; s < a.steps; ++s)
      for (int64_t j = 0; j < width; ++j) sum += a.x[first + s * a.c + j];
    const double center = a.rms ? 0 : sum / count;
    for (int64_t s = 0; s < a.steps; ++s)
      for (int64_t j = 0; j < width; ++j) {
        const double deviation = a.x[first + s * a.c + j] - center;
        squares += deviation * deviation;
      }
    const double scale = 1 / std::sqrt(squares / count + a.epsilon);
    a.mean[i] = static_cast<float>(center);
    a.rstd[i] = static_cast<float>(scale);
    for (int64_t s = 0; s < a.steps; ++s)
      for (int64_t j = 0; j < width; ++j) {
        const double value = (a.x[first + s * a.c + j] - center) * scale * (a.gamma ? a.gamma[channel + j] : 1);
        a.y[first + s * a.c + j] = static_cast<float>(value + (a.beta ? a.beta[channel + j] : 0));
      }
  }
}

void group_norm_grad(const GroupNormGradArgs& a, const Launch&) {
  const int64_t width = a.c / a.groups;
  const double count = static_cast<double>(a.steps * width);
  for (int64_t i = 0; i < a.samples * a.groups; ++i) {
    const int64_t channel = i % a.groups * width, first = i / a.groups * a.steps * a.c + channel;
    const auto normal = [&](int64_t at) { return (double{a.x[at]} - a.mean[i]) * a.rstd[i]; };
    double sum = 0, sum_normal = 0;  // of gamma dy, and of that times the normalised x
    for (int64_t s = 0; s < a.steps; ++s)
      for (int64_t j = 0; j < width; ++j) {
        const int64_t at = first + s * a.c + j;
        const double g = double{a.dy[at]} * (a.gamma ? a.gamma[channel + j] : 1);
        sum += g;
        sum_normal += g * normal(at);
      }
    for (int64_t s = 0; s < a.steps; ++s)
      for (int64_t j = 0; j < width; ++j) {
        const int64_t at = first + s * a.c + j;
        const double g = double{a.dy[at]} * (a.gamma ? a.gamma[channel + j] : 1);
        a.dx[at] = static_cast<float>(a.rstd[i] * (g - (a.rms ? 0 : sum / count) - normal(at) * sum_normal / count));
      }
  }
  for (int64_t j = 0; j < a.c; ++j) {
    double plain = 0, product = 0;
    for (int64_t at = j; at < a.samples * a.steps * a.c; at += a.c) {
      const int64_t i = at / (a.steps * a.c) * a.groups + j / width;
      plain += a.dy[at];
      product += a.dy[at] * (double{a.x[at]} - a.mean[i]) * a.rstd[i];
    }
    if (a.dbeta) a.dbeta[j] = static_cast<float>(plain);
    if (a.dgamma) a.dgamma[j] = static_cast<float>(product);
  }
}

size_t group_norm_grad_workspace(int64_t, int64_t, int64_t) { return 0; }

}  // namespace linnet::LINNET_ISA
