// Between the public types and the engine's: how many rows some data is, and results as arrays. Not installed.
#pragma once
#include <cstdlib>
#include <string>

#include "graph/graph.h"
#include "linnet/types.h"

namespace linnet {

// `input "x" (n, 2)`
inline std::string describe_input(const Value& value) {
  return "input \"" + value.name + "\" " + name_of(value.type.dtype) + to_string(value.type.shape);
}

// The rows that `data` holds for an input; -1 for an input without a batch. Throws ShapeError when it does not fit.
inline int64_t rows_of(const ArrayView& data, const Value& value) {
  const bool integer = value.type.dtype == DType::i32;
  if (data.is_integer() != integer && data.size() != 0) {
    throw ShapeError(describe_input(value) + " was given " + (data.is_integer() ? "int32" : "float32") + " numbers");
  }
  const int64_t size = static_cast<int64_t>(data.size());
  const int64_t row = element_count(value.type.shape, 1);
  if (value.type.shape.empty() || value.type.shape[0] >= 0) {
    if (size != row) {
      throw ShapeError(describe_input(value) + " needs " + std::to_string(row) + " numbers, got " +
                       std::to_string(size));
    }
    return -1;
  }
  if (row == 0 || size % row != 0) {
    throw ShapeError(describe_input(value) + " needs " + std::to_string(row) + " numbers a row, got " +
                     std::to_string(size) + " in all");
  }
  return size / row;
}

// Joins the rows of the inputs of one run; they must agree.
inline void join_rows(int64_t& rows, int64_t found, const Value& value) {
  if (found < 0) return;
  if (rows >= 0 && rows != found) {
    throw ShapeError(describe_input(value) + " was given " + std::to_string(found) + " rows, the input before it " +
                     std::to_string(rows));
  }
  rows = found;
}

// An empty array for a value of a run with n rows; `space` is where its numbers go.
inline Array make_array(const Type& type, int64_t n) {
  Array array;
  for (int64_t dim : type.shape) array.shape.push_back(extent(dim, n));
  const size_t count = static_cast<size_t>(element_count(array.shape, 0));
  if (type.dtype == DType::f32) {
    array.values.resize(count);
  } else {
    array.integers.resize(count);
  }
  return array;
}
inline std::byte* space(Array& array) {
  return array.values.empty() ? reinterpret_cast<std::byte*>(array.integers.data())
                              : reinterpret_cast<std::byte*>(array.values.data());
}

// What LINNET_DEBUG says now.
inline std::string debug_words() {
  const char* words = std::getenv("LINNET_DEBUG");
  return words ? words : "";
}

}  // namespace linnet
