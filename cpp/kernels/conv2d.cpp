// Convolution: the ordered lists of algorithms, and the helpers that they share.
//
// The first algorithm of a list that accepts the shape computes it: the special ones come first, the general one last.
// Start in conv2d_algorithms.h, which says what each is for.
#include "kernels/declare.h"

#include "kernels/conv2d_algorithms.h"
#include "kernels/math.h"

namespace linnet::LINNET_ISA {
namespace {

const ConvForward* const kForward[] = {&conv_forward_gemm,     &conv_forward_depthwise, &conv_forward_grouped,
                                       &conv_forward_winograd, &conv_forward_planar,    &conv_forward_direct,
                                       &conv_forward_general};
const ConvGradInput* const kGradInput[] = {
    &conv_grad_input_gemm,   &conv_grad_input_depthwise, &conv_grad_input_grouped, &conv_grad_input_winograd,
    &conv_grad_input_turned, &conv_grad_input_direct,    &conv_grad_input_general};
const ConvGradWeight* const kGradWeight[] = {
    &conv_grad_weight_gemm,   &conv_grad_weight_depthwise, &conv_grad_weight_grouped, &conv_grad_weight_winograd_few,
    &conv_grad_weight_planar, &conv_grad_weight_winograd,  &conv_grad_weight_direct,  &conv_grad_weight_general};

// The answer must not depend on n (but for n = 0): packed weights, and the bits of an image, outlive a batch.
template <class Algorithm, size_t Count>
const Algorithm& choose(const Algorithm* const (&list)[Count], const Conv2dShape& s) {
  if (!is_empty(s))
    for (size_t i = 0; i + 1 < Count; ++i)
      if (list[i]->accepts(s)) return *list[i];
  return *list[Count - 1];
}

struct Jobs {
  Launch::Tile job;
  const void* args;
  int64_t jobs, tiles;
};

void run_part(const void* args, int64_t tile, float* scratch) {
  const Jobs& j = *static_cast<const Jobs*>(args);
  const int64_t end = part_begin(j.jobs, j.tiles, tile + 1);
  for (int64_t i = part_begin(j.jobs, j.tiles, tile); i < end; ++i) j.job(j.args, i, scratch);
}

struct BiasSums {
  Conv2dShape s;
  const float* dy;  // (n * oh * ow, oc)
  float* partial;   // (parts, oc)
};

int64_t bias_parts(const Conv2dShape& s) { return max_of(1, min_of(16, s.n * s.oh * s.ow * s.oc / 16384)); }

void sum_bias_part(const void* args, int64_t part, float*) {
  const BiasSums& a = *static_cast<const BiasSums*>(args);
  const int64_t rows = a.s.n * a.s.oh * a.s.ow, parts = bias_parts(a.s);
  const int64_t begin = part_begin(rows, parts, part), end = part_begin(rows, parts, part + 1);
  column_sums(a.dy + begin * a.s.oc, end - begin, a.s.oc, false, a.partial + part * a.s.oc);
}

}  // namespace

void run_jobs(const Launch& launch, int64_t jobs, double flops, Launch::Tile job, const void* args) {
  constexpr double kOneTile = 3e6, kPerTile = 3e5;
  const int64_t worthwhile = flops < kOneTile ? 1 : static_cast<int64_t>(flops / kPerTile);
  const Jobs j = {job, args, jobs, min_of(jobs, worthwhile)};
  if (jobs > 0) launch.parallel(launch.pool, j.tiles, run_part, &j);
}

void finish(float* y, const float* residual, Activation activation, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    float part[kLanes] = {};
    const int64_t rest = min_of(kLanes, count - i);
    Vec v;
    if (rest == kLanes) {
      v = load(y + i);
      if (residual) v += load(residual + i);
    } else {
      for (int64_t j = 0; j < rest; ++j) part[j] = residual ? y[i + j] + residual[i + j] : y[i + j];
      v = load(part);
    }
    switch (activation) {
      case Activation::none:
        break;
      case Activation::relu:
        v = v < 0.0f ? Vec{} : v;  // keeps NaN
        break;
      case Activation::tanh:
        v = tanh_vec(v);
        break;
      case Activation::sigmoid:
        v = sigmoid_vec(v);
        break;
    }
    store_first(y + i, v, rest);
  }
}

