// The setting of conv_algorithm.h: one atomic, read from the environment when first asked for.
#include "runtime/conv_algorithm.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace linnet {
namespace {

enum class Setting { unset, automatic, direct };
std::atomic<Setting> setting{Setting::unset};

Setting parse(const std::string& name) {
  if (name == "auto") return Setting::automatic;
  if (name == "direct") return Setting::direct;
  throw std::invalid_argument("convolution algorithm '" + name + "': expected auto or direct");
}

}  // namespace

bool conv_direct_only() {
  Setting now = setting.load(std::memory_order_relaxed);
  if (now == Setting::unset) {
    const char* initial = std::getenv("LINNET_CONV_ALGORITHM");
    const Setting wanted = initial != nullptr && *initial != '\0' ? parse(initial) : Setting::automatic;
    // Whoever has set it meanwhile wins.
    if (setting.compare_exchange_strong(now, wanted)) now = wanted;
  }
  return now == Setting::direct;
}

std::string conv_algorithm() { return conv_direct_only() ? "direct" : "auto"; }

void set_conv_algorithm(const std::string& name) { setting.store(parse(name)); }

}  // namespace linnet
