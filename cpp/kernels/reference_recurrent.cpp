// The reference table: recurrent layers as naive loops, one row after the other, in double.
//
// `saved` holds, for row r and step s at ((r * T + s) * recurrent_saved), the values of the gates in the order of their
// names (units each), then c of an lstm or h . recurrent_h + recurrent_bias_h of a gru. Start reading at `step`: it
// is the definition of every cell; `step_back` is its derivative, line by line.
#include <cmath>

#include "kernels/declare.h"

namespace linnet::LINNET_ISA {
namespace {

double apply(Activation activation, double x) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return x < 0 ? 0 : x;
    case Activation::tanh:
      return std::tanh(x);
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return x;
}

// The derivative of an activation, by its result.
double slope(Activation activation, double y) {
  switch (activation) {
    case Activation::none:
      return 1;
    case Activation::relu:
      return y > 0 ? 1 : 0;
    case Activation::tanh:
      return 1 - y * y;
    case Activation::sigmoid:
      return y * (1 - y);
  }
  return 1;
}

// Doubles, zeroed, that may be empty.
struct Doubles {
  explicit Doubles(int64_t n) : data(new double[static_cast<size_t>(n + 1)]()) {}
  ~Doubles() { delete[] data; }
  Doubles(const Doubles&) = delete;
  Doubles& operator=(const Doubles&) = delete;
  double& operator[](int64_t i) { return data[i]; }
  double* data;
};

float at(const float* p, int64_t i) { return p ? p[i] : 0; }

// One row of the batch while the steps run.
struct Row {
  Row(const RecurrentArgs& args, int64_t index)
      : a(args), row(index), u(args.units), g(recurrent_gates(args.cell)), h(u), c(u), z(g * u), inner(g * u) {
    for (int64_t j = 0; j < u; ++j) {
      h[j] = at(a.h0, row * u + j);
      c[j] = a.cell == RecurrentCell::lstm ? at(a.c0, row * u + j) : 0;
    }
  }

  const float* x(int64_t s) const { return a.x + (row * a.t + input_step(s)) * a.in; }
  int64_t input_step(int64_t s) const { return a.reverse ? a.t - 1 - s : s; }
  bool masked(int64_t s) const { return a.mask && a.mask[row * a.t + input_step(s)] == 0; }
  double factor(int64_t j) const { return a.recurrent_mask ? a.recurrent_mask[row * u + j] : 1; }
  double w(int64_t i, int64_t gate, int64_t j) const { return a.kernel[i * g * u + gate * u + j]; }
  double r(int64_t i, int64_t gate, int64_t j) const { return a.recurrent[i * g * u + gate * u + j]; }
  bool reset_before(int64_t gate) const { return a.cell == RecurrentCell::gru_reset_before && gate == 2; }

  void step(int64_t s) {
    for (int64_t k = 0; k < g * u; ++k) z[k] = at(a.bias, k), inner[k] = at(a.recurrent_bias, k);
    for (int64_t gate = 0; gate < g; ++gate) {
      for (int64_t i = 0; i < a.in; ++i)
        for (int64_t j = 0; j < u; ++j) z[gate * u + j] += x(s)[i] * w(i, gate, j);
      for (int64_t i = 0; i < u; ++i) {
        const double left = h[i] * factor(i) * (reset_before(gate) ? apply(a.gate, z[u + i] + inner[u + i]) : 1);
        for (int64_t j = 0; j < u; ++j) inner[gate * u + j] += left * r(i, gate, j);
      }
    }
    Doubles next(u);
    for (int64_t j = 0; j < u; ++j) {
      const auto gate = [&](int64_t k) { return apply(a.gate, z[k * u + j] + inner[k * u + j]); };
      if (a.cell == RecurrentCell::simple) {
        next[j] = apply(a.activation, z[j] + inner[j]);
      } else if (a.cell == RecurrentCell::lstm) {
        const double candidate = apply(a.activation, z[2 * u + j] + inner[2 * u + j]);
        c[j] = gate(1) * c[j] + gate(0) * candidate;
        next[j] = gate(3) * apply(a.activation, c[j]);
        save(s, j, {gate(0), gate(1), candidate, gate(3), c[j]});
      } else {
        const double reset = a.cell == RecurrentCell::gru ? gate(1) : 1;
        const double candidate = apply(a.activation, z[2 * u + j] + reset * inner[2 * u + j]);
        next[j] = gate(0) * h[j] + (1 - gate(0)) * candidate;
        save(s, j, {gate(0), gate(1), candidate, inner[2 * u + j], 0});
      }
    }
    for (int64_t j = 0; j < u; ++j) h[j] = next[j];
  }

