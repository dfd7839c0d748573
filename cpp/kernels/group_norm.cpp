// Normalisation of samples x (samples, steps, c) in groups of channels, each by its own mean and variance over all
// steps (kernels.h): layer, group, instance and root-mean-square normalisation, forward and gradient.
//
// A group of one sample is `steps` runs of c / groups neighbours, c floats apart. There are two ways over it:
//
//   runs     one group after the other, vectors along the runs: long runs, and single rows of any length
//   columns  all groups of a sample at once, vectors along the channels, with sums for each channel that are joined to
//            those of its group: short runs (GroupNormalization's usual 2 to 16 channels). Several steps of few
//            channels count as one row, so that vectors are full.
//
// Moments are taken of x - s, where s is the mean of the group's first step or steps, and corrected: nothing cancels
// when the mean is large beside the deviation. Sums run in float over a stretch and in double across stretches.
//
// The gradient, with xn = (x - mean) rstd and g = gamma dy:  dx = rstd (g - mean(g) - xn mean(g xn)).  Samples are
// taken in chunks that the sizes decide; each chunk adds up its own dgamma and dbeta in the workspace, and the chunks
// are joined in order. A sample is the work of one thread: few large samples do not spread further.
#include "kernels/column_sums.h"
#include "kernels/declare.h"
#include "kernels/lanes.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

constexpr int64_t kStretch = 4096;     // floats of a run that are added up in float
constexpr int64_t kStretchRows = 256;  // the same for rows of columns
constexpr int64_t kBackwards = 32768;  // floats of columns between two leaps back: after each the stream starts anew
constexpr int kTogether = 4;           // rows of columns that are added up between reading a sum and writing it
constexpr int64_t kShortRow = 256;     // floats of such rows: longer ones are no stream to the processor's prefetcher
constexpr int64_t kMaxColumns = 8192;  // channels whose sums and coefficients fit into a thread's scratch
constexpr int64_t kLongRun = 32;       // channels of a group from which on runs are faster than columns

int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

template <class Args>
bool by_runs(const Args& a) {
  return a.steps <= 1 || a.c / a.groups >= kLongRun || a.c > kMaxColumns;
}

// Whether the result goes past the caches, being too large to be found there by whoever reads it: a plain store would
// read each line first. Its vectors must be whole and aligned.
template <class Args>
bool past_caches(const Args& a, const float* out, const Launch& launch) {
  const int64_t floats = a.samples * a.steps * a.c;
  return floats * static_cast<int64_t>(sizeof(float)) > launch.cache / 2 && a.c / a.groups % kLanes == 0 &&
         reinterpret_cast<intptr_t>(out) % static_cast<int64_t>(sizeof(Vec)) == 0;
}
// The same for columns, whose vectors run over the groups.
template <class Args>
bool past_caches_by_columns(Args a, const float* out, const Launch& launch) {
  a.groups = 1;
  return past_caches(a, out, launch);
}

void put(float* p, Vec v, int64_t lanes, bool past) { past ? store_past_caches(p, v) : store_some(p, v, lanes); }

struct Moments {
  float mean, rstd;
};

// From sums of x - shift and their squares. The variance of equal values may come out just below 0.
Moments moments(double sum, double squares, double count, float shift, bool rms, float epsilon) {
  const double offset = sum / count, spread = squares / count - (rms ? 0 : offset * offset);
  const float variance = static_cast<float>(spread < 0 ? 0 : spread);  // keeps NaN
  return {rms ? 0.0f : static_cast<float>(shift + offset), 1.0f / __builtin_sqrtf(variance + epsilon)};
}

// Calls f(at, lanes, j) for vectors that cover the runs of a group: `lanes` floats at `at`, channels j .. of the group.
// The last stretch comes first: what the pass before read last is still in cache. Upwards within a stretch.
template <class F>
inline void each_vector_of_runs(int64_t steps, int64_t c, int64_t width, F f) {
  const int64_t parts = (width + kStretch - 1) / kStretch, together = max_of(1, kStretch / width);
  for (int64_t end = steps; end > 0; end -= together)
    for (int64_t part = parts - 1; part >= 0; --part)
      for (int64_t s = max_of(0, end - together); s < end; ++s) {
        const int64_t from = part * kStretch;
        each_vector(min_of(kStretch, width - from),
                    [&](int64_t j, int64_t lanes) { f(s * c + from + j, lanes, from + j); });
      }
}

