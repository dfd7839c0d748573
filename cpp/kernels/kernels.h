// The kernel table: everything the rest of linnet may ask of a processor.
//
// A kernel gets raw pointers and sizes. It knows no Shape, no graph, no STL container and throws nothing; whoever
// calls it has checked the arguments. Every instruction set fills one KernelTable from the same sources (isa.h), and
// `reference` fills it with naive loops: the oracle that the tests hold all others against.
//
// Conventions of every kernel
//   - float32 data, NHWC, C-contiguous unless a leading dimension is given. int64_t sizes. Any size may be 0.
//   - Outputs never alias inputs unless the comment says so. Outputs may hold garbage (also NaN) on entry: they are
//     overwritten, never accumulated into.
//   - Work is split into tiles by the sizes alone, never by the number of threads, and partial sums are combined in a
//     fixed order: the same input gives the same bits on any number of threads.
//   - A row's result does not depend on how many rows are beside it (the batch): block over m as you like, but the
//     order in which one output element is summed depends on the other sizes only.
//   - Weights that stay the same for many calls can be brought into a kernel's own layout once. `xxx_packed_size` gives
//     the bytes of that layout (a multiple of 64), or 0 where it does not pay; whether it pays may depend on the batch,
//     the layout may not: what is packed once serves every batch. `xxx_pack` is called only where the size is not 0.
//     Packed or not, the result has the same bits.
//   - `xxx_workspace` returns the bytes of Launch::workspace that `xxx` needs for these sizes (a multiple of 64).
//     It must not shrink when the batch (m, n, rows) grows: memory is planned for the largest batch.
//
// Letters: n h w c input, oh ow oc output, kh kw window, m n k inside gemm; the gradient of t is dt.
// Start reading in reference.cpp: it says what each kernel computes in the fewest lines.
#pragma once
#include <cstddef>
#include <cstdint>

namespace linnet {

// Scratch that `Launch::parallel` hands to every tile: private to the thread while the tile runs, 64-byte aligned.
inline constexpr size_t kThreadScratchBytes = size_t{1} << 20;

// How a kernel reaches the other cores and its temporary memory.
struct Launch {
  // Computes one tile; `args` is whatever the kernel passed to `parallel`.
  using Tile = void (*)(const void* args, int64_t index, float* scratch);

