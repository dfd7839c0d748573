// Reads cpuid, /sys and /proc (cpu.h). Everything is optional: a file that is missing or odd leaves
// the field at "unknown", never an error. Start at the bottom; each function above it answers one question, and says
// what the file it reads looks like.
#include "runtime/cpu.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "runtime/cgroup.h"

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace linnet {
namespace {

// The first line of a file, or "".
std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The number at the start of a file, or `otherwise`.
int64_t read_number(const std::string& path, int64_t otherwise) {
  std::istringstream text(first_line(path));
  int64_t number = 0;
  return text >> number ? number : otherwise;
}

#if defined(__x86_64__)
// True when the system saves and restores the registers named by `mask` (bits of XCR0: 1 SSE, 2 AVX, 5-7 AVX-512). A
// processor can have AVX-512 that the system has switched off.
bool system_saves(uint32_t mask) {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & mask) == mask;
}

// The x86-64 psABI level. Bits as in the Intel SDM, volume 2, CPUID.
int x86_level() {
  uint32_t a, b, c1, c7, c_ext, d, b7;
  if (!__get_cpuid(1, &a, &b, &c1, &d)) return 1;
  const auto has = [](uint32_t word, std::initializer_list<int> bits) {
    return std::all_of(bits.begin(), bits.end(), [word](int bit) { return (word >> bit & 1) != 0; });
  };
  if (!__get_cpuid(0x80000001, &a, &b, &c_ext, &d)) return 1;
  // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF
  if (!has(c1, {0, 9, 13, 19, 20, 23}) || !has(c_ext, {0})) return 1;
  if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d)) return 2;
  // FMA, MOVBE, OSXSAVE, AVX, F16C; LZCNT; BMI1, AVX2, BMI2
  if (!has(c1, {12, 22, 27, 28, 29}) || !has(c_ext, {5}) || !has(b7, {3, 5, 8}) || !system_saves(0x6)) return 2;
  // AVX-512 F, DQ, CD, BW, VL
  if (!has(b7, {16, 17, 28, 30, 31}) || !system_saves(0xe6)) return 3;
  return 4;
}
#else
int x86_level() { return 0; }
#endif

std::string model_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

// Bytes of the data (or unified) cache of a level, as processor 0 sees it: "1024K" in /sys.
int64_t cache_bytes(int level) {
  for (int index = 0; index < 8; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    if (read_number(folder + "level", -1) != level || first_line(folder + "type") == "Instruction") continue;
    std::istringstream text(first_line(folder + "size"));
    int64_t size = 0;
    char unit = 0;
    text >> size >> unit;
    return unit == 'M' ? size << 20 : unit == 'K' ? size << 10 : size;
  }
  return 0;
}

void count_cores(Cpu& cpu) {
  cpu.affinity = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  cpu.physical_cores = cpu.affinity;
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;  // more than 1024 processors: keep the above
  cpu.affinity = std::max(1, CPU_COUNT(&allowed));
  cpu.physical_cores = cpu.affinity;
  std::set<std::pair<int64_t, int64_t>> cores;  // (package, core within it)
  for (int id = 0; id < CPU_SETSIZE; ++id) {
    if (!CPU_ISSET(id, &allowed)) continue;
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(id) + "/topology/";
    const int64_t core = read_number(folder + "core_id", -1);
    if (core < 0) return;  // no topology (some containers): count logical processors
    cores.emplace(read_number(folder + "physical_package_id", 0), core);
  }
  cpu.physical_cores = std::max(1, static_cast<int>(cores.size()));
#endif
}

}  // namespace

const Cpu& cpu() {
  static const Cpu instance = [] {
    Cpu found;
    found.model = model_name();
    found.isa = x86_level();
    found.l1d = cache_bytes(1);
    found.l2 = cache_bytes(2);
    found.l3 = cache_bytes(3);
    count_cores(found);
    found.cgroup_quota = cgroup_quota();
    return found;
  }();
  return instance;
}

}  // namespace linnet
