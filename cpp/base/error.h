// Errors that cross into Python: ShapeError becomes linnet.ShapeError (a ValueError), UnsupportedError a
// NotImplementedError, std::invalid_argument a ValueError. Messages follow one form:
//   conv2d "conv_1": input has 3 channels, the kernel expects 4; x (n, 32, 32, 3), kernel (3, 3, 4, 16)
#pragma once
#include <stdexcept>

namespace linnet {

class ShapeError : public std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// A NaN or an infinity where LINNET_DEBUG=nan looks for one; becomes linnet.NonFiniteError (a FloatingPointError).
class NonFiniteError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class UnsupportedError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace linnet
