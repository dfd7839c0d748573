// linnet for C++ programs: this is the one header to include, and after `cmake --install` the only thing that a program
// sees besides the library.
//
//   find_package(linnet REQUIRED)
//   target_link_libraries(app PRIVATE linnet::linnet)
//
// Two ways to use it, each with an example in examples/cpp:
//   Model    (model.h)    load a network that Python trained and exported, and predict
//   Network  (network.h)  write a network in C++, train it, run it
//
// Everything throws: std::invalid_argument for a wrong call (shapes, names, settings), std::runtime_error for a wrong
// file. Messages name the operation, what was expected and what came. The headers are C++17; they show nothing of the
// engine, so that it may change without a program noticing.
#pragma once
#include "linnet/model.h"    // IWYU pragma: export
#include "linnet/network.h"  // IWYU pragma: export
#include "linnet/runtime.h"  // IWYU pragma: export
#include "linnet/types.h"    // IWYU pragma: export
