// Reductions over the middle axis and the index of an extreme: shapes from bias gradients to sums of everything.
#include <cmath>
#include <limits>

#include "kernel_test.h"

namespace linnet::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr Reduction kAll[] = {Reduction::sum, Reduction::mean, Reduction::max, Reduction::min, Reduction::prod};

struct Extent {
  int64_t outer, mid, inner;
};

std::vector<double> oracle(Reduction reduction, const Extent& s, const Buffer<float>& x) {
  std::vector<double> y;
  for (int64_t o = 0; o < s.outer; ++o)
    for (int64_t i = 0; i < s.inner; ++i) {
      double sum = 0, product = 1, most = -kInfinity, least = kInfinity;
      bool nan = false;
      for (int64_t m = 0; m < s.mid; ++m) {
        const double value = x[(o * s.mid + m) * s.inner + i];
        sum += value;
        product *= value;
        most = std::max(most, value);
        least = std::min(least, value);
        nan = nan || std::isnan(value);
      }
      const double count = static_cast<double>(s.mid);
      const double results[] = {sum, sum / count, nan ? kNan : most, nan ? kNan : least, product};
      y.push_back(results[static_cast<int>(reduction)]);
    }
  return y;
}

Buffer<float> reduce(Case& run, Reduction reduction, const Extent& s, const Buffer<float>& x) {
  Buffer<float> y(s.outer * s.inner);
  const size_t bytes = run.kernels.reduce_workspace(s.outer, s.mid, s.inner);
  CHECK(bytes % 64 == 0);
  run.kernels.reduce(reduction, s.outer, s.mid, s.inner, x.data(), y.data(), run.launch(bytes));
  return y;
}

}  // namespace

TEST_CASE("reduce: every operation on hostile shapes") {
  const Extent extents[] = {{1, 1, 1},     {1, 7, 1},     {3, 10, 1},      {5, 49, 1},    {1, 127, 1},   {2, 1000, 1},
                            {1, 16385, 1}, {2, 40000, 1}, {1, 3, 5},       {1, 25088, 6}, {1, 3211, 16}, {4, 49, 64},
                            {2, 13, 100},  {1, 64, 4096}, {1, 65, 4097},   {1, 3, 9000},  {300, 4, 3},   {700, 2, 1},
                            {3, 5461, 3},  {1, 5462, 3},  {1, 131, 10000}, {40000, 10, 1}};
  for_each_case([&](Case& run) {
    for (const Extent& s : extents) {
      INFO("(" << s.outer << ", " << s.mid << ", " << s.inner << ")");
      const Buffer<float> x = random(s.outer * s.mid * s.inner, 1, 0.5, 1.5);
      for (const Reduction reduction : kAll) {
        if (reduction == Reduction::prod && s.mid > 100) continue;
        check_close(reduce(run, reduction, s, x).data(), oracle(reduction, s, x), 3e-6, 0);
      }
    }
  });
}

TEST_CASE("reduce: empty extents") {
  for_each_case([](Case& run) {
    for (const Reduction reduction : kAll) {
      check_close(reduce(run, reduction, {2, 0, 3}, Buffer<float>(0)).data(),
                  oracle(reduction, {2, 0, 3}, Buffer<float>(0)), 0, 0);
      CHECK(reduce(run, reduction, {0, 4, 3}, Buffer<float>(0)).size() == 0);
      CHECK(reduce(run, reduction, {4, 3, 0}, Buffer<float>(0)).size() == 0);
    }
  });
}

TEST_CASE("reduce: a long sum stays accurate") {
  const int64_t n = 3000001;
  Buffer<float> x(n);
  std::fill(x.begin(), x.end(), 0.1f);  // a naive float sum is off by 0.1 % here
  const double exact = static_cast<double>(0.1f) * static_cast<double>(n);
  for_each_case([&](Case& run) {
    check_close(reduce(run, Reduction::sum, {1, n, 1}, x).data(), {exact}, 1e-6, 0);
    check_close(reduce(run, Reduction::mean, {1, n, 1}, x).data(), {static_cast<double>(0.1f)}, 1e-6, 0);
  });
}

