// Declares the kernels of one instruction set: each has the type of its field in KernelTable (kernels.h).
#pragma once
#include <type_traits>

#include "kernels/isa.h"

namespace linnet::LINNET_ISA {

template <class Pointer>
using Function = std::remove_pointer_t<Pointer>;

Function<decltype(KernelTable::gemm)> gemm;
Function<decltype(KernelTable::gemm_workspace)> gemm_workspace;
Function<decltype(KernelTable::gemm_packed_size)> gemm_packed_size;
Function<decltype(KernelTable::gemm_pack_b)> gemm_pack_b;
Function<decltype(KernelTable::conv2d_forward)> conv2d_forward;
Function<decltype(KernelTable::conv2d_forward_workspace)> conv2d_forward_workspace;
Function<decltype(KernelTable::conv2d_packed_size)> conv2d_packed_size;
Function<decltype(KernelTable::conv2d_pack)> conv2d_pack;
Function<decltype(KernelTable::conv2d_grad_input)> conv2d_grad_input;
Function<decltype(KernelTable::conv2d_grad_input_workspace)> conv2d_grad_input_workspace;
Function<decltype(KernelTable::conv2d_grad_weight)> conv2d_grad_weight;
Function<decltype(KernelTable::conv2d_grad_weight_workspace)> conv2d_grad_weight_workspace;
Function<decltype(KernelTable::depth_windows)> depth_windows;
Function<decltype(KernelTable::depth_windows_grad)> depth_windows_grad;
Function<decltype(KernelTable::max_pool2d_forward)> max_pool2d_forward;
Function<decltype(KernelTable::max_pool2d_grad)> max_pool2d_grad;
Function<decltype(KernelTable::average_pool2d_forward)> average_pool2d_forward;
Function<decltype(KernelTable::average_pool2d_grad)> average_pool2d_grad;
Function<decltype(KernelTable::affine_transform_forward)> affine_transform_forward;
Function<decltype(KernelTable::affine_transform_grad)> affine_transform_grad;
Function<decltype(KernelTable::resize)> resize;
Function<decltype(KernelTable::pointwise)> pointwise;
Function<decltype(KernelTable::reduce)> reduce;
Function<decltype(KernelTable::reduce_workspace)> reduce_workspace;
Function<decltype(KernelTable::reduce_extreme)> reduce_extreme;
Function<decltype(KernelTable::reduce_extreme_workspace)> reduce_extreme_workspace;
Function<decltype(KernelTable::reduce_extreme_grad)> reduce_extreme_grad;
Function<decltype(KernelTable::arg_reduce)> arg_reduce;
Function<decltype(KernelTable::softmax_forward)> softmax_forward;
Function<decltype(KernelTable::softmax_grad)> softmax_grad;
Function<decltype(KernelTable::sparse_cross_entropy_forward)> sparse_cross_entropy_forward;
Function<decltype(KernelTable::sparse_cross_entropy_grad)> sparse_cross_entropy_grad;
Function<decltype(KernelTable::cross_entropy_forward)> cross_entropy_forward;
Function<decltype(KernelTable::cross_entropy_grad)> cross_entropy_grad;
Function<decltype(KernelTable::batch_norm_forward)> batch_norm_forward;
Function<decltype(KernelTable::batch_norm_grad)> batch_norm_grad;
Function<decltype(KernelTable::batch_norm_workspace)> batch_norm_workspace;
Function<decltype(KernelTable::group_norm_forward)> group_norm_forward;
Function<decltype(KernelTable::group_norm_grad)> group_norm_grad;
Function<decltype(KernelTable::group_norm_grad_workspace)> group_norm_grad_workspace;
Function<decltype(KernelTable::recurrent_forward)> recurrent_forward;
Function<decltype(KernelTable::recurrent_workspace)> recurrent_workspace;
Function<decltype(KernelTable::recurrent_packed_size)> recurrent_packed_size;
Function<decltype(KernelTable::recurrent_pack)> recurrent_pack;
Function<decltype(KernelTable::recurrent_grad)> recurrent_grad;
Function<decltype(KernelTable::recurrent_grad_workspace)> recurrent_grad_workspace;
Function<decltype(KernelTable::recurrent_parts)> recurrent_parts;
Function<decltype(KernelTable::update)> update;
Function<decltype(KernelTable::update_workspace)> update_workspace;
Function<decltype(KernelTable::strided_copy)> strided_copy;
Function<decltype(KernelTable::gather_rows)> gather_rows;
Function<decltype(KernelTable::embedding_forward)> embedding_forward;
Function<decltype(KernelTable::embedding_grad)> embedding_grad;
Function<decltype(KernelTable::sort_order)> sort_order;
Function<decltype(KernelTable::sort_order_workspace)> sort_order_workspace;
Function<decltype(KernelTable::take_along)> take_along;
Function<decltype(KernelTable::take_along_grad)> take_along_grad;
Function<decltype(KernelTable::cumulative_sum)> cumulative_sum;
Function<decltype(KernelTable::one_hot)> one_hot;
Function<decltype(KernelTable::cast_to_float)> cast_to_float;
Function<decltype(KernelTable::cast_to_int)> cast_to_int;
Function<decltype(KernelTable::fma_chains)> fma_chains;
Function<decltype(KernelTable::stream)> stream;

}  // namespace linnet::LINNET_ISA
