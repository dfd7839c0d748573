// The micro-kernels of GEMM, one per register tile, and the table that picks one. The kernel itself is in gemm_micro.h.
#include "kernels/gemm_micro.h"

#include <utility>

namespace linnet::LINNET_ISA {
namespace {

template <int MR, int NV, bool kByRows>
constexpr MicroKernel kernel_or_null() {
  if constexpr (tile_fits(MR, NV)) {
    return micro_kernel<MR, NV, kByRows>;
  } else {
    return nullptr;
  }
}

// by_rows[log2(vectors)][rows - 1]
template <bool kByRows, class Rows = std::make_integer_sequence<int, kMaxRows>>
struct Kernels;
template <bool kByRows, int... kRow>
struct Kernels<kByRows, std::integer_sequence<int, kRow...>> {
  static constexpr MicroKernel table[4][kMaxRows] = {{kernel_or_null<kRow + 1, 1, kByRows>()...},
                                                     {kernel_or_null<kRow + 1, 2, kByRows>()...},
                                                     {kernel_or_null<kRow + 1, 4, kByRows>()...},
                                                     {kernel_or_null<kRow + 1, 8, kByRows>()...}};
};

}  // namespace

MicroKernel micro_kernel_for(int rows, int vectors, bool by_rows) {
  const int log2 = vectors == 8 ? 3 : vectors == 4 ? 2 : vectors - 1;
  return (by_rows ? Kernels<true>::table : Kernels<false>::table)[log2][rows - 1];
}

}  // namespace linnet::LINNET_ISA
