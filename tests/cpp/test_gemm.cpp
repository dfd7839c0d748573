// GEMM against a product in double precision: hostile sizes, layouts, epilogues, and the two promises of kernels.h (no
// bit depends on the number of threads or on the rows beside a row).
#include "kernel_test.h"

namespace linnet::test {
namespace {

// A problem with its data. Matrices have rows `extra` floats longer than needed, and end with their last element.
struct Problem {
  int64_t m, n, k;
  bool trans_a = false, trans_b = false;
  int64_t batch = 1;
  int64_t extra = 0;
  bool bias = false, residual = false;
  Activation activation = Activation::none;
};

int64_t matrix_size(int64_t rows, int64_t columns, int64_t ld) {
  return rows > 0 && columns > 0 ? (rows - 1) * ld + columns : 0;
}

struct Data {
  explicit Data(const Problem& p)
      : lda((p.trans_a ? p.m : p.k) + p.extra),
        ldb((p.trans_b ? p.k : p.n) + 2 * p.extra),
        ldc(p.n + 3 * p.extra),
        stride_a((p.trans_a ? p.k : p.m) * lda + p.extra),
        stride_b((p.trans_b ? p.n : p.k) * ldb + p.extra),
        stride_c(p.m * ldc + p.extra),
        a(random(
            p.batch > 0 ? (p.batch - 1) * stride_a + matrix_size(p.trans_a ? p.k : p.m, p.trans_a ? p.m : p.k, lda) : 0,
            1)),
        b(random(
            p.batch > 0 ? (p.batch - 1) * stride_b + matrix_size(p.trans_b ? p.n : p.k, p.trans_b ? p.k : p.n, ldb) : 0,
            2)),
        bias(random(p.n, 3)),
        residual(random(size_c(p), 4)) {}

  int64_t size_c(const Problem& p) const {
    return p.batch > 0 ? (p.batch - 1) * stride_c + matrix_size(p.m, p.n, ldc) : 0;
  }

  int64_t lda, ldb, ldc, stride_a, stride_b, stride_c;
  Buffer<float> a, b, bias, residual;
};

GemmArgs arguments(const Problem& p, const Data& d, float* c) {
  GemmArgs g;
  g.m = p.m, g.n = p.n, g.k = p.k;
  g.a = d.a.data(), g.lda = d.lda, g.trans_a = p.trans_a, g.stride_a = d.stride_a;
  g.b = d.b.data(), g.ldb = d.ldb, g.trans_b = p.trans_b, g.stride_b = d.stride_b;
  g.c = c, g.ldc = d.ldc, g.stride_c = d.stride_c;
  g.batch = p.batch;
  g.epilogue.bias = p.bias ? d.bias.data() : nullptr;
  g.epilogue.residual = p.residual ? d.residual.data() : nullptr;
  g.epilogue.activation = p.activation;
  return g;
}

// The same bits from b packed for these and for many more rows; and for the first row alone.
void check_packed(Case& run, GemmArgs g, const Buffer<float>& expected) {
  if (g.batch != 1) return;
  for (const int64_t rows : {g.m, g.m + 500}) {
    GemmArgs most = g;
    most.m = rows;
    const size_t size = run.kernels.gemm_packed_size(most);
    CHECK(size % 64 == 0);
    if (size == 0) continue;
    Buffer<float> packed(static_cast<int64_t>(size / sizeof(float))), c(expected.size());
    run.kernels.gemm_pack_b(most, packed.data(), run.launch());
    GemmArgs here = g;
    here.b = nullptr;
    here.packed_b = packed.data();
    here.c = c.data();
    run.kernels.gemm(here, run.launch(run.kernels.gemm_workspace(here)));
    check_same_bits(c, expected);
    if (g.m < 2 || g.n == 0 || g.trans_a) continue;
    Buffer<float> row(g.n);
    here.m = 1;
    here.c = row.data();
    run.kernels.gemm(here, run.launch(run.kernels.gemm_workspace(here)));
    CHECK(std::memcmp(row.data(), expected.data(), row.bytes()) == 0);
  }
}

Buffer<float> compute(Case& run, const Problem& p, const Data& d) {
  Buffer<float> c(d.size_c(p));
  const GemmArgs g = arguments(p, d, c.data());
  run.kernels.gemm(g, run.launch(run.kernels.gemm_workspace(g)));
  check_packed(run, g, c);
  return c;
}

double activate(Activation activation, double y) {
  switch (activation) {
    case Activation::none:
      return y;
    case Activation::relu:
      return y > 0 ? y : 0;
    case Activation::tanh:
      return std::tanh(y);
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-y));
  }
  return y;
}

