// Arithmetic on shapes with a symbolic batch (shape.h).
#include "base/shape.h"

#include <algorithm>

#include "base/error.h"

namespace linnet {

const char* name_of(DType t) { return t == DType::f32 ? "float32" : t == DType::i32 ? "int32" : "uint8"; }

int64_t element_count(const Shape& shape, int64_t n) {
  int64_t count = 1;
  for (int64_t dim : shape) count *= extent(dim, n);
  return count;
}

int64_t merged_dim(const Shape& shape, size_t begin, size_t end) {
  int64_t product = 1;
  int batches = 0;
  for (size_t i = begin; i < end; ++i) {
    batches += shape[i] < 0;
    product *= shape[i] < 0 ? -shape[i] : shape[i];
  }
  if (batches > 1)
    throw UnsupportedError("axes of " + to_string(shape) + " that both carry the batch cannot be merged");
  return batches ? -product : product;
}

bool same_count(const Shape& a, const Shape& b) {
  auto measure = [](const Shape& shape) {
    int64_t product = 1, batches = 0;
    for (int64_t dim : shape) {
      batches += dim < 0;
      product *= dim < 0 ? -dim : dim;
    }
    return product == 0 ? std::pair<int64_t, int64_t>{0, 0} : std::pair<int64_t, int64_t>{product, batches};
  };
  return measure(a) == measure(b);
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i) text += ", ";
    if (shape[i] == -1) {
      text += "n";
    } else if (shape[i] < 0) {
      text += std::to_string(-shape[i]) + "n";
    } else {
      text += std::to_string(shape[i]);
    }
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

void contiguous_strides(const Shape& shape, int64_t n, int64_t* strides) {
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= extent(shape[i], n);
  }
}

bool broadcast_shapes(const Shape& a, const Shape& b, Shape* result) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape out = longer;
  const size_t shift = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    int64_t& dim = out[shift + i];
    if (dim == 1) {
      dim = shorter[i];
    } else if (shorter[i] != 1 && shorter[i] != dim) {
      return false;
    }
  }
  *result = std::move(out);
  return true;
}

}  // namespace linnet
