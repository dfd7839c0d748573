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

// A store past the caches, for results larger than they hold: the line is not read first (a plain store reads what it
// is about to overwrite) and pushes nothing out. p is a multiple of a vector's size. Other threads see it after
// `finish_past_caches`. Where the processor or the compiler has no such store it is a plain one. GCC has no portable
// name for it, hence its own three.
inline void store_past_caches(float* p, Vec v) {
#if defined(__clang__)
  __builtin_nontemporal_store(v, reinterpret_cast<Vec*>(p));
#elif defined(__AVX512F__)
  __builtin_ia32_movntps512(p, v);
#elif defined(__AVX__)
  __builtin_ia32_movntps256(p, v);
#elif defined(__SSE__)
  __builtin_ia32_movntps(p, v);
#else
  store(p, v);
#endif
}
inline void finish_past_caches() {
#if defined(__SSE__)
  __builtin_ia32_sfence();
#endif
}

}  // namespace linnet::LINNET_ISA
