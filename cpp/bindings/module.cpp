// linnet._engine: the engine as Python sees it (python/linnet/_engine.pyi documents every call). This file is the table
// of contents; arrays.h converts, nothing here decides anything.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "base/error.h"
#include "bindings/bindings.h"

PYBIND11_MODULE(_engine, m) {
  m.doc() = "linnet's compiled engine";
  linnet::bind_errors(m);
  linnet::bind_graph(m);
  linnet::bind_executable(m);
  linnet::bind_runtime(m);
}
