// Watches turn stale when, and only when, memory they watch is written.
#include "graph/watch.h"

#include <doctest/doctest.h>

using namespace linnet;

namespace {

std::byte memory[1000];

Watch::Range range(int begin, int end) { return {memory + begin, memory + end}; }

// Whether writing [begin, end) makes the watch stale.
bool hit(Watch& watch, int begin, int end) {
  watch.take_stale();
  memory_written(memory + begin, static_cast<size_t>(end - begin));
  return watch.take_stale();
}

}  // namespace

TEST_CASE("watch: stale at first, once, and after every change of what it watches") {
  Watch watch;
  CHECK(watch.take_stale());
  CHECK(!watch.take_stale());
  watch.set({range(0, 10)});
  CHECK(watch.take_stale());
  watch.mark_stale();
  CHECK(watch.take_stale());
  CHECK(!watch.take_stale());
}

TEST_CASE("watch: ranges in any order, touching, overlapping, empty") {
  Watch watch;
  watch.set({range(300, 400), range(100, 200), range(150, 220), range(220, 230), range(50, 50)});
  for (const auto& [begin, end] : {std::pair{0, 100}, {230, 300}, {400, 1000}, {250, 251}, {50, 51}, {40, 60}})
    CHECK(!hit(watch, begin, end));
  for (const auto& [begin, end] : {std::pair{99, 101},
                                   {100, 101},
                                   {199, 200},
                                   {200, 201},
                                   {229, 240},
                                   {299, 301},
                                   {399, 500},
                                   {0, 1000},
                                   {240, 310}})
    CHECK(hit(watch, begin, end));
  watch.set({});
  CHECK(!hit(watch, 0, 1000));
}

TEST_CASE("watch: several watches, and one that has gone") {
  Watch a, b;
  a.set({range(0, 10)});
  b.set({range(5, 20)});
  {
    Watch gone;
    gone.set({range(0, 100)});
  }
  a.take_stale(), b.take_stale();
  memory_written(memory + 12, 1);
  CHECK(!a.take_stale());
  CHECK(b.take_stale());
  memory_written(memory + 7, 1);
  CHECK(a.take_stale());
  CHECK(b.take_stale());
}
