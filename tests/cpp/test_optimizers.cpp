// Every rule with every extra against its formula in double, over several steps.
#include <cmath>

#include "kernel_test.h"

namespace linnet::test {
namespace {

constexpr UpdateRule kRules[] = {UpdateRule::sgd,  UpdateRule::momentum, UpdateRule::nesterov,
                                 UpdateRule::adam, UpdateRule::rmsprop,  UpdateRule::adagrad};

// Weights in one range, gradients in parts of the given sizes with gaps between them.
struct Problem {
  UpdateArgs args;
  std::vector<GradientPart> parts;
  std::vector<Buffer<float>> gradients, slots;
  Buffer<float> w, average, accumulator;
  std::vector<double> we, ae, ce, se[3];
  int64_t size;

  static int64_t total(const std::vector<int64_t>& sizes) {
    int64_t sum = 3;
    for (int64_t n : sizes) sum += n + 5;
    return sum;
  }

  Problem(UpdateRule rule, const std::vector<int64_t>& sizes, int slot_count, bool with_average, bool with_accumulator)
      : w(random(total(sizes), 1)),
        average(random(total(sizes), 2)),
        accumulator(random(total(sizes), 3)),
        size(total(sizes)) {
    int64_t begin = 3;
    for (int64_t n : sizes) {
      parts.push_back({.begin = begin, .end = begin + n, .decays = parts.size() != 1});
      begin += n + 5;
    }
    for (uint64_t i = 0; i < 3; ++i) slots.push_back(random(size, 4 + i, 0.1, 1));
    if (rule == UpdateRule::rmsprop && slot_count == 3)
      for (float& mean : slots[2]) mean *= 0.1f;  // squares exceed the square of the mean
    we = to_double(w);
    ae = to_double(average);
    ce = to_double(accumulator);
    for (size_t i = 0; i < 3; ++i) se[i] = to_double(slots[i]);
    args.rule = rule;
    args.w = w.data();
    for (int i = 0; i < slot_count; ++i) args.slots[i] = slots[static_cast<size_t>(i)].data();
    if (with_average) args.average = average.data();
    if (with_accumulator) args.accumulator = accumulator.data();
    args.lr = 0.01f;
    args.momentum = 0.8f;
    args.beta_1 = 0.9f;
    args.beta_2 = 0.99f;
    args.epsilon = 1e-3f;
    args.ema_momentum = 0.7f;
  }

  void step(Case& run, uint64_t seed) {
    gradients.clear();
    for (GradientPart& part : parts) {
      gradients.push_back(random(part.end - part.begin, seed * 100 + gradients.size()));
      part.g = gradients.back().data();
    }
    args.parts = static_cast<int64_t>(parts.size());
    args.part = parts.data();
    const size_t bytes = run.kernels.update_workspace(args.parts, size);
    run.kernels.update(args, run.launch(bytes));
    expect();
  }

  double seen(const GradientPart& part, int64_t i) const {
    return double{args.loss_scale} * double{part.g[i - part.begin]} +
           (args.accumulator ? ce[static_cast<size_t>(i)] : 0);
  }

  void expect() {
    std::vector<double> scales;
    double all = 0;
    for (const GradientPart& part : parts) {
      double squares = 0;
      for (int64_t i = part.begin; i < part.end; ++i) squares += std::pow(double{args.mean} * seen(part, i), 2);
      scales.push_back(std::sqrt(squares));
      all += squares;
    }
    for (double& scale : scales) {
      const double norm = args.global_norm ? std::sqrt(all) : scale, limit = double{args.clip_norm};
      scale = limit > 0 ? limit / std::max(norm, limit) : 1;
    }
    for (size_t p = 0; p < parts.size(); ++p)
      for (int64_t i = parts[p].begin; i < parts[p].end; ++i) element(parts[p], scales[p], static_cast<size_t>(i));
  }

  void element(const GradientPart& part, double scale, size_t i) {
    const UpdateArgs& a = args;
    const double total = seen(part, static_cast<int64_t>(i)), lr = double{a.lr}, rho = double{a.beta_1};
    if (a.accumulator) ce[i] = a.accumulate_only ? total : 0;
    if (!a.accumulate_only) {
      double u = total * double{a.mean} * scale;
      if (a.clip_value > 0) u = std::clamp(u, -double{a.clip_value}, double{a.clip_value});
      if (part.decays) we[i] -= we[i] * double{a.decay};
      if (a.rule == UpdateRule::sgd) we[i] -= lr * u;
      if (a.rule == UpdateRule::momentum || a.rule == UpdateRule::nesterov) {
        se[0][i] = double{a.momentum} * se[0][i] - lr * u;
        we[i] += a.rule == UpdateRule::momentum ? se[0][i] : double{a.momentum} * se[0][i] - lr * u;
      }
      if (a.rule == UpdateRule::adam) {
        se[0][i] += (u - se[0][i]) * (1 - double{a.beta_1});
        se[1][i] += (u * u - se[1][i]) * (1 - double{a.beta_2});
        we[i] -= lr * se[0][i] / (std::sqrt(se[1][i]) + double{a.epsilon});
      }
      if (a.rule == UpdateRule::rmsprop) {
        se[0][i] = rho * se[0][i] + (1 - rho) * u * u;
        if (a.slots[2]) se[2][i] = rho * se[2][i] + (1 - rho) * u;
        double move = lr * u / std::sqrt(se[0][i] - (a.slots[2] ? se[2][i] * se[2][i] : 0) + double{a.epsilon});
        if (a.slots[1]) move = se[1][i] = double{a.momentum} * se[1][i] + move;
        we[i] -= move;
      }
      if (a.rule == UpdateRule::adagrad) {
        se[0][i] += u * u;
        we[i] -= lr * u / std::sqrt(se[0][i] + double{a.epsilon});
      }
    }
    if (!a.average) return;
    ae[i] = double{a.ema_momentum} * ae[i] + (1 - double{a.ema_momentum}) * we[i];
    if (a.overwrite) we[i] = ae[i];
  }

