// The parts of the module, one per file.
#pragma once
#include <pybind11/pybind11.h>

namespace linnet {

void bind_errors(pybind11::module_& m);
void bind_graph(pybind11::module_& m);
void bind_executable(pybind11::module_& m);
void bind_runtime(pybind11::module_& m);

}  // namespace linnet
