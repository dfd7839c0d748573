// The one symbol that an instruction set exports: its table. Compiled once per level, and once for `reference`.
#include "kernels/declare.h"

namespace linnet::LINNET_ISA {

extern const KernelTable table;
const KernelTable table = {
    .name = LINNET_ISA_NAME,
    .gemm = gemm,
    .gemm_workspace = gemm_workspace,
    .gemm_packed_size = gemm_packed_size,
    .gemm_pack_b = gemm_pack_b,
    .conv2d_forward = conv2d_forward,
    .conv2d_forward_workspace = conv2d_forward_workspace,
    .conv2d_packed_size = conv2d_packed_size,
    .conv2d_pack = conv2d_pack,
    .conv2d_grad_input = conv2d_grad_input,
    .conv2d_grad_input_workspace = conv2d_grad_input_workspace,
    .conv2d_grad_weight = conv2d_grad_weight,
    .conv2d_grad_weight_workspace = conv2d_grad_weight_workspace,
    .depth_windows = depth_windows,
    .depth_windows_grad = depth_windows_grad,
    .max_pool2d_forward = max_pool2d_forward,
    .max_pool2d_grad = max_pool2d_grad,
    .average_pool2d_forward = average_pool2d_forward,
    .average_pool2d_grad = average_pool2d_grad,
    .pointwise = pointwise,
    .reduce = reduce,
    .reduce_workspace = reduce_workspace,
    .arg_reduce = arg_reduce,
    .softmax_forward = softmax_forward,
    .softmax_grad = softmax_grad,
    .sparse_cross_entropy_forward = sparse_cross_entropy_forward,
    .sparse_cross_entropy_grad = sparse_cross_entropy_grad,
    .cross_entropy_forward = cross_entropy_forward,
    .cross_entropy_grad = cross_entropy_grad,
    .batch_norm_forward = batch_norm_forward,
    .batch_norm_grad = batch_norm_grad,
    .batch_norm_workspace = batch_norm_workspace,
    .update = update,
    .update_workspace = update_workspace,
    .strided_copy = strided_copy,
    .gather_rows = gather_rows,
    .embedding_forward = embedding_forward,
    .embedding_grad = embedding_grad,
    .one_hot = one_hot,
    .cast_to_float = cast_to_float,
    .cast_to_int = cast_to_int,
    .fma_chains = fma_chains,
    .stream = stream,
};

}  // namespace linnet::LINNET_ISA