  void check() {
    check_close(w.data(), we, 1e-5, 2e-6);
    check_close(average.data(), ae, 1e-5, 2e-6);
    check_close(accumulator.data(), ce, 1e-5, 2e-6);
    for (size_t i = 0; i < 3; ++i) check_close(slots[i].data(), se[i], 1e-5, 2e-6);
  }
};

int least_slots(UpdateRule rule) { return rule == UpdateRule::sgd ? 0 : rule == UpdateRule::adam ? 2 : 1; }

const std::vector<std::vector<int64_t>> kSizes = {
    {}, {0}, {1}, {15, 16, 17}, {1023, 0, 1024, 1025}, {4095, 4096, 1, 3}, {200003, 7, 30011}};

}  // namespace

TEST_CASE("update: every rule over hostile sizes") {
  for_each_case([](Case& run) {
    for (const UpdateRule rule : kRules) {
      for (int slots = least_slots(rule); slots <= (rule == UpdateRule::rmsprop ? 3 : least_slots(rule)); ++slots) {
        for (const std::vector<int64_t>& sizes : kSizes) {
          CAPTURE(static_cast<int>(rule));
          CAPTURE(slots);
          Problem problem(rule, sizes, slots, false, false);
          for (uint64_t step = 1; step <= 2; ++step) problem.step(run, step);
          problem.check();
        }
      }
    }
  });
}

TEST_CASE("update: centered without momentum") {
  for_each_case([](Case& run) {
    Problem problem(UpdateRule::rmsprop, {100, 33}, 3, false, false);
    problem.args.slots[1] = nullptr;
    problem.step(run, 1);
    problem.check();
  });
}

TEST_CASE("update: clipping, decay, scale, averages and accumulation together") {
  for_each_case([](Case& run) {
    for (const UpdateRule rule : kRules) {
      for (const std::vector<int64_t>& sizes : kSizes) {
        for (int clipping = 0; clipping < 6; ++clipping) {
          CAPTURE(static_cast<int>(rule));
          CAPTURE(clipping);
          Problem problem(rule, sizes, least_slots(rule), clipping != 1, clipping != 2);
          UpdateArgs& a = problem.args;
          a.decay = 0.02f;
          a.loss_scale = 0.25f;
          a.mean = 0.5f;
          if (clipping == 3) a.clip_value = 0.1f;
          if (clipping >= 4) a.clip_norm = 0.6f;
          a.global_norm = clipping == 5;
          a.accumulate_only = clipping != 2;
          problem.step(run, 1);
          a.accumulate_only = false;
          a.overwrite = clipping == 0;
          problem.step(run, 2);
          problem.check();
        }
      }
    }
  });
}

TEST_CASE("update: a norm below the limit changes no bit, a gradient of zeros stays") {
  for_each_case([](Case& run) {
    Problem plain(UpdateRule::sgd, {1000, 24}, 0, false, false), clipped(UpdateRule::sgd, {1000, 24}, 0, false, false);
    clipped.args.clip_norm = 1e6f;
    plain.step(run, 1);
    clipped.step(run, 1);
    check_same_bits(plain.w, clipped.w);
    Buffer<float> zeros(100), w = random(100, 1);
    const Buffer<float> before = w;
    std::fill(zeros.begin(), zeros.end(), 0.0f);
    GradientPart part = {.g = zeros.data(), .begin = 0, .end = 100};
    UpdateArgs args = {.rule = UpdateRule::sgd, .parts = 1, .part = &part, .w = w.data(), .clip_norm = 1, .lr = 1};
    run.kernels.update(args, run.launch(run.kernels.update_workspace(1, 100)));
    check_same_bits(w, before);
  });
}

TEST_CASE("update: the same bits on any number of threads") {
  const int before = num_threads();
  for (const KernelTable* table : available_kernels()) {
    std::vector<Buffer<float>> results;
    for (const int threads : {1, 2, 3, 5}) {
      set_num_threads(threads);
      Case run(*table, threads);
      Problem problem(UpdateRule::adam, {300007, 11, 70001}, 2, true, true);
      problem.args.clip_norm = 0.5f;
      problem.args.global_norm = true;
      for (uint64_t step = 1; step <= 2; ++step) problem.step(run, step);
      results.push_back(problem.w);
      check_same_bits(results.front(), results.back());
    }
  }
  set_num_threads(before);
}

TEST_CASE("update: NaN and infinity are not hidden by clipping") {
  for_each_case([](Case& run) {
    for (const bool by_norm : {false, true}) {
      Buffer<float> g = random(40, 1), w = random(40, 2);
      g[7] = NAN;
      GradientPart part = {.g = g.data(), .begin = 0, .end = 40};
      UpdateArgs args = {.rule = UpdateRule::sgd, .parts = 1, .part = &part, .w = w.data(), .lr = 1};
      (by_norm ? args.clip_norm : args.clip_value) = 0.5f;
      run.kernels.update(args, run.launch(run.kernels.update_workspace(1, 40)));
      CHECK(std::isnan(w[7]));
      CHECK(std::isnan(w[8]) == by_norm);
    }
  });
}

}  // namespace linnet::test
