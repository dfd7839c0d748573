// What one instruction of a pointwise program does to n elements: `execute` (pointwise_ops.cpp) picks the loop.
#pragma once
#include "kernels/isa.h"

namespace linnet::LINNET_ISA {

// What the random instructions need besides their stream.
struct RandomContext {
  uint64_t seed, step;
  int64_t element;  // index of dst[0] in the iteration space, a multiple of 4
  uint32_t* words;  // (n rounded up to a multiple of 4) scratch
};

// dst (n) = op(a (n), b (n), c (n)). dst may equal an operand; operands that the opcode lacks are not touched.
void execute(const Instruction& instruction, int64_t n, float* dst, const float* a, const float* b, const float* c,
             const RandomContext& random);

// The same past the caches (simd.h), for opcodes that are short enough for it to matter and a dst whose vectors are
// aligned. dst is no operand.
bool goes_past_caches(Opcode op);
void execute_past_caches(const Instruction& instruction, int64_t n, float* dst, const float* a, const float* b,
                         const float* c);

// Rough time of one element in tenths of a nanosecond, to decide how much work is worth another thread.
int64_t instruction_cost(Opcode op);

}  // namespace linnet::LINNET_ISA
