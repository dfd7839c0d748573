// Which instruction set this process uses: cpuid picks the best level at load, LINNET_ISA=<name> forces one.
#pragma once
#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace linnet {

// The chosen table. Throws std::invalid_argument on first use when LINNET_ISA names an unknown or unsupported level.
const KernelTable& kernels();

// The tables this build has and this processor can run, best first, `reference` last.
std::vector<const KernelTable*> available_kernels();

// The table of that name ("x86-64-v3", or "v3" for short), or null when this build or this processor lacks it.
const KernelTable* find_kernels(const std::string& name);

// Makes `kernels()` answer with this table (tests, LINNET_DEBUG=reference). Plans made before keep their table.
// Throws std::invalid_argument, as `kernels()` does, when there is no such table.
void set_kernels(const std::string& name);

}  // namespace linnet
