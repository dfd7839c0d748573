// linnet's own thread pool: one per process, shared by all executables. No OpenMP runtime (why: docs/architecture.md).
//
// A launch is `tiles` pieces of work decided by the sizes alone. Threads, the caller included, take tiles from an
// atomic counter, so a descheduled worker costs at most the tile it holds, and nothing when it holds none. Workers spin
// briefly after a launch and park when nothing follows. Results never depend on the number of threads (kernels.h).
//
// What else holds: a launch allocates nothing (except scratch when a thread works for the first time); a launch inside
// a tile, and the second of two launches at once from two threads, run inline on their own thread; a forked child
// restarts its workers at its first launch; denormals are zero inside tiles and the caller's mode is put back.
#pragma once
#include <string>

#include "kernels/kernels.h"
#include "runtime/float_mode.h"

namespace linnet {

// Threads used by every launch from now on, the caller included. n >= 1; throws std::invalid_argument otherwise.
// Waits for a launch that another thread is running; must not be called from inside a tile.
void set_num_threads(int n);
int num_threads();

// The number of threads linnet starts with: LINNET_NUM_THREADS, or min(affinity, floor(cgroup quota), physical cores).
// `reason`, when given, receives one readable line that says which of them decided. Throws std::invalid_argument when
// LINNET_NUM_THREADS is not a number between 1 and kMaxThreads.
int default_num_threads(std::string* reason = nullptr);

// The same for a given machine, whatever LINNET_NUM_THREADS says.
struct Cpu;
int default_num_threads_of(const Cpu& machine, std::string* reason = nullptr);

inline constexpr int kMaxThreads = 1024;

// A Launch on the process-wide pool; `workspace` may be null where the kernel needs none.
Launch make_launch(void* workspace);

// Marks a stretch of many launches (a whole step): workers spin longer between launches before they park, and
// denormals are zero on the calling thread, also between tiles.
class ActiveRegion {
 public:
  ActiveRegion();
  ~ActiveRegion();
  ActiveRegion(const ActiveRegion&) = delete;
  ActiveRegion& operator=(const ActiveRegion&) = delete;

 private:
  FlushDenormals flush_;
};

}  // namespace linnet