  // Calls tile(args, i, scratch) once for every i in [0, tiles), on any thread and in any order, and returns when all
  // are done. With tiles == 1, or one thread, it runs inline. A launch costs 1-2 us when threads are used: a kernel
  // with little to do (below about 30 us) makes one tile of it.
  void (*parallel)(void* pool, int64_t tiles, Tile tile, const void* args);
  void* pool;
  void* workspace;  // 64-byte aligned, xxx_workspace(...) bytes, shared by all tiles of the call
  int64_t cache;    // bytes of the last-level cache: results that do not fit need not go through it. Changes no bit
};

enum class Activation : int32_t { none, relu, tanh, sigmoid };

// What happens to a result on its way to memory: y = activation(y + bias[channel] + residual).
struct Epilogue {
  const float* bias = nullptr;      // (columns of y) or null
  const float* residual = nullptr;  // same layout as y, or null
  Activation activation = Activation::none;
};

// c[b] = epilogue(op(a[b]) . op(b[b])) for `batch` independent products.
// op(a) is (m, k), op(b) is (k, n), c is (m, n). `trans_a`: a is stored (k, m). `trans_b`: b is stored (n, k).
struct GemmArgs {
  int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;  // (m, k) or (k, m), rows lda apart
  int64_t lda = 0;
  bool trans_a = false;
  const float* b = nullptr;  // (k, n) or (n, k), rows ldb apart
  int64_t ldb = 0;
  bool trans_b = false;
  const float* packed_b = nullptr;  // what gemm_pack_b made of b, or null; b is then not read
  float* c = nullptr;               // (m, n), rows ldc apart
  int64_t ldc = 0;
  Epilogue epilogue;  // bias has n entries; residual has c's layout
  int64_t batch = 1;
  int64_t stride_a = 0, stride_b = 0, stride_c = 0;  // between the products of the batch, in floats
};

// y[n, oy, ox, o] = sum over ky, kx, i of x[n, oy*stride_h - pad_top + ky*dilation_h, ..., group(o) + i] * kernel[ky,
// kx, i, o]. x (n, h, w, c), kernel (kh, kw, c / groups, oc), y (n, oh, ow, oc). Outside x is zero. The bottom and
// right padding follows from oh and ow.
struct Conv2dShape {
  int64_t n = 0, h = 0, w = 0, c = 0;
  int64_t kh = 1, kw = 1;
  int64_t oh = 0, ow = 0, oc = 0;
  int64_t stride_h = 1, stride_w = 1;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0;
  int64_t groups = 1;
  bool direct_only = false;  // no algorithm with another rounding error than that of the sum (no Winograd)
  bool packed = false;       // forward only: `kernel` is what conv2d_pack wrote
};

// Windows of kh x kw over x (n, h, w, c) give y (n, oh, ow, c). Positions outside x do not take part: the maximum
// ignores them and the average divides by the number of positions inside. Each window holds at least one position.
struct Pool2dShape {
  int64_t n = 0, h = 0, w = 0, c = 0;
  int64_t kh = 1, kw = 1;
  int64_t oh = 0, ow = 0;
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_top = 0, pad_left = 0;
  bool mean = true;  // average pooling: false adds up and does not divide
};

// A 3-D convolution is a 2-D one over frames that hold, beside each channel, those of the depths in its window:
// windows[n, o, p, g, k, i] = x[n, o * stride - pad + k * dilation, p, g, i], zero outside x.
// x (n, d, pixels, groups, c), windows (n, od, pixels, groups, kd, c): c is a group's share of the channels.
struct DepthWindows {
  int64_t n = 0, d = 0, od = 0, pixels = 0, groups = 1, kd = 1, c = 0;
  int64_t stride = 1, dilation = 1, pad = 0;
};

// Which pixel stands for position i outside of [0, n): none (its value is `fill_value`), the nearest edge, i mod n,
// the mirror image about the outermost pixel (edge not repeated), or about the image's border (edge repeated).
enum class FillMode : int32_t { constant, nearest, wrap, mirror, reflect };

// y[n, oy, ox, :] = x[n] at (sx, sy) = ((a0 ox + a1 oy + a2) / k, (b0 ox + b1 oy + b2) / k), k = c0 ox + c1 oy + 1,
// where row n of `transforms` is a0 a1 a2 b0 b1 b2 c0 c1. Bilinear: the four pixels around, each filled by itself where
// it lies outside; else the nearest pixel, halves away from zero. Coordinates beyond 2^22, and NaN, count as that far
// outside. x (n, h, w, c), y (n, oh, ow, c); h and w are at least 1, h w c below 2^31. x is finite.
struct AffineArgs {
  int64_t n = 0, h = 0, w = 0, c = 0, oh = 0, ow = 0;
  const float* transforms = nullptr;  // (n, 8), or (1, 8) for all images
  bool one_transform = false;
  bool bilinear = true;
  FillMode fill = FillMode::constant;
  float fill_value = 0;
};

// One axis of a resampling: out[o] = sum over k < taps of weight[o * taps + k] in[first[o] + k]. first never falls, and
// first[o] + taps <= in.
struct ResizeAxis {
  int64_t in = 0, out = 0, taps = 0;
  const int32_t* first = nullptr;  // (out)
  const float* weight = nullptr;   // (out, taps)
};
inline constexpr int64_t kMostResizeTaps = (kThreadScratchBytes / sizeof(float)) - 64;  // times channels, of columns

// ---- pointwise -----------------------------------------------------------------------------------------------------
// A pointwise node is a short program over registers that is run tile by tile (a few hundred elements), so that what
// lies between two instructions stays in L1. Registers 0 .. inputs-1 hold the inputs; every instruction writes one
// register >= inputs; outputs name the registers to store. All values are float32; comparisons give 0 or 1.
enum class Opcode : uint8_t {
  // binary: dst = a op b. mod and floor_divide as in Python (result has the divisor's sign).
  add,
  subtract,
  multiply,
  divide,
  maximum,
  minimum,
  power,
  floor_divide,
  mod,
  arctan2,
  divide_no_nan,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  logical_and,
  logical_or,
  // dst = a where b > 0, else 0: the gradient of relu, given dy and y.
  relu_grad,
  // ternary: dst = a != 0 ? b : c, and minimum(maximum(a, b), c)
  where,
  clip,
  // unary: dst = op(a)
  negative,
  absolute,
  sign,
  square,
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  expm1,
  log,
  log1p,
  sin,
  cos,
  tan,
  tanh,
  sigmoid,
  softplus,
  erf,
  floor,
  ceil,
  round,
  relu,
  logical_not,
  is_nan,
  is_finite,
  copy,
  // softplus(x) = log(1 + exp(x)) without overflow; round is half to even.
  // dst = imm (no operand)
  constant,
  // dst = Philox(seed, step, stream, element) uniform in [0, 1)  (no operand; stream = bits of imm as int32)
  random_uniform,
  // dst = standard normal from the same counters (Box-Muller)    (no operand)
  random_normal,
  count
};

struct Instruction {
  Opcode op;
  uint8_t dst = 0, a = 0, b = 0, c = 0;
  float imm = 0.0f;    // Opcode::constant
  int32_t stream = 0;  // Opcode::random_*: which stream of random numbers
};

inline constexpr int kMaxRank = 8;  // collapsed rank of a pointwise or strided operand
inline constexpr int kMaxPointwiseInputs = 12;
inline constexpr int kMaxPointwiseOutputs = 6;
inline constexpr int kMaxInstructions = 48;
inline constexpr int kMaxRegisters = 32;  // inputs and temporaries together

struct PointwiseArgs {
  int rank = 0;                  // of the iteration space
  int64_t shape[kMaxRank] = {};  // outputs are contiguous in it
  int inputs = 0;
  const float* in[kMaxPointwiseInputs] = {};
  int64_t in_strides[kMaxPointwiseInputs][kMaxRank] = {};  // in floats; 0 where the input is broadcast
  int outputs = 0;
  float* out[kMaxPointwiseOutputs] = {};  // may equal an input of the same contiguous layout (in place)
  uint8_t out_register[kMaxPointwiseOutputs] = {};
  int instructions = 0;
  const Instruction* program = nullptr;
  uint64_t seed = 0, step = 0;  // of the random numbers
};

// ---- everything else -----------------------------------------------------------------------------------------------
enum class Reduction : int32_t { sum, mean, max, min, prod };

// dst (shape, contiguous) = src read with strides (in elements of `item` bytes, 1, 4 or 8; 0 broadcasts):
// transpose, slice, broadcast. With dst_strides it writes with strides instead (concatenate, gradient of slice); all of
// them 0 means contiguous.
struct StridedCopyArgs {
  int rank = 0;
  int64_t shape[kMaxRank] = {};
  const void* src = nullptr;
  int64_t src_strides[kMaxRank] = {};
  void* dst = nullptr;
  int64_t dst_strides[kMaxRank] = {};
  int item = 4;
};

// Batch normalisation of x (rows, c) over rows (Ioffe & Szegedy 2015) with the statistics of these rows, biased:
//   y = activation((x - mean) rsqrt(variance + epsilon) gamma + beta + residual)
// The variance must not suffer cancellation when |mean| >> deviation. No rows: mean and variance are 0.
struct BatchNormArgs {
  int64_t rows = 0, c = 0;
  const float* x = nullptr;         // (rows, c)
  const float* gamma = nullptr;     // (c), or null: 1
  const float* beta = nullptr;      // (c), or null: 0
  const float* residual = nullptr;  // (rows, c), or null: 0
  float epsilon = 0;
  Activation activation = Activation::none;
  float* y = nullptr;         // (rows, c)
  float* mean = nullptr;      // (c)
  float* variance = nullptr;  // (c)
};

// How the gradient knows where the relu behind a batch normalisation let values through: it was none, its output y is
// given, or (without a residual) the output is computed again from x. That gives the bits of y.
enum class ReluMask : int32_t { none, from_y, from_x };

// dz = dy + more_dy where the relu let values through, else 0; dx, dgamma, dbeta are the gradients of the
// normalisation, given dz.
struct BatchNormGradArgs {
  int64_t rows = 0, c = 0;
  const float* x = nullptr;         // (rows, c)
  const float* dy = nullptr;        // (rows, c)
  const float* more_dy = nullptr;   // (rows, c), or null: 0
  const float* gamma = nullptr;     // (c), or null: 1
  const float* beta = nullptr;      // (c), or null: 0; read for ReluMask::from_x only
  const float* mean = nullptr;      // (c), of the forward pass
  const float* variance = nullptr;  // (c)
  const float* y = nullptr;         // (rows, c), read for ReluMask::from_y only
  float epsilon = 0;
  ReluMask relu = ReluMask::none;
  float* dx = nullptr;      // (rows, c)
  float* dgamma = nullptr;  // (c)
  float* dbeta = nullptr;   // (c)
  float* dz = nullptr;      // (rows, c), the residual's gradient; or null
};

// Normalisation of samples x (samples, steps, c) by statistics of their own (Ba, Kiros & Hinton 2016; Wu & He 2018).
// The channels fall into `groups` of neighbours; of one group, all its values at all steps of one sample are
// normalised:
//   y = (x - mean) rstd gamma + beta,  rstd = 1 / sqrt(variance + epsilon)
// With `rms` (Zhang & Sennrich 2019) the mean counts as 0. The variance must not suffer cancellation when |mean| >>
// deviation. One step and one group is layer normalisation over the last axis. c is a multiple of groups. Of no values,
// the mean and the variance are 0.
struct GroupNormArgs {
  int64_t samples = 0, steps = 0, c = 0, groups = 1;
  bool rms = false;
  const float* x = nullptr;      // (samples, steps, c)
  const float* gamma = nullptr;  // (c), or null: 1
  const float* beta = nullptr;   // (c), or null: 0
  float epsilon = 0;
  float* y = nullptr;     // (samples, steps, c)
  float* mean = nullptr;  // (samples, groups)
  float* rstd = nullptr;  // (samples, groups)
};

struct GroupNormGradArgs {
  int64_t samples = 0, steps = 0, c = 0, groups = 1;
  bool rms = false;
  const float* x = nullptr;      // (samples, steps, c)
  const float* dy = nullptr;     // (samples, steps, c)
  const float* gamma = nullptr;  // (c), or null: 1
  const float* mean = nullptr;   // (samples, groups), of the forward pass
  const float* rstd = nullptr;   // (samples, groups)
  float* dx = nullptr;           // (samples, steps, c)
  float* dgamma = nullptr;       // (c), or null where nobody asks for it
  float* dbeta = nullptr;        // (c), or null
};

// A recurrent layer over whole sequences: for every step s the state h of a row becomes a function of it and of x. With
// g gates side by side in the columns, the gates in the order in which they are named, and z = x[s] . kernel + bias
// (one slice of `units` columns for each gate), u = h . recurrent (+ recurrent_bias for gru):
//   simple            h = activation(z + u)
//   lstm              i f c o: c = gate(z_f + u_f) c + gate(z_i + u_i) activation(z_c + u_c);
//                     h = gate(z_o + u_o) activation(c)               (Hochreiter & Schmidhuber 1997, Gers et al. 2000)
//   gru               z r h: h = Z h + (1 - Z) activation(z_h + R u_h), Z and R gates of z + u  (Cho et al. 2014)
//   gru_reset_before  the same with (R h) . recurrent_h in the place of R u_h
// Step s reads x[T - 1 - s] when `reverse`. A step where the mask is 0 leaves the row's state as it is.
enum class RecurrentCell : int32_t { simple, lstm, gru, gru_reset_before };
static constexpr int recurrent_gates(RecurrentCell cell) {
  return cell == RecurrentCell::simple ? 1 : cell == RecurrentCell::lstm ? 4 : 3;
}

struct RecurrentArgs {
  RecurrentCell cell = RecurrentCell::lstm;
  int64_t n = 0, t = 0, in = 0, units = 0;
  Activation activation = Activation::tanh, gate = Activation::sigmoid;
  bool reverse = false;
  const float* x = nullptr;               // (n, t, in)
  const float* kernel = nullptr;          // (in, gates * units)
  const float* recurrent = nullptr;       // (units, gates * units)
  const float* bias = nullptr;            // (gates * units), or null: 0
  const float* recurrent_bias = nullptr;  // (gates * units), gru only, or null: 0
  const float* packed = nullptr;          // what recurrent_pack made of those four, or null; they are then not read
  const float* h0 = nullptr;              // (n, units), or null: 0
  const float* c0 = nullptr;              // (n, units), lstm only, or null: 0
  const float* mask = nullptr;            // (n, t) by the steps of x, or null: 1
  const float* recurrent_mask = nullptr;  // (n, units): factors of h where it meets `recurrent` (dropout), or null: 1
  float* y = nullptr;                     // (n, t, units): h after step s, or null
  float* h = nullptr;                     // (n, units): h after the last step, or null
  float* c = nullptr;                     // (n, units), lstm only, or null
  float* saved = nullptr;                 // (n, t, recurrent_saved) in a layout of its own for the gradient, or null
};

// Floats of `saved` for one step of one row.
static constexpr int64_t recurrent_saved(RecurrentCell cell, int64_t units) {
  const int slots = cell == RecurrentCell::simple ? 0 : cell == RecurrentCell::lstm ? 5 : 4;
  return (units + 15) / 16 * 16 * slots;
}

// `forward` holds what the forward pass had and wrote; its y and (but for `simple`) saved must be there.
struct RecurrentGradArgs {
  RecurrentArgs forward;
  const float* dy = nullptr;  // (n, t, units), or null: 0
  const float* dh = nullptr;  // (n, units), or null: 0
  const float* dc = nullptr;  // (n, units), lstm only, or null: 0
  float* dx = nullptr;        // (n, t, in), or null where it is not wanted, as all below
  float* dkernel = nullptr;   // as in RecurrentArgs
  float* drecurrent = nullptr;
  float* dbias = nullptr;
  float* drecurrent_bias = nullptr;
  float* dh0 = nullptr;
  float* dc0 = nullptr;
};

// The optimizers of Keras, each one pass over the weights and what is remembered of them. With u the gradient, decayed
// weights w' = w - decay w, and s0, s1, s2 the slots:
//   sgd       w = w' - lr u
//   momentum  s0 = momentum s0 - lr u;  w = w' + s0
//   nesterov  s0 = momentum s0 - lr u;  w = w' + momentum s0 - lr u
//   adam      s0 += (u - s0) (1 - beta_1);  s1 += (u u - s1) (1 - beta_2);  w = w' - lr s0 / (sqrt(s1) + epsilon)
//             (Kingma & Ba 2015, the "epsilon hat" form; the caller folds the bias correction into lr)
//   rmsprop   s0 = beta_1 s0 + (1 - beta_1) u u;  step = lr u / sqrt(s0 - s2 s2 + epsilon);  w = w' - step
//             s1 (null without momentum) = momentum s1 + step takes the place of step;
//             s2 (null unless centered) = beta_1 s2 + (1 - beta_1) u, before it is used
//   adagrad   s0 += u u;  w = w' - lr u / sqrt(s0 + epsilon)
enum class UpdateRule : int32_t { sgd, momentum, nesterov, adam, rmsprop, adagrad };

// The gradient of weights [begin, end) of the range.
struct GradientPart {
  const float* g = nullptr;  // (end - begin)
  int64_t begin = 0, end = 0;
  bool decays = true;  // whether weight decay touches these weights
  float scale = 1;     // written by the kernel when norms are clipped
};

// What happens to the gradient first: g' = loss_scale g. With an accumulator, g' += accumulator, which then is cleared,
// or, with `accumulate_only`, keeps g' while weights and slots stay as they are. u = mean g', then the clipping.
struct UpdateArgs {
  UpdateRule rule = UpdateRule::sgd;
  int64_t parts = 0;
  GradientPart* part = nullptr;  // ascending, without overlap
  float* w = nullptr;            // this and all below have the weights' layout
  float* slots[3] = {};
  float* average = nullptr;      // or null; afterwards ema_momentum average + (1 - ema_momentum) w
  float* accumulator = nullptr;  // or null
  bool accumulate_only = false;
  bool overwrite = false;  // w = average in the end
  float loss_scale = 1, mean = 1;
  float clip_value = 0;      // > 0: u lies in [-clip_value, clip_value]
  float clip_norm = 0;       // > 0: u shrinks to at most this norm,
  bool global_norm = false;  // that of all parts together, or that of each part
  float lr = 0, decay = 0, momentum = 0, beta_1 = 0, beta_2 = 0, epsilon = 0, ema_momentum = 0;
};

// Type of the elements that a data set holds; gather_rows turns all of them into float32 or int32.
enum class SourceType : int32_t { u8, i8, i16, u16, i32, u32, i64, u64, f32, f64, b8 };

// What `stream` does with memory: adds it up, fills it, writes it back in place, or writes it elsewhere.
enum class Stream : int32_t { read, write, update, copy };

struct KernelTable {
  const char* name;  // "x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64", "reference"