// add(at, lanes, j, sums) for all vectors of the runs, where `sums` are N vectors; what they hold is taken to total (N)
// after each stretch.
template <int N, class F>
inline void sum_of_runs(int64_t steps, int64_t c, int64_t width, double* total, F add) {
  Vec sums[N] = {};
  int64_t left = kStretch;
  const auto flush = [&] {
    for (int i = 0; i < N; ++i) {
      total[i] += sum_lanes(sums[i]);
      sums[i] = Vec{};
    }
    left = kStretch;
  };
  for (int i = 0; i < N; ++i) total[i] = 0;
  for (int64_t s = 0; s < steps; ++s)
    for (int64_t from = 0; from < width; from += kStretch) {
      const int64_t count = min_of(kStretch, width - from), first = s * c + from;
      each_vector(count, [&](int64_t j, int64_t lanes) { add(first + j, lanes, from + j, sums); });
      if ((left -= count) <= 0) flush();
    }
  flush();
}

// ---- forward, by runs

void normalize_runs(const GroupNormArgs& args, const Launch& launch) {
  const GroupNormArgs a = args;
  const bool past = past_caches(a, a.y, launch);
  const int64_t width = a.c / a.groups;
  for_tiles(launch, a.samples * a.groups, 4 * a.steps * width + 200, [=](int64_t begin, int64_t end, float*) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t channel = i % a.groups * width, first = i / a.groups * a.steps * a.c + channel;
      const float* x = a.x + first;
      float* y = a.y + first;
      double sum[2] = {};
      if (!a.rms)
        sum_of_runs<1>(1, a.c, width, sum, [&](int64_t at, int64_t lanes, int64_t, Vec* sums) {
          sums[0] += load_some(x + at, lanes, 0.0f);
        });
      const float shift = static_cast<float>(sum[0] / static_cast<double>(width));
      const Vec shifts = broadcast(shift);
      sum_of_runs<2>(a.steps, a.c, width, sum, [&](int64_t at, int64_t lanes, int64_t, Vec* sums) {
        const Vec deviation = load_some(x + at, lanes, shift) - shifts;
        sums[0] += deviation;
        sums[1] += deviation * deviation;
      });
      const Moments m = moments(sum[0], sum[1], static_cast<double>(a.steps * width), shift, a.rms, a.epsilon);
      a.mean[i] = m.mean;
      a.rstd[i] = m.rstd;
      const Vec mean = broadcast(m.mean), rstd = broadcast(m.rstd);
      const float *gamma = a.gamma ? a.gamma + channel : nullptr, *beta = a.beta ? a.beta + channel : nullptr;
      each_vector_of_runs(a.steps, a.c, width, [&](int64_t at, int64_t lanes, int64_t j) {
        Vec value = (load_some(x + at, lanes, 0.0f) - mean) * rstd;
        if (gamma) value *= load_some(gamma + j, lanes, 0.0f);
        if (beta) value += load_some(beta + j, lanes, 0.0f);
        put(y + at, value, lanes, past);
      });
    }
    finish_past_caches();
  });
}

// ---- by columns: a sample is steps * c floats, seen as rows of `wide`, which are whole steps

template <int n>
struct Rows {
  static constexpr int kCount = n;
};

struct Columns {
  int64_t c, floats, wide;  // floats: of a sample

  Columns(int64_t steps, int64_t channels)
      : c(channels), floats(steps * channels), wide(rows_in_group(steps, channels) * channels) {}

  // f(at, lanes, i, Rows<n>): `lanes` floats at `at`, columns i .. of a wide row, and those of the n - 1 rows that
  // follow. After every kStretchRows rows, and at the end, flush().
  template <class F, class Flush>
  void each(F f, Flush flush) const {
    int64_t row = 0, at = 0;
    for (; wide <= kShortRow && at + kTogether * wide <= floats; at += kTogether * wide) {
      each_vector(wide, [&](int64_t i, int64_t lanes) { f(at + i, lanes, i, Rows<kTogether>()); });
      if ((row += kTogether) % kStretchRows == 0) flush();
    }
    for (; at < floats; at += wide) {
      each_vector(min_of(wide, floats - at), [&](int64_t i, int64_t lanes) { f(at + i, lanes, i, Rows<1>()); });
      if (++row % kStretchRows == 0) flush();
    }
    flush();
  }
  // The same without sums, the last rows first: what the pass before read last is still in cache.
  template <class F>
  void each_backwards(F f) const {
    const int64_t stretch = max_of(1, kBackwards / wide) * wide;
    for (int64_t begin = (floats - 1) / stretch * stretch; begin >= 0; begin -= stretch)
      for (int64_t at = begin; at < min_of(begin + stretch, floats); at += wide)
        each_vector(min_of(wide, floats - at), [&](int64_t i, int64_t lanes) { f(at + i, lanes, i); });
  }

