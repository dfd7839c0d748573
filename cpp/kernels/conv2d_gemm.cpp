// Convolutions that are a matrix product: 1x1 windows, where x is (n * h * w, c), and windows as large as the image,
// where x is (n, h * w * c).
//
// At a stride of 1 the matrix is x as it lies in memory. With strides, the pixels that take part are first copied next
// to each other in the workspace: they are a quarter of x or less, each is used oc times, and rows of x that are a
// multiple of a page apart would fight for the same few lines of the cache. grad_input computes the gradient of those
// pixels there and then writes dx, zeros included, in one pass.
//
// workspace: the pixels (n * oh * ow, c) where they are copied, then what gemm wants or, for grad_weight, the products
// of several shares of the pixels, then the sums for dbias.
#include "kernels/conv2d_algorithms.h"
#include "kernels/declare.h"
#include "kernels/lanes.h"

namespace linnet::LINNET_ISA {
namespace {

// Do pixels of x take part that do not lie next to each other?
bool strided(const Conv2dShape& s) { return s.kh == 1 && s.kw == 1 && (s.oh != s.h || s.ow != s.w); }
size_t pixel_bytes(const Conv2dShape& s) { return strided(s) ? workspace_bytes(s.n * s.oh * s.ow * s.c) : 0; }

bool accepts(const Conv2dShape& s) {
  if (s.groups != 1 || s.pad_top != 0 || s.pad_left != 0) return false;
  const bool pointwise = s.kh == 1 && s.kw == 1;
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

// One row of output pixels (ow, c) from x, or dx's rows from it.
struct Pixels {
  Conv2dShape s;
  const float* from;
  float* to;
};
void collect_row(const void* args, int64_t row, float*) {
  const Pixels& a = *static_cast<const Pixels*>(args);
  const Conv2dShape& s = a.s;
  const float* from = a.from + (row / s.oh * s.h + row % s.oh * s.stride_h) * s.w * s.c;
  float* to = a.to + row * s.ow * s.c;
  for (int64_t i = 0; i < s.ow; ++i, from += s.stride_w * s.c, to += s.c)
    __builtin_memcpy(to, from, static_cast<size_t>(s.c) * sizeof(float));
}
void spread_row(const void* args, int64_t row, float*) {
  const Pixels& a = *static_cast<const Pixels*>(args);
  const Conv2dShape& s = a.s;
  const int64_t n = row / s.h, y = row % s.h, oy = y / s.stride_h;
  float* to = a.to + row * s.w * s.c;
  if (oy * s.stride_h != y || oy >= s.oh) {
    __builtin_memset(to, 0, static_cast<size_t>(s.w * s.c) * sizeof(float));
    return;
  }
  const float* from = a.from + (n * s.oh + oy) * s.ow * s.c;
  for (int64_t i = 0; i < s.ow; ++i, from += s.c) {
    const int64_t next = min_of(s.w, i + 1 < s.ow ? (i + 1) * s.stride_w : s.w);
    const int64_t zeros = next - i * s.stride_w - 1;
    __builtin_memcpy(to, from, static_cast<size_t>(s.c) * sizeof(float));
    __builtin_memset(to + s.c, 0, static_cast<size_t>(zeros * s.c) * sizeof(float));
    to += (1 + zeros) * s.c;
  }
}

// Moving a float costs about as much as 8 operations.
double moving(int64_t floats) { return 8.0 * static_cast<double>(floats); }

// x as the matrix that gemm reads, and the launch for gemm, whose workspace comes after the copy.
const float* collect(const Conv2dShape& s, const float* x, const Launch& launch) {
  if (!strided(s)) return x;
  float* const pixels = static_cast<float*>(launch.workspace);
  const Pixels args = {s, x, pixels};
  run_jobs(launch, s.n * s.oh, moving(s.n * s.oh * s.ow * s.c), collect_row, &args);
  return pixels;
}
Launch after(Launch launch, size_t bytes) {
  launch.workspace = static_cast<char*>(launch.workspace) + bytes;
  return launch;
}

size_t forward_workspace(const Conv2dShape& s) {
  return pixel_bytes(s) + gemm_workspace(forward_args(s, nullptr, nullptr, nullptr, {}));
}
void forward(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue,
             const Launch& launch) {
  gemm(forward_args(s, collect(s, x, launch), kernel, y, epilogue), after(launch, pixel_bytes(s)));
}
size_t packed_size(const Conv2dShape& s) { return gemm_packed_size(forward_args(s, nullptr, nullptr, nullptr, {})); }
void pack(const Conv2dShape& s, const float* kernel, float* packed, const Launch& launch) {
  gemm_pack_b(forward_args(s, nullptr, kernel, nullptr, {}), packed, launch);
}

size_t grad_input_workspace(const Conv2dShape& s) {
  return pixel_bytes(s) + gemm_workspace(grad_input_args(s, nullptr, nullptr, nullptr));
}
void grad_input(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  float* const pixels = strided(s) ? static_cast<float*>(launch.workspace) : dx;
  gemm(grad_input_args(s, dy, kernel, pixels), after(launch, pixel_bytes(s)));
  const Pixels args = {s, pixels, dx};
  if (strided(s)) run_jobs(launch, s.n * s.h, moving(s.n * s.h * s.w * s.c), spread_row, &args);
}

// dkernel is small and a sum over many pixels. These are cut into equal shares, a product each, and a rest of a few
// pixels; the products of the shares are added up in order.
struct Shares {
  static constexpr int64_t kPixels = 512;                           // of a share, at least
  static constexpr int64_t kMost = 16, kFloats = int64_t{1} << 18;  // shares, and floats of their products
  explicit Shares(const GemmArgs& whole)
      : count(max_of(1, min_of(whole.k / kPixels, min_of(kMost, kFloats / (whole.m * whole.n))))),
        k(whole.k / count),
        rest(whole.k % count) {}
  int64_t count, k, rest;
};

struct Sum {
  const float* parts;  // (count, floats)
  int64_t count, floats, jobs;
  float* to;  // (floats)
};
void add_parts(const void* args, int64_t job, float*) {
  const Sum& a = *static_cast<const Sum*>(args);
  const int64_t end = part_begin(a.floats, a.jobs, job + 1);
  for (int64_t i = part_begin(a.floats, a.jobs, job); i < end; i += kLanes) {
    const int64_t lanes = min_of(kLanes, end - i);
    Vec sum = load_some(a.parts + i, lanes, 0.0f);
    for (int64_t p = 1; p < a.count; ++p) sum += load_some(a.parts + p * a.floats + i, lanes, 0.0f);
    store_some(a.to + i, sum, lanes);
  }
}

// Of the products, or of gemm for fewer pixels, which come in one share.
size_t shares_workspace(GemmArgs g) {
  const Shares shares(g);
  if (shares.count == 1) return gemm_workspace(g);
  const size_t parts = workspace_bytes((shares.count + 1) * g.m * g.n);
  g.k = min_of(g.k, 2 * Shares::kPixels - 1);
  const size_t one = gemm_workspace(g);
  return parts > one ? parts : one;
}

void multiply_shares(const GemmArgs& whole, const Launch& launch) {
  const Shares shares(whole);
  if (shares.count == 1) return gemm(whole, launch);
  GemmArgs g = whole;
  g.k = shares.k, g.batch = shares.count;
  g.stride_a = g.k * g.lda, g.stride_b = g.k * g.ldb, g.stride_c = g.m * g.n;
  g.c = static_cast<float*>(launch.workspace);
  gemm(g, launch);
  g.a += shares.count * g.stride_a, g.b += shares.count * g.stride_b;
  g.k = shares.rest, g.batch = 1;
  Sum sum = {g.c, shares.count + (shares.rest > 0), g.stride_c, min_of(16, divide_up(g.stride_c, 1024)), whole.c};
  g.c += shares.count * g.stride_c;
  if (shares.rest > 0) gemm(g, launch);
  run_jobs(launch, sum.jobs, moving(sum.count * sum.floats), add_parts, &sum);
}

size_t grad_weight_workspace(const Conv2dShape& s) {
  return pixel_bytes(s) + shares_workspace(grad_weight_args(s, nullptr, nullptr, nullptr)) + bias_sums_workspace(s);
}
void grad_weight(const Conv2dShape& s, const float* x, const float* dy, float* dkernel, float* dbias,
                 const Launch& launch) {
  const GemmArgs args = grad_weight_args(s, collect(s, x, launch), dy, dkernel);
  multiply_shares(args, after(launch, pixel_bytes(s)));
  if (dbias) bias_sums(s, dy, dbias, after(launch, pixel_bytes(s) + shares_workspace(args)));
}

}  // namespace

const ConvForward conv_forward_gemm = {accepts, forward_workspace, forward, packed_size, pack};
const ConvGradInput conv_grad_input_gemm = {accepts, grad_input_workspace, grad_input};
const ConvGradWeight conv_grad_weight_gemm = {accepts, grad_weight_workspace, grad_weight};

}  // namespace linnet::LINNET_ISA
