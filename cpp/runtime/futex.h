// Sleeping until a 32-bit word changes: the Linux futex, std::atomic::wait elsewhere. It holds no state besides the
// word itself, so it needs no repair after fork.
#pragma once
#include <atomic>
#include <cstdint>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace linnet {

static_assert(sizeof(std::atomic<uint32_t>) == 4);

// Sleeps while `word` holds `expected`; may also return for no reason.
inline void futex_wait(std::atomic<uint32_t>& word, uint32_t expected) {
#if defined(__linux__)
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
#else
  word.wait(expected);
#endif
}

// Wakes up to `count` threads that sleep on `word`.
inline void futex_wake(std::atomic<uint32_t>& word, int count) {
#if defined(__linux__)
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
#else
  static_cast<void>(count);
  word.notify_all();
#endif
}

}  // namespace linnet