  // total (c) += the columns of sums (wide), which become 0.
  void fold(float* sums, double* total) const {
    for (int64_t i = 0; i < wide; i += c)
#pragma omp simd
      for (int64_t j = 0; j < c; ++j) total[j] += sums[i + j];
    for (int64_t i = 0; i < wide; ++i) sums[i] = 0.0f;
  }

  // row (wide) = its first c floats, repeated.
  void repeat(float* row) const {
    for (int64_t i = c; i < wide; ++i) row[i] = row[i - c];
  }

  // Floats of a row of scratch.
  int64_t pitch() const { return (wide + 15) / 16 * 16; }
};

// Sum over the channels of a group.
double sum_of(const double* from, int64_t width) {
  double sum = 0;
  for (int64_t j = 0; j < width; ++j) sum += from[j];
  return sum;
}

void normalize_columns(const GroupNormArgs& args, const Launch& launch) {
  const GroupNormArgs a = args;
  const bool past = past_caches_by_columns(a, a.y, launch);
  const int64_t width = a.c / a.groups;
  const Columns columns(a.steps, a.c);
  for_tiles(launch, a.samples, 4 * columns.floats + 1000, [=](int64_t begin, int64_t end, float* scratch) {
    double *totals = reinterpret_cast<double*>(scratch), *squares_total = totals + a.c;  // (c)
    float* const rows = scratch + 4 * a.c;
    float *sums = rows, *squares = rows + columns.pitch(), *center = rows + 2 * columns.pitch();  // (wide)
    for (int64_t sample = begin; sample < end; ++sample) {
      const float* x = a.x + sample * columns.floats;
      float* y = a.y + sample * columns.floats;
      for (int64_t j = 0; j < a.c; ++j) totals[j] = squares_total[j] = 0;
      // The shift of a group: its mean over the steps of the first wide row.
      for (int64_t i = 0; i < columns.wide; ++i) sums[i] = a.rms ? 0.0f : x[i];
      columns.fold(sums, totals);
      for (int64_t first = 0; first < a.c; first += width) {
        const double count = static_cast<double>(columns.wide / a.c * width);
        const float shift = static_cast<float>(sum_of(totals + first, width) / count);
        for (int64_t j = first; j < first + width; ++j) {
          center[j] = shift;
          totals[j] = 0;
        }
      }
      columns.repeat(center);
      for (int64_t i = 0; i < columns.wide; ++i) squares[i] = 0.0f;
      columns.each(
          [&](int64_t at, int64_t lanes, int64_t i, auto together) {
            const Vec shift = load_some(center + i, lanes, 0.0f);
            Vec sum = load_some(sums + i, lanes, 0.0f), square = load_some(squares + i, lanes, 0.0f);
            for (int r = 0; r < together.kCount; ++r) {
              const Vec deviation = load_some(x + at + r * columns.wide, lanes, 0.0f) - shift;
              sum += deviation;
              square += deviation * deviation;
            }
            store_some(sums + i, sum, lanes);
            store_some(squares + i, square, lanes);
          },
          [&] {
            columns.fold(sums, totals);
            columns.fold(squares, squares_total);
          });
      float *factor = sums, *shift = squares;
      for (int64_t first = 0, i = sample * a.groups; first < a.c; first += width, ++i) {
        const double count = static_cast<double>(a.steps * width);
        const Moments m = moments(sum_of(totals + first, width), sum_of(squares_total + first, width), count,
                                  center[first], a.rms, a.epsilon);
        a.mean[i] = m.mean;
        a.rstd[i] = m.rstd;
        for (int64_t j = first; j < first + width; ++j) {
          center[j] = m.mean;
          factor[j] = m.rstd * (a.gamma ? a.gamma[j] : 1.0f);
          shift[j] = a.beta ? a.beta[j] : 0.0f;
        }
      }
      columns.repeat(center);
      columns.repeat(factor);
      columns.repeat(shift);
      columns.each_backwards([&](int64_t at, int64_t lanes, int64_t i) {
        const Vec deviation = load_some(x + at, lanes, 0.0f) - load_some(center + i, lanes, 0.0f);
        put(y + at, deviation * load_some(factor + i, lanes, 0.0f) + load_some(shift + i, lanes, 0.0f), lanes, past);
      });
    }
    finish_past_caches();
  });
}

// ---- gradient