TEST_CASE("reduce: NaN and infinity come through wherever they stand") {
  for_each_case([](Case& run) {
    for (const Extent& s : {Extent{1, 40, 1}, Extent{1, 1000, 1}, Extent{2, 300, 7}, Extent{1, 20000, 2}}) {
      for (const int64_t at : {int64_t{0}, s.mid * s.inner / 2, s.outer * s.mid * s.inner - 1}) {
        for (const float value : {kNan, kInfinity, -kInfinity}) {
          Buffer<float> x = random(s.outer * s.mid * s.inner, 1);
          x[at] = value;
          for (const Reduction reduction : {Reduction::sum, Reduction::mean, Reduction::max, Reduction::min})
            check_close(reduce(run, reduction, s, x).data(), oracle(reduction, s, x), 1e-4, 1e-4);
        }
      }
    }
  });
}

namespace {

constexpr Extent kExtremes[] = {
    {1, 1, 1},     {3, 10, 1},  {2, 1000, 1}, {2, 40000, 1},  {4, 49, 64},   {1, 3211, 16}, {2, 13, 100},
    {1, 65, 4097}, {300, 4, 3}, {3, 5461, 3}, {1, 131, 9000}, {5, 0, 7},     {0, 4, 3},     {4, 3, 0},
    {2, 700, 33},  {3, 1, 17},  {2, 67, 257}, {1, 20011, 1},  {2, 3136, 64}, {1, 129, 511}, {7, 17, 1}};

// Many ties, or hardly any; some columns with a NaN; one in eight that is the same everywhere.
Buffer<float> for_extremes(const Extent& s, bool ties) {
  Buffer<float> x = random(s.outer * s.mid * s.inner, 3, 0, 40);
  for (int64_t i = 0; i < x.size(); ++i) {
    if (ties) x[i] = std::floor(x[i]);
    if (i % s.inner % 8 == 5) x[i] = 0;
    if (i % 40009 == 11) x[i] = kNan;
  }
  return x;
}

struct Extremes {
  Buffer<float> y, count;
  Buffer<int32_t> where;
};

Extremes extremes(Case& run, bool least, const Extent& s, const Buffer<float>& x) {
  Extremes e = {Buffer<float>(s.outer * s.inner), Buffer<float>(s.outer * s.inner), Buffer<int32_t>(s.outer * s.inner)};
  const size_t bytes = run.kernels.reduce_extreme_workspace(s.outer, s.mid, s.inner);
  CHECK(bytes % 64 == 0);
  run.kernels.reduce_extreme(least, s.outer, s.mid, s.inner, x.data(), e.y.data(), e.count.data(), e.where.data(),
                             run.launch(bytes));
  return e;
}

}  // namespace

TEST_CASE("reduce_extreme: the bits of reduce, how many elements are equal, and where a single one is") {
  for_each_case([&](Case& run) {
    for (const Extent& s : kExtremes) {
      INFO("(" << s.outer << ", " << s.mid << ", " << s.inner << ")");
      for (const bool least : {false, true}) {
        const Buffer<float> x = for_extremes(s, least);
        const Extremes found = extremes(run, least, s, x);
        const Buffer<float>& y = found.y;
        check_same_bits(y, reduce(run, least ? Reduction::min : Reduction::max, s, x), true);
        std::vector<double> expected(static_cast<size_t>(y.size()));
        std::vector<int32_t> last(static_cast<size_t>(y.size()), -1);
        for (int64_t i = 0; i < x.size(); ++i) {
          const size_t at = static_cast<size_t>(i / (s.mid * s.inner) * s.inner + i % s.inner);
          if (x[i] != y[static_cast<int64_t>(at)]) continue;
          expected[at] += 1;
          last[at] = static_cast<int32_t>(i / s.inner % s.mid);
        }
        check_close(found.count.data(), expected, 0, 0);
        Buffer<int32_t> where(y.size());
        for (size_t i = 0; i < last.size(); ++i) where[static_cast<int64_t>(i)] = expected[i] == 1 ? last[i] : -1;
        check_same_bits(found.where, where);

        Buffer<float> count(y.size()), same(y.size());  // nobody asks where
        run.kernels.reduce_extreme(least, s.outer, s.mid, s.inner, x.data(), same.data(), count.data(), nullptr,
                                   run.launch(run.kernels.reduce_extreme_workspace(s.outer, s.mid, s.inner)));
        check_same_bits(count, found.count);
      }
    }
  });
}

