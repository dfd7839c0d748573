// The order of the values of each row: a radix sort of (key, index) pairs.
//
// A value becomes a 32-bit key whose unsigned order is the value's, and a pair is one 64-bit number, key in front. Four
// passes distribute the pairs by eight bits of the key each; as a pass keeps the order within a bucket, equal keys stay
// in the order of their indices. A pass whose keys all share a bucket is left out; a few values are sorted by
// insertion. A row is sorted by one thread, in scratch while it fits there, else in the workspace.
#include "kernels/declare.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kInsertion = 24;  // values up to which four passes over 256 buckets cost more
constexpr int64_t kScratchPairs = static_cast<int64_t>(kThreadScratchBytes / (2 * sizeof(uint64_t)));

// NaN is the largest, -0 equals 0.
inline uint32_t key_of(uint32_t bits, bool integers, bool descending) {
  uint32_t key = bits ^ 0x80000000u;
  if (!integers) {
    if (bits == 0x80000000u) bits = 0;
    key = (bits & 0x80000000u) ? ~bits : bits | 0x80000000u;
    if ((bits & 0x7fffffffu) > 0x7f800000u) key = 0xffffffffu;
  }
  return descending ? ~key : key;
}

inline void insertion_sort(int64_t n, uint64_t* pairs) {
  for (int64_t i = 1; i < n; ++i) {
    const uint64_t pair = pairs[i];
    int64_t j = i;
    for (; j > 0 && pairs[j - 1] > pair; --j) pairs[j] = pairs[j - 1];
    pairs[j] = pair;
  }
}

// Sorts pairs (n) by their upper halves; `other` (n) is as large. Returns where the result is.
inline const uint64_t* radix_sort(int64_t n, uint64_t* pairs, uint64_t* other) {
  for (int shift = 32; shift < 64; shift += 8) {
    int64_t first[256] = {};
    for (int64_t i = 0; i < n; ++i) ++first[(pairs[i] >> shift) & 255];
    if (first[(pairs[0] >> shift) & 255] == n) continue;
    int64_t before = 0;
    for (int64_t& place : first) {
      const int64_t count = place;
      place = before;
      before += count;
    }
    for (int64_t i = 0; i < n; ++i) other[first[(pairs[i] >> shift) & 255]++] = pairs[i];
    uint64_t* sorted = other;
    other = pairs;
    pairs = sorted;
  }
  return pairs;
}

}  // namespace

size_t sort_order_workspace(int64_t rows, int64_t n) {
  if (n <= kScratchPairs) return 0;
  const size_t bytes = static_cast<size_t>(rows * n) * 2 * sizeof(uint64_t);
  return (bytes + 63) / 64 * 64;
}

void sort_order(bool integers, bool descending, int64_t rows, int64_t n, int64_t k, const void* x, int32_t* order,
                const Launch& launch) {
  if (n == 0) return;
  const uint32_t* values = static_cast<const uint32_t*>(x);  // (rows, n)
  uint64_t* workspace = n > kScratchPairs ? static_cast<uint64_t*>(launch.workspace) : nullptr;
  for_tiles(launch, rows, 150 * n + 2000, [=](int64_t begin, int64_t end, float* scratch) {
    for (int64_t r = begin; r < end; ++r) {
      uint64_t* pairs = workspace ? workspace + r * 2 * n : reinterpret_cast<uint64_t*>(scratch);
      const uint32_t* row = values + r * n;
      for (int64_t i = 0; i < n; ++i) {
        pairs[i] = static_cast<uint64_t>(key_of(row[i], integers, descending)) << 32 | static_cast<uint64_t>(i);
      }
      const uint64_t* sorted = pairs;
      if (n <= kInsertion) {
        insertion_sort(n, pairs);
      } else {
        sorted = radix_sort(n, pairs, pairs + n);
      }
      for (int64_t j = 0; j < k; ++j) order[r * k + j] = static_cast<int32_t>(sorted[j] & 0xffffffffu);
    }
  });
}

}  // namespace linnet::LINNET_ISA