  void (*gemm)(const GemmArgs&, const Launch&);
  size_t (*gemm_workspace)(const GemmArgs&);
  // For GemmArgs::packed_b. m is the most rows that one call will have; batch is 1. Reads n, k, b, ldb and trans_b.
  size_t (*gemm_packed_size)(const GemmArgs&);
  void (*gemm_pack_b)(const GemmArgs&, float* packed, const Launch&);

  // Epilogue bias has oc entries; residual is (n, oh, ow, oc).
  void (*conv2d_forward)(const Conv2dShape&, const float* x, const float* kernel, float* y, const Epilogue&,
                         const Launch&);
  size_t (*conv2d_forward_workspace)(const Conv2dShape&);
  // For Conv2dShape::packed. n is the most images that one call will have. No workspace.
  size_t (*conv2d_packed_size)(const Conv2dShape&);
  void (*conv2d_pack)(const Conv2dShape&, const float* kernel, float* packed, const Launch&);
  void (*conv2d_grad_input)(const Conv2dShape&, const float* dy, const float* kernel, float* dx, const Launch&);
  size_t (*conv2d_grad_input_workspace)(const Conv2dShape&);
  // dbias (oc) = sum of dy over n, oh, ow; may be null.
  void (*conv2d_grad_weight)(const Conv2dShape&, const float* x, const float* dy, float* dkernel, float* dbias,
                             const Launch&);
  size_t (*conv2d_grad_weight_workspace)(const Conv2dShape&);

