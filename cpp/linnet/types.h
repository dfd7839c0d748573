// Shapes, settings and data at the border of the library.
//
// A shape is a list of sizes. -1 in front stands for the rows of a run (the batch): {-1, 28, 28, 1} is any number of
// images of 28x28 with one channel. Data is C-contiguous with the channels last, as in NumPy and Keras.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace linnet {

using Shape = std::vector<int64_t>;
using Ints = std::vector<int64_t>;

// A setting of an operation, such as {"strides", Ints{2, 2}}.
using Attribute = std::variant<bool, int64_t, double, std::string, Ints>;

// Numbers and their shape. float32 numbers are in `values`, int32 ones in `integers`; the other is empty.
struct Array {
  Shape shape;
  std::vector<float> values = {};
  std::vector<int32_t> integers = {};

  size_t size() const { return values.empty() ? integers.size() : values.size(); }
  // The number of an array that holds one, such as a loss.
  float scalar() const { return values.at(0); }
};

// Data given to a run, without a copy: the memory must live until the call returns. The number of rows follows from
// the size.
class ArrayView {
 public:
  ArrayView(const std::vector<float>& values) : ArrayView(values.data(), values.size()) {}
  ArrayView(const std::vector<int32_t>& integers) : ArrayView(integers.data(), integers.size()) {}
  ArrayView(const Array& array)
      : data_(array.integers.empty() ? static_cast<const void*>(array.values.data()) : array.integers.data()),
        size_(array.size()),
        integer_(!array.integers.empty()) {}
  ArrayView(const float* values, size_t size) : data_(values), size_(size), integer_(false) {}
  ArrayView(const int32_t* integers, size_t size) : data_(integers), size_(size), integer_(true) {}

  const void* data() const { return data_; }
  size_t size() const { return size_; }
  bool is_integer() const { return integer_; }

 private:
  const void* data_;
  size_t size_;
  bool integer_;
};

}  // namespace linnet