// What c must be, and how far every element may be off: the bound of a sum of k rounded products, 4 eps (k + 2) sum |a
// b|, and 1e-6 for the activations. A bound below 0 stands for what lies between the rows of c and stays as it was.
struct Expected {
  Expected(const Problem& p, const Data& d)
      : value(static_cast<size_t>(d.size_c(p))), bound(static_cast<size_t>(d.size_c(p)), -1) {
    constexpr double kEpsilon = 0x1p-24;
    for (int64_t q = 0; q < p.batch; ++q)
      for (int64_t i = 0; i < p.m; ++i)
        for (int64_t j = 0; j < p.n; ++j) {
          const float* a = d.a.data() + q * d.stride_a + i * (p.trans_a ? 1 : d.lda);
          const float* b = d.b.data() + q * d.stride_b + j * (p.trans_b ? d.ldb : 1);
          const int64_t a_step = p.trans_a ? d.lda : 1, b_step = p.trans_b ? 1 : d.ldb;
          double sum = 0, magnitude = 0;
          for (int64_t l = 0; l < p.k; ++l) {
            const double product = static_cast<double>(a[l * a_step]) * static_cast<double>(b[l * b_step]);
            sum += product;
            magnitude += std::abs(product);
          }
          const int64_t at = q * d.stride_c + i * d.ldc + j;
          if (p.bias) sum += static_cast<double>(d.bias[j]), magnitude += 1;
          if (p.residual) sum += static_cast<double>(d.residual[at]), magnitude += 1;
          value[static_cast<size_t>(at)] = activate(p.activation, sum);
          bound[static_cast<size_t>(at)] =
              4 * kEpsilon * static_cast<double>(p.k + 2) * magnitude +
              (p.activation == Activation::none || p.activation == Activation::relu ? 0 : 1e-6);
        }
  }
  std::vector<double> value, bound;
};

void check(const Problem& p, const Expected& expected, const Buffer<float>& c) {
  int64_t wrong = 0, first = -1, disturbed = 0;
  for (int64_t at = 0; at < c.size(); ++at) {
    const double value = expected.value[static_cast<size_t>(at)], bound = expected.bound[static_cast<size_t>(at)];
    if (bound < 0) {
      disturbed += !std::isnan(c[at]);
    } else if (!(std::abs(static_cast<double>(c[at]) - value) <= bound) && wrong++ == 0) {
      first = at;
    }
  }
  INFO("m " << p.m << ", n " << p.n << ", k " << p.k << ", trans_a " << p.trans_a << ", trans_b " << p.trans_b
            << ", first wrong element at [" << first << "]");
  CHECK(wrong == 0);
  CHECK(disturbed == 0);
}

void check_everywhere(const Problem& p) {
  const Data d(p);
  const Expected expected(p, d);
  for_each_case([&](Case& run) { check(p, expected, compute(run, p, d)); });
}

// Calls visit(trans_a, trans_b) for the four kinds.
template <class Visit>
void each_transposition(Visit visit) {
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true}) visit(trans_a, trans_b);
}

TEST_CASE("gemm: sizes around the register tile, all transpositions") {
  each_transposition([](bool trans_a, bool trans_b) {
    for (const int64_t m : {1, 2, 3, 6, 7, 13, 14, 15, 29, 61})
      for (const int64_t n : {1, 3, 4, 8, 10, 16, 17, 31, 33, 64, 84, 131}) {
        check_everywhere({.m = m, .n = n, .k = 19, .trans_a = trans_a, .trans_b = trans_b});
      }
  });
}

