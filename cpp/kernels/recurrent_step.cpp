// One step of a recurrent layer whose weights nobody has packed, as of a layer called on arrays: the time goes into
// reading the weights once. They are not packed, which would read and write them all, but multiplied as they lie by
// gemm, which shares the columns of large ones between threads; then the gates take one pass.
//
// The sums of x and of h are formed apart and added, unlike in a longer sequence: the last bits may differ from there.
// Nothing is saved for a gradient. Start reading at recurrent_step, at the end.
#include "kernels/declare.h"
#include "kernels/recurrent.h"
#include "kernels/recurrent_cells.h"
#include "kernels/tiles.h"

namespace linnet::LINNET_ISA {
namespace {

// Where the parts of the workspace lie, in floats; all are (n, columns) or (n, units).
struct Layout {
  explicit Layout(const RecurrentArgs& a) {
    const int64_t columns = recurrent_gates(a.cell) * a.units;
    inner = round_to(a.n * columns, 16);
    left = 2 * inner;
    products = left + round_to(a.n * a.units, 16);
  }
  int64_t inner, left, products;  // z is at 0; inner: sums with h; left: what h is in them; products: gemm's own
};

// y (n, last - first) in rows of all columns = left (n, k) . weights[first, last), plus `residual`.
GemmArgs product(const RecurrentArgs& a, const float* left, int64_t k, const float* weights, int64_t first,
                 int64_t last, float* y, const float* residual) {
  const int64_t columns = recurrent_gates(a.cell) * a.units;
  GemmArgs g;
  g.m = a.n, g.n = last - first, g.k = k;
  g.a = left, g.lda = k;
  g.b = weights + first, g.ldb = columns;
  g.c = y + first, g.ldc = columns;
  if (residual) g.epilogue.residual = residual + first;
  return g;
}

// Calls f(row, unit, how many units) for the vectors of all rows.
template <class F>
void each_unit(const RecurrentArgs& a, const Launch& launch, const F& f) {
  constexpr int64_t kCost = 32;  // of a unit: about 50 ns for a vector of them
  for_tiles(launch, a.n, a.units * kCost, [&](int64_t begin, int64_t end, float*) {
    for (int64_t row = begin; row < end; ++row) {
      each_vector(a.units, [&](int64_t unit, int64_t some) { f(row, unit, some); });
    }
  });
}

// A vector of state (n, units); null is 0.
Vec state(const float* p, int64_t index, int64_t some) { return p ? load_some(p + index, some, 0) : Vec{}; }

template <class G>
void apply_gates(const RecurrentArgs& a, const float* z, const float* inner, const Launch& launch, const G& g) {
  const int64_t u = a.units, columns = recurrent_gates(a.cell) * u;
  each_unit(a, launch, [&](int64_t row, int64_t unit, int64_t some) {
    const auto part = [&](const float* from, const float* bias, int64_t gate) {
      const Vec sum = load_some(from + row * columns + gate * u + unit, some, 0);
      return bias ? sum + load_some(bias + gate * u + unit, some, 0) : sum;
    };
    const auto sum = [&](int64_t gate) { return part(z, a.bias, gate); };
    const int64_t at = row * u + unit;
    Vec h = state(a.h0, at, some), c = state(a.c0, at, some);
    if (!masked_out(a, row, 0)) {
      if constexpr (G::kCell == RecurrentCell::simple) {
        h = g.output(sum(0));
      } else if constexpr (G::kCell == RecurrentCell::lstm) {
        c = g.open(sum(1)) * c + g.open(sum(0)) * g.output(sum(2));
        h = g.open(sum(3)) * g.output(c);
      } else if constexpr (G::kCell == RecurrentCell::gru) {
        const auto both = [&](int64_t gate) { return sum(gate) + part(inner, a.recurrent_bias, gate); };
        const Vec update = g.open(both(0)), reset = g.open(both(1));
        const Vec candidate = g.output(sum(2) + reset * part(inner, a.recurrent_bias, 2));
        h = candidate + update * (h - candidate);
      } else {
        const Vec update = part(z, nullptr, 0), candidate = g.output(sum(2));
        h = candidate + update * (h - candidate);
      }
    }
    if (a.y) store_some(a.y + at, h, some);
    if (a.h) store_some(a.h + at, h, some);
    if (a.c) store_some(a.c + at, c, some);
  });
}

// gru_reset_before: z and r, in place, and the reset h for the product of the candidates.
template <class G>
void reset_state(const RecurrentArgs& a, float* z, float* left, const Launch& launch, const G& g) {
  const int64_t u = a.units;
  each_unit(a, launch, [&](int64_t row, int64_t unit, int64_t some) {
    Vec gate[2];
    for (int64_t k = 0; k < 2; ++k) {
      float* const p = z + row * 3 * u + k * u + unit;
      gate[k] = load_some(p, some, 0);
      if (a.bias) gate[k] += load_some(a.bias + k * u + unit, some, 0);
      gate[k] = g.open(gate[k]);
      store_some(p, gate[k], some);
    }
    float* const p = left + row * u + unit;
    store_some(p, gate[1] * load_some(p, some, 0), some);
  });
}

}  // namespace

bool is_single_step(const RecurrentArgs& a) { return a.t == 1 && !a.saved && !a.packed; }

size_t recurrent_step_workspace(const RecurrentArgs& a) {
  const int64_t columns = recurrent_gates(a.cell) * a.units;
  size_t most = 0;
  for (const GemmArgs& g : {product(a, nullptr, a.in, nullptr, 0, columns, nullptr, nullptr),
                            product(a, nullptr, a.units, nullptr, 0, columns, nullptr, nullptr),
                            product(a, nullptr, a.units, nullptr, 2 * a.units, columns, nullptr, nullptr)}) {
    if (g.n > 0 && gemm_workspace(g) > most) most = gemm_workspace(g);
  }
  return static_cast<size_t>(Layout(a).products) * sizeof(float) + most;
}

void recurrent_step(const RecurrentArgs& a, const Launch& launch) {
  const Layout layout(a);
  const int64_t u = a.units, columns = recurrent_gates(a.cell) * u;
  const bool gru = a.cell == RecurrentCell::gru, before = a.cell == RecurrentCell::gru_reset_before;
  float* const z = static_cast<float*>(launch.workspace);
  float* const inner = z + layout.inner;
  float* const left = z + layout.left;
  Launch products = launch;
  products.workspace = z + layout.products;
  gemm(product(a, a.x, a.in, a.kernel, 0, columns, z, nullptr), products);
  const float* h = a.h0;
  if (a.recurrent_mask || before) {
    for (int64_t i = 0; i < a.n * u; ++i) left[i] = (h ? h[i] : 0) * (a.recurrent_mask ? a.recurrent_mask[i] : 1);
    h = left;
  }
  with_gates(a, [&](const auto& gates) {
    if (h) gemm(product(a, h, u, a.recurrent, 0, before ? 2 * u : columns, inner, gru ? nullptr : z), products);
    if (before) {
      reset_state(a, inner, left, launch, gates);
      gemm(product(a, left, u, a.recurrent, 2 * u, columns, inner, z), products);
    }
    if (gru && !h) {
      for (int64_t i = 0; i < a.n * columns; ++i) inner[i] = 0;
    }
    apply_gates(a, h && !gru ? inner : z, inner, launch, gates);
  });
}

}  // namespace linnet::LINNET_ISA
