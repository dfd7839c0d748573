// NumPy arrays as pointers and types, and back.
#pragma once
#include <pybind11/numpy.h>

#include <string>

#include "graph/graph.h"

namespace linnet {

inline DType dtype_named(const std::string& name) {
  if (name == "float32") return DType::f32;
  if (name == "int32") return DType::i32;
  throw std::invalid_argument("dtype must be \"float32\" or \"int32\", got \"" + name + "\"");
}

// The element type of a data set; throws std::invalid_argument for what no kernel reads (object, complex, strings).
inline SourceType source_type(const pybind11::array& array) {
  const char kind = array.dtype().kind();
  const auto size = array.dtype().itemsize();
  const bool native = array.dtype().byteorder() != '>';
  if (native && kind == 'b') return SourceType::b8;
  if (native && kind == 'f' && size == 4) return SourceType::f32;
  if (native && kind == 'f' && size == 8) return SourceType::f64;
  if (native && kind == 'u') {
    if (size == 1) return SourceType::u8;
    if (size == 2) return SourceType::u16;
    if (size == 4) return SourceType::u32;
    if (size == 8) return SourceType::u64;
  }
  if (native && kind == 'i') {
    if (size == 1) return SourceType::i8;
    if (size == 2) return SourceType::i16;
    if (size == 4) return SourceType::i32;
    if (size == 8) return SourceType::i64;
  }
  throw std::invalid_argument("arrays of dtype " + pybind11::str(array.dtype()).cast<std::string>() +
                              " are not supported");
}

// Every element lies at a multiple of its size (np.frombuffer at an odd offset does not give that).
inline bool is_aligned(const pybind11::array& array) {
  return (array.flags() & pybind11::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0;
}

// n where the shape is batched.
inline bool has_shape(const pybind11::array& array, const Shape& shape, int64_t n) {
  bool right = array.ndim() == static_cast<pybind11::ssize_t>(shape.size());
  for (size_t axis = 0; right && axis < shape.size(); ++axis) {
    right = array.shape(static_cast<pybind11::ssize_t>(axis)) == extent(shape[axis], n);
  }
  return right;
}

// Pointer to the data of a C-contiguous array of exactly this type and shape (n rows where the shape is batched).
inline const void* checked_data(const pybind11::array& array, const Type& type, const std::string& name, int64_t n) {
  const char kind = array.dtype().kind();
  const bool native = array.dtype().byteorder() != '>';
  const bool right_type = native && array.dtype().itemsize() == 4 && kind == (type.dtype == DType::f32 ? 'f' : 'i');
  if (!right_type || !has_shape(array, type.shape, n)) {
    Shape got;
    for (pybind11::ssize_t axis = 0; axis < array.ndim(); ++axis) got.push_back(array.shape(axis));
    throw ShapeError(name + " must be " + name_of(type.dtype) + to_string(type.shape) + " with n = " +
                     std::to_string(n) + ", got " + pybind11::str(array.dtype()).cast<std::string>() + to_string(got));
  }
  if (!(array.flags() & pybind11::array::c_style)) throw std::invalid_argument(name + " must be C-contiguous");
  if (!is_aligned(array)) throw std::invalid_argument(name + " must be aligned");
  return array.data();
}

inline pybind11::dtype dtype_of(DType type) {
  return type == DType::f32   ? pybind11::dtype::of<float>()
         : type == DType::i32 ? pybind11::dtype::of<int32_t>()
                              : pybind11::dtype::of<uint8_t>();
}

// An array for a value of a run with n rows, not yet filled.
inline pybind11::array new_array(const Type& type, int64_t n) {
  std::vector<pybind11::ssize_t> shape;
  for (int64_t dim : type.shape) shape.push_back(extent(dim, n));
  return pybind11::array(dtype_of(type.dtype), shape);
}

}  // namespace linnet