TEST_CASE("gemm: k around the blocks of k, with rows apart and residual") {
  each_transposition([](bool trans_a, bool trans_b) {
    for (const int64_t k : {1, 15, 16, 17, 255, 256, 257, 513}) {
      Problem p = {.m = 5, .n = 37, .k = k, .trans_a = trans_a, .trans_b = trans_b, .extra = 3, .bias = true};
      p.residual = true;
      check_everywhere(p);
      p.m = 71, p.n = 10;
      check_everywhere(p);
    }
  });
}

TEST_CASE("gemm: large enough for several tiles, packing of both sides and every edge at once") {
  each_transposition([](bool trans_a, bool trans_b) {
    check_everywhere({.m = 211, .n = 307, .k = 263, .trans_a = trans_a, .trans_b = trans_b, .extra = 1, .bias = true});
    check_everywhere({.m = 997, .n = 10, .k = 300, .trans_a = trans_a, .trans_b = trans_b, .extra = 1, .bias = true});
    check_everywhere({.m = 3, .n = 1201, .k = 300, .trans_a = trans_a, .trans_b = trans_b, .residual = true});
  });
}

TEST_CASE("gemm: many rows beside resident columns, and long sums over rows that pass by") {
  check_everywhere({.m = 2703, .n = 70, .k = 131, .extra = 1, .bias = true, .residual = true});
  check_everywhere({.m = 1301, .n = 33, .k = 1031, .trans_b = true, .activation = Activation::relu});
  check_everywhere({.m = 2101, .n = 161, .k = 211, .bias = true});
  check_everywhere({.m = 71, .n = 100, .k = 1303, .trans_a = true, .extra = 1, .bias = true, .residual = true});
  check_everywhere({.m = 512, .n = 77, .k = 601, .trans_a = true});
  check_everywhere({.m = 30, .n = 131, .k = 515, .trans_a = true, .batch = 3, .extra = 1});
}

TEST_CASE("gemm: a few rows by a matrix larger than a cache") {
  for (const bool trans_a : {false, true})
    for (const int64_t m : {1, 2, 3, 4, 5}) {
      check_everywhere({.m = m, .n = 1203, .k = 301, .trans_a = trans_a, .extra = 1, .bias = true, .residual = true});
      check_everywhere({.m = m, .n = 4501, .k = 61, .trans_a = trans_a, .activation = Activation::relu});
    }
}

TEST_CASE("gemm: epilogues, straight and turned") {
  for (const Activation activation : {Activation::none, Activation::relu, Activation::tanh, Activation::sigmoid})
    each_transposition([&](bool trans_a, bool trans_b) {
      for (const bool residual : {false, true}) {
        Problem p = {.m = 45, .n = 43, .k = 21, .trans_a = trans_a, .trans_b = trans_b, .extra = 2, .bias = true};
        p.residual = residual, p.activation = activation;
        check_everywhere(p);
        p.m = 300, p.n = 5;
        check_everywhere(p);
        p.m = 17, p.n = 200, p.bias = false;
        check_everywhere(p);
      }
    });
}

TEST_CASE("gemm: batches") {
  each_transposition([](bool trans_a, bool trans_b) {
    for (const int64_t size : {1, 5, 40}) {
      check_everywhere({.m = size,
                        .n = size + 1,
                        .k = size + 2,
                        .trans_a = trans_a,
                        .trans_b = trans_b,
                        .batch = 7,
                        .extra = 1,
                        .bias = true,
                        .residual = true,
                        .activation = Activation::relu});
    }
    check_everywhere({.m = 70, .n = 90, .k = 50, .trans_a = trans_a, .trans_b = trans_b, .batch = 3});
  });
}

TEST_CASE("gemm: nothing to do, and nothing to sum") {
  check_everywhere({.m = 0, .n = 5, .k = 5});
  check_everywhere({.m = 5, .n = 0, .k = 5});
  check_everywhere({.m = 5, .n = 5, .k = 5, .batch = 0});
  each_transposition([](bool trans_a, bool trans_b) {
    for (const int64_t n : {5, 40}) {
      check_everywhere({.m = 20, .n = n, .k = 0, .trans_a = trans_a, .trans_b = trans_b});
      check_everywhere({.m = 20,
                        .n = n,
                        .k = 0,
                        .trans_a = trans_a,
                        .trans_b = trans_b,
                        .bias = true,
                        .residual = true,
                        .activation = Activation::sigmoid});
    }
  });
}

