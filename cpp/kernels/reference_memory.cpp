// The reference table, last part: kernels that mostly move memory. The optimizers, the depths of a window laid side by
// side, strided copies, conversions, gathers and scatters of rows; and the two yardsticks, which measure nothing here:
// a naive loop's own peak says little. Each kernel says what it computes in the fewest lines; the fast forms have files
// of their own. Start at `update` for how an optimizer's extras follow on one another.
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/declare.h"

namespace linnet::LINNET_ISA {
namespace {

// Rows of `row` elements of type Source, read at `indices`, converted to Target.
template <class Source, class Target>
void gather(const void* src, int64_t row, const int64_t* indices, int64_t rows, void* dst) {
  const Source* from = static_cast<const Source*>(src);
  Target* to = static_cast<Target*>(dst);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < row; ++j) to[r * row + j] = static_cast<Target>(from[(indices ? indices[r] : r) * row + j]);
}

template <class Target>
void gather_type(SourceType type, const void* src, int64_t row, const int64_t* indices, int64_t rows, void* dst) {
  switch (type) {
    case SourceType::b8:  // bytes 0 and 1
    case SourceType::u8:
      return gather<uint8_t, Target>(src, row, indices, rows, dst);
    case SourceType::i8:
      return gather<int8_t, Target>(src, row, indices, rows, dst);
    case SourceType::i16:
      return gather<int16_t, Target>(src, row, indices, rows, dst);
    case SourceType::u16:
      return gather<uint16_t, Target>(src, row, indices, rows, dst);
    case SourceType::i32:
      return gather<int32_t, Target>(src, row, indices, rows, dst);
    case SourceType::u32:
      return gather<uint32_t, Target>(src, row, indices, rows, dst);
    case SourceType::i64:
      return gather<int64_t, Target>(src, row, indices, rows, dst);
    case SourceType::u64:
      return gather<uint64_t, Target>(src, row, indices, rows, dst);
    case SourceType::f32:
      return gather<float, Target>(src, row, indices, rows, dst);
    case SourceType::f64:
      return gather<double, Target>(src, row, indices, rows, dst);
  }
}

// What shortens a vector whose squares have this sum to at most `limit`, or 1 where there is none. A NaN stays.
float shrink(double squares, float limit) {
  const double norm = std::sqrt(squares), most = static_cast<double>(limit);
  return limit > 0 && !(norm <= most) ? static_cast<float>(most / norm) : 1.0f;
}

}  // namespace

void update(const UpdateArgs& a, const Launch&) {
  const auto raw = [&](const GradientPart& part, int64_t i) {
    return a.loss_scale * part.g[i - part.begin] + (a.accumulator ? a.accumulator[i] : 0);
  };
  double all = 0;
  for (GradientPart* part = a.part; part < a.part + a.parts; ++part) {
    double sum = 0;
    for (int64_t i = part->begin; i < part->end; ++i) sum += std::pow(static_cast<double>(a.mean * raw(*part, i)), 2);
    part->scale = shrink(sum, a.clip_norm);
    all += sum;
  }
  for (const GradientPart* part = a.part; part < a.part + a.parts; ++part) {
    const float scale = a.global_norm ? shrink(all, a.clip_norm) : part->scale;
    for (int64_t i = part->begin; i < part->end; ++i) {
      float u = raw(*part, i);
      if (a.accumulator) a.accumulator[i] = a.accumulate_only ? u : 0;
      float* const s[] = {a.slots[0] + i, a.slots[1] + i, a.slots[2] + i};
      float& w = a.w[i];
      if (!a.accumulate_only) {
        u *= a.mean * scale;
        if (a.clip_value > 0 && std::abs(u) > a.clip_value) u = std::copysign(a.clip_value, u);
        if (part->decays) w -= a.decay * w;
        switch (a.rule) {
          case UpdateRule::sgd:
            w -= a.lr * u;
            break;
          case UpdateRule::momentum:
            *s[0] = a.momentum * *s[0] - a.lr * u;
            w += *s[0];
            break;
          case UpdateRule::nesterov:
            *s[0] = a.momentum * *s[0] - a.lr * u;
            w += a.momentum * *s[0] - a.lr * u;
            break;
          case UpdateRule::adam:
            *s[0] += (u - *s[0]) * (1 - a.beta_1);
            *s[1] += (u * u - *s[1]) * (1 - a.beta_2);
            w -= a.lr * *s[0] / (std::sqrt(*s[1]) + a.epsilon);
            break;
          case UpdateRule::rmsprop: {
            *s[0] = a.beta_1 * *s[0] + (1 - a.beta_1) * u * u;
            if (a.slots[2]) *s[2] = a.beta_1 * *s[2] + (1 - a.beta_1) * u;
            float step = a.lr * u / std::sqrt(*s[0] - (a.slots[2] ? *s[2] * *s[2] : 0) + a.epsilon);
            if (a.slots[1]) step = *s[1] = a.momentum * *s[1] + step;
            w -= step;
            break;
          }
          case UpdateRule::adagrad:
            *s[0] += u * u;
            w -= a.lr * u / std::sqrt(*s[0] + a.epsilon);
            break;
        }
      }
      if (!a.average) continue;
      a.average[i] = a.ema_momentum * a.average[i] + (1 - a.ema_momentum) * w;
      if (a.overwrite) w = a.average[i];
    }
  }
}
size_t update_workspace(int64_t, int64_t) { return 0; }

