// Adam and SGD against their formulas in double, over several steps.
#include <cmath>

#include "kernel_test.h"

namespace linnet::test {
namespace {

constexpr int64_t kSizes[] = {0, 1, 15, 16, 17, 1000, 200003};

}  // namespace

TEST_CASE("adam: three steps") {
  for_each_case([](Case& run) {
    for (const int64_t n : kSizes) {
      Buffer<float> w = random(n, 1), m(n), v(n);
      std::fill(m.begin(), m.end(), 0.0f);
      std::fill(v.begin(), v.end(), 0.0f);
      std::vector<double> we = to_double(w), me(we.size()), ve(we.size());
      for (int step = 1; step <= 3; ++step) {
        const Buffer<float> g = random(n, static_cast<uint64_t>(step + 7), -0.1, 0.1);
        AdamArgs args;
        args.n = n;
        args.w = w.data();
        args.g = g.data();
        args.m = m.data();
        args.v = v.data();
        args.beta_1 = 0.9f;
        args.beta_2 = 0.999f;
        args.epsilon = 1e-7f;
        args.lr_t = static_cast<float>(0.01 * std::sqrt(1 - std::pow(0.999, step)) / (1 - std::pow(0.9, step)));
        run.kernels.adam(args, run.launch());
        for (size_t i = 0; i < we.size(); ++i) {
          const double gradient = g[static_cast<int64_t>(i)];
          me[i] += (gradient - me[i]) * (1.0f - args.beta_1);
          ve[i] += (gradient * gradient - ve[i]) * (1.0f - args.beta_2);
          we[i] -= args.lr_t * me[i] / (std::sqrt(ve[i]) + args.epsilon);
        }
      }
      check_close(m.data(), me, 1e-6, 1e-8);
      check_close(v.data(), ve, 2e-6, 1e-12);
      check_close(w.data(), we, 1e-6, 1e-6);
    }
  });
}

TEST_CASE("sgd: plain, momentum, Nesterov") {
  for_each_case([](Case& run) {
    for (const int64_t n : kSizes) {
      for (const auto& [momentum, nesterov] : {std::pair{0.0f, false}, {0.9f, false}, {0.9f, true}, {0.0f, true}}) {
        for (const bool with_velocity : {true, false}) {
          if (!with_velocity && momentum != 0) continue;
          Buffer<float> w = random(n, 1), velocity(n);
          std::fill(velocity.begin(), velocity.end(), 0.0f);
          std::vector<double> we = to_double(w), ve(we.size());
          for (uint64_t step = 0; step < 3; ++step) {
            const Buffer<float> g = random(n, step + 5);
            SgdArgs args;
            args.n = n;
            args.w = w.data();
            args.g = g.data();
            args.velocity = with_velocity ? velocity.data() : nullptr;
            args.lr = 0.05f;
            args.momentum = momentum;
            args.nesterov = nesterov;
            run.kernels.sgd(args, run.launch());
            for (size_t i = 0; i < we.size(); ++i) {
              const double moved = args.lr * double{g[static_cast<int64_t>(i)]};
              if (momentum == 0) {
                we[i] -= moved;
                continue;
              }
              ve[i] = momentum * ve[i] - moved;
              we[i] += nesterov ? momentum * ve[i] - moved : ve[i];
            }
          }
          check_close(w.data(), we, 1e-6, 1e-6);
          check_close(velocity.data(), ve, 1e-6, 1e-6);
        }
      }
    }
  });
}

}  // namespace linnet::test
