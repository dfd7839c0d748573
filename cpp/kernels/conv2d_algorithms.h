// The convolution algorithms, and what they share.
//
// Each pass has an ordered list in conv2d.cpp; the first algorithm that accepts the shape computes it, and the general
// one, last, accepts everything. An algorithm decides by the shape without n alone where it can: otherwise an image's
// result would depend on the batch it is in.
//
//   general    loops that check every position; odd and empty shapes only         conv2d_general.cpp
//   gemm       1x1 windows, and windows as large as the image                     conv2d_gemm.cpp
//   depthwise  one input and one output channel per group                         conv2d_depthwise.cpp
//   grouped    groups of few channels: several share a vector                     conv2d_grouped.cpp
//   winograd   3x3 and 5x5 at stride 1 with fewer multiplications                  conv2d_winograd*.cpp
//   planar     few channels: vectors along the width                              conv2d_planar*.cpp
//   direct     vectors along the channels, any stride, dilation, group            conv2d_direct*.cpp
//
// Work is cut into jobs by the shape; `run_jobs` hands them out in parts that are worth a thread's while.
#pragma once
#include "kernels/simd.h"

namespace linnet::LINNET_ISA {

struct ConvForward {
  bool (*accepts)(const Conv2dShape&);
  size_t (*workspace)(const Conv2dShape&);
  void (*run)(const Conv2dShape&, const float* x, const float* kernel, float* y, const Epilogue&, const Launch&);
  // Null in algorithms that read the kernel as it is. `run` and `workspace` look at Conv2dShape::packed otherwise.
  size_t (*packed_size)(const Conv2dShape&) = nullptr;
  void (*pack)(const Conv2dShape&, const float* kernel, float* packed, const Launch&) = nullptr;
};
struct ConvGradInput {
  bool (*accepts)(const Conv2dShape&);
  size_t (*workspace)(const Conv2dShape&);
  void (*run)(const Conv2dShape&, const float* dy, const float* kernel, float* dx, const Launch&);
};
struct ConvGradWeight {
  bool (*accepts)(const Conv2dShape&);
  size_t (*workspace)(const Conv2dShape&);
  void (*run)(const Conv2dShape&, const float* x, const float* dy, float* dkernel, float* dbias, const Launch&);
};

extern const ConvForward conv_forward_gemm, conv_forward_depthwise, conv_forward_grouped, conv_forward_planar,
    conv_forward_winograd, conv_forward_direct, conv_forward_general;
extern const ConvGradInput conv_grad_input_gemm, conv_grad_input_depthwise, conv_grad_input_grouped,
    conv_grad_input_winograd, conv_grad_input_turned, conv_grad_input_direct, conv_grad_input_general;
extern const ConvGradWeight conv_grad_weight_gemm, conv_grad_weight_depthwise, conv_grad_weight_grouped,
    conv_grad_weight_planar, conv_grad_weight_winograd_few, conv_grad_weight_winograd, conv_grad_weight_direct,
    conv_grad_weight_general;

inline constexpr int64_t kScratchFloats = kThreadScratchBytes / sizeof(float);

inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline size_t workspace_bytes(int64_t floats) { return static_cast<size_t>(divide_up(floats, 16)) * 64; }

// The i-th of `parts` nearly equal parts of [0, total) begins here.
inline int64_t part_begin(int64_t total, int64_t parts, int64_t i) {
  const int64_t size = total / parts, longer = total % parts;
  return i * size + min_of(i, longer);
}

// [0, total) in nearly equal parts of at most `most`: the first `longer` have size + 1, the others size.
struct Parts {
  int64_t count, size, longer;
};
inline Parts cut(int64_t total, int64_t most) {
  const int64_t count = divide_up(total, most);
  return {count, total / count, total % count};
}

// Window positions k of [0, taps) for which 0 <= start + k * dilation < size.
struct Range {
  int64_t begin, end;
};
inline Range taps_inside(int64_t start, int64_t dilation, int64_t taps, int64_t size) {
  // Divisions cost as much as a dozen vector operations, and most windows are not dilated.
  const auto steps = [dilation](int64_t way) { return dilation == 1 ? way : divide_up(way, dilation); };
  const int64_t begin = start < 0 ? steps(-start) : 0;
  const int64_t end = start < size ? min_of(taps, steps(size - start)) : 0;
  return {begin, max_of(begin, end)};
}

// True if a size is 0; only the general algorithms are asked then.
inline bool is_empty(const Conv2dShape& s) {
  return s.n == 0 || s.h == 0 || s.w == 0 || s.c == 0 || s.kh == 0 || s.kw == 0 || s.oh == 0 || s.ow == 0 ||
         s.oc == 0 || s.groups == 0;
}

inline double flops_of(const Conv2dShape& s) {
  return 2.0 * static_cast<double>(s.n * s.oh * s.ow * s.oc) * static_cast<double>(s.kh * s.kw * s.c / s.groups);
}

// Calls job(args, i, scratch) for i in [0, jobs). `flops` is the work of all jobs together: a tile of the launch gets
// several jobs when they are small, and everything below 30 us (at about 100 GFLOP/s) is one tile.
void run_jobs(const Launch&, int64_t jobs, double flops, Launch::Tile job, const void* args);

// y = activation(y + residual) in place, for what the accumulators did not do. `count` floats.
void finish(float* y, const float* residual, Activation, int64_t count);

// Copies `rows` rows of x (h, w, c) from row iy and column ix on, `columns` wide, to out (rows, columns, c). Positions
// outside x become 0.
void copy_padded(const float* x, int64_t h, int64_t w, int64_t c, int64_t iy, int64_t ix, int64_t rows, int64_t columns,
                 float* out);

// sums (oc) = sum of the `rows` rows of dy (rows, oc), on top of what is there when `add`.
void column_sums(const float* dy, int64_t rows, int64_t oc, bool add, float* sums);

// dbias (oc) = sum of all of dy, shared among threads, for algorithms that do not read dy themselves.
size_t bias_sums_workspace(const Conv2dShape&);
void bias_sums(const Conv2dShape&, const float* dy, float* dbias, const Launch&);

}  // namespace linnet::LINNET_ISA
