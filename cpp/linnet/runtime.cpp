// The settings of runtime.h under their public names. Those that are missing here (threads, the convolution algorithm)
// are the functions of cpp/runtime themselves.
#include "linnet/runtime.h"

#include "graph/op.h"
#include "runtime/dispatch.h"

namespace linnet {

std::string version() { return LINNET_VERSION; }

std::string isa() { return kernels().name; }

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const KernelTable* table : available_kernels()) names.emplace_back(table->name);
  return names;
}

void set_isa(const std::string& name) { set_kernels(name); }

std::vector<std::string> operations() {
  std::vector<std::string> names;
  for (const OpDef* op : all_ops()) names.emplace_back(op->name);
  return names;
}

}  // namespace linnet
