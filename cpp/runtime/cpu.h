// What this machine is and how much of it this process may use. Everything is read once, at first use.
#pragma once
#include <cstdint>
#include <string>

namespace linnet {

struct Cpu {
  std::string model;  // "AMD EPYC 9B14"; "unknown" when the system does not tell
  int isa = 0;        // x86-64: the highest level this processor and system run (1 to 4); else 0
  int64_t l1d = 0;    // bytes; 0 when unknown
  int64_t l2 = 0;
  int64_t l3 = 0;
  int affinity = 1;           // logical processors this process may run on
  int physical_cores = 1;     // cores behind those
  double cgroup_quota = 0.0;  // processors that the container's quota allows; 0 when there is none
};

const Cpu& cpu();

}  // namespace linnet