// The samples of a chunk. Their sums dgamma, dbeta (2, c) are few beside the data, and the chunks at least four.
int64_t chunk_samples(int64_t samples, int64_t steps, int64_t c) {
  if (samples == 0 || steps == 0 || c == 0) return 1;
  const int64_t rows = max_of(64, kChunk / c), enough = (rows + steps - 1) / steps;
  return max_of(1, min_of(enough, (samples + 3) / 4));
}

int64_t chunk_count(int64_t samples, int64_t steps, int64_t c) {
  const int64_t per_chunk = chunk_samples(samples, steps, c);
  return (samples + per_chunk - 1) / per_chunk;
}

// One sample, group by group. dgamma, dbeta (c): the chunk's sums, to which this sample adds.
void grad_runs(const GroupNormGradArgs& a, int64_t sample, float* dgamma, float* dbeta, bool past) {
  const int64_t width = a.c / a.groups;
  const float count = static_cast<float>(a.steps * width);
  for (int64_t group = 0; group < a.groups; ++group) {
    const int64_t channel = group * width, first = sample * a.steps * a.c + channel, i = sample * a.groups + group;
    const float *x = a.x + first, *dy = a.dy + first, *gamma = a.gamma ? a.gamma + channel : nullptr;
    float *dx = a.dx + first, *to_gamma = dgamma + channel, *to_beta = dbeta + channel;
    const Vec mean = broadcast(a.mean[i]), rstd = broadcast(a.rstd[i]);
    double total[2];
    sum_of_runs<2>(a.steps, a.c, width, total, [&](int64_t at, int64_t lanes, int64_t j, Vec* sums) {
      const Vec flow = load_some(dy + at, lanes, 0.0f);
      const Vec product = flow * ((load_some(x + at, lanes, 0.0f) - mean) * rstd);
      store_some(to_beta + j, load_some(to_beta + j, lanes, 0.0f) + flow, lanes);
      store_some(to_gamma + j, load_some(to_gamma + j, lanes, 0.0f) + product, lanes);
      const Vec slope = gamma ? load_some(gamma + j, lanes, 0.0f) : broadcast(1.0f);
      sums[0] += slope * flow;
      sums[1] += slope * product;
    });
    const Vec offset = broadcast(a.rms ? 0.0f : static_cast<float>(total[0]) / count);
    const Vec tilt = broadcast(static_cast<float>(total[1]) / count);
    each_vector_of_runs(a.steps, a.c, width, [&](int64_t at, int64_t lanes, int64_t j) {
      Vec flow = load_some(dy + at, lanes, 0.0f);
      if (gamma) flow *= load_some(gamma + j, lanes, 0.0f);
      const Vec normal = (load_some(x + at, lanes, 0.0f) - mean) * rstd;
      put(dx + at, rstd * (flow - offset - normal * tilt), lanes, past);
    });
  }
}

// The same by columns.
void grad_columns(const GroupNormGradArgs& a, int64_t sample, float* dgamma, float* dbeta, bool past, float* scratch) {
  const int64_t width = a.c / a.groups;
  const Columns columns(a.steps, a.c);
  double *plain_total = reinterpret_cast<double*>(scratch), *product_total = plain_total + a.c;  // (c)
  float* const rows = scratch + 4 * a.c;
  float *plain = rows, *product = rows + columns.pitch(), *center = rows + 2 * columns.pitch();  // (wide)
  float* tilt = rows + 3 * columns.pitch();                                                      // (wide)
  const float *x = a.x + sample * columns.floats, *dy = a.dy + sample * columns.floats;
  float* dx = a.dx + sample * columns.floats;
  for (int64_t j = 0; j < a.c; ++j) {
    plain_total[j] = product_total[j] = 0;
    center[j] = a.mean[sample * a.groups + j / width];
  }
  columns.repeat(center);
  for (int64_t i = 0; i < columns.wide; ++i) plain[i] = product[i] = 0.0f;
  columns.each(
      [&](int64_t at, int64_t lanes, int64_t i, auto together) {
        const Vec shift = load_some(center + i, lanes, 0.0f);
        Vec sum = load_some(plain + i, lanes, 0.0f), weighted = load_some(product + i, lanes, 0.0f);
        for (int r = 0; r < together.kCount; ++r) {
          const Vec flow = load_some(dy + at + r * columns.wide, lanes, 0.0f);
          sum += flow;
          weighted += flow * (load_some(x + at + r * columns.wide, lanes, 0.0f) - shift);
        }
        store_some(plain + i, sum, lanes);
        store_some(product + i, weighted, lanes);
      },
      [&] {
        columns.fold(plain, plain_total);
        columns.fold(product, product_total);
      });
  float *factor = plain, *offset = product;
  for (int64_t group = 0; group < a.groups; ++group) {
    const double rstd = a.rstd[sample * a.groups + group], count = static_cast<double>(a.steps * width);
    double sum = 0, sum_product = 0;
    for (int64_t j = group * width; j < (group + 1) * width; ++j) {
      const double gamma = a.gamma ? a.gamma[j] : 1;
      sum += gamma * plain_total[j];
      sum_product += gamma * product_total[j] * rstd;
      dbeta[j] += static_cast<float>(plain_total[j]);
      dgamma[j] += static_cast<float>(product_total[j] * rstd);
    }
    for (int64_t j = group * width; j < (group + 1) * width; ++j) {
      factor[j] = static_cast<float>(rstd) * (a.gamma ? a.gamma[j] : 1.0f);
      offset[j] = a.rms ? 0.0f : static_cast<float>(rstd * sum / count);
      tilt[j] = static_cast<float>(rstd * rstd * sum_product / count);
    }
  }
  columns.repeat(factor);
  columns.repeat(offset);
  columns.repeat(tilt);
  columns.each_backwards([&](int64_t at, int64_t lanes, int64_t i) {
    const Vec deviation = load_some(x + at, lanes, 0.0f) - load_some(center + i, lanes, 0.0f);
    const Vec flow = load_some(dy + at, lanes, 0.0f) * load_some(factor + i, lanes, 0.0f);
    const Vec level = load_some(offset + i, lanes, 0.0f);
    put(dx + at, flow - level - deviation * load_some(tilt + i, lanes, 0.0f), lanes, past);
  });
}