  void (*depth_windows)(const DepthWindows&, const float* x, float* windows, const Launch&);
  // dx = for each element of x the sum of its copies' gradients, in the order of k.
  void (*depth_windows_grad)(const DepthWindows&, const float* dwindows, float* dx, const Launch&);

  // argmax (n, oh, ow, c): ky * kw + kx of the first maximum in row-major order; a NaN wins. kh * kw <= 256.
  // argmax may be null (inference).
  void (*max_pool2d_forward)(const Pool2dShape&, const float* x, float* y, uint8_t* argmax, const Launch&);
  void (*max_pool2d_grad)(const Pool2dShape&, const float* dy, const uint8_t* argmax, float* dx, const Launch&);
  void (*average_pool2d_forward)(const Pool2dShape&, const float* x, float* y, const Launch&);
  void (*average_pool2d_grad)(const Pool2dShape&, const float* dy, float* dx, const Launch&);

  void (*affine_transform_forward)(const AffineArgs&, const float* x, float* y, const Launch&);
  // dx (n, h, w, c): what each pixel gave is given back to it. The constant fill takes its share along.
  void (*affine_transform_grad)(const AffineArgs&, const float* dy, float* dx, const Launch&);
  // y (n, rows.out, columns.out, c) from x (n, rows.in, columns.in, c).
  void (*resize)(int64_t n, int64_t c, const ResizeAxis& rows, const ResizeAxis& columns, const float* x, float* y,
                 const Launch&);

