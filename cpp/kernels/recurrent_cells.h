// The gates of recurrent layers (kernels.h) and their derivatives, for a vector of units of one row at a time.
//
// `Gates` is the cell, known when compiling, and applies its two activations. The usual pair, tanh and sigmoid, is
// compiled in; others are looked up for every vector, which is slower. Derivatives are taken from the result, as every
// activation here allows.
#pragma once
#include "kernels/lanes.h"
#include "kernels/math.h"

namespace linnet::LINNET_ISA {

inline Vec activate_by(Activation kind, Vec v) {
  switch (kind) {
    case Activation::none:
      return v;
    case Activation::relu:
      return v < 0 ? Vec{} : v;  // keeps NaN
    case Activation::tanh:
      return tanh_vec(v);
    case Activation::sigmoid:
      return sigmoid_vec(v);
  }
  return v;
}

// d * the derivative at the result y.
inline Vec slope_by(Activation kind, Vec d, Vec y) {
  switch (kind) {
    case Activation::none:
      return d;
    case Activation::relu:
      return y > 0 ? d : Vec{};
    case Activation::tanh:
      return d * (1.0f - y * y);
    case Activation::sigmoid:
      return d * (y * (1.0f - y));
  }
  return d;
}

template <RecurrentCell kKind, bool kUsual>
struct Gates {
  static constexpr RecurrentCell kCell = kKind;
  Activation activation, gate;
  Vec output(Vec v) const { return kUsual ? tanh_vec(v) : activate_by(activation, v); }
  Vec open(Vec v) const { return kUsual ? sigmoid_vec(v) : activate_by(gate, v); }
  Vec output_slope(Vec d, Vec y) const { return slope_by(kUsual ? Activation::tanh : activation, d, y); }
  Vec open_slope(Vec d, Vec y) const { return slope_by(kUsual ? Activation::sigmoid : gate, d, y); }
};

// Calls f(Gates) for a cell and its activations.
template <RecurrentCell kCell, class F>
inline void with_activations(Activation activation, Activation gate, const F& f) {
  if (activation == Activation::tanh && gate == Activation::sigmoid) {
    f(Gates<kCell, true>{activation, gate});
  } else {
    f(Gates<kCell, false>{activation, gate});
  }
}

template <class F>
inline void with_gates(const RecurrentArgs& a, const F& f) {
  switch (a.cell) {
    case RecurrentCell::simple:
      return with_activations<RecurrentCell::simple>(a.activation, a.gate, f);
    case RecurrentCell::lstm:
      return with_activations<RecurrentCell::lstm>(a.activation, a.gate, f);
    case RecurrentCell::gru:
      return with_activations<RecurrentCell::gru>(a.activation, a.gate, f);
    case RecurrentCell::gru_reset_before:
      return with_activations<RecurrentCell::gru_reset_before>(a.activation, a.gate, f);
  }
}

}  // namespace linnet::LINNET_ISA
