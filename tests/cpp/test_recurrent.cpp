// Recurrent layers: every table against the naive one (which test_recurrent.py holds against a float64 oracle and
// central differences), states, masks of every kind, the same bits on any number of threads and in any batch.
#include <cmath>

#include "kernel_test.h"

namespace linnet::test {
namespace {

enum class Mask { none, some, right, left, all_off };

struct Setup {
  RecurrentCell cell;
  int64_t n, t, in, units;
  Mask mask = Mask::none;
  bool states = false, reverse = false, bias = true, recurrent_mask = false;
  Activation activation = Activation::tanh, gate = Activation::sigmoid;
};

// Of recurrent weights: with many units 0.4 would make every step larger, errors of rounding among them.
double gain(int64_t units) { return std::min(0.4, 1.7 / std::sqrt(static_cast<double>(units))); }

// The operands of a layer, and everything it computes.
struct Layer {
  explicit Layer(const Setup& setup)
      : s(setup),
        g(recurrent_gates(s.cell)),
        x(random(s.n * s.t * s.in, 1)),
        kernel(random(s.in * g * s.units, 2, -0.5, 0.5)),
        recurrent(random(s.units * g * s.units, 3, -gain(s.units), gain(s.units))),
        bias(random(2 * g * s.units, 4)),
        h0(random(s.n * s.units, 5)),
        c0(random(s.n * s.units, 6)),
        mask(s.n * s.t),
        recurrent_mask(random(s.n * s.units, 7, 0, 2)),
        dy(random(s.n * s.t * s.units, 8)),
        dh(random(s.n * s.units, 9)),
        dc(random(s.n * s.units, 10)),
        y(s.n * s.t * s.units),
        h(s.n * s.units),
        c(s.n * s.units),
        saved(s.n * s.t * recurrent_saved(s.cell, s.units)),
        dx(s.n * s.t * s.in),
        dkernel(s.in * g * s.units),
        drecurrent(s.units * g * s.units),
        dbias(g * s.units),
        drecurrent_bias(g * s.units),
        dh0(s.n * s.units),
        dc0(s.n * s.units) {
    const Buffer<float> draw = random(s.n * s.t, 11, 0, 1), length = random(s.n, 12, 0, static_cast<double>(s.t) + 1);
    for (int64_t r = 0; r < s.n; ++r)
      for (int64_t i = 0; i < s.t; ++i) {
        const int64_t steps = static_cast<int64_t>(length[r]);
        mask[r * s.t + i] = s.mask == Mask::some    ? (draw[r * s.t + i] < 0.6f ? 1 : 0)
                            : s.mask == Mask::right ? (i < steps ? 1 : 0)
                            : s.mask == Mask::left  ? (i >= s.t - steps ? 1 : 0)
                                                    : 0;
      }
  }

  RecurrentArgs args() {
    RecurrentArgs a{.cell = s.cell,
                    .n = s.n,
                    .t = s.t,
                    .in = s.in,
                    .units = s.units,
                    .activation = s.activation,
                    .gate = s.gate,
                    .reverse = s.reverse,
                    .x = x.data(),
                    .kernel = kernel.data(),
                    .recurrent = recurrent.data(),
                    .y = y.data(),
                    .h = h.data()};
    if (s.bias) a.bias = bias.data();
    if (s.bias && s.cell == RecurrentCell::gru) a.recurrent_bias = bias.data() + g * s.units;
    if (s.states) a.h0 = h0.data();
    if (s.mask != Mask::none) a.mask = mask.data();
    if (s.recurrent_mask) a.recurrent_mask = recurrent_mask.data();
    if (s.cell != RecurrentCell::simple) a.saved = saved.data();
    if (s.cell == RecurrentCell::lstm) {
      a.c = c.data();
      if (s.states) a.c0 = c0.data();
    }
    return a;
  }

  void run(Case& at) {
    const RecurrentArgs a = args();
    const size_t bytes = at.kernels.recurrent_workspace(a), more = at.kernels.recurrent_grad_workspace(a);
    CHECK(bytes % 64 == 0);
    CHECK(more % 64 == 0);
    at.kernels.recurrent_forward(a, at.launch(bytes));
    RecurrentGradArgs grad{.forward = a,
                           .dy = dy.data(),
                           .dx = dx.data(),
                           .dkernel = dkernel.data(),
                           .drecurrent = drecurrent.data(),
                           .dbias = dbias.data()};
    grad.dh = dh.data();
    if (s.cell == RecurrentCell::gru) grad.drecurrent_bias = drecurrent_bias.data();
    if (s.states) grad.dh0 = dh0.data();
    if (s.cell == RecurrentCell::lstm) {
      grad.dc = dc.data();
      if (s.states) grad.dc0 = dc0.data();
    }
    at.kernels.recurrent_grad(grad, at.launch(more));
  }

