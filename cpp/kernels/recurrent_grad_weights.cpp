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

// sums (count, ld), from its panel `to` on, += (= in the first chunk) left^T . dz[panel] over the rows of a chunk.
void add_product(const GradChunk& c, int64_t panel, const float* left, int64_t count, float* sums, int64_t ld) {
  const int64_t slivers = ceil_div(count, kMaxRows);
  for (int64_t i = 0; i < slivers; ++i) {
    const int64_t r0 = count * i / slivers, r1 = count * (i + 1) / slivers;
    MicroTile t = {};
    t.a = left + r0, t.a_stride = c.job.layout.x_stride, t.a_chunk = c.rows;
    t.b = c.tile.dz + panel * c.job.layout.dz_stride, t.ldb = kWide, t.k = c.rows;
    t.c = sums + r0 * ld, t.ldc = ld, t.accumulate = !c.first;
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

// What a panel of dz adds to the gradients of the weights.
void weight_gradients(const GradChunk& c, int64_t panel) {
  const GradJob& job = c.job;
  const RecurrentSizes& z = job.size;
  const GradPanels& panels = job.panels;
  const GradLayout& l = job.layout;
  if (job.args.dkernel && panel < panels.of_kernel) {
    add_product(c, panel, c.tile.x, z.in, c.tile.dkernel + panel * kWide, panels.of_kernel * kWide);
  }
  if (job.args.drecurrent && panel >= panels.first_inner) {
    const bool reset = z.cell == RecurrentCell::gru_reset_before && panel < panels.candidates;
    const float* h = c.tile.x + l.in_padded + (reset ? z.units_padded : 0);
    add_product(c, panel, h, z.units, c.tile.drecurrent + (panel - panels.first_inner) * kWide,
                job.inner_panels() * kWide);
  }
  if (!job.args.dbias && !job.args.drecurrent_bias) return;
  for (int half = 0; half < 2; ++half) {
    float* const sum = c.tile.dbias + panel * kWide + half * kLanes;
    const float* dz = c.tile.dz + panel * l.dz_stride + half * kLanes;
    Vec v = c.first ? Vec{} : load(sum);
    for (int64_t r = 0; r < c.rows; ++r) v += load(dz + r * kWide);
    store(sum, v);
  }
}

// Adds up one row of weights: `offset` is that of its columns in a tile, which begin with panel `first`.
void add_row(const GradJob& job, int64_t offset, int64_t first, int64_t last, float* to) {
  const int64_t u = job.size.units;
  const float* from = job.workspace + job.layout.tiles + offset;
  for (int64_t panel = first; panel < last; ++panel)
    for (int half = 0; half < 2; ++half, from += kLanes) {
      const GradPanels::Place at = job.panels.vector_at(panel, half);
      if (at.block >= job.size.blocks) continue;
      Vec v = load(from);
      for (int64_t i = 1; i < job.size.tiles; ++i) v += load(from + i * job.layout.tile_stride);
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
      add_row(job, job.layout.dkernel + i * p.of_kernel * kWide, 0, p.of_kernel, job.args.dkernel + i * job.columns());
    } else if (i >= in && job.args.drecurrent) {
      add_row(job, job.layout.drecurrent + (i - in) * job.inner_panels() * kWide, p.first_inner, p.total,
              job.args.drecurrent + (i - in) * job.columns());
    }
  }
  if (index == 0 && job.args.dbias) add_row(job, job.layout.dbias, 0, p.of_kernel, job.args.dbias);
  if (index == 0 && job.args.drecurrent_bias) {
    add_row(job, job.layout.dbias + p.first_inner * kWide, p.first_inner, p.total, job.args.drecurrent_bias);
  }
}

}  // namespace linnet::LINNET_ISA