TEST_CASE("gemm: relu keeps NaN, and infinities pass through") {
  for_each_case([](Case& run) {
    Problem p = {.m = 3, .n = 4, .k = 2, .activation = Activation::relu};
    Data d(p);
    d.a[0] = NAN, d.a[2] = INFINITY;
    for (float& value : d.b) value = std::abs(value) + 1;
    const Buffer<float> c = compute(run, p, d);
    CHECK(std::isnan(c[0]));
    CHECK(c[4] == INFINITY);
    CHECK(std::isfinite(c[8]));
  });
}

// Large products pack b beforehand, in stretches of k and of columns; the same rows in smaller numbers do not.
TEST_CASE("gemm: a large product has the bits of its rows alone") {
  for_each_case([](Case& run) {
    if (&run.kernels == find_kernels("reference")) return;
    each_transposition([&](bool trans_a, bool trans_b) {
      for (const auto& [n, k] : {std::pair<int64_t, int64_t>{1101, 1103}, {2113, 257}}) {
        Problem p = {.m = 261, .n = n, .k = k, .trans_a = trans_a, .trans_b = trans_b, .extra = 1};
        p.bias = p.residual = true, p.activation = Activation::sigmoid;
        const Data d(p);
        const Buffer<float> all = compute(run, p, d);
        Buffer<float> parts(d.size_c(p));
        for (const int64_t start : {0, 87, 174}) {
          GemmArgs g = arguments(p, d, parts.data() + start * d.ldc);
          g.m = 87;
          g.a += trans_a ? start : start * d.lda;
          g.epilogue.residual += start * d.ldc;
          run.kernels.gemm(g, run.launch(run.kernels.gemm_workspace(g)));
        }
        check_same_bits(all, parts);
      }
    });
  });
}

TEST_CASE("gemm: the same bits on any number of threads") {
  const int before = num_threads();
  for (const KernelTable* table : available_kernels()) {
    if (table == find_kernels("reference")) continue;  // shares nothing
    each_transposition([&](bool trans_a, bool trans_b) {
      for (const int64_t n : {10, 150}) {
        const Problem p = {.m = 401,
                           .n = n,
                           .k = 301,
                           .trans_a = trans_a,
                           .trans_b = trans_b,
                           .batch = 2,
                           .bias = true,
                           .activation = Activation::tanh};
        const Data d(p);
        set_num_threads(1);
        Case one(*table, 1);
        const Buffer<float> expected = compute(one, p, d);
        for (const int threads : {2, 3, 5}) {
          set_num_threads(threads);
          Case run(*table, threads);
          check_same_bits(compute(run, p, d), expected);
        }
      }
    });
  }
  set_num_threads(before);
}

TEST_CASE("gemm: the bits of a row do not depend on the rows beside it") {
  for_each_case([](Case& run) {
    each_transposition([&](bool trans_a, bool trans_b) {
      for (const int64_t n : {1, 10, 40, 150})
        for (const int64_t k : {7, 300}) {
          Problem p = {.m = 130,
                       .n = n,
                       .k = k,
                       .trans_a = trans_a,
                       .trans_b = trans_b,
                       .bias = true,
                       .residual = true,
                       .activation = Activation::sigmoid};
          const Data d(p);
          const Buffer<float> all = compute(run, p, d);
          for (const int64_t rows : {1, 2, 13, 33})
            for (const int64_t start : {int64_t{0}, int64_t{50}, 130 - rows}) {
              Buffer<float> some(rows * n), expected(rows * n);
              GemmArgs g = arguments(p, d, some.data());
              g.m = rows;
              g.a += trans_a ? start : start * d.lda;
              g.epilogue.residual += start * d.ldc;
              run.kernels.gemm(g, run.launch(run.kernels.gemm_workspace(g)));
              std::memcpy(expected.data(), all.data() + start * n, expected.bytes());
              check_same_bits(some, expected);
            }
        }
    });
  });
}

}  // namespace
}  // namespace linnet::test
