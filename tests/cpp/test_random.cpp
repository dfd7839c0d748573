// Philox against the published vectors of its authors, and the shuffle's properties.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <vector>

#define LINNET_ISA test_random
#include "kernels/philox.h"
#include "runtime/random.h"

using namespace linnet;

namespace {

std::vector<int64_t> shuffled(int64_t n, uint64_t seed, uint64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(n), -1);
  shuffle(n, seed, epoch, order.data());
  return order;
}

}  // namespace

TEST_CASE("Philox4x32-10 gives the known answers of Random123") {
  struct Answer {
    std::array<uint32_t, 4> counter;
    std::array<uint32_t, 2> key;
    std::array<uint32_t, 4> expected;
  };
  const Answer answers[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const Answer& answer : answers) {
    const auto& c = answer.counter;
    const test_random::PhiloxBlock block =
        test_random::philox4x32({{c[0], c[1], c[2], c[3]}}, answer.key[0], answer.key[1]);
    for (size_t i = 0; i < 4; ++i) CHECK(block.word[i] == answer.expected[i]);
  }
}

TEST_CASE("a shuffle is a permutation, decided by seed and epoch") {
  for (const int64_t n : {0, 1, 2, 3, 17, 1000, 60000}) {
    std::vector<int64_t> order = shuffled(n, 1, 2);
    CHECK(order == shuffled(n, 1, 2));
    if (n >= 17) {
      CHECK(order != shuffled(n, 2, 2));
      CHECK(order != shuffled(n, 1, 3));
      CHECK(order != shuffled(n, uint64_t{1} << 32 | 1, 2));
      CHECK(order != shuffled(n, 1, uint64_t{1} << 32 | 2));
    }
    std::vector<int64_t> identity(static_cast<size_t>(n));
    std::iota(identity.begin(), identity.end(), 0);
    if (n >= 17) CHECK(order != identity);
    std::sort(order.begin(), order.end());
    CHECK(order == identity);
  }
}

TEST_CASE("the order of a seed never changes between versions") {
  CHECK(shuffled(10, 0, 0) == std::vector<int64_t>{2, 4, 0, 1, 3, 6, 8, 7, 5, 9});
}

TEST_CASE("all permutations are equally likely") {
  constexpr int kDraws = 24000;
  std::map<std::vector<int64_t>, int> counts;
  for (int epoch = 0; epoch < kDraws; ++epoch) ++counts[shuffled(4, 42, static_cast<uint64_t>(epoch))];
  REQUIRE(counts.size() == 24);
  double chi_square = 0;
  for (const auto& [order, count] : counts) {
    const double difference = count - kDraws / 24.0;
    chi_square += difference * difference / (kDraws / 24.0);
  }
  CHECK(chi_square < 49.7);  // 23 degrees of freedom: exceeded by chance once in 1000 seeds; this seed is fixed
}