TEST_CASE("reduce_extreme_grad: a share for every winner, NaN where the extremum is NaN, nothing for a share of 0") {
  for (const bool past : {false, true}) {
    for_each_case([&](Case& run) {
      run.without_cache = past;
      for (const Extent& s : kExtremes) {
        INFO("(" << s.outer << ", " << s.mid << ", " << s.inner << "), past the caches: " << past);
        for (const bool ties : {false, true}) {
          const Buffer<float> x = for_extremes(s, ties);
          const Extremes found = extremes(run, false, s, x);
          Buffer<float> share = random(s.outer * s.inner, 5), dx(x.size()), expected(x.size());
          for (int64_t i = 0; i < share.size(); i += 3) share[i] = i % 2 ? 0.0f : -0.0f;
          run.kernels.reduce_extreme_grad(s.outer, s.mid, s.inner, share.data(), found.where.data(), x.data(),
                                          found.y.data(), dx.data(), run.launch());
          for (int64_t i = 0; i < x.size(); ++i) {
            const int64_t at = i / (s.mid * s.inner) * s.inner + i % s.inner;
            const float rest = std::isnan(found.y[at]) ? kNan : 0.0f;
            expected[i] = share[at] == 0 ? 0.0f : x[i] == found.y[at] ? share[at] : rest;
          }
          check_same_bits(dx, expected, true);
        }
      }
    });
  }
}

TEST_CASE("reduce: the same bits on any number of threads and in any company") {
  const Extent s = {3, 200000, 3};
  const Buffer<float> x = random(s.outer * s.mid * s.inner, 1);
  const int before = num_threads();
  for (const KernelTable* table : available_kernels()) {
    set_num_threads(1);
    Case one(*table, 1);
    const Buffer<float> expected = reduce(one, Reduction::sum, s, x);
    for (const int threads : {2, 3, 5}) {
      set_num_threads(threads);
      Case run(*table, threads);
      check_same_bits(reduce(run, Reduction::sum, s, x), expected);
      Buffer<float> part(s.mid * s.inner), same(s.inner);  // the second of three, alone
      std::copy_n(x.data() + s.mid * s.inner, part.size(), part.data());
      std::copy_n(expected.data() + s.inner, s.inner, same.data());
      check_same_bits(reduce(run, Reduction::sum, {1, s.mid, s.inner}, part), same);
    }
  }
  set_num_threads(before);
}

TEST_CASE("arg_reduce: the first extreme; NaN wins") {
  const Extent extents[] = {{1, 1, 1}, {7, 10, 1}, {3, 100, 1}, {2, 37, 5}, {1, 3, 5000}, {60000, 10, 1}, {0, 5, 2}};
  for_each_case([&](Case& run) {
    for (const Extent& s : extents) {
      for (const bool least : {false, true}) {
        Buffer<float> x = random(s.outer * s.mid * s.inner, 3, 0, 8);
        for (float& value : x) value = std::floor(value);  // many ties
        for (int64_t i = 5; i < x.size(); i += 31) x[i] = i % 3 ? kNan : -kInfinity;
        Buffer<int32_t> y(s.outer * s.inner), expected(s.outer * s.inner);
        run.kernels.arg_reduce(least, s.outer, s.mid, s.inner, x.data(), y.data(), run.launch());
        for (int64_t o = 0; o < s.outer; ++o)
          for (int64_t i = 0; i < s.inner; ++i) {
            int64_t best = 0;
            for (int64_t m = 0; m < s.mid; ++m) {
              const float value = x[(o * s.mid + m) * s.inner + i], old = x[(o * s.mid + best) * s.inner + i];
              if (std::isnan(old)) break;
              if (std::isnan(value) || (least ? value < old : value > old)) best = m;
            }
            expected[o * s.inner + i] = static_cast<int32_t>(best);
          }
        check_same_bits(y, expected);
      }
    }
  });
}

}  // namespace linnet::test
