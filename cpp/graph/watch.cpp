// The list of all watches, behind one lock: it is held for a binary search per watch and write (watch.h).
// A write is reported after it is done. A run that overlaps it in time may compute from half of it, but the report then
// makes it compute again next time.
#include "graph/watch.h"

#include <algorithm>
#include <mutex>

namespace linnet {
namespace {

struct Registry {
  std::mutex mutex;
  std::vector<Watch*> watches;
};

// Never destroyed: executables held by an interpreter may outlive static objects.
Registry& registry() {
  static Registry* const instance = new Registry;
  return *instance;
}

}  // namespace

Watch::Watch() {
  std::lock_guard<std::mutex> lock(registry().mutex);
  registry().watches.push_back(this);
}

Watch::~Watch() {
  std::lock_guard<std::mutex> lock(registry().mutex);
  auto& watches = registry().watches;
  watches.erase(std::find(watches.begin(), watches.end(), this));
}

void Watch::set(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<Range> merged;
  for (const Range& range : ranges) {
    if (range.first == range.second) continue;
    if (!merged.empty() && range.first <= merged.back().second) {
      merged.back().second = std::max(merged.back().second, range.second);
    } else {
      merged.push_back(range);
    }
  }
  std::lock_guard<std::mutex> lock(registry().mutex);
  ranges_ = std::move(merged);
  mark_stale();
}

bool Watch::overlaps(const std::byte* begin, const std::byte* end) const {
  // The first range that ends behind `begin`.
  const auto found = std::upper_bound(ranges_.begin(), ranges_.end(), begin,
                                      [](const std::byte* at, const Range& range) { return at < range.second; });
  return found != ranges_.end() && found->first < end;
}

void memory_written(const void* data, size_t bytes) {
  const std::byte* begin = static_cast<const std::byte*>(data);
  std::lock_guard<std::mutex> lock(registry().mutex);
  for (Watch* watch : registry().watches) {
    if (!watch->stale_.load(std::memory_order_relaxed) && watch->overlaps(begin, begin + bytes)) watch->mark_stale();
  }
}

}  // namespace linnet
