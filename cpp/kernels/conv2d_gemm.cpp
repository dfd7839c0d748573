// Convolutions that are a matrix product as they lie in memory: 1x1 windows at stride 1, where x is (n * h * w, c), and
// windows as large as the image, where x is (n, h * w * c).
#include "kernels/conv2d_algorithms.h"
#include "kernels/declare.h"

namespace linnet::LINNET_ISA {
namespace {

bool accepts(const Conv2dShape& s) {
  if (s.groups != 1 || s.pad_top != 0 || s.pad_left != 0) return false;
  const bool pointwise = s.kh == 1 && s.kw == 1 && s.stride_h == 1 && s.stride_w == 1 && s.oh == s.h && s.ow == s.w;
  const bool whole_image = s.oh == 1 && s.ow == 1 && s.kh == s.h && s.kw == s.w && (s.dilation_h == 1 || s.kh == 1) &&
                           (s.dilation_w == 1 || s.kw == 1);
  return pointwise || whole_image;
}

GemmArgs forward_args(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue) {
  GemmArgs g;
  g.m = s.n * s.oh * s.ow, g.n = s.oc, g.k = s.kh * s.kw * s.c;
  g.a = x, g.lda = g.k;
  g.b = kernel, g.ldb = s.oc;
  g.packed_b = s.packed ? kernel : nullptr;
  g.c = y, g.ldc = s.oc;
  g.epilogue = epilogue;
  return g;
}
GemmArgs grad_input_args(const Conv2dShape& s, const float* dy, const float* kernel, float* dx) {
  GemmArgs g;
  g.m = s.n * s.oh * s.ow, g.n = s.kh * s.kw * s.c, g.k = s.oc;
  g.a = dy, g.lda = s.oc;
  g.b = kernel, g.ldb = s.oc, g.trans_b = true;
  g.c = dx, g.ldc = g.n;
  return g;
}
GemmArgs grad_weight_args(const Conv2dShape& s, const float* x, const float* dy, float* dkernel) {
  GemmArgs g;
  g.m = s.kh * s.kw * s.c, g.n = s.oc, g.k = s.n * s.oh * s.ow;
  g.a = x, g.lda = g.m, g.trans_a = true;
  g.b = dy, g.ldb = s.oc;
  g.c = dkernel, g.ldc = s.oc;
  return g;
}

size_t forward_workspace(const Conv2dShape& s) {
  return gemm_workspace(forward_args(s, nullptr, nullptr, nullptr, {}));
}
void forward(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue,
             const Launch& launch) {
  gemm(forward_args(s, x, kernel, y, epilogue), launch);
}
size_t packed_size(const Conv2dShape& s) { return gemm_packed_size(forward_args(s, nullptr, nullptr, nullptr, {})); }
void pack(const Conv2dShape& s, const float* kernel, float* packed, const Launch& launch) {
  gemm_pack_b(forward_args(s, nullptr, kernel, nullptr, {}), packed, launch);
}

size_t grad_input_workspace(const Conv2dShape& s) {
  return gemm_workspace(grad_input_args(s, nullptr, nullptr, nullptr));
}
void grad_input(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  gemm(grad_input_args(s, dy, kernel, dx), launch);
}

size_t grad_weight_workspace(const Conv2dShape& s) {
  return gemm_workspace(grad_weight_args(s, nullptr, nullptr, nullptr)) + bias_sums_workspace(s);
}
void grad_weight(const Conv2dShape& s, const float* x, const float* dy, float* dkernel, float* dbias,
                 const Launch& launch) {
  const GemmArgs args = grad_weight_args(s, x, dy, dkernel);
  gemm(args, launch);
  Launch rest = launch;
  rest.workspace = static_cast<char*>(launch.workspace) + gemm_workspace(args);
  if (dbias) bias_sums(s, dy, dbias, rest);
}

}  // namespace

const ConvForward conv_forward_gemm = {accepts, forward_workspace, forward, packed_size, pack};
const ConvGradInput conv_grad_input_gemm = {accepts, grad_input_workspace, grad_input};
const ConvGradWeight conv_grad_weight_gemm = {accepts, grad_weight_workspace, grad_weight};

}  // namespace linnet::LINNET_ISA