  void (*pointwise)(const PointwiseArgs&, const Launch&);

  // y (outer, inner) from x (outer, mid, inner) over mid. mid == 0 gives 0, NaN, -inf, inf, 1.
  void (*reduce)(Reduction, int64_t outer, int64_t mid, int64_t inner, const float* x, float* y, const Launch&);
  size_t (*reduce_workspace)(int64_t outer, int64_t mid, int64_t inner);
  // The maximum (minimum when `least`), and how many elements over mid are equal to it: 0 where it is NaN. `where`, or
  // null: the index of that element, -1 where it is not one alone. mid < 2^30.
  void (*reduce_extreme)(bool least, int64_t outer, int64_t mid, int64_t inner, const float* x, float* y, float* count,
                         int32_t* where, const Launch&);
  size_t (*reduce_extreme_workspace)(int64_t outer, int64_t mid, int64_t inner);
  // Its gradient: dx[o, where[o, i], i] = share[o, i], and 0 elsewhere. Where `where` is -1 the elements equal to y
  // take a share each, and dx is NaN if y is. x is looked at only there, and only if the share is not 0.
  void (*reduce_extreme_grad)(int64_t outer, int64_t mid, int64_t inner, const float* share, const int32_t* where,
                              const float* x, const float* y, float* dx, const Launch&);
  // Index of the first maximum (minimum when `least`) over mid; NaN wins, as in NumPy.
  void (*arg_reduce)(bool least, int64_t outer, int64_t mid, int64_t inner, const float* x, int32_t* y, const Launch&);

