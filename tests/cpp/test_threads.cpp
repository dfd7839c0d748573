// The thread pool: every tile exactly once under any disturbance, and nothing of the caller's touched.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <cmath>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "runtime/cpu.h"
#include "runtime/threads.h"

using namespace linnet;

namespace {

// Calls body(index, scratch) for every tile.
template <class Body>
void parallel(int64_t tiles, const Body& body) {
  const Launch launch = make_launch(nullptr);
  launch.parallel(
      launch.pool, tiles,
      [](const void* args, int64_t index, float* scratch) { (*static_cast<const Body*>(args))(index, scratch); },
      &body);
}

// True when one launch runs each of its tiles exactly once.
bool launch_is_exact(int64_t tiles) {
  std::vector<std::atomic<int>> runs(static_cast<size_t>(tiles));
  parallel(tiles, [&](int64_t index, float*) { runs[static_cast<size_t>(index)].fetch_add(1); });
  return std::all_of(runs.begin(), runs.end(), [](const std::atomic<int>& count) { return count == 1; });
}

struct Threads {
  explicit Threads(int n) : before(num_threads()) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
  const int before;
};

void sleep_for(std::chrono::microseconds time) { std::this_thread::sleep_for(time); }

// Runs `body` in a forked child; true when it answers true within 20 seconds.
template <class Body>
bool child_answers(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // a hang kills the child and fails the test
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("every tile runs exactly once, at any number of threads and tiles") {
  for (const int threads : {1, 2, 3, 7}) {
    const Threads use(threads);
    for (const int64_t tiles : {0, 1, 2, 3, 5, 64, 1000}) {
      CAPTURE(threads);
      CAPTURE(tiles);
      CHECK(launch_is_exact(tiles));
    }
  }
}

TEST_CASE("thousands of launches in a row, hot and after pauses that let the workers park") {
  const Threads use(4);
  int64_t inexact = 0;
  {
    const ActiveRegion region;
    for (int i = 0; i < 20000; ++i) inexact += !launch_is_exact(1 + i % 7);
  }
  for (int i = 0; i < 300; ++i) {
    sleep_for(std::chrono::microseconds(i));
    inexact += !launch_is_exact(4);
  }
  CHECK(inexact == 0);
}

TEST_CASE("what tiles write is visible to the caller, and what the caller writes to the tiles") {
  const Threads use(3);
  std::vector<int64_t> values(100, 0);  // not atomic on purpose
  for (int64_t round = 1; round <= 2000; ++round) {
    parallel(100, [&](int64_t index, float*) { values[static_cast<size_t>(index)] += round; });
    if (values[static_cast<size_t>(round % 100)] != round * (round + 1) / 2) FAIL("stale value in round " << round);
  }
  CHECK(std::count(values.begin(), values.end(), 2000 * 2001 / 2) == 100);
}

TEST_CASE("other threads do take part") {
  const Threads use(3);
  std::set<std::thread::id> seen;
  std::atomic<bool> locked{false};
  for (int attempt = 0; attempt < 200 && seen.size() < 2; ++attempt) {
    parallel(8, [&](int64_t, float*) {
      sleep_for(std::chrono::microseconds(200));
      while (locked.exchange(true)) {
      }
      seen.insert(std::this_thread::get_id());
      locked = false;
    });
  }
  CHECK(seen.size() >= 2);
}

TEST_CASE("a worker that is slow to come costs nothing: the caller takes its tiles") {
  // With one tile that blocks until all others have run, at most one thread can hold it.
  const Threads use(2);
  std::atomic<int> others{0};
  parallel(50, [&](int64_t index, float*) {
    if (index == 0) {
      const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      // When the caller itself holds tile 0 a worker has to run the rest, which it does as soon as it gets a core.
      while (others < 49 && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
    } else {
      others.fetch_add(1);
    }
  });
  CHECK(others == 49);
}

TEST_CASE("scratch is aligned, private to the running tile, and as large as promised") {
  const Threads use(3);
  constexpr size_t kFloats = kThreadScratchBytes / sizeof(float);
  std::atomic<int> bad{0};
  parallel(24, [&](int64_t index, float* scratch) {
    if (reinterpret_cast<uintptr_t>(scratch) % 64 != 0) ++bad;
    const auto mark = static_cast<float>(index);
    std::fill(scratch, scratch + kFloats, mark);
    sleep_for(std::chrono::microseconds(100));
    if (std::count(scratch, scratch + kFloats, mark) != static_cast<int64_t>(kFloats)) ++bad;
  });
  CHECK(bad == 0);
}

TEST_CASE("a launch inside a tile runs inline, with scratch of its own") {
  const Threads use(3);
  std::atomic<int> inner{0}, strangers{0}, overwritten{0};
  parallel(10, [&](int64_t, float* scratch) {
    const auto self = std::this_thread::get_id();
    scratch[0] = 1;
    parallel(5, [&](int64_t, float* inner_scratch) {
      inner_scratch[0] = 2;
      inner.fetch_add(1);
      if (std::this_thread::get_id() != self) strangers.fetch_add(1);
    });
    if (scratch[0] != 1) overwritten.fetch_add(1);
  });
  CHECK(inner == 50);
  CHECK(strangers == 0);
  CHECK(overwritten == 0);
}

TEST_CASE("several threads launch at once, while another changes the number of threads") {
  const Threads use(3);
  std::atomic<int> inexact{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 3000; ++i) inexact += !launch_is_exact(1 + i % 9);
    });
  }
  std::thread resizer([&] {
    for (int n = 1; !done; n = n % 5 + 1) {
      set_num_threads(n);
      sleep_for(std::chrono::microseconds(300));
    }
  });
  for (std::thread& caller : callers) caller.join();
  done = true;
  resizer.join();
  CHECK(inexact == 0);
}

