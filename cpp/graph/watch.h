// Who must know when a variable's memory changes: executables that keep values computed from variables (prepare.h).
//
// The engine does not own the memory of variables, so it cannot see every change. It is told instead: whoever writes
// such memory calls `memory_written` afterwards, and every watch over an overlapping range turns stale. Executables
// report what their own launches write; `Variable.assign` in Python reports the rest. Ranges are compared by address,
// so views into one flat array need no special care.
#pragma once
#include <atomic>
#include <cstddef>
#include <utility>
#include <vector>

namespace linnet {

class Watch {
 public:
  using Range = std::pair<const std::byte*, const std::byte*>;  // [first, second)

  Watch();
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Watches these ranges from now on, and is stale.
  void set(std::vector<Range> ranges);
  void mark_stale() { stale_.store(true, std::memory_order_release); }
  // True when something may have changed since the last call.
  bool take_stale() {
    return stale_.load(std::memory_order_acquire) && stale_.exchange(false, std::memory_order_acq_rel);
  }

 private:
  friend void memory_written(const void* data, size_t bytes);
  bool overlaps(const std::byte* begin, const std::byte* end) const;
  std::vector<Range> ranges_;  // ascending, disjoint
  std::atomic<bool> stale_{true};
};

// Call after writing memory that an executable may be bound to. Any thread.
void memory_written(const void* data, size_t bytes);

}  // namespace linnet
