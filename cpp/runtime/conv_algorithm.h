// Whether convolutions may use an algorithm whose rounding error differs from that of the plain sum (Winograd).
// Process-wide; a plan keeps what was set when it was made. LINNET_CONV_ALGORITHM=auto|direct sets the initial value.
#pragma once
#include <string>

namespace linnet {

// "auto" or "direct". Throws std::invalid_argument on first use when LINNET_CONV_ALGORITHM is neither.
std::string conv_algorithm();
bool conv_direct_only();

// Throws std::invalid_argument for anything but "auto" and "direct".
void set_conv_algorithm(const std::string& name);

}  // namespace linnet
