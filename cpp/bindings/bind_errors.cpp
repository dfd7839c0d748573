// C++ errors as Python exceptions: ShapeError is a ValueError, UnsupportedError a NotImplementedError, NonFiniteError a
// FloatingPointError. std::invalid_argument and std::out_of_range are ValueError and IndexError already.
#include "base/error.h"

#include "bindings/bindings.h"

namespace linnet {

void bind_errors(pybind11::module_& m) {
  pybind11::register_exception<ShapeError>(m, "ShapeError", PyExc_ValueError);
  pybind11::register_exception<UnsupportedError>(m, "UnsupportedError", PyExc_NotImplementedError);
  pybind11::register_exception<NonFiniteError>(m, "NonFiniteError", PyExc_FloatingPointError);
}

}  // namespace linnet