void copy_padded(const float* x, int64_t h, int64_t w, int64_t c, int64_t iy, int64_t ix, int64_t rows, int64_t columns,
                 float* out) {
  const int64_t left = min_of(columns, max_of(0, -ix));  // columns before x
  const int64_t inside = max_of(0, min_of(w, ix + columns) - max_of(0, ix));
  for (int64_t r = 0; r < rows; ++r, out += columns * c) {
    const int64_t y = iy + r;
    const int64_t valid = y >= 0 && y < h ? inside : 0;
    for (int64_t i = 0; i < left * c; ++i) out[i] = 0.0f;
    if (valid > 0)
      __builtin_memcpy(out + left * c, x + (y * w + max_of(0, ix)) * c, static_cast<size_t>(valid * c) * 4);
    for (int64_t i = (left + valid) * c; i < columns * c; ++i) out[i] = 0.0f;
  }
}

void column_sums(const float* dy, int64_t rows, int64_t oc, bool add, float* sums) {
  for (int64_t o = 0; o < oc; o += kLanes) {
    // Whole vectors, as far as they stay inside dy: the lanes beyond oc belong to the next row and are dropped.
    const int64_t room = rows * oc - o - kLanes;
    const int64_t whole = room < 0 ? 0 : min_of(rows, room / oc + 1);
    Vec part[4] = {};  // side by side, to hide the latency of the addition
    int64_t r = 0;
    for (; r + 4 <= whole; r += 4)
      for (int64_t j = 0; j < 4; ++j) part[j] += load(dy + (r + j) * oc + o);
    for (; r < whole; ++r) part[0] += load(dy + r * oc + o);
    float total[kLanes];
    store(total, (part[0] + part[1]) + (part[2] + part[3]));
    for (int64_t i = 0; i < min_of(kLanes, oc - o); ++i) {
      for (int64_t rest = whole; rest < rows; ++rest) total[i] += dy[rest * oc + o + i];
      sums[o + i] = add ? sums[o + i] + total[i] : total[i];
    }
  }
}

size_t bias_sums_workspace(const Conv2dShape& s) { return workspace_bytes(bias_parts(s) * s.oc); }

void bias_sums(const Conv2dShape& s, const float* dy, float* dbias, const Launch& launch) {
  const BiasSums args = {s, dy, static_cast<float*>(launch.workspace)};
  const int64_t parts = bias_parts(s);
  run_jobs(launch, parts, 4.0 * static_cast<double>(s.n * s.oh * s.ow * s.oc), sum_bias_part, &args);
  column_sums(args.partial, parts, s.oc, false, dbias);
}

void conv2d_forward(const Conv2dShape& s, const float* x, const float* kernel, float* y, const Epilogue& epilogue,
                    const Launch& launch) {
  choose(kForward, s).run(s, x, kernel, y, epilogue, launch);
}
size_t conv2d_forward_workspace(const Conv2dShape& s) { return choose(kForward, s).workspace(s); }

size_t conv2d_packed_size(const Conv2dShape& s) {
  const ConvForward& algorithm = choose(kForward, s);
  return algorithm.packed_size ? algorithm.packed_size(s) : 0;
}
void conv2d_pack(const Conv2dShape& s, const float* kernel, float* packed, const Launch& launch) {
  choose(kForward, s).pack(s, kernel, packed, launch);
}

void conv2d_grad_input(const Conv2dShape& s, const float* dy, const float* kernel, float* dx, const Launch& launch) {
  choose(kGradInput, s).run(s, dy, kernel, dx, launch);
}
size_t conv2d_grad_input_workspace(const Conv2dShape& s) { return choose(kGradInput, s).workspace(s); }

void conv2d_grad_weight(const Conv2dShape& s, const float* x, const float* dy, float* dkernel, float* dbias,
                        const Launch& launch) {
  choose(kGradWeight, s).run(s, x, dy, dkernel, dbias, launch);
}
size_t conv2d_grad_weight_workspace(const Conv2dShape& s) { return choose(kGradWeight, s).workspace(s); }

}  // namespace linnet::LINNET_ISA
