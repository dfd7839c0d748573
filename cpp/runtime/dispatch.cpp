// The list of kernel tables in this build and the choice among them (dispatch.h). CMake defines LINNET_HAVE_<level> for
// every level it compiles; `reference` is always there.
#include "runtime/dispatch.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "runtime/cpu.h"

namespace linnet {

#if defined(LINNET_HAVE_V2)
namespace v2 {
extern const KernelTable table;
}
#endif
#if defined(LINNET_HAVE_V3)
namespace v3 {
extern const KernelTable table;
}
#endif
#if defined(LINNET_HAVE_V4)
namespace v4 {
extern const KernelTable table;
}
#endif
#if defined(LINNET_HAVE_AARCH64)
namespace aarch64 {
extern const KernelTable table;
}
#endif
namespace reference {
extern const KernelTable table;
}

namespace {

std::atomic<const KernelTable*> chosen{nullptr};

const KernelTable& require(const std::string& name) {
  if (const KernelTable* table = find_kernels(name)) return *table;
  std::string known;
  for (const KernelTable* table : available_kernels()) known += (known.empty() ? "" : ", ") + std::string(table->name);
  throw std::invalid_argument("instruction set '" + name +
                              "': unknown, or not supported by this build and processor; " + "expected one of " +
                              known);
}

}  // namespace

std::vector<const KernelTable*> available_kernels() {
  std::vector<const KernelTable*> tables;
#if defined(LINNET_HAVE_V4)
  if (cpu().isa >= 4) tables.push_back(&v4::table);
#endif
#if defined(LINNET_HAVE_V3)
  if (cpu().isa >= 3) tables.push_back(&v3::table);
#endif
#if defined(LINNET_HAVE_V2)
  if (cpu().isa >= 2) tables.push_back(&v2::table);
#endif
#if defined(LINNET_HAVE_AARCH64)
  tables.push_back(&aarch64::table);
#endif
  tables.push_back(&reference::table);
  return tables;
}

const KernelTable* find_kernels(const std::string& name) {
  for (const KernelTable* table : available_kernels()) {
    if (name == table->name || "x86-64-" + name == table->name) return table;
  }
  return nullptr;
}

const KernelTable& kernels() {
  if (const KernelTable* table = chosen.load(std::memory_order_acquire)) return *table;
  const char* forced = std::getenv("LINNET_ISA");
  const KernelTable& table = forced != nullptr && *forced != '\0' ? require(forced) : *available_kernels().front();
  chosen.store(&table, std::memory_order_release);
  return table;
}

void set_kernels(const std::string& name) { chosen.store(&require(name), std::memory_order_release); }

}  // namespace linnet