  float* saved(int64_t s) const { return a.saved + (row * a.t + s) * recurrent_saved(a.cell, u); }
  struct Values {
    double value[5];
  };
  void save(int64_t s, int64_t j, const Values& values) const {
    for (int64_t k = 0; a.saved && k < recurrent_saved(a.cell, u) / ((u + 15) / 16 * 16); ++k) {
      saved(s)[k * u + j] = static_cast<float>(values.value[k]);
    }
  }

  const RecurrentArgs& a;
  int64_t row, u, g;
  Doubles h, c, z, inner;
};

// What the gradients of all rows add up to.
struct WeightSums {
  explicit WeightSums(const RecurrentArgs& a)
      : kernel(a.in * recurrent_gates(a.cell) * a.units),
        recurrent(a.units * recurrent_gates(a.cell) * a.units),
        bias(recurrent_gates(a.cell) * a.units),
        recurrent_bias(recurrent_gates(a.cell) * a.units) {}
  Doubles kernel, recurrent, bias, recurrent_bias;
};

// dh, dc: gradients of the state after step s; afterwards of that before it. dx (in) is overwritten.
void step_back(Row& row, int64_t s, Doubles& dh, Doubles& dc, Doubles& dx, WeightSums& sums) {
  const RecurrentArgs& a = row.a;
  const int64_t u = row.u, g = row.g;
  Doubles dz(g * u), dinner(g * u), before(u), h(u);
  const float* now = row.saved(s);
  const auto y = [&](int64_t step, int64_t j) { return double{a.y[(row.row * a.t + step) * u + j]}; };
  // The cell state before this step: c does not change in masked steps, which save nothing.
  int64_t last = s - 1;
  while (last >= 0 && row.masked(last)) --last;
  for (int64_t j = 0; j < u; ++j) {
    h[j] = s > 0 ? y(s - 1, j) : at(a.h0, row.row * u + j);
    if (a.cell == RecurrentCell::simple) {
      dz[j] = dinner[j] = dh[j] * slope(a.activation, y(s, j));
    } else if (a.cell == RecurrentCell::lstm) {
      const double i = now[j], f = now[u + j], candidate = now[2 * u + j], o = now[3 * u + j];
      const double out = apply(a.activation, now[4 * u + j]);
      const double c_before = last >= 0 ? row.saved(last)[4 * u + j] : at(a.c0, row.row * u + j);
      dc[j] += dh[j] * o * slope(a.activation, out);
      dz[j] = dc[j] * candidate * slope(a.gate, i);
      dz[u + j] = dc[j] * c_before * slope(a.gate, f);
      dz[2 * u + j] = dc[j] * i * slope(a.activation, candidate);
      dz[3 * u + j] = dh[j] * out * slope(a.gate, o);
      dc[j] *= f;
      for (int64_t k = 0; k < 4; ++k) dinner[k * u + j] = dz[k * u + j];
    } else {
      const double update = now[j], reset = now[u + j], candidate = now[2 * u + j];
      const bool after = a.cell == RecurrentCell::gru;
      dz[j] = dinner[j] = dh[j] * (h[j] - candidate) * slope(a.gate, update);
      dz[2 * u + j] = dh[j] * (1 - update) * slope(a.activation, candidate);
      dinner[2 * u + j] = dz[2 * u + j] * (after ? reset : 1);
      if (after) dz[u + j] = dinner[u + j] = dz[2 * u + j] * now[3 * u + j] * slope(a.gate, reset);
      before[j] = dh[j] * update;
    }
  }
  // Of the product of gate `gate` with what it multiplied: h, or the reset h.
  const auto through = [&](int64_t gate, int64_t i) {
    double sum = 0;
    for (int64_t j = 0; j < u; ++j) sum += dinner[gate * u + j] * row.r(i, gate, j);
    return sum;
  };
  const auto left = [&](int64_t gate, int64_t i) {
    return h[i] * row.factor(i) * (row.reset_before(gate) ? now[u + i] : 1);
  };
  if (a.cell == RecurrentCell::gru_reset_before) {
    for (int64_t i = 0; i < u; ++i) {
      const double d = through(2, i) * row.factor(i);
      before[i] += d * now[u + i];
      dz[u + i] = dinner[u + i] = d * h[i] * slope(a.gate, now[u + i]);
    }
  }
  for (int64_t gate = 0; gate < g; ++gate)
    for (int64_t i = 0; i < u; ++i) {
      if (!row.reset_before(gate)) before[i] += through(gate, i) * row.factor(i);
      const double l = left(gate, i);
      for (int64_t j = 0; j < u; ++j) sums.recurrent[(i * g + gate) * u + j] += l * dinner[gate * u + j];
    }
  for (int64_t j = 0; j < g * u; ++j) {
    sums.bias[j] += dz[j];
    sums.recurrent_bias[j] += dinner[j];
  }
  for (int64_t i = 0; i < a.in; ++i) {
    dx[i] = 0;
    for (int64_t j = 0; j < g * u; ++j) {
      dx[i] += dz[j] * a.kernel[i * g * u + j];
      sums.kernel[i * g * u + j] += row.x(s)[i] * dz[j];
    }
  }
  for (int64_t j = 0; j < u; ++j) dh[j] = before[j];
}

void put(float* to, const Doubles& from, int64_t count) {
  for (int64_t i = 0; to && i < count; ++i) to[i] = static_cast<float>(from.data[i]);
}

}  // namespace