TEST_CASE("a forked child works, also one forked while other threads launch") {
  const Threads use(3);
  REQUIRE(launch_is_exact(10));  // the workers exist
  const auto work = [] {
    bool exact = num_threads() == 3;
    for (int i = 0; i < 100; ++i) exact = launch_is_exact(10) && exact;
    return exact;
  };
  CHECK(child_answers(work));
  std::atomic<bool> done{false};
  std::thread other([&] {  // allocates nothing: AddressSanitizer's allocator does not survive a fork in its midst
    while (!done) parallel(10, [](int64_t, float*) {});
  });
  for (int i = 0; i < 20; ++i) CHECK(child_answers(work));
  done = true;
  other.join();
  CHECK(work());
  CHECK(child_answers([&] { return child_answers(work); }));
}

TEST_CASE("denormals are zero inside tiles and in an ActiveRegion; the caller's mode and flags come back") {
  for (const int threads : {1, 3}) {
    const Threads use(threads);
    const auto has_denormals = [] {
      volatile float tiny = 1e-38f;
      volatile float smaller = tiny * 0.01f;
      return smaller != 0.0f;
    };
    REQUIRE(has_denormals());
    std::feclearexcept(FE_ALL_EXCEPT);
    std::atomic<int> denormal{0};
    parallel(20, [&](int64_t, float*) {
      if (has_denormals()) denormal.fetch_add(1);
      volatile float zero = 0.0f;
      volatile float ignored = 1.0f / zero;
      static_cast<void>(ignored);
    });
    CHECK(denormal == 0);
    CHECK(std::fetestexcept(FE_DIVBYZERO) == 0);
    CHECK(has_denormals());
    {
      const ActiveRegion region;
      CHECK(!has_denormals());
    }
    CHECK(has_denormals());
  }
}

TEST_CASE("the number of threads is checked") {
  CHECK_THROWS_AS(set_num_threads(0), std::invalid_argument);
  CHECK_THROWS_AS(set_num_threads(-3), std::invalid_argument);
  CHECK_THROWS_AS(set_num_threads(kMaxThreads + 1), std::invalid_argument);
  const Threads use(5);
  CHECK(num_threads() == 5);
  std::atomic<int> refused{0};
  parallel(4, [&](int64_t, float*) {
    try {
      set_num_threads(2);
    } catch (const std::logic_error&) {
      refused.fetch_add(1);
    }
  });
  CHECK(refused == 4);
  CHECK(num_threads() == 5);
}

TEST_CASE("the default number of threads and its reason") {
  const char* before = std::getenv("LINNET_NUM_THREADS");
  const std::string saved = before != nullptr ? before : "";
  std::string reason;

  unsetenv("LINNET_NUM_THREADS");
  const int n = default_num_threads(&reason);
  CHECK(n >= 1);
  CHECK(n <= cpu().physical_cores);
  CHECK(n <= cpu().affinity);
  CHECK(!reason.empty());

  setenv("LINNET_NUM_THREADS", "7", 1);
  CHECK(default_num_threads(&reason) == 7);
  CHECK(reason == "LINNET_NUM_THREADS");
  for (const char* bad : {"0", "-1", "two", "3x", "99999999999999999999"}) {
    setenv("LINNET_NUM_THREADS", bad, 1);
    CAPTURE(bad);
    CHECK_THROWS_AS(default_num_threads(), std::invalid_argument);
  }

  if (before != nullptr) {
    setenv("LINNET_NUM_THREADS", saved.c_str(), 1);
  } else {
    unsetenv("LINNET_NUM_THREADS");
  }
}
