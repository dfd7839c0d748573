// Rows of a data set, picked by index and converted: how a shuffled batch comes to be.
//
// The data set stays in the type and order it came in; only the rows of a batch are read. uint8 images become float
// here, in one vectorised loop a row; float rows are copied. Indices are checked by the caller.
#include "kernels/declare.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

template <class Source, class Target>
void convert(int64_t n, const Source* from, Target* to) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) to[i] = static_cast<Target>(from[i]);
}

// The same type on both sides.
template <class T>
void convert(int64_t n, const T* from, T* to) {
  __builtin_memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
}

template <class Source, class Target>
void gather(const void* src, int64_t row, const int64_t* indices, int64_t rows, void* dst, const Launch& launch) {
  for_tiles(launch, rows, 2 * row + 50, [=](int64_t begin, int64_t end, float*) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t index = indices ? indices[r] : r;
      convert(row, static_cast<const Source*>(src) + index * row, static_cast<Target*>(dst) + r * row);
    }
  });
}

template <class Target>
void gather_type(SourceType type, const void* src, int64_t row, const int64_t* indices, int64_t rows, void* dst,
                 const Launch& launch) {
  switch (type) {
    case SourceType::b8:  // bytes 0 and 1
    case SourceType::u8:
      return gather<uint8_t, Target>(src, row, indices, rows, dst, launch);
    case SourceType::i8:
      return gather<int8_t, Target>(src, row, indices, rows, dst, launch);
    case SourceType::i16:
      return gather<int16_t, Target>(src, row, indices, rows, dst, launch);
    case SourceType::u16:
      return gather<uint16_t, Target>(src, row, indices, rows, dst, launch);
    case SourceType::i32:
      return gather<int32_t, Target>(src, row, indices, rows, dst, launch);
    case SourceType::u32:
      return gather<uint32_t, Target>(src, row, indices, rows, dst, launch);
    case SourceType::i64:
      return gather<int64_t, Target>(src, row, indices, rows, dst, launch);
    case SourceType::u64:
      return gather<uint64_t, Target>(src, row, indices, rows, dst, launch);
    case SourceType::f32:
      return gather<float, Target>(src, row, indices, rows, dst, launch);
    case SourceType::f64:
      return gather<double, Target>(src, row, indices, rows, dst, launch);
  }
}

}  // namespace

void gather_rows(SourceType type, bool to_int, const void* src, int64_t row, const int64_t* indices, int64_t rows,
                 void* dst, const Launch& launch) {
  if (row == 0) return;
  if (to_int) return gather_type<int32_t>(type, src, row, indices, rows, dst, launch);
  gather_type<float>(type, src, row, indices, rows, dst, launch);
}

}  // namespace linnet::LINNET_ISA
