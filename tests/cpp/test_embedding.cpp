// Embedding lookup, its gradient and one-hot rows, with ids that are out of range.
#include <cmath>

#include "kernel_test.h"

namespace linnet::test {
namespace {

struct Extent {
  int64_t entries, width, ids;
};
constexpr Extent kExtents[] = {{1, 1, 1},      {5, 3, 0},     {0, 4, 3},        {7, 0, 9},      {100, 16, 50},
                               {10, 17, 1000}, {3, 5, 40000}, {1000, 64, 3000}, {50000, 8, 100}};

}  // namespace

TEST_CASE("embedding: forward") {
  for_each_case([](Case& run) {
    for (const Extent& s : kExtents) {
      for (const bool spoil : {false, true}) {
        const Buffer<float> table = random(s.entries * s.width, 1);
        Buffer<int32_t> ids = random_integers(s.ids, 2, 0, std::max<int64_t>(s.entries, 1));
        if (spoil && s.ids > 2) {
          ids[s.ids - 1] = -1;
          ids[s.ids / 2] = static_cast<int32_t>(s.entries);
        }
        std::vector<double> expected;
        int64_t first_bad = -1, bad_row = 99;
        for (int64_t i = 0; i < s.ids; ++i) {
          const bool good = ids[i] >= 0 && ids[i] < s.entries;
          if (!good && first_bad < 0) first_bad = i;
          for (int64_t j = 0; j < s.width; ++j) expected.push_back(good ? table[ids[i] * s.width + j] : std::nan(""));
        }
        Buffer<float> y(s.ids * s.width);
        run.kernels.embedding_forward(s.entries, s.width, s.ids, table.data(), ids.data(), y.data(), &bad_row,
                                      run.launch());
        CHECK(bad_row == first_bad);
        check_close(y.data(), expected, 0, 0);
      }
    }
  });
}

TEST_CASE("embedding: gradient sums in the order of the ids") {
  for_each_case([](Case& run) {
    for (const Extent& s : kExtents) {
      Buffer<int32_t> ids = random_integers(s.ids, 2, 0, std::max<int64_t>(s.entries, 1));
      if (s.ids > 2) ids[1] = -7;
      const Buffer<float> dy = random(s.ids * s.width, 3);
      Buffer<float> dtable(s.entries * s.width), expected(s.entries * s.width);
      std::fill(expected.begin(), expected.end(), 0.0f);
      for (int64_t i = 0; i < s.ids; ++i) {
        if (ids[i] < 0 || ids[i] >= s.entries) continue;
        for (int64_t j = 0; j < s.width; ++j) expected[ids[i] * s.width + j] += dy[i * s.width + j];
      }
      run.kernels.embedding_grad(s.entries, s.width, s.ids, ids.data(), dy.data(), dtable.data(), run.launch());
      check_same_bits(dtable, expected);
    }
  });
}

TEST_CASE("one_hot: ids outside give zeros") {
  for_each_case([](Case& run) {
    for (const auto& [count, depth] : {std::pair<int64_t, int64_t>{0, 3}, {5, 0}, {1, 1}, {40, 10}, {20000, 37}}) {
      const Buffer<int32_t> ids = random_integers(count, 1, -2, depth + 2);
      Buffer<float> y(count * depth), expected(count * depth);
      for (int64_t i = 0; i < count * depth; ++i) expected[i] = ids[i / depth] == i % depth ? 1.0f : 0.0f;
      run.kernels.one_hot(count, depth, ids.data(), y.data(), run.launch());
      check_same_bits(y, expected);
    }
  });
}

}  // namespace linnet::test
