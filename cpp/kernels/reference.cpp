// The reference table, first part: products, convolutions and pools as naive loops.
//
// These files are compiled once, with -DLINNET_ISA=reference, and fill the same KernelTable as every instruction set.
// They say what each kernel computes in the fewest lines, and the tests hold the fast kernels against them: so sums
// run in double and are rounded once, nothing is blocked, vectorised or shared between threads, and `Launch` is not
// used. Slow, but a complete engine: LINNET_ISA=reference trains.
//
//   reference.cpp            gemm, conv2d, pooling
//   reference_pointwise.cpp  the instructions of a pointwise program, random numbers
//   reference_rows.cpp       reductions, softmax, cross-entropy, batch normalisation
//   reference_recurrent.cpp  recurrent layers and their gradients
//   reference_memory.cpp     optimizers, copies, casts, gathers, embedding
//
// An array index is written out as in the comment beside its pointer: x[((n * H + y) * W + x) * C + c].
#include <cmath>

#include "kernels/declare.h"

namespace linnet::LINNET_ISA {
namespace {

double activate(Activation activation, double y) {
  switch (activation) {
    case Activation::none:
      return y;
    case Activation::relu:
      return y < 0 ? 0 : y;  // keeps NaN
    case Activation::tanh:
      return std::tanh(y);
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-y));
  }
  return y;
}

// y + bias[column] + residual[index], through the activation.
float finish(const Epilogue& e, double y, int64_t column, int64_t index) {
  if (e.bias) y += e.bias[column];
  if (e.residual) y += e.residual[index];
  return static_cast<float>(activate(e.activation, y));
}

// Calls visit(x_index, kernel_index, y_index) for every product of the convolution whose input position lies inside x.
template <class Visit>
void each_product(const Conv2dShape& s, Visit visit) {
  const int64_t group_c = s.groups ? s.c / s.groups : 0;    // input channels of one group
  const int64_t group_oc = s.groups ? s.oc / s.groups : 0;  // output channels of one group
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t oy = 0; oy < s.oh; ++oy)
      for (int64_t ox = 0; ox < s.ow; ++ox)
        for (int64_t ky = 0; ky < s.kh; ++ky)
          for (int64_t kx = 0; kx < s.kw; ++kx) {
            const int64_t iy = oy * s.stride_h - s.pad_top + ky * s.dilation_h;
            const int64_t ix = ox * s.stride_w - s.pad_left + kx * s.dilation_w;
            if (iy < 0 || iy >= s.h || ix < 0 || ix >= s.w) continue;
            for (int64_t g = 0; g < s.groups; ++g)
              for (int64_t i = 0; i < group_c; ++i)
                for (int64_t o = g * group_oc; o < (g + 1) * group_oc; ++o)
                  visit(((n * s.h + iy) * s.w + ix) * s.c + g * group_c + i,
                        ((ky * s.kw + kx) * group_c + i) * s.oc + o, ((n * s.oh + oy) * s.ow + ox) * s.oc + o);
          }
}

// A zeroed array of doubles to sum into.
struct Sums {
  explicit Sums(int64_t n) : data(new double[static_cast<size_t>(n)]()) {}
  ~Sums() { delete[] data; }
  Sums(const Sums&) = delete;
  Sums& operator=(const Sums&) = delete;
  double& operator[](int64_t i) { return data[i]; }
  double* data;
};

// Calls visit(position, index) for the positions of window (oy, ox) inside image n of x: `position` is ky * kw + kx,
// `index` that of channel 0 in x.
template <class Visit>
void each_position(const Pool2dShape& s, int64_t n, int64_t oy, int64_t ox, Visit visit) {
  for (int64_t ky = 0; ky < s.kh; ++ky)
    for (int64_t kx = 0; kx < s.kw; ++kx) {
      const int64_t iy = oy * s.stride_h - s.pad_top + ky;
      const int64_t ix = ox * s.stride_w - s.pad_left + kx;
      if (iy < 0 || iy >= s.h || ix < 0 || ix >= s.w) continue;
      visit(ky * s.kw + kx, ((n * s.h + iy) * s.w + ix) * s.c);
    }
}

// Calls visit(n, oy, ox, index) for every window; `index` is that of channel 0 in y.
template <class Visit>
void each_window(const Pool2dShape& s, Visit visit) {
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t oy = 0; oy < s.oh; ++oy)
      for (int64_t ox = 0; ox < s.ow; ++ox) visit(n, oy, ox, ((n * s.oh + oy) * s.ow + ox) * s.c);
}

int64_t kernel_count(const Conv2dShape& s) { return s.kh * s.kw * (s.groups ? s.c / s.groups : 0) * s.oc; }

}  // namespace

void gemm(const GemmArgs& g, const Launch&) {
  for (int64_t p = 0; p < g.batch; ++p) {
    const float* a = g.a + p * g.stride_a;
    const float* b = g.b + p * g.stride_b;
    float* c = g.c + p * g.stride_c;
    Epilogue epilogue = g.epilogue;
    if (epilogue.residual) epilogue.residual += p * g.stride_c;
    for (int64_t i = 0; i < g.m; ++i)
      for (int64_t j = 0; j < g.n; ++j) {
        double sum = 0;
        for (int64_t l = 0; l < g.k; ++l) {
          const double left = g.trans_a ? a[l * g.lda + i] : a[i * g.lda + l];
          const double right = g.packed_b ? g.packed_b[l * g.n + j] : g.trans_b ? b[j * g.ldb + l] : b[l * g.ldb + j];
          sum += left * right;
        }
        c[i * g.ldc + j] = finish(epilogue, sum, j, i * g.ldc + j);
      }
  }
}