  // Rows of n values. log: log-softmax. softmax_grad takes the forward's output y; y may be the log form.
  void (*softmax_forward)(bool log, int64_t rows, int64_t n, const float* x, float* y, const Launch&);
  void (*softmax_grad)(bool log, int64_t rows, int64_t n, const float* dy, const float* y, float* dx, const Launch&);

  // loss[r] = -log softmax(logits[r])[label[r]]; probs (rows, classes) is what the gradient needs.
  // A label outside [0, classes) gives loss NaN, and the smallest such row goes to *bad_row (else -1).
  void (*sparse_cross_entropy_forward)(int64_t rows, int64_t classes, const float* logits, const int32_t* labels,
                                       float* loss, float* probs, int64_t* bad_row, const Launch&);
  // dlogits[r, j] = (probs[r, j] - [j == label[r]]) * dloss[r]
  void (*sparse_cross_entropy_grad)(int64_t rows, int64_t classes, const float* probs, const int32_t* labels,
                                    const float* dloss, float* dlogits, const Launch&);
  // The same with target distributions (rows, classes): loss[r] = -sum_j target log softmax; the gradient is
  // (probs * sum_j target - target) * dloss.
  void (*cross_entropy_forward)(int64_t rows, int64_t classes, const float* logits, const float* targets, float* loss,
                                float* probs, const Launch&);
  void (*cross_entropy_grad)(int64_t rows, int64_t classes, const float* probs, const float* targets,
                             const float* dloss, float* dlogits, const Launch&);

