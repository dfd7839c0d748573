// Random numbers that are not part of a graph: the order in which an epoch visits the samples. Like every random number
// in linnet it is a pure function (Philox) of its arguments, so an epoch can be repeated or resumed from two integers.
#pragma once
#include <cstdint>

namespace linnet {

// out[0 .. n): a permutation of 0 .. n-1, each equally likely, decided by (seed, epoch).
void shuffle(int64_t n, uint64_t seed, uint64_t epoch, int64_t* out);

}  // namespace linnet
