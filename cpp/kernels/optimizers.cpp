// One pass over weights, gradients and slots that does all an optimizer does: gradient accumulation, clipping, weight
// decay, the rule itself, and the moving average of the weights.
//
// An update does a few operations per float it reads, so its time is that of the memory. The idea: the range is taken
// in blocks of 1024 weights; each of the stages above is a loop of its own over one block, whose 4 KB per array stay in
// the first-level cache, so that every array still comes from memory and goes back exactly once. No stage that is not
// asked for runs, and none needs a variant of another.
//
// Weights, slots, average and accumulator share one flat layout; gradients come in parts, each from wherever backward
// left it. Clipping by norm needs one pass over the gradients before: sums of squares of runs of 4096 weights are
// stored and then added in order, so that they do not depend on the number of threads. In the update each element
// stands for itself: how the range is cut does not show. Start reading at `update`.
#include "kernels/declare.h"
#include "kernels/lanes.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kBlock = 1024;
constexpr int64_t kNormRun = 4096;  // 64 additions per lane and accumulator at 16 lanes: an error of some 1e-7

// The first part that ends behind weight i.
int64_t part_at(const UpdateArgs& a, int64_t i) {
  int64_t low = 0, high = a.parts;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    (a.part[middle].end > i ? high : low) = a.part[middle].end > i ? middle : middle + 1;
  }
  return low;
}

// Calls body(part, begin, end) for what lies of each part in weights [begin, end), in order.
template <class Body>
void each_part(const UpdateArgs& a, int64_t begin, int64_t end, Body body) {
  for (int64_t p = part_at(a, begin); p < a.parts && a.part[p].begin < end; ++p) {
    const int64_t first = a.part[p].begin > begin ? a.part[p].begin : begin;
    const int64_t last = a.part[p].end < end ? a.part[p].end : end;
    if (first < last) body(p, first, last);
  }
}

// ---- norms ---------------------------------------------------------------------------------------------------------

// Sum of (loss_scale g + accumulator)^2; accumulator may be null.
float sum_of_squares(float loss_scale, const float* g, const float* accumulator, int64_t n) {
  Vec sums[4] = {};
  const auto add = [&](Vec& sum, int64_t i, int64_t count) {
    Vec u = load_some(g + i, count, 0.0f) * loss_scale;
    if (accumulator) u += load_some(accumulator + i, count, 0.0f);
    sum += u * u;
  };
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes)
    for (int v = 0; v < 4; ++v) add(sums[v], i + v * kLanes, kLanes);
  each_vector(n - i, [&](int64_t first, int64_t count) { add(sums[0], i + first, count); });
  return sum_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

float shrink(double squares, float limit) {
  const double norm = __builtin_sqrt(squares);
  return norm <= static_cast<double>(limit) ? 1.0f
                                            : static_cast<float>(static_cast<double>(limit) / norm);  // NaN stays
}

// Part p meets run r of the range in at most one piece, whose sum lies at sums[p + r - start]: both only ever grow.
void clip_norms(const UpdateArgs& a, int64_t first_weight, int64_t last_weight, const Launch& launch) {
  const int64_t start = first_weight / kNormRun, stop = (last_weight + kNormRun - 1) / kNormRun;
  float* const sums = static_cast<float*>(launch.workspace);
  for_tiles(launch, stop - start, kNormRun, [a, sums, start](int64_t begin, int64_t end, float*) {
    for (int64_t run = start + begin; run < start + end; ++run)
      each_part(a, run * kNormRun, (run + 1) * kNormRun, [&](int64_t p, int64_t first, int64_t last) {
        const float* const accumulator = a.accumulator ? a.accumulator + first : nullptr;
        sums[p + run - start] =
            sum_of_squares(a.loss_scale, a.part[p].g + first - a.part[p].begin, accumulator, last - first);
      });
  });
  const double mean_squared = static_cast<double>(a.mean) * static_cast<double>(a.mean);
  double all = 0;
  for (int64_t p = 0; p < a.parts; ++p) {
    GradientPart& part = a.part[p];
    double own = 0;
    if (part.begin < part.end)
      for (int64_t run = part.begin / kNormRun; run <= (part.end - 1) / kNormRun; ++run)
        own += static_cast<double>(sums[p + run - start]);
    part.scale = shrink(own * mean_squared, a.clip_norm);
    all += own;
  }
  if (!a.global_norm) return;
  for (int64_t p = 0; p < a.parts; ++p) a.part[p].scale = shrink(all * mean_squared, a.clip_norm);
}

// ---- the stages of one block of n weights, from weight `at` on -----------------------------------------------------

// The gradient as the rule sees it: g itself where nothing changes it, else it is written to `scratch`.
const float* gradient(const UpdateArgs& a, const GradientPart& part, int64_t at, int64_t n, float* scratch) {
  const float* const g = part.g + at - part.begin;
  const float outer = a.mean * part.scale, inner = a.loss_scale;
  if (a.accumulator) {
    float* const accumulator = a.accumulator + at;
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
      scratch[i] = (inner * g[i] + accumulator[i]) * outer;
      accumulator[i] = 0.0f;
    }
  } else if (outer != 1.0f || inner != 1.0f) {  // also when a norm is NaN
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) scratch[i] = inner * g[i] * outer;
  } else if (a.clip_value > 0.0f) {
    __builtin_memcpy(scratch, g, static_cast<size_t>(n) * sizeof(float));
  } else {
    return g;
  }
  if (a.clip_value > 0.0f) {
    const float limit = a.clip_value;
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
      const float below = scratch[i] > limit ? limit : scratch[i];  // a NaN stays
      scratch[i] = below < -limit ? -limit : below;
    }
  }
  return scratch;
}

