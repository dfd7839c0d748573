// Zeroed memory on a 64-byte boundary (a cache line, and the widest vector).
#pragma once
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace linnet {

inline constexpr size_t kAlignment = 64;
inline constexpr size_t round_up(size_t bytes, size_t to = kAlignment) { return (bytes + to - 1) / to * to; }

struct Free {
  void operator()(void* p) const { std::free(p); }
};
using AlignedBuffer = std::unique_ptr<std::byte[], Free>;

inline AlignedBuffer allocate_zeroed(size_t bytes) {
  const size_t size = round_up(bytes ? bytes : 1);
  void* p = std::aligned_alloc(kAlignment, size);
  if (!p) throw std::bad_alloc();
  std::memset(p, 0, size);
  return AlignedBuffer(static_cast<std::byte*>(p));
}

}  // namespace linnet
