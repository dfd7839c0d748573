// Vectors for micro-kernels: GCC/Clang vector types, no intrinsics. Everything else uses `#pragma omp simd`.
//
// A `Vec` holds kLanes floats; + - * / and comparisons are the compiler's own. a * b + c becomes one FMA because kernel
// files are compiled with -ffp-contract=fast.
#pragma once
#include "kernels/isa.h"

namespace linnet::LINNET_ISA {

typedef float Vec __attribute__((vector_size(kLanes * sizeof(float))));
typedef float VecUnaligned __attribute__((vector_size(kLanes * sizeof(float)), aligned(4), may_alias));

// kLanes floats at p, which needs no alignment.
inline Vec load(const float* p) { return *reinterpret_cast<const VecUnaligned*>(p); }
inline void store(float* p, Vec v) { *reinterpret_cast<VecUnaligned*>(p) = v; }
inline Vec broadcast(float x) { return x - Vec{}; }

// The first min(count, kLanes) lanes only: memory behind them is neither read nor written. GCC makes a masked store of
// the loop where the level has one.
inline void store_first(float* p, Vec v, int64_t count) {
  if (count >= kLanes) return store(p, v);
#pragma omp simd
  for (int i = 0; i < kLanes; ++i)
    if (i < static_cast<int>(count)) p[i] = v[i];
}

}  // namespace linnet::LINNET_ISA