  std::vector<const Buffer<float>*> results() const {
    std::vector<const Buffer<float>*> all = {&y, &h, &dx, &dkernel, &drecurrent, &dbias};
    if (s.cell == RecurrentCell::lstm) all.push_back(&c);
    if (s.cell == RecurrentCell::gru) all.push_back(&drecurrent_bias);
    if (s.states) all.push_back(&dh0);
    if (s.states && s.cell == RecurrentCell::lstm) all.push_back(&dc0);
    return all;
  }

  Setup s;
  int64_t g;
  Buffer<float> x, kernel, recurrent, bias, h0, c0, mask, recurrent_mask, dy, dh, dc;
  Buffer<float> y, h, c, saved, dx, dkernel, drecurrent, dbias, drecurrent_bias, dh0, dc0;
};

constexpr RecurrentCell kCells[] = {RecurrentCell::simple, RecurrentCell::lstm, RecurrentCell::gru,
                                    RecurrentCell::gru_reset_before};

void check_against_reference(const Setup& setup) {
  INFO("cell " << static_cast<int>(setup.cell) << ", n " << setup.n << ", t " << setup.t << ", in " << setup.in
               << ", units " << setup.units << ", mask " << static_cast<int>(setup.mask));
  Case naive(*available_kernels().back(), 1);
  Layer expected(setup);
  expected.run(naive);
  std::vector<Buffer<float>> first;
  const KernelTable* previous = nullptr;
  for_each_case([&](Case& run) {
    if (&run.kernels == &naive.kernels) return;
    Layer layer(setup);
    layer.run(run);
    const auto got = layer.results(), want = expected.results();
    for (size_t i = 0; i < got.size(); ++i) {
      INFO("result " << i);
      CHECK(relative_error(got[i]->data(), to_double(*want[i])) < 5e-5);
    }
    if (previous == &run.kernels) {
      for (size_t i = 0; i < got.size(); ++i) check_same_bits(*got[i], first[i]);
    }
    first.clear();
    for (const Buffer<float>* one : got) first.push_back(*one);
    previous = &run.kernels;
  });
}

}  // namespace

TEST_CASE("recurrent: sizes") {
  // A vector and its neighbours, a tile and its neighbours, nothing at all.
  constexpr int64_t kSizes[][4] = {{1, 1, 1, 1},    {3, 5, 2, 3},   {2, 3, 17, 16}, {5, 4, 9, 17},  {14, 3, 16, 31},
                                   {15, 2, 31, 32}, {33, 3, 5, 33}, {37, 7, 3, 48}, {1, 9, 40, 65}, {130, 2, 3, 5},
                                   {0, 3, 2, 4},    {4, 0, 3, 5},   {4, 3, 0, 5}};
  for (const RecurrentCell cell : kCells)
    for (const auto& [n, t, in, units] : kSizes) {
      check_against_reference({.cell = cell, .n = n, .t = t, .in = in, .units = units, .states = n % 2 == 1});
    }
}

// So few rows that the units are shared out, and so many steps that the products of x and the gradients of the weights
// come in several pieces.
TEST_CASE("recurrent: few rows") {
  constexpr int64_t kSizes[][4] = {{1, 60, 3, 300}, {3, 31, 20, 130}, {4, 30, 5, 200}};
  for (const RecurrentCell cell : kCells)
    for (const auto& [n, t, in, units] : kSizes) {
      check_against_reference(
          {.cell = cell, .n = n, .t = t, .in = in, .units = units, .states = n == 3, .reverse = n == 4});
      check_against_reference({.cell = cell,
                               .n = n,
                               .t = t,
                               .in = in,
                               .units = units,
                               .mask = n == 3 ? Mask::right : Mask::some,
                               .states = true,
                               .recurrent_mask = n == 4});
    }
}

TEST_CASE("recurrent: masks") {
  for (const RecurrentCell cell : kCells)
    for (const Mask mask : {Mask::some, Mask::right, Mask::left, Mask::all_off})
      for (const bool reverse : {false, true}) {
        check_against_reference(
            {.cell = cell, .n = 35, .t = 11, .in = 4, .units = 19, .mask = mask, .states = true, .reverse = reverse});
        check_against_reference({.cell = cell, .n = 3, .t = 6, .in = 4, .units = 7, .mask = mask, .reverse = reverse});
      }
}

TEST_CASE("recurrent: other activations, no bias, dropout of the state, many steps") {
  for (const RecurrentCell cell : kCells) {
    check_against_reference({.cell = cell, .n = 5, .t = 4, .in = 3, .units = 18, .bias = false});
    check_against_reference({.cell = cell,
                             .n = 19,
                             .t = 5,
                             .in = 3,
                             .units = 18,
                             .mask = Mask::some,
                             .states = true,
                             .recurrent_mask = true});
    check_against_reference({.cell = cell, .n = 7, .t = 150, .in = 2, .units = 9, .reverse = true});
    for (const Activation activation : {Activation::none, Activation::relu, Activation::sigmoid}) {
      check_against_reference({.cell = cell,
                               .n = 6,
                               .t = 3,
                               .in = 4,
                               .units = 5,
                               .activation = activation,
                               .gate = activation == Activation::relu ? Activation::tanh : activation});
    }
  }
}

// Weights beyond the cache of a core, and so many steps that their gradients come in two pieces.
TEST_CASE("recurrent: large weights") {
  for (const RecurrentCell cell : {RecurrentCell::lstm, RecurrentCell::gru_reset_before}) {
    check_against_reference({.cell = cell,
                             .n = 17,
                             .t = 23,
                             .in = 80,
                             .units = 270,
                             .states = true,
                             .recurrent_mask = cell == RecurrentCell::gru_reset_before});
  }
}

TEST_CASE("recurrent: a row has the same bits in any batch") {
  struct Batch {
    int64_t n, t, units;
    Mask mask;
  };
  for (const RecurrentCell cell : kCells)
    for (const auto& [n, t, units, mask] : {Batch{53, 6, 37, Mask::none}, Batch{53, 6, 37, Mask::right},
                                            Batch{7, 32, 160, Mask::none}, Batch{7, 32, 160, Mask::some}}) {
      const Setup whole = {.cell = cell, .n = n, .t = t, .in = 7, .units = units, .mask = mask, .states = true};
      for_each_case([&](Case& run) {
        Layer all(whole);
        all.run(run);
        for (const int64_t row : {int64_t{0}, n / 2, n - 1}) {
          Setup one = whole;
          one.n = 1;
          Layer alone(one);
          const auto take = [&](Buffer<float>& to, const Buffer<float>& from) {
            std::memcpy(to.data(), from.data() + row * to.size(), to.bytes());
          };
          take(alone.x, all.x), take(alone.h0, all.h0), take(alone.c0, all.c0), take(alone.mask, all.mask);
          take(alone.dy, all.dy), take(alone.dh, all.dh), take(alone.dc, all.dc);
          alone.run(run);
          const auto same = [&](const Buffer<float>& a, const Buffer<float>& b) {
            Buffer<float> part(a.size());
            take(part, b);
            check_same_bits(a, part);
          };
          same(alone.y, all.y), same(alone.h, all.h), same(alone.dx, all.dx), same(alone.dh0, all.dh0);
          if (cell == RecurrentCell::lstm) same(alone.c, all.c), same(alone.dc0, all.dc0);
        }
      });
    }
}

TEST_CASE("recurrent: what is not asked for is not written, and what nobody saves changes nothing") {
  for (const RecurrentCell cell : kCells) {
    for_each_case([&](Case& run) {
      Layer layer({.cell = cell, .n = 9, .t = 5, .in = 3, .units = 20, .mask = Mask::some});
      layer.run(run);
      Layer bare({.cell = cell, .n = 9, .t = 5, .in = 3, .units = 20, .mask = Mask::some});
      RecurrentArgs a = bare.args();
      a.saved = a.y = a.c = nullptr;
      run.kernels.recurrent_forward(a, run.launch(run.kernels.recurrent_workspace(a)));
      check_same_bits(bare.h, layer.h);
      RecurrentGradArgs grad{.forward = layer.args(), .dh = layer.dh.data(), .drecurrent = bare.drecurrent.data()};
      run.kernels.recurrent_grad(grad, run.launch(run.kernels.recurrent_grad_workspace(a)));
      grad.dx = layer.dx.data(), grad.dbias = layer.dbias.data(), grad.dkernel = layer.dkernel.data();
      grad.drecurrent = layer.drecurrent.data();
      run.kernels.recurrent_grad(grad, run.launch(run.kernels.recurrent_grad_workspace(a)));
      check_same_bits(bare.drecurrent, layer.drecurrent);
    });
  }
}

TEST_CASE("recurrent: one step of a prediction") {
  constexpr int64_t kSizes[][3] = {{1, 3, 5}, {1, 40, 64}, {2, 17, 33}, {9, 16, 16}, {70, 5, 100}, {1, 128, 256}};
  for (const RecurrentCell cell : kCells)
    for (const auto& [n, in, units] : kSizes)
      for (const bool states : {false, true})
        for (const Mask mask : {Mask::none, Mask::some}) {
          const Setup setup = {.cell = cell,
                               .n = n,
                               .t = 1,
                               .in = in,
                               .units = units,
                               .mask = mask,
                               .states = states,
                               .recurrent_mask = mask == Mask::some};
          const auto step = [&](Case& run, Layer& layer) {
            RecurrentArgs a = layer.args();
            a.saved = nullptr;
            const size_t bytes = run.kernels.recurrent_workspace(a);
            CHECK(bytes % 64 == 0);
            run.kernels.recurrent_forward(a, run.launch(bytes));
          };
          Case naive(*available_kernels().back(), 1);
          Layer expected(setup);
          step(naive, expected);
          for_each_case([&](Case& run) {
            INFO("cell " << static_cast<int>(cell) << ", n " << n << ", in " << in << ", units " << units);
            Layer layer(setup);
            step(run, layer);
            CHECK(relative_error(layer.y.data(), to_double(expected.y)) < 1e-5);
            check_same_bits(layer.y, layer.h);
            if (cell == RecurrentCell::lstm) CHECK(relative_error(layer.c.data(), to_double(expected.c)) < 1e-5);
          });
        }
}

TEST_CASE("recurrent: packed weights give the same bits") {
  constexpr int64_t kSizes[][4] = {{1, 1, 3, 5}, {1, 1, 33, 260}, {3, 40, 7, 150}, {2, 3, 0, 17}, {20, 5, 4, 33}};
  for (const RecurrentCell cell : kCells)
    for (const auto& [n, t, in, units] : kSizes)
      for (const Mask mask : {Mask::none, Mask::some}) {
        for_each_case([&](Case& run) {
          INFO("cell " << static_cast<int>(cell) << ", n " << n << ", t " << t << ", units " << units);
          Layer layer({.cell = cell, .n = n, .t = t, .in = in, .units = units, .mask = mask, .states = n < 3});
          layer.run(run);
          const Buffer<float> y = layer.y, h = layer.h, c = layer.c;
          RecurrentArgs a = layer.args();
          Buffer<float> packed(static_cast<int64_t>(run.kernels.recurrent_packed_size(a) / sizeof(float)));
          // A plain layer's single step goes another way where its weights are not packed.
          if (packed.size() == 0 || (t == 1 && cell == RecurrentCell::simple)) return;
          run.kernels.recurrent_pack(a, packed.data(), run.launch(0));
          a.kernel = a.recurrent = a.bias = a.recurrent_bias = a.saved = nullptr;
          a.packed = packed.data();
          run.kernels.recurrent_forward(a, run.launch(run.kernels.recurrent_workspace(a)));
          check_same_bits(layer.y, y), check_same_bits(layer.h, h);
          if (cell == RecurrentCell::lstm) check_same_bits(layer.c, c);
        });
      }
}

TEST_CASE("recurrent: the workspace does not shrink when the batch grows") {
  for_each_case([](Case& run) {
    for (const RecurrentCell cell : kCells)
      for (const int64_t units : {3, 40, 300}) {
        size_t forward = 0, backward = 0;
        for (int64_t n = 0; n < 600; ++n) {
          const RecurrentArgs a{.cell = cell, .n = n, .t = 3, .in = 10, .units = units};
          CHECK(run.kernels.recurrent_workspace(a) >= forward);
          CHECK(run.kernels.recurrent_grad_workspace(a) >= backward);
          forward = run.kernels.recurrent_workspace(a), backward = run.kernels.recurrent_grad_workspace(a);
        }
      }
  });
}

}  // namespace linnet::test