  void (*batch_norm_forward)(const BatchNormArgs&, const Launch&);
  void (*batch_norm_grad)(const BatchNormGradArgs&, const Launch&);
  size_t (*batch_norm_workspace)(int64_t rows, int64_t c);

  void (*group_norm_forward)(const GroupNormArgs&, const Launch&);  // no workspace
  void (*group_norm_grad)(const GroupNormGradArgs&, const Launch&);
  size_t (*group_norm_grad_workspace)(int64_t samples, int64_t steps, int64_t c);

  void (*recurrent_forward)(const RecurrentArgs&, const Launch&);
  size_t (*recurrent_workspace)(const RecurrentArgs&);    // reads sizes only, and what there is
  size_t (*recurrent_packed_size)(const RecurrentArgs&);  // bytes; 0: does not pack
  void (*recurrent_pack)(const RecurrentArgs&, float* packed, const Launch&);
  void (*recurrent_grad)(const RecurrentGradArgs&, const Launch&);
  size_t (*recurrent_grad_workspace)(const RecurrentArgs&);
  // Few rows over several steps: into how many parts their units are shared out, each a launch for every step; 1: one
  // thread does everything. 0: there are other ways to share the work.
  int64_t (*recurrent_parts)(const RecurrentArgs&);

  void (*update)(const UpdateArgs&, const Launch&);
  size_t (*update_workspace)(int64_t parts, int64_t weights);

