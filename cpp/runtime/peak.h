// What this machine can do at most, measured: floating-point operations in registers, bytes through memory. The
// yardsticks of every "share of peak" (`linnet bench`, bench/). Both run the kernels of kernels/peak.cpp at the chosen
// instruction set on the pool's threads, again and again for `seconds`, and give the best: a limit is what happens
// when nothing disturbs.
#pragma once
#include <cstdint>

namespace linnet {

// Floating-point operations a second; an FMA counts as two.
double measure_fma_peak(double seconds);

// Bytes a second, read and written, over an array four times as large as the last-level cache: added up, filled,
// updated in place, or copied from one half to the other. What is read and what is written travel side by side on many
// processors, each at its own rate, so that an update moves about as much as the two together. `seconds` is for all
// four.
struct Bandwidth {
  double read, write, update, copy;
};
Bandwidth measure_bandwidth(double seconds);

// Bytes a second when an array of so many bytes is read again and again: from the caches, where it fits them.
double measure_read(double seconds, int64_t bytes);

}  // namespace linnet
