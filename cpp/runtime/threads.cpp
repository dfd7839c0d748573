// The thread pool behind `Launch::parallel` (threads.h).
//
// The whole protocol is two counters. `untaken` is the range of tiles of the current launch that nobody has taken;
// taking one is a single fetch_add. The caller takes from the front, workers from the back: launches over the same data
// then find most of it in the cache of the core that had it last (Adam after a product of matrices runs 1.5 times
// faster). `finished` counts tiles that workers have completed. The caller publishes a job, takes tiles like everybody
// else until none remain, and then waits for `finished`: only for tiles that a worker has really started.
//
// Why no generation number is needed: a thread reads the job only *after* it has taken a tile, and a launch cannot end,
// nor its job be replaced, before that tile is reported. A late worker therefore either finds nothing and
// leaves, or takes a tile of whatever launch is running now. Both are right.
//
// Idle workers poll `untaken` for a few microseconds, then sleep on the futex word `bell`. The caller rings it only
// when `sleepers` says that somebody listens, so that a hot launch makes no system call.
#include "runtime/threads.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/aligned.h"
#include "runtime/cpu.h"
#include "runtime/futex.h"

namespace linnet {
namespace {

// How long an idle worker spins before it parks: long enough to bridge the short serial kernels of a training step (and
// the Python code between two steps), short enough that a process that shares the core does not notice. Waking a parked
// worker takes 30-60 us. `bench/threads` re-measures both.
constexpr std::chrono::microseconds kSpinActive{50};
constexpr std::chrono::microseconds kSpinIdle{5};

// How long the caller spins for the last tiles before it sleeps too. When the worker that holds a tile has lost its
// core, sleeping frees ours for it.
constexpr std::chrono::microseconds kSpinFinish{100};

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");  // `yield` is a no-op on most cores
#endif
}

// Polls `ready` for about `limit`. True as soon as `ready` is. Between two rounds the core is offered to whoever else
// wants it (for a fraction of a microsecond when nobody does): the thread we wait for may be queued right behind us.
template <class Ready>
bool spin(std::chrono::microseconds limit, Ready ready) {
  if (ready()) return true;
  const auto end = std::chrono::steady_clock::now() + limit;
  do {
    for (int i = 0; i < 16; ++i) {
      if (ready()) return true;
      pause();
    }
    std::this_thread::yield();
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// Scratch of one thread, one block for each depth of nested launches: a tile that launches lends its own block to
// nobody. Blocks are made when a depth is first used on a thread, and live as long as the thread.
class Scratch {
 public:
  float* at(size_t depth) {
    while (blocks_.size() <= depth) blocks_.push_back(allocate_zeroed(kThreadScratchBytes));
    return reinterpret_cast<float*>(blocks_[depth].get());
  }

 private:
  std::vector<AlignedBuffer> blocks_;
};

thread_local Scratch t_scratch;
thread_local size_t t_depth = 0;  // tiles that are running on this thread's stack
thread_local int t_regions = 0;   // ActiveRegions that live on this thread

struct Job {
  Launch::Tile tile;
  const void* args;
};

// A range of tiles [first, first + count) in one word: count above, first below. Taking from an empty range only makes
// the count negative, by at most one for each thread.
constexpr int64_t kOneFewer = -(int64_t{1} << 32);
constexpr int64_t kTakeFirst = kOneFewer + 1;
constexpr int64_t kTakeLast = kOneFewer;
constexpr int64_t kMostTiles = INT32_MAX;
int64_t range(int64_t tiles) { return tiles << 32; }
int64_t count_of(int64_t range) { return range >> 32; }
int64_t first_of(int64_t range) { return range & UINT32_MAX; }

// Runs tiles while `take` hands out an index; returns how many.
template <class Take>
int64_t run_tiles(const Launch::Tile tile, const void* args, float* scratch, Take take) {
  int64_t count = 0;
  for (int64_t index; (index = take()) >= 0; ++count) tile(args, index, scratch);
  return count;
}

class Pool {
 public:
  explicit Pool(int threads, int regions = 0) : regions_(regions), threads_(threads) {}

  int threads() const { return threads_.load(std::memory_order_relaxed); }

  void resize(int threads) {
    if (t_depth > 0) throw std::logic_error("set_num_threads was called from inside a kernel");
    acquire();
    stop_workers();
    threads_.store(threads, std::memory_order_relaxed);
    release();
  }

  void enter_region() { regions_.fetch_add(1, std::memory_order_relaxed); }
  void leave_region() { regions_.fetch_sub(1, std::memory_order_relaxed); }

  // noexcept: nothing may travel through a kernel. All that can fail here is the first scratch of a thread.
  void run(int64_t tiles, Launch::Tile tile, const void* args) noexcept {
    if (tiles <= 0) return;
    const FlushDenormals flush;
    float* scratch = t_scratch.at(t_depth);
    ++t_depth;
    if (tiles == 1 || tiles > kMostTiles || t_depth > 1 || threads() == 1 || !try_acquire()) {
      for (int64_t index = 0; index < tiles; ++index) tile(args, index, scratch);
    } else {
      run_shared({tile, args}, tiles, scratch);
      release();
    }
    --t_depth;
  }

 private:
  // One launch at a time. A launcher that comes second does not wait but works alone; only resize waits.
  bool try_acquire() { return busy_.load(std::memory_order_relaxed) == 0 && busy_.exchange(1) == 0; }
  void acquire() {
    while (!try_acquire()) std::this_thread::yield();
  }
  void release() { busy_.store(0, std::memory_order_release); }

  void run_shared(const Job& job, int64_t tiles, float* scratch) {
    if (workers_.empty()) start_workers();
    job_ = job;
    finished_.store(0, std::memory_order_relaxed);
    untaken_.store(range(tiles), std::memory_order_seq_cst);
    // seq_cst on both sides of (untaken_, sleepers_): either the worker sees the tiles or we see the sleeper.
    if (const int sleeping = sleepers_.load(std::memory_order_seq_cst); sleeping > 0) {
      bell_.fetch_add(1, std::memory_order_release);
      futex_wake(bell_, tiles - 1 < sleeping ? static_cast<int>(tiles - 1) : sleeping);
    }
    const int64_t own = run_tiles(job.tile, job.args, scratch, [this] { return take<kTakeFirst>(); });
    wait_finished(static_cast<uint32_t>(tiles - own));
  }

  // Index of a tile that now belongs to this thread, or -1.
  template <int64_t end>
  int64_t take() {
    if (count_of(untaken_.load(std::memory_order_relaxed)) <= 0) return -1;
    const int64_t before = untaken_.fetch_add(end, std::memory_order_acq_rel);
    if (count_of(before) <= 0) return -1;
    return end == kTakeFirst ? first_of(before) : first_of(before) + count_of(before) - 1;
  }

  void wait_finished(uint32_t started) {
    const auto all_finished = [&] { return finished_.load(std::memory_order_acquire) == started; };
    if (spin(kSpinFinish, all_finished)) return;
    caller_sleeps_.store(1, std::memory_order_seq_cst);
    for (uint32_t seen; (seen = finished_.load(std::memory_order_seq_cst)) != started;) futex_wait(finished_, seen);
    caller_sleeps_.store(0, std::memory_order_relaxed);
  }

  void worker() {
    const FlushDenormals flush;
    float* scratch = nullptr;
    try {
      scratch = t_scratch.at(0);
    } catch (const std::bad_alloc&) {
      return;  // the others do the work
    }
    t_depth = 1;
    while (!stop_.load(std::memory_order_acquire)) {
      const int64_t index = take<kTakeLast>();
      if (index < 0) {
        rest();
        continue;
      }
      // This tile keeps the launch alive, so job_ stands still until we report.
      const Job job = job_;
      job.tile(job.args, index, scratch);
      const int64_t more = run_tiles(job.tile, job.args, scratch, [this] { return take<kTakeLast>(); });
      finished_.fetch_add(static_cast<uint32_t>(1 + more), std::memory_order_seq_cst);
      if (caller_sleeps_.load(std::memory_order_seq_cst) != 0) futex_wake(finished_, 1);
    }
  }

  // Spins, then sleeps, until there may be something to do.
  void rest() {
    const bool active = regions_.load(std::memory_order_relaxed) > 0;
    const auto called = [this] {
      return count_of(untaken_.load(std::memory_order_relaxed)) > 0 || stop_.load(std::memory_order_relaxed);
    };
    if (spin(active ? kSpinActive : kSpinIdle, called)) return;
    const uint32_t before = bell_.load(std::memory_order_acquire);
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    if (count_of(untaken_.load(std::memory_order_seq_cst)) <= 0 && !stop_.load(std::memory_order_seq_cst)) {
      futex_wait(bell_, before);
    }
    sleepers_.fetch_sub(1, std::memory_order_seq_cst);
  }

  // Failing to start a thread is no error: fewer threads do the same work, with the same bits.
  void start_workers() {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals, Ctrl-C among them, belong to the program's own threads
    try {
      for (int i = 1; i < threads(); ++i) workers_.emplace_back(&Pool::worker, this);
    } catch (const std::exception&) {
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void stop_workers() {
    stop_.store(true, std::memory_order_seq_cst);
    bell_.fetch_add(1, std::memory_order_release);
    futex_wake(bell_, kMaxThreads);
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    stop_.store(false, std::memory_order_relaxed);
  }

  // What a launch touches, on three cache lines: the job, what workers write back, what only idle workers write.
  alignas(64) std::atomic<int64_t> untaken_{0};
  Job job_{};
  std::atomic<bool> stop_{false};
  std::atomic<int> regions_;
  alignas(64) std::atomic<uint32_t> finished_{0};  // modulo 2^32
  std::atomic<uint32_t> caller_sleeps_{0};
  alignas(64) std::atomic<int> sleepers_{0};
  std::atomic<uint32_t> bell_{0};
  alignas(64) std::atomic<int> busy_{0};
  std::atomic<int> threads_;
  std::vector<std::thread> workers_;
};

// The pool is never destroyed: its workers may outlive main and the static destructors.
Pool& pool() {
  static Pool* instance = [] {
    Pool* made = new Pool(default_num_threads());
    // Only the forking thread lives on in the child. The memory of the workers' handles is abandoned, not destroyed: a
    // std::thread of a thread that is not there can be neither joined nor detached.
    pthread_atfork(nullptr, nullptr, [] {
      Pool& old = pool();
      new (&old) Pool(old.threads(), t_regions);
    });
    return made;
  }();
  return *instance;
}

}  // namespace

void set_num_threads(int n) {
  if (n < 1 || n > kMaxThreads) {
    throw std::invalid_argument("number of threads: expected 1 to " + std::to_string(kMaxThreads) + ", got " +
                                std::to_string(n));
  }
  pool().resize(n);
}

int num_threads() { return pool().threads(); }

Launch make_launch(void* workspace) {
  t_scratch.at(t_depth);  // here, where running out of memory can still be reported
  return {[](void* pool, int64_t tiles, Launch::Tile tile, const void* args) {
            static_cast<Pool*>(pool)->run(tiles, tile, args);
          },
          &pool(), workspace, cpu().l3 > 0 ? cpu().l3 : int64_t{32} << 20};
}

ActiveRegion::ActiveRegion() {
  pool().enter_region();
  ++t_regions;
}

ActiveRegion::~ActiveRegion() {
  pool().leave_region();
  --t_regions;
}

}  // namespace linnet
