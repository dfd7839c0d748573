// How many threads linnet starts with, and the sentence that explains it (threads.h). The smallest of three limits:
// the processors this process may run on, whole processors of the container's quota (a thread more than the quota gets
// everybody throttled), and physical cores (two threads of one core share its FMA units, which kernels keep busy).
#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>

#include "runtime/cpu.h"
#include "runtime/threads.h"

namespace linnet {

int default_num_threads(std::string* reason) {
  const char* text = std::getenv("LINNET_NUM_THREADS");
  if (text == nullptr || *text == '\0') return default_num_threads_of(cpu(), reason);
  char* end = nullptr;
  const long n = std::strtol(text, &end, 10);
  if (*end != '\0' || n < 1 || n > kMaxThreads) {
    throw std::invalid_argument("LINNET_NUM_THREADS: expected a number from 1 to " + std::to_string(kMaxThreads) +
                                ", got '" + text + "'");
  }
  if (reason != nullptr) *reason = "LINNET_NUM_THREADS";
  return static_cast<int>(n);
}

int default_num_threads_of(const Cpu& machine, std::string* reason) {
  std::ostringstream why;
  int n = machine.physical_cores;
  why << n << (n == 1 ? " physical core" : " physical cores");
  if (machine.affinity < n) {
    n = machine.affinity;
    why.str("");
    why << "affinity to " << n << (n == 1 ? " processor" : " processors");
  }
  if (machine.cgroup_quota > 0 && machine.cgroup_quota < n) {
    n = std::max(1, static_cast<int>(machine.cgroup_quota));
    why.str("");
    why << "the control group's quota of " << machine.cgroup_quota << " processors";
  }
  if (reason != nullptr) *reason = why.str();
  return std::min(n, kMaxThreads);
}

}  // namespace linnet
