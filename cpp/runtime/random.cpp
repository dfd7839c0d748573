// Fisher & Yates' shuffle over Philox numbers (random.h). Compiled with -DLINNET_ISA=base: philox.h puts what it
// defines into that namespace, away from the copies of the instruction sets.
#include "runtime/random.h"

#include "kernels/philox.h"

namespace linnet {
namespace {

// Dropout and noise use the streams 0, 1, 2, ... of a graph's random nodes; the last one belongs to the sample order.
constexpr uint32_t kShuffleStream = 0xffffffffu;

// Consecutive 64-bit numbers of one epoch, two from each block.
class Numbers {
 public:
  Numbers(uint64_t seed, uint64_t epoch) : seed_(seed), epoch_(epoch) {}

  // Uniform in [0, bound), without bias: Lemire, "Fast random integer generation in an interval", 2019. The upper half
  // of a 128-bit product is the result; the few lower halves that would favour small results are drawn again.
  uint64_t below(uint64_t bound) {
    const uint64_t unfair = (0 - bound) % bound;  // 2^64 mod bound
    for (;;) {
      const unsigned __int128 product = static_cast<unsigned __int128>(next()) * bound;
      if (static_cast<uint64_t>(product) >= unfair) return static_cast<uint64_t>(product >> 64);
    }
  }

 private:
  uint64_t next() {
    const uint64_t half = drawn_ % 2;
    if (half == 0) block_ = base::philox(seed_, kShuffleStream, epoch_, drawn_ / 2);
    ++drawn_;
    return uint64_t{block_.word[2 * half]} << 32 | block_.word[2 * half + 1];
  }

  uint64_t seed_, epoch_, drawn_ = 0;
  base::PhiloxBlock block_{};
};

}  // namespace

void shuffle(int64_t n, uint64_t seed, uint64_t epoch, int64_t* out) {
  Numbers numbers(seed, epoch);
  for (int64_t i = 0; i < n; ++i) {  // inside-out form: place i at a random j <= i, moving what was there to the end
    const auto j = static_cast<int64_t>(numbers.below(static_cast<uint64_t>(i) + 1));
    out[i] = out[j];
    out[j] = i;
  }
}

}  // namespace linnet