void accumulate(const UpdateArgs& a, const GradientPart& part, int64_t at, int64_t n) {
  const float* const g = part.g + at - part.begin;
  float* const accumulator = a.accumulator + at;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) accumulator[i] += a.loss_scale * g[i];
}

void descend(const UpdateArgs& a, int64_t at, int64_t n, const float* u, float decay) {
  float* const w = a.w + at;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) w[i] = w[i] - decay * w[i] - a.lr * u[i];
}

// `ahead`: Nesterov's form.
template <bool Ahead>
void descend_with_momentum(const UpdateArgs& a, int64_t at, int64_t n, const float* u, float decay) {
  float *const w = a.w + at, *const velocity = a.slots[0] + at;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float step = a.lr * u[i], next = a.momentum * velocity[i] - step;
    velocity[i] = next;
    w[i] = w[i] - decay * w[i] + (Ahead ? a.momentum * next - step : next);
  }
}

void adam(const UpdateArgs& a, int64_t at, int64_t n, const float* u, float decay) {
  float *const w = a.w + at, *const m = a.slots[0] + at, *const v = a.slots[1] + at;
  const float rate_1 = 1.0f - a.beta_1, rate_2 = 1.0f - a.beta_2;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float mean = m[i] + (u[i] - m[i]) * rate_1;
    const float square = v[i] + (u[i] * u[i] - v[i]) * rate_2;
    m[i] = mean;
    v[i] = square;
    w[i] = w[i] - decay * w[i] - a.lr * mean / (__builtin_sqrtf(square) + a.epsilon);
  }
}

template <bool Momentum, bool Centered>
void rmsprop(const UpdateArgs& a, int64_t at, int64_t n, const float* u, float decay) {
  float *const w = a.w + at, *const square = a.slots[0] + at;
  float* const velocity = Momentum ? a.slots[1] + at : nullptr;
  float* const mean = Centered ? a.slots[2] + at : nullptr;
  const float rho = a.beta_1, rest = 1.0f - a.beta_1;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    float below = rho * square[i] + rest * u[i] * u[i];
    square[i] = below;
    if (Centered) {
      mean[i] = rho * mean[i] + rest * u[i];
      below -= mean[i] * mean[i];
    }
    float step = a.lr * u[i] / __builtin_sqrtf(below + a.epsilon);
    if (Momentum) step = velocity[i] = a.momentum * velocity[i] + step;
    w[i] = w[i] - decay * w[i] - step;
  }
}

void adagrad(const UpdateArgs& a, int64_t at, int64_t n, const float* u, float decay) {
  float *const w = a.w + at, *const squares = a.slots[0] + at;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float sum = squares[i] + u[i] * u[i];
    squares[i] = sum;
    w[i] = w[i] - decay * w[i] - a.lr * u[i] / __builtin_sqrtf(sum + a.epsilon);
  }
}

void average(const UpdateArgs& a, int64_t at, int64_t n) {
  float *const w = a.w + at, *const mean = a.average + at;
  const float keep = a.ema_momentum, take = 1.0f - a.ema_momentum;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) mean[i] = keep * mean[i] + take * w[i];
  if (a.overwrite) __builtin_memcpy(w, mean, static_cast<size_t>(n) * sizeof(float));
}

using Rule = void (*)(const UpdateArgs&, int64_t at, int64_t n, const float* u, float decay);

Rule rule_of(const UpdateArgs& a) {
  switch (a.rule) {
    case UpdateRule::sgd:
      return descend;
    case UpdateRule::momentum:
      return descend_with_momentum<false>;
    case UpdateRule::nesterov:
      return descend_with_momentum<true>;
    case UpdateRule::adam:
      return adam;
    case UpdateRule::adagrad:
      return adagrad;
    case UpdateRule::rmsprop:
      break;
  }
  if (a.slots[1]) return a.slots[2] ? rmsprop<true, true> : rmsprop<true, false>;
  return a.slots[2] ? rmsprop<false, true> : rmsprop<false, false>;
}

}  // namespace

void update(const UpdateArgs& args, const Launch& launch) {
  const int64_t start = args.parts ? args.part[0].begin : 0, stop = args.parts ? args.part[args.parts - 1].end : 0;
  for (int64_t p = 0; p < args.parts; ++p) args.part[p].scale = 1.0f;
  if (args.clip_norm > 0.0f && !args.accumulate_only) clip_norms(args, start, stop, launch);
  for_tiles(launch, stop - start, 8,
            [a = args, start, rule = rule_of(args)](int64_t begin, int64_t end, float* scratch) {
              each_part(a, start + begin, start + end, [&](int64_t p, int64_t first, int64_t last) {
                const GradientPart& part = a.part[p];
                for (int64_t at = first; at < last; at += kBlock) {
                  const int64_t n = last - at < kBlock ? last - at : kBlock;
                  if (a.accumulate_only) {
                    accumulate(a, part, at, n);
                  } else {
                    rule(a, at, n, gradient(a, part, at, n, scratch), part.decays ? a.decay : 0.0f);
                  }
                  if (a.average) average(a, at, n);
                }
              });
            });
}

size_t update_workspace(int64_t parts, int64_t weights) {
  const int64_t sums = parts + (weights + kNormRun - 1) / kNormRun;
  return static_cast<size_t>((sums * static_cast<int64_t>(sizeof(float)) + 63) / 64 * 64);
}

}  // namespace linnet::LINNET_ISA
