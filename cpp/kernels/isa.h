// One source, every instruction set. CMake compiles each kernel file once per level with -DLINNET_ISA=<namespace>, so
// `namespace linnet::LINNET_ISA` below is linnet::v2, linnet::v3, linnet::v4 or linnet::aarch64. Everything a kernel
// file defines or includes from this folder lives in that namespace: an inline function outside it would be a weak
// symbol, and the linker might keep the AVX-512 copy for the AVX2 table. Only `table` is exported (table.cpp).
#pragma once
#include "kernels/kernels.h"

#ifndef LINNET_ISA
#error "kernel files are compiled with -DLINNET_ISA=v2|v3|v4|aarch64 (see CMakeLists.txt)"
#endif

namespace linnet::LINNET_ISA {

// Vector width in floats at this level, and the number of vector registers.
#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
inline constexpr int kVectorRegisters = 32;
#elif defined(__AVX__)
inline constexpr int kLanes = 8;
inline constexpr int kVectorRegisters = 16;
#elif defined(__aarch64__)
inline constexpr int kLanes = 4;
inline constexpr int kVectorRegisters = 32;
#else
inline constexpr int kLanes = 4;
inline constexpr int kVectorRegisters = 16;
#endif

}  // namespace linnet::LINNET_ISA