  void (*strided_copy)(const StridedCopyArgs&, const Launch&);
  // dst[r, :] = convert(src[indices[r], :]) for r < rows; indices null means r itself. Row length in elements.
  // to_int: dst is int32 (values are checked by the caller to be representable), else float32.
  void (*gather_rows)(SourceType, bool to_int, const void* src, int64_t row, const int64_t* indices, int64_t rows,
                      void* dst, const Launch&);
  // y[i, :] = table[ids[i], :]; an id outside [0, entries) gives NaN and the smallest such i goes to *bad_row.
  void (*embedding_forward)(int64_t entries, int64_t width, int64_t ids_count, const float* table, const int32_t* ids,
                            float* y, int64_t* bad_row, const Launch&);
  // dtable (entries, width), overwritten: sums of dy (ids_count, width) by id, in the order of the ids.
  void (*embedding_grad)(int64_t entries, int64_t width, int64_t ids_count, const int32_t* ids, const float* dy,
                         float* dtable, const Launch&);
  // order (rows, k): the numbers of the k smallest (largest if `descending`) of each row's n values, in order. Equal
  // values, as -0 and 0 are, come in the order of their numbers; NaN is larger than all. x is int32 if `integers`.
  void (*sort_order)(bool integers, bool descending, int64_t rows, int64_t n, int64_t k, const void* x, int32_t* order,
                     const Launch&);
  size_t (*sort_order_workspace)(int64_t rows, int64_t n);
  // y[r, j] = x[r, ids[r, j]]: x (rows, n) of any 4-byte type, ids and y (rows, k); ids below 0 count from the end. The
  // place of the first id outside goes to *bad_row (else -1); y is then unfinished. The gradient sums dy by id.
  void (*take_along)(int64_t rows, int64_t n, int64_t k, const void* x, const int32_t* ids, void* y, int64_t* bad_row,
                     const Launch&);
  void (*take_along_grad)(int64_t rows, int64_t n, int64_t k, const int32_t* ids, const float* dy, float* dx,
                          const Launch&);
  // y[o, m, i] = sum of x[o, j, i] over j <= m (j >= m if `reverse`); summed in double.
  void (*cumulative_sum)(bool reverse, int64_t outer, int64_t mid, int64_t inner, const float* x, float* y,
                         const Launch&);
  // One-hot (count, depth) float32; ids outside give a row of zeros. And int32 <-> float32.
  void (*one_hot)(int64_t count, int64_t depth, const int32_t* ids, float* y, const Launch&);
  void (*cast_to_float)(int64_t count, const int32_t* x, float* y, const Launch&);
  void (*cast_to_int)(int64_t count, const float* x, int32_t* y, const Launch&);  // towards zero; saturates, NaN is 0

  // The yardsticks of every share of peak (runtime/peak.h times them). fma_chains: `steps` FMAs in each of many
  // independent registers per tile, the end of which goes to sums (tiles), which holds what they begin with; returns
  // the floating-point operations done. stream: read puts the sum of every 65,536 floats of x (n) into y; write makes
  // y (n) 1; update makes x 1 - x; copy makes y (n) x. Returns the bytes read and written.
  double (*fma_chains)(int64_t tiles, int64_t steps, float* sums, const Launch&);
  double (*stream)(Stream, int64_t n, float* x, float* y, const Launch&);
};

}  // namespace linnet
