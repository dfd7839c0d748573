// What this machine can do at most, measured: floating-point operations in registers, bytes through memory. The
// yardsticks of every "share of peak" (`linnet bench`, bench/). Both run the kernels of kernels/peak.cpp at the chosen
// instruction set on the pool's threads, again and again for `seconds`, and give the best: a limit is what happens
// when nothing disturbs.
#pragma once

namespace linnet {

// Floating-point operations a second; an FMA counts as two.
double measure_fma_peak(double seconds);

// Bytes a second, read and written, over an array four times as large as the last-level cache: added up, updated in
// place, or copied from one half to the other. `seconds` is for all three together.
struct Bandwidth {
  double read, update, copy;
};
Bandwidth measure_bandwidth(double seconds);

}  // namespace linnet
