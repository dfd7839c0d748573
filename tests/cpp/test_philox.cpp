// Philox4x32-10: the known answers of its authors (Random123, kat_vectors), and what the two random instructions make
// of it on every table.
#define LINNET_ISA philox_test
#include <cmath>

#include "kernel_test.h"
#include "kernels/philox.h"

namespace linnet::test {
namespace {

// `count` numbers from one random instruction.
Buffer<float> draw(Case& run, Opcode op, int64_t count, uint64_t seed, uint64_t step, int32_t stream) {
  Buffer<float> y(count);
  const Instruction program[] = {{.op = op, .dst = 0, .stream = stream}};
  PointwiseArgs args;
  args.rank = 1;
  args.shape[0] = count;
  args.outputs = 1;
  args.out[0] = y.data();
  args.instructions = 1;
  args.program = program;
  args.seed = seed;
  args.step = step;
  run.kernels.pointwise(args, run.launch());
  return y;
}

}  // namespace

TEST_CASE("philox: known answers") {
  using philox_test::philox4x32;
  const struct {
    uint32_t counter[4], key[2], answer[4];
  } vectors[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const auto& v : vectors) {
    const auto block = philox4x32({{v.counter[0], v.counter[1], v.counter[2], v.counter[3]}}, v.key[0], v.key[1]);
    for (int i = 0; i < 4; ++i) CHECK(block.word[i] == v.answer[i]);
  }
}

TEST_CASE("random_uniform: word e % 4 of block e / 4, at every length") {
  const uint64_t seed = 0x123456789abcdef0u, step = (uint64_t{1} << 33) + 7;
  for_each_case([&](Case& run) {
    for (const int64_t count : {0, 1, 3, 4, 5, 17, 511, 512, 513, 100003}) {
      const Buffer<float> y = draw(run, Opcode::random_uniform, count, seed, step, -5);
      Buffer<float> expected(count);
      for (int64_t e = 0; e < count; ++e) {
        const auto block = philox_test::philox(seed, static_cast<uint32_t>(-5), step, static_cast<uint64_t>(e / 4));
        expected[e] = static_cast<float>(block.word[e % 4] >> 8) / 16777216.0f;
      }
      check_same_bits(y, expected);
    }
  });
}

TEST_CASE("random_normal: Box and Muller of neighbouring words, at every length") {
  for_each_case([&](Case& run) {
    for (const int64_t count : {1, 2, 3, 31, 32, 33, 1001, 100003}) {
      const Buffer<float> y = draw(run, Opcode::random_normal, count, 3, 4, 5);
      std::vector<double> expected(static_cast<size_t>(count));
      for (int64_t e = 0; e < count; ++e) {
        const auto block = philox_test::philox(3, 5, 4, static_cast<uint64_t>(e / 4));
        const uint32_t first = block.word[e % 4 / 2 * 2], second = block.word[e % 4 / 2 * 2 + 1];
        const double radius = std::sqrt(-2 * std::log(double{philox_test::positive_uniform_from_word(first)}));
        const double angle = 2 * M_PI * (second >> 8) * 0x1p-24;
        expected[static_cast<size_t>(e)] = radius * (e % 2 ? std::sin(angle) : std::cos(angle));
      }
      check_close(y.data(), expected, 2e-6, 3e-6);
    }
  });
}

TEST_CASE("random numbers: moments, and independence of seed, step and stream") {
  for_each_case([&](Case& run) {
    const int64_t count = 200000;
    const Buffer<float> uniform = draw(run, Opcode::random_uniform, count, 1, 0, 0);
    const Buffer<float> normal = draw(run, Opcode::random_normal, count, 1, 0, 0);
    double mean = 0, square = 0, fourth = 0, uniform_mean = 0;
    for (int64_t i = 0; i < count; ++i) {
      CHECK_UNARY(uniform[i] >= 0 && uniform[i] < 1);
      uniform_mean += uniform[i] / count;
      mean += normal[i] / count;
      square += normal[i] * normal[i] / count;
      fourth += std::pow(normal[i], 4) / count;
    }
    CHECK(uniform_mean == doctest::Approx(0.5).epsilon(0.005));
    CHECK(std::abs(mean) < 0.01);
    CHECK(square == doctest::Approx(1).epsilon(0.02));
    CHECK(fourth == doctest::Approx(3).epsilon(0.05));

    const auto differs = [&](uint64_t seed, uint64_t step, int32_t stream) {
      const Buffer<float> other = draw(run, Opcode::random_uniform, 1000, seed, step, stream);
      int same = 0;
      for (int64_t i = 0; i < 1000; ++i) same += other[i] == uniform[i];
      return same < 3;
    };
    CHECK(differs(2, 0, 0));
    CHECK(differs(uint64_t{1} << 32 | 1, 0, 0));
    CHECK(differs(1, 1, 0));
    CHECK(differs(1, uint64_t{1} << 32, 0));
    CHECK(differs(1, 0, 1));
  });
}

}  // namespace linnet::test
