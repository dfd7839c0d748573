// Shapes with an explicit batch. A dimension d >= 0 is a size; d < 0 stands for -d times the number of rows n of a run:
// (-1, 28, 28, 1) is a batch of images, (-50, 8) a batch of 50-step sequences whose two first axes were merged. A
// graph is built and checked once in these terms, and run with any n.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace linnet {

using Shape = std::vector<int64_t>;

enum class DType : uint8_t { f32, i32, u8 };
inline int64_t item_size(DType t) { return t == DType::u8 ? 1 : 4; }
const char* name_of(DType t);

// The size of one dimension when a run has n rows.
inline int64_t extent(int64_t dim, int64_t n) { return dim < 0 ? -dim * n : dim; }

// Number of elements when a run has n rows.
int64_t element_count(const Shape& shape, int64_t n);

// Product of dims [begin, end) as one dimension. Throws UnsupportedError when two of them carry the batch.
int64_t merged_dim(const Shape& shape, size_t begin, size_t end);

// Same number of elements for every n.
bool same_count(const Shape& a, const Shape& b);

// "(n, 28, 28, 1)", "(50n, 8)", "()".
std::string to_string(const Shape& shape);

// C-contiguous strides, in elements, when a run has n rows.
void contiguous_strides(const Shape& shape, int64_t n, int64_t* strides);

// NumPy broadcasting. False when the shapes do not broadcast together.
bool broadcast_shapes(const Shape& a, const Shape& b, Shape* result);

}  // namespace linnet