// to (c) = the sum over the chunks, (2, c) floats apart.
void merge(const float* of_chunks, int64_t chunks, int64_t c, float* to) {
  constexpr int64_t kBlock = 256;
  double total[kBlock];
  for (int64_t first = 0; first < c; first += kBlock) {
    const int64_t count = min_of(kBlock, c - first);
    for (int64_t j = 0; j < count; ++j) total[j] = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk)
#pragma omp simd
      for (int64_t j = 0; j < count; ++j) total[j] += of_chunks[chunk * 2 * c + first + j];
    for (int64_t j = 0; j < count; ++j) to[first + j] = static_cast<float>(total[j]);
  }
}

}  // namespace

void group_norm_forward(const GroupNormArgs& a, const Launch& launch) {
  if (a.steps * a.c == 0) {
    for (int64_t i = 0; i < a.samples * a.groups; ++i) {
      a.mean[i] = 0.0f;
      a.rstd[i] = 1.0f / __builtin_sqrtf(a.epsilon);
    }
    return;
  }
  by_runs(a) ? normalize_runs(a, launch) : normalize_columns(a, launch);
}

void group_norm_grad(const GroupNormGradArgs& args, const Launch& launch) {
  const GroupNormGradArgs a = args;
  const int64_t per_chunk = chunk_samples(a.samples, a.steps, a.c), chunks = chunk_count(a.samples, a.steps, a.c);
  float* const sums = static_cast<float*>(launch.workspace);  // (chunks, 2, c): dgamma, dbeta
  const bool runs = by_runs(a);
  const bool past = runs ? past_caches(a, a.dx, launch) : past_caches_by_columns(a, a.dx, launch);
  for_tiles(launch, chunks, 6 * per_chunk * a.steps * a.c + 1000, [=](int64_t begin, int64_t end, float* scratch) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      float *dgamma = sums + chunk * 2 * a.c, *dbeta = dgamma + a.c;
      for (int64_t j = 0; j < 2 * a.c; ++j) dgamma[j] = 0.0f;
      const int64_t samples = a.steps * a.c > 0 ? min_of(a.samples, (chunk + 1) * per_chunk) : 0;
      for (int64_t sample = chunk * per_chunk; sample < samples; ++sample) {
        if (runs) {
          grad_runs(a, sample, dgamma, dbeta, past);
        } else {
          grad_columns(a, sample, dgamma, dbeta, past, scratch);
        }
      }
    }
    finish_past_caches();
  });
  if (a.dgamma) merge(sums, chunks, a.c, a.dgamma);
  if (a.dbeta) merge(sums + a.c, chunks, a.c, a.dbeta);
}

// More samples never need less: what is per chunk stays, or grows until there are four chunks and more.
size_t group_norm_grad_workspace(int64_t samples, int64_t steps, int64_t c) {
  const int64_t chunks = max_of(4, chunk_count(samples, steps, c));
  return (static_cast<size_t>(chunks * 2 * c) * sizeof(float) + 63) / 64 * 64;
}

}  // namespace linnet::LINNET_ISA
