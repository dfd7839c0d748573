// Philox4x32-10: random numbers as a pure function of (seed, stream, step, element). Salmon, Moraes, Dror & Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
//
// There is no generator state: a counter of 128 bits is enciphered with the seed as the key, and the four words that
// come out are four random numbers. So any tile on any thread can make its own numbers, a dropout mask has the same
// bits on 1 or 64 threads, and resuming a training run needs no more than the step number.
//
// Element e of a tensor takes word e % 4 of block e / 4. The uniforms have 24 random bits (what a float holds); normal
// numbers come in pairs by Box & Muller (1958): words 0 and 1 give elements 0 and 1 of a block, words 2 and 3 the rest.
#pragma once
#include <cstdint>

#include "kernels/isa.h"

namespace linnet::LINNET_ISA {

struct PhiloxBlock {
  uint32_t word[4];
};

// The cipher itself: ten rounds over the four words of a counter.
inline PhiloxBlock philox4x32(PhiloxBlock counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * counter.word[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * counter.word[2];
    counter = {{static_cast<uint32_t>(p1 >> 32) ^ counter.word[1] ^ key0, static_cast<uint32_t>(p1),
                static_cast<uint32_t>(p0 >> 32) ^ counter.word[3] ^ key1, static_cast<uint32_t>(p0)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

// Where linnet puts its coordinates in the counter. Blocks are distinct while not both `block` and `step` pass 2^32.
inline PhiloxBlock philox_counter(uint64_t block, uint32_t stream, uint64_t step) {
  return {{static_cast<uint32_t>(block), stream, static_cast<uint32_t>(step),
           static_cast<uint32_t>(step >> 32) ^ static_cast<uint32_t>(block >> 32)}};
}

// Four random words: block `block` of the stream at that step.
inline PhiloxBlock philox(uint64_t seed, uint32_t stream, uint64_t step, uint64_t block) {
  return philox4x32(philox_counter(block, stream, step), static_cast<uint32_t>(seed),
                    static_cast<uint32_t>(seed >> 32));
}

// A word as a float in [0, 1): its upper 24 bits, exactly.
inline float uniform_from_word(uint32_t word) { return static_cast<float>(static_cast<int32_t>(word >> 8)) * 0x1p-24f; }

// A word as a float in (0, 1], never 0: what the logarithm of Box & Muller needs. 31 bits reach 6.6 deviations.
inline float positive_uniform_from_word(uint32_t word) {
  return static_cast<float>(static_cast<int32_t>(word >> 1)) * 0x1p-31f + 0x1p-32f;
}

}  // namespace linnet::LINNET_ISA
