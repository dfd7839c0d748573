// The gates of recurrent layers (kernels.h) and their derivatives, for a vector of units of one row at a time.
//
// `Gates` applies the two activations. The usual pair, tanh and sigmoid, is compiled in; others are looked up for every
// vector, which is slower. Derivatives are taken from the result, as every activation here allows.
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

template <bool kUsual>
struct Gates {
  Activation activation, gate;
  Vec output(Vec v) const { return kUsual ? tanh_vec(v) : activate_by(activation, v); }
  Vec open(Vec v) const { return kUsual ? sigmoid_vec(v) : activate_by(gate, v); }
  Vec output_slope(Vec d, Vec y) const { return slope_by(kUsual ? Activation::tanh : activation, d, y); }
  Vec open_slope(Vec d, Vec y) const { return slope_by(kUsual ? Activation::sigmoid : gate, d, y); }
};

// Calls f(Gates) with the activations of a layer.
template <class F>
inline void with_gates(Activation activation, Activation gate, const F& f) {
  if (activation == Activation::tanh && gate == Activation::sigmoid) {
    f(Gates<true>{activation, gate});
  } else {
    f(Gates<false>{activation, gate});
  }
}

}  // namespace linnet::LINNET_ISA
