// How many threads linnet starts with, and the sentence that explains it (threads.h). The smallest of three limits:
// the processors this process may run on, whole processors of the container's quota (a thread more than the quota gets
// everybody throttled), and physical cores (two threads of one core share its FMA units, which kernels keep busy).
#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "runtime/cpu.h"
#include "runtime/threads.h"

namespace linnet {

int default_num_threads(std::string* reason) {
  const auto because = [reason](const std::string& text) {
    if (reason != nullptr) *reason = text;
  };
  if (const char* text = std::getenv("LINNET_NUM_THREADS"); text != nullptr && *text != '\0') {
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (*end != '\0' || n < 1 || n > kMaxThreads) {
      throw std::invalid_argument("LINNET_NUM_THREADS: expected a number from 1 to " + std::to_string(kMaxThreads) +
                                  ", got '" + text + "'");
    }
    because("LINNET_NUM_THREADS");
    return static_cast<int>(n);
  }
  const auto count = [](int n, const char* one, const char* many) {
    return std::to_string(n) + " " + (n == 1 ? one : many);
  };
  const Cpu& machine = cpu();
  int n = machine.physical_cores;
  because(count(n, "physical core", "physical cores"));
  if (machine.affinity < n) {
    n = machine.affinity;
    because("affinity to " + count(n, "processor", "processors"));
  }
  if (machine.cgroup_quota > 0 && machine.cgroup_quota < n) {
    n = std::max(1, static_cast<int>(machine.cgroup_quota));
    because("the control group's quota of " + std::to_string(machine.cgroup_quota) + " processors");
  }
  n = std::min(n, kMaxThreads);
  return n;
}

}  // namespace linnet