// Packed weights are plain copies, (k, n) and (kh, kw, c / groups, oc): no gain, but who uses them can be tested.
size_t gemm_packed_size(const GemmArgs& g) { return static_cast<size_t>((g.k * g.n + 15) / 16) * 64; }
void gemm_pack_b(const GemmArgs& g, float* packed, const Launch&) {
  for (int64_t l = 0; l < g.k; ++l)
    for (int64_t j = 0; j < g.n; ++j) packed[l * g.n + j] = g.trans_b ? g.b[j * g.ldb + l] : g.b[l * g.ldb + j];
}

size_t conv2d_packed_size(const Conv2dShape& s) { return static_cast<size_t>((kernel_count(s) + 15) / 16) * 64; }
void conv2d_pack(const Conv2dShape& s, const float* kernel, float* packed, const Launch&) {
  for (int64_t i = 0; i < kernel_count(s); ++i) packed[i] = kernel[i];
}

void conv2d_forward(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue,
                    const Launch&) {
  const int64_t count = s.n * s.oh * s.ow * s.oc;
  Sums sums(count);
  each_product(s, [&](int64_t xi, int64_t ki, int64_t yi) { sums[yi] += double{x[xi]} * kernel[ki]; });
  for (int64_t i = 0; i < count; ++i) y[i] = finish(epilogue, sums[i], i % s.oc, i);
}

void conv2d_grad_input(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch&) {
  const int64_t count = s.n * s.h * s.w * s.c;
  Sums sums(count);
  each_product(s, [&](int64_t xi, int64_t ki, int64_t yi) { sums[xi] += double{dy[yi]} * kernel[ki]; });
  for (int64_t i = 0; i < count; ++i) dx[i] = static_cast<float>(sums[i]);
}

void conv2d_grad_weight(const Conv2dShape& s, const float* x, const float* dy, float* dkernel, float* dbias,
                        const Launch&) {
  const int64_t count = kernel_count(s);
  Sums sums(count);
  each_product(s, [&](int64_t xi, int64_t ki, int64_t yi) { sums[ki] += double{x[xi]} * dy[yi]; });
  for (int64_t i = 0; i < count; ++i) dkernel[i] = static_cast<float>(sums[i]);

  if (!dbias) return;
  for (int64_t o = 0; o < s.oc; ++o) {
    double sum = 0;
    for (int64_t pixel = 0; pixel < s.n * s.oh * s.ow; ++pixel) sum += dy[pixel * s.oc + o];
    dbias[o] = static_cast<float>(sum);
  }
}

void max_pool2d_forward(const Pool2dShape& s, const float* x, float* y, uint8_t* argmax, const Launch&) {
  each_window(s, [&](int64_t n, int64_t oy, int64_t ox, int64_t out) {
    for (int64_t c = 0; c < s.c; ++c) {
      bool first = true;
      float best = 0;
      int64_t where = 0;
      each_position(s, n, oy, ox, [&](int64_t position, int64_t index) {
        const float value = x[index + c];
        const bool better = value > best || (std::isnan(value) && !std::isnan(best));
        if (!first && !better) return;
        first = false;
        best = value;
        where = position;
      });
      y[out + c] = best;
      if (argmax) argmax[out + c] = static_cast<uint8_t>(where);
    }
  });
}

void max_pool2d_grad(const Pool2dShape& s, const float* dy, const uint8_t* argmax, float* dx, const Launch&) {
  const int64_t count = s.n * s.h * s.w * s.c;
  Sums sums(count);
  each_window(s, [&](int64_t n, int64_t oy, int64_t ox, int64_t out) {
    each_position(s, n, oy, ox, [&](int64_t position, int64_t index) {
      for (int64_t c = 0; c < s.c; ++c)
        if (argmax[out + c] == position) sums[index + c] += dy[out + c];
    });
  });
  for (int64_t i = 0; i < count; ++i) dx[i] = static_cast<float>(sums[i]);
}

void average_pool2d_forward(const Pool2dShape& s, const float* x, float* y, const Launch&) {
  each_window(s, [&](int64_t n, int64_t oy, int64_t ox, int64_t out) {
    for (int64_t c = 0; c < s.c; ++c) {
      double sum = 0;
      int64_t inside = 0;
      each_position(s, n, oy, ox, [&](int64_t, int64_t index) {
        sum += x[index + c];
        ++inside;
      });
      y[out + c] = static_cast<float>(s.mean ? sum / static_cast<double>(inside) : sum);
    }
  });
}

void average_pool2d_grad(const Pool2dShape& s, const float* dy, float* dx, const Launch&) {
  const int64_t count = s.n * s.h * s.w * s.c;
  Sums sums(count);
  each_window(s, [&](int64_t n, int64_t oy, int64_t ox, int64_t out) {
    int64_t inside = 0;
    each_position(s, n, oy, ox, [&](int64_t, int64_t) { ++inside; });
    each_position(s, n, oy, ox, [&](int64_t, int64_t index) {
      for (int64_t c = 0; c < s.c; ++c) sums[index + c] += dy[out + c] / static_cast<double>(s.mean ? inside : 1);
    });
  });
  for (int64_t i = 0; i < count; ++i) dx[i] = static_cast<float>(sums[i]);
}

// No kernel here needs a workspace.
size_t gemm_workspace(const GemmArgs&) { return 0; }
size_t conv2d_forward_workspace(const Conv2dShape&) { return 0; }
size_t conv2d_grad_input_workspace(const Conv2dShape&) { return 0; }
size_t conv2d_grad_weight_workspace(const Conv2dShape&) { return 0; }

}  // namespace linnet::LINNET_ISA