void recurrent_forward(const RecurrentArgs& a, const Launch&) {
  for (int64_t n = 0; n < a.n; ++n) {
    Row row(a, n);
    for (int64_t s = 0; s < a.t; ++s) {
      if (!row.masked(s)) row.step(s);
      if (a.y) put(a.y + (n * a.t + s) * a.units, row.h, a.units);
    }
    if (a.h) put(a.h + n * a.units, row.h, a.units);
    if (a.c) put(a.c + n * a.units, row.c, a.units);
  }
}

void recurrent_grad(const RecurrentGradArgs& args, const Launch&) {
  const RecurrentArgs& a = args.forward;
  const int64_t u = a.units, g = recurrent_gates(a.cell);
  WeightSums sums(a);
  for (int64_t n = 0; n < a.n; ++n) {
    Row row(a, n);
    Doubles dh(u), dc(u), dx(a.in);
    for (int64_t j = 0; j < u; ++j) {
      dh[j] = at(args.dh, n * u + j);
      dc[j] = at(args.dc, n * u + j);
    }
    for (int64_t s = a.t - 1; s >= 0; --s) {
      for (int64_t j = 0; j < u; ++j) dh[j] += at(args.dy, (n * a.t + s) * u + j);
      for (int64_t i = 0; i < a.in; ++i) dx[i] = 0;
      if (!row.masked(s)) step_back(row, s, dh, dc, dx, sums);
      if (args.dx) put(args.dx + (n * a.t + row.input_step(s)) * a.in, dx, a.in);
    }
    if (args.dh0) put(args.dh0 + n * u, dh, u);
    if (args.dc0) put(args.dc0 + n * u, dc, u);
  }
  put(args.dkernel, sums.kernel, a.in * g * u);
  put(args.drecurrent, sums.recurrent, u * g * u);
  put(args.dbias, sums.bias, g * u);
  put(args.drecurrent_bias, sums.recurrent_bias, g * u);
}

size_t recurrent_workspace(const RecurrentArgs&) { return 0; }
size_t recurrent_packed_size(const RecurrentArgs&) { return 0; }  // reads weights as they lie
void recurrent_pack(const RecurrentArgs&, float*, const Launch&) {}
size_t recurrent_grad_workspace(const RecurrentArgs&) { return 0; }
int64_t recurrent_parts(const RecurrentArgs&) { return 0; }

}  // namespace linnet::LINNET_ISA
