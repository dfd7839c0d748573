// Values of a row picked by number, and the gradient, which adds up what was picked of a value in the order of the
// picks. A row is handled by one thread. Values are moved as 32 bits: floats and integers alike.
#include "kernels/declare.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {

void take_along(int64_t rows, int64_t n, int64_t k, const void* x, const int32_t* ids, void* y, int64_t* bad_row,
                const Launch& launch) {
  *bad_row = -1;
  for (int64_t i = rows * k; i-- > 0;)
    if (ids[i] < -n || ids[i] >= n) *bad_row = i;
  if (*bad_row >= 0) return;
  const int32_t* from = static_cast<const int32_t*>(x);
  int32_t* to = static_cast<int32_t*>(y);
  for_tiles(launch, rows, 10 * k + 20, [=](int64_t begin, int64_t end, float*) {
    for (int64_t r = begin; r < end; ++r) {
      for (int64_t j = 0; j < k; ++j) {
        const int64_t id = ids[r * k + j];
        to[r * k + j] = from[r * n + (id < 0 ? id + n : id)];
      }
    }
  });
}

void take_along_grad(int64_t rows, int64_t n, int64_t k, const int32_t* ids, const float* dy, float* dx,
                     const Launch& launch) {
  for_tiles(launch, rows, 15 * k + n + 20, [=](int64_t begin, int64_t end, float*) {
    for (int64_t i = begin * n; i < end * n; ++i) dx[i] = 0.0f;
    for (int64_t r = begin; r < end; ++r) {
      for (int64_t j = 0; j < k; ++j) {
        const int64_t id = ids[r * k + j], place = id < 0 ? id + n : id;
        if (place >= 0 && place < n) dx[r * n + place] += dy[r * k + j];
      }
    }
  });
}

}  // namespace linnet::LINNET_ISA