void depth_windows(const DepthWindows& s, const float* x, float* windows, const Launch&) {
  const int64_t row = s.groups * s.c;
  for (int64_t frame = 0; frame < s.n * s.od; ++frame)
    for (int64_t p = 0; p < s.pixels; ++p)
      for (int64_t g = 0; g < s.groups; ++g)
        for (int64_t k = 0; k < s.kd; ++k) {
          const int64_t depth = frame % s.od * s.stride - s.pad + k * s.dilation;
          for (int64_t i = 0; i < s.c; ++i)
            *windows++ =
                depth < 0 || depth >= s.d ? 0 : x[((frame / s.od * s.d + depth) * s.pixels + p) * row + g * s.c + i];
        }
}

void depth_windows_grad(const DepthWindows& s, const float* dwindows, float* dx, const Launch&) {
  const int64_t row = s.groups * s.c;
  for (int64_t i = 0; i < s.n * s.d * s.pixels * row; ++i) dx[i] = 0;
  for (int64_t k = 0; k < s.kd; ++k)
    for (int64_t frame = 0; frame < s.n * s.od; ++frame) {
      const int64_t depth = frame % s.od * s.stride - s.pad + k * s.dilation;
      if (depth < 0 || depth >= s.d) continue;
      for (int64_t p = 0; p < s.pixels; ++p)
        for (int64_t j = 0; j < row; ++j)
          dx[((frame / s.od * s.d + depth) * s.pixels + p) * row + j] +=
              dwindows[((frame * s.pixels + p) * s.groups + j / s.c) * s.kd * s.c + k * s.c + j % s.c];
    }
}

void strided_copy(const StridedCopyArgs& a, const Launch&) {
  int64_t elements = 1;
  bool contiguous = true;  // dst_strides all 0
  for (int d = 0; d < a.rank; ++d) {
    elements *= a.shape[d];
    contiguous = contiguous && a.dst_strides[d] == 0;
  }
  const char* src = static_cast<const char*>(a.src);
  char* dst = static_cast<char*>(a.dst);
  for (int64_t element = 0; element < elements; ++element) {
    int64_t rest = element, from = 0, to = 0;
    for (int d = a.rank - 1; d >= 0; --d) {
      from += rest % a.shape[d] * a.src_strides[d];
      to += rest % a.shape[d] * a.dst_strides[d];
      rest /= a.shape[d];
    }
    std::memcpy(dst + (contiguous ? element : to) * a.item, src + from * a.item, static_cast<size_t>(a.item));
  }
}

void gather_rows(SourceType type, bool to_int, const void* src, int64_t row, const int64_t* indices, int64_t rows,
                 void* dst, const Launch&) {
  if (to_int) return gather_type<int32_t>(type, src, row, indices, rows, dst);
  gather_type<float>(type, src, row, indices, rows, dst);
}

void embedding_forward(int64_t entries, int64_t width, int64_t ids_count, const float* table, const int32_t* ids,
                       float* y, int64_t* bad_row, const Launch&) {
  *bad_row = -1;
  for (int64_t i = 0; i < ids_count; ++i) {
    const bool good = ids[i] >= 0 && ids[i] < entries;
    if (!good && *bad_row < 0) *bad_row = i;
    for (int64_t j = 0; j < width; ++j)
      y[i * width + j] = good ? table[ids[i] * width + j] : std::numeric_limits<float>::quiet_NaN();
  }
}

void embedding_grad(int64_t entries, int64_t width, int64_t ids_count, const int32_t* ids, const float* dy,
                    float* dtable, const Launch&) {
  for (int64_t i = 0; i < entries * width; ++i) dtable[i] = 0;
  for (int64_t i = 0; i < ids_count; ++i)
    if (ids[i] >= 0 && ids[i] < entries)
      for (int64_t j = 0; j < width; ++j) dtable[ids[i] * width + j] += dy[i * width + j];
}

void one_hot(int64_t count, int64_t depth, const int32_t* ids, float* y, const Launch&) {
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < depth; ++j) y[i * depth + j] = ids[i] == j ? 1 : 0;
}

void cast_to_float(int64_t count, const int32_t* x, float* y, const Launch&) {
  for (int64_t i = 0; i < count; ++i) y[i] = static_cast<float>(x[i]);
}

void cast_to_int(int64_t count, const float* x, int32_t* y, const Launch&) {
  for (int64_t i = 0; i < count; ++i) {
    if (std::isnan(x[i])) {
      y[i] = 0;
    } else if (x[i] >= 0x1p31f) {
      y[i] = std::numeric_limits<int32_t>::max();
    } else {
      y[i] = x[i] < -0x1p31f ? std::numeric_limits<int32_t>::min() : static_cast<int32_t>(x[i]);
    }
  }
}

// One chain a tile: the reference's own peak is that of a single register.
double fma_chains(int64_t tiles, int64_t steps, float* sums, const Launch&) {
  for (int64_t t = 0; t < tiles; ++t) {
    const float a = 0.999f + sums[t] * 1e-9f, b = sums[t] * 1e-3f;
    for (int64_t i = 0; i < steps; ++i) sums[t] = sums[t] * a + b;
  }
  return 2.0 * static_cast<double>(tiles * steps);
}

double stream(Stream kind, int64_t n, float* x, float* y, const Launch&) {
  constexpr int64_t kTile = 1 << 16;
  for (int64_t i = 0; i < n; ++i) {
    if (kind == Stream::read) y[i / kTile] = x[i] + (i % kTile == 0 ? 0 : y[i / kTile]);
    if (kind == Stream::write) y[i] = 1.0f;
    if (kind == Stream::update) x[i] = 1.0f - x[i];
    if (kind == Stream::copy) y[i] = x[i];
  }
  return static_cast<double>(n) * (kind == Stream::read || kind == Stream::write ? 4 : 8);
}

}  // namespace linnet::LINNET_ISA
