// Rows by id: embedding lookup, its gradient, and one-hot rows.
//
// The gradient sums the rows of dy that share an id. Each parallel tile owns a range of the table and walks all ids in
// order, adding those that fall into its range: no two tiles write the same row, and a row is summed in the order of
// the ids on any number of threads.
#include "kernels/declare.h"
#include "kernels/math.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {

void embedding_forward(int64_t entries, int64_t width, int64_t ids_count, const float* table, const int32_t* ids,
                       float* y, int64_t* bad_row, const Launch& launch) {
  *bad_row = -1;
  for (int64_t i = ids_count; i-- > 0;)
    if (ids[i] < 0 || ids[i] >= entries) *bad_row = i;

  for_tiles(launch, ids_count, 2 * width + 50, [=](int64_t begin, int64_t end, float*) {
    for (int64_t i = begin; i < end; ++i) {
      float* to = y + i * width;  // (width)
      if (ids[i] >= 0 && ids[i] < entries) {
        const float* from = table + ids[i] * width;
        for (int64_t j = 0; j < width; ++j) to[j] = from[j];
      } else {
        for (int64_t j = 0; j < width; ++j) to[j] = kNan;
      }
    }
  });
}

void embedding_grad(int64_t entries, int64_t width, int64_t ids_count, const int32_t* ids, const float* dy,
                    float* dtable, const Launch& launch) {
  // Every tile reads all ids: few tiles.
  constexpr int64_t kRanges = 16;
  const int64_t ranges = entries < kRanges ? entries : kRanges;
  const int64_t cost = ranges > 0 ? (entries + 3 * ids_count) * width / ranges + 5 * ids_count : 0;
  for_tiles(launch, ranges, cost, [=](int64_t begin, int64_t end, float*) {
    const int64_t first = entries * begin / ranges, last = entries * end / ranges;
    for (int64_t i = first * width; i < last * width; ++i) dtable[i] = 0.0f;
    for (int64_t i = 0; i < ids_count; ++i) {
      if (ids[i] < first || ids[i] >= last) continue;
      const float* from = dy + i * width;   // (width)
      float* to = dtable + ids[i] * width;  // (width)
#pragma omp simd
      for (int64_t j = 0; j < width; ++j) to[j] += from[j];
    }
  });
}

void one_hot(int64_t count, int64_t depth, const int32_t* ids, float* y, const Launch& launch) {
  for_tiles(launch, count, depth + 20, [=](int64_t begin, int64_t end, float*) {
    for (int64_t i = begin * depth; i < end * depth; ++i) y[i] = 0.0f;
    for (int64_t i = begin; i < end; ++i)
      if (ids[i] >= 0 && ids[i] < depth) y[i * depth + ids[i]] = 1.0f;
  });
}

}  // namespace linnet::LINNET_ISA
