// Resampling by tables of taps: against sums in double, for tables that only the contract bounds.
#include <vector>

#include "kernel_test.h"

namespace linnet::test {
namespace {

struct Table {
  int64_t in, out, taps;
  std::vector<int32_t> first;
  Buffer<float> weight;
  ResizeAxis view() const { return {in, out, taps, first.data(), weight.data()}; }
};

// Windows that move on steadily from the first to the last place they fit. A single tap weighs 1 at times.
Table table_of(int64_t in, int64_t out, int64_t taps, uint64_t seed) {
  Table table{in, out, taps, {}, random(out * taps, seed)};
  for (int64_t o = 0; o < out; ++o) {
    table.first.push_back(static_cast<int32_t>(out > 1 ? o * (in - taps) / (out - 1) : 0));
    if (taps == 1 && seed % 2 == 0) table.weight[o] = 1;
  }
  return table;
}

std::vector<double> expected(int64_t n, int64_t c, const Table& rows, const Table& columns, const Buffer<float>& x) {
  std::vector<double> y;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t oy = 0; oy < rows.out; ++oy)
      for (int64_t ox = 0; ox < columns.out; ++ox)
        for (int64_t j = 0; j < c; ++j) {
          double sum = 0;
          for (int64_t ky = 0; ky < rows.taps; ++ky)
            for (int64_t kx = 0; kx < columns.taps; ++kx) {
              const int64_t py = rows.first[static_cast<size_t>(oy)] + ky;
              const int64_t px = columns.first[static_cast<size_t>(ox)] + kx;
              sum += static_cast<double>(rows.weight[oy * rows.taps + ky]) *
                     static_cast<double>(columns.weight[ox * columns.taps + kx]) *
                     static_cast<double>(x[((i * rows.in + py) * columns.in + px) * c + j]);
            }
          y.push_back(sum);
        }
  return y;
}

void check(int64_t n, int64_t c, const Table& rows, const Table& columns) {
  const Buffer<float> x = random(n * rows.in * columns.in * c, 1);
  const std::vector<double> y = expected(n, c, rows, columns, x);
  const double terms = static_cast<double>(rows.taps * columns.taps + 2);
  for_each_case([&](Case& run) {
    Buffer<float> got(static_cast<int64_t>(y.size()));
    run.kernels.resize(n, c, rows.view(), columns.view(), x.data(), got.data(), run.launch());
    check_close(got.data(), y, 0, terms * terms * 0x1p-24);
  });
}

}  // namespace

TEST_CASE("resize: taps and channels") {
  for (const int64_t c : {1, 2, 3, 4, 5, 16, 17}) {
    for (const int64_t taps : {1, 2, 3, 4, 6}) {
      check(2, c, table_of(7, 12, taps, 2), table_of(9, 5, taps, 3));
      check(1, c, table_of(6, 1, 6, 4), table_of(8, 13, taps, 5));
      check(3, c, table_of(7, 3, 1, 6), table_of(6, 8, taps, 7));  // rows are not added up
    }
    check(2, c, table_of(5, 9, 2, 8), table_of(11, 11, 1, 8));  // columns stay
  }
}

TEST_CASE("resize: one pixel, nothing, and rows that do not fit into the scratch") {
  check(2, 3, table_of(1, 1, 1, 2), table_of(1, 1, 1, 3));
  check(2, 3, table_of(1, 4, 1, 2), table_of(1, 5, 1, 3));
  check(0, 3, table_of(4, 2, 2, 2), table_of(4, 2, 2, 3));
  check(2, 0, table_of(4, 2, 2, 2), table_of(4, 2, 2, 3));
  check(1, 3, table_of(3, 2, 2, 2), table_of(100000, 50001, 3, 3));
  check(1, 130001, table_of(2, 3, 2, 2), table_of(4, 3, 2, 3));
}

TEST_CASE("resize: the same bits on any number of threads") {
  const Table rows = table_of(40, 61, 4, 2), columns = table_of(30, 47, 4, 3);
  const Buffer<float> x = random(20 * 40 * 30 * 3, 1);
  const int before = num_threads();
  for (const KernelTable* table : available_kernels()) {
    INFO(table->name);
    const auto all = [&](int threads) {
      set_num_threads(threads);
      Case run(*table, threads);
      Buffer<float> y(20 * 61 * 47 * 3);
      table->resize(20, 3, rows.view(), columns.view(), x.data(), y.data(), run.launch());
      return y;
    };
    const Buffer<float> one = all(1);
    for (const int threads : {2, 3, 5}) check_same_bits(one, all(threads));
  }
  set_num_threads(before);
}

}  // namespace linnet::test
