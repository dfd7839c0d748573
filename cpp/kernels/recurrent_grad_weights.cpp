// The gradients of a recurrent layer's weights and of its input (recurrent_grad.h): the products with dz, a chunk of
// steps at a time while it is in the cache, and the transposed weights that the way back in time multiplies by.
//
// Each tile of rows has sums of its own, which begin with its first chunk; in the end they are added up in the order of
// the tiles. Start reading at grad_chunk_part.
#include "kernels/recurrent_grad.h"

#include "kernels/gemm_pack.h"

namespace linnet::LINNET_ISA {
namespace {

// One panel of weights^T: kWide rows of `weights` (count, columns) from `row` on, to (panels of dz, kWide, kWide).
void pack_transposed(const GradJob& job, const float* weights, int64_t count, int64_t row, int64_t first, int64_t last,
                     float* to) {
  const int64_t u = job.size.units;
  for (int64_t panel = first; panel < last; ++panel)
    for (int half = 0; half < 2; ++half, to += kLanes * kWide) {
      const GradPanels::Place at = job.panels.vector_at(panel, half);
      const int64_t some = larger(0, smaller(kLanes, u - at.block * kLanes));
      for (int64_t l = some; l < kLanes; ++l)
        for (int64_t j = 0; j < kWide; j += kLanes) store(to + l * kWide + j, Vec{});
      if (some == 0) continue;
      const float* source = weights + row * job.columns() + at.gate * u + at.block * kLanes;
      pack_b_transposed(source, job.columns(), some, smaller(kWide, count - row), kWide, source, to);
    }
}

// sums (count, kWide) += (= in the first chunk) left^T . dz[panel] over the rows of a chunk, `left` being slivers. They
// come from beyond L2 and go back there: while one sliver is multiplied, the sums of the next are fetched.
void add_product(const GradChunk& c, int64_t panel, const float* left, int64_t count, float* sums) {
  const GradLayout& l = c.job.layout;
  const int64_t slivers = ceil_div(count, kMaxRows);
  for (int64_t i = 0; i < slivers; ++i) {
    const int64_t r0 = count * i / slivers, r1 = count * (i + 1) / slivers;
    Fetch ahead[kFetches] = {};
    if (!c.first) ahead[0] = fetch_lines(sums + r1 * kWide, kMaxRows, kWide, kWide, c.rows / kChunk);
    MicroTile t = {};
    t.a = left + i * l.sliver_stride, t.a_stride = kSliver, t.a_chunk = kChunk;
    t.b = c.tile.dz + panel * l.dz_stride, t.ldb = kWide, t.k = c.rows;
    t.c = sums + r0 * kWide, t.ldc = kWide, t.accumulate = !c.first;
    t.ahead = ahead;
    micro_kernel_for(static_cast<int>(r1 - r0), 2, false)(t);
  }
}

// Columns [j, j + kWide) of dx.
void input_gradient(const GradChunk& c, int64_t j) {
  const GradJob& job = c.job;
  const RecurrentArgs& a = job.a;
  const GradLayout& l = job.layout;
  const int64_t stride = job.panels.of_kernel * kWide * kWide, columns = smaller(kWide, a.in - j);
  multiply_dz(job, c.tile, 0, job.panels.of_kernel, 0, c.rows, job.workspace + l.packed_kernel + j / kWide * stride,
              stride, columns, c.tile.dx + j, l.in_wide);
  for (int64_t i = 0; i < c.count; ++i)
    for (int64_t r = 0; r < c.steps[i].active; ++r) {
      const int64_t row = job.order[c.tile.first + r], s = c.steps[i].s;
      float* to = job.args.dx + (row * a.t + (a.reverse ? a.t - 1 - s : s)) * a.in + j;
      const float* from = c.tile.dx + (c.steps[i].offset + r) * l.in_wide + j;
      each_vector(columns, [&](int64_t k, int64_t some) { store_some(to + k, load(from + k), some); });
    }
}

// The sums of a panel of dz: kChains of them for each column, so that no addition waits for the one before.
void add_biases(const GradChunk& c, int64_t panel) {
  constexpr int kChains = 4;
  const float* dz = c.tile.dz + panel * c.job.layout.dz_stride;
  Vec sums[kChains][2] = {};
  int64_t r = 0;
  for (; r + kChains <= c.rows; r += kChains, dz += kChains * kWide) {
    for (int i = 0; i < kChains; ++i)
      for (int half = 0; half < 2; ++half) sums[i][half] += load(dz + i * kWide + half * kLanes);
  }
  for (; r < c.rows; ++r, dz += kWide) {
    for (int half = 0; half < 2; ++half) sums[0][half] += load(dz + half * kLanes);
  }
  for (int half = 0; half < 2; ++half) {
    float* const to = c.tile.dbias + panel * kWide + half * kLanes;
    const Vec sum = (sums[0][half] + sums[1][half]) + (sums[2][half] + sums[3][half]);
    store(to, c.first ? sum : load(to) + sum);
  }
}

// What a panel of dz adds to the gradients of the weights.
void weight_gradients(const GradChunk& c, int64_t panel) {
  const GradJob& job = c.job;
  const RecurrentSizes& z = job.size;
  const GradPanels& panels = job.panels;
  if (job.args.dkernel && panel < panels.of_kernel) {
    add_product(c, panel, c.tile.x, z.in, c.tile.dkernel + panel * z.in * kWide);
  }
  if (job.args.drecurrent && panel >= panels.first_inner) {
    const bool reset = z.cell == RecurrentCell::gru_reset_before && panel < panels.candidates;
    add_product(c, panel, reset ? c.tile.reset_h : c.tile.h, z.units,
                c.tile.drecurrent + (panel - panels.first_inner) * z.units * kWide);
  }
  if (job.args.dbias || job.args.drecurrent_bias) add_biases(c, panel);
}

// Adds up one row of weights: `offset` is that of its first columns in a tile, which begin with panel `first`; those of
// the next panel lie `stride` behind.
void add_row(const GradJob& job, int64_t offset, int64_t stride, int64_t first, int64_t last, float* to) {
  const int64_t u = job.size.units;
  const float* from = job.workspace + job.layout.tiles + offset;
  for (int64_t panel = first; panel < last; ++panel, from += stride)
    for (int half = 0; half < 2; ++half) {
      const GradPanels::Place at = job.panels.vector_at(panel, half);
      if (at.block >= job.size.blocks) continue;
      const float* sums = from + half * kLanes;
      Vec v = load(sums);
      for (int64_t i = 1; i < job.size.tiles; ++i) v += load(sums + i * job.layout.tile_stride);
      store_some(to + at.gate * u + at.block * kLanes, v, smaller(kLanes, u - at.block * kLanes));
    }
}

constexpr int64_t kSumRows = 16;

}  // namespace

int64_t grad_pack_tiles(const GradJob& job) {
  return (job.layout.units_wide + (job.args.dx ? job.layout.in_wide : 0)) / kWide;
}

void grad_pack_tile(const void* pointer, int64_t index, float*) {
  const GradJob& job = *static_cast<const GradJob*>(pointer);
  const int64_t inner = job.layout.units_wide / kWide;
  if (index < inner) {
    pack_transposed(job, job.a.recurrent, job.size.units, index * kWide, job.panels.first_inner, job.panels.total,
                    job.workspace + index * job.inner_panels() * kWide * kWide);
  } else {
    pack_transposed(job, job.a.kernel, job.size.in, (index - inner) * kWide, 0, job.panels.of_kernel,
                    job.workspace + job.layout.packed_kernel + (index - inner) * job.panels.of_kernel * kWide * kWide);
  }
}

void grad_chunk_part(const void* pointer, int64_t index, float*) {
  const GradChunk& c = *static_cast<const GradChunk*>(pointer);
  const int64_t panel = index - c.dx_parts();
  panel < 0 ? input_gradient(c, index * kWide) : weight_gradients(c, panel);
}

int64_t grad_sum_tiles(const GradJob& job) { return ceil_div(job.size.in + job.size.units, kSumRows); }

void grad_sum_tile(const void* pointer, int64_t index, float*) {
  const GradJob& job = *static_cast<const GradJob*>(pointer);
  const GradPanels& p = job.panels;
  const int64_t in = job.size.in, rows = in + job.size.units;
  for (int64_t i = index * kSumRows; i < smaller(rows, (index + 1) * kSumRows); ++i) {
    if (i < in && job.args.dkernel) {
      add_row(job, job.layout.dkernel + i * kWide, in * kWide, 0, p.of_kernel, job.args.dkernel + i * job.columns());
    } else if (i >= in && job.args.drecurrent) {
      add_row(job, job.layout.drecurrent + (i - in) * kWide, job.size.units * kWide, p.first_inner, p.total,
              job.args.drecurrent + (i - in) * job.columns());
    }
  }
  if (index == 0 && job.args.dbias) add_row(job, job.layout.dbias, kWide, 0, p.of_kernel, job.args.dbias);
  if (index == 0 && job.args.drecurrent_bias) {
    add_row(job, job.layout.dbias + p.first_inner * kWide, kWide, p.first_inner, p.total, job.args.drecurrent_bias);
  }
}

}  // namespace linnet::LINNET_ISA
