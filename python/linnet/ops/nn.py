"""Functions of neural networks: activations, softmax, normalisation, attention.

Convolution and pooling are in convolution.py, cross-entropies in crossentropy.py. softmax and sigmoid remember their
argument (`Tensor.logits`), so that a cross-entropy right behind them can be computed from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from linnet.backend.function import op
from linnet.backend.tensor import Tensor
from linnet.ops import arithmetic as a
from linnet.ops import reduction as r
from linnet.ops.common import as_float, many_axes, one_axis, trace_of
from linnet.ops.comparison import greater, greater_equal, less, less_equal
from linnet.ops.shape import broadcast_to, expand_dims, moveaxis, reshape, reshape_dims, split, transpose

EPSILON = 1e-7  # what Keras takes where none is given

# ---- activations -----------------------------------------------------------------------------------------------------


@op("x")
def relu(x: Any) -> Any:
    """max(x, 0)."""
    return trace_of().add("relu", [as_float(x)])


@op("x")
def relu6(x: Any) -> Any:
    """x limited to [0, 6]."""
    return a.minimum(relu(x), 6.0)


@op("x")
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    x = as_float(x)
    result = trace_of().add("sigmoid", [x])
    result.logits = ("sigmoid", x)
    return result


@op("x")
def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)), exact for very negative x."""
    return a.negative(softplus(a.negative(as_float(x))))


@op("x")
def softplus(x: Any) -> Any:
    """log(1 + exp(x)), without overflow."""
    return trace_of().add("softplus", [as_float(x)])


@op("x")
def softsign(x: Any) -> Any:
    """x / (1 + |x|)."""
    x = as_float(x)
    return a.divide(x, a.add(1.0, a.absolute(x)))


@op("x")
def silu(x: Any) -> Any:
    """x * sigmoid(x)."""
    x = as_float(x)
    return a.multiply(x, trace_of().add("sigmoid", [x]))


@op("x")
def swish(x: Any) -> Any:
    """The same as silu."""
    return silu(x)


@op("x")
def mish(x: Any) -> Any:
    """x * tanh(softplus(x))."""
    x = as_float(x)
    return a.multiply(x, a.tanh(softplus(x)))


@op("x")
def gelu(x: Any, approximate: bool = True) -> Any:
    """x times the normal distribution function of x; `approximate` takes the usual tanh formula for it."""
    x = as_float(x)
    if approximate:
        inner = a.multiply(math.sqrt(2.0 / math.pi), a.add(x, a.multiply(0.044715, a.power(x, 3))))
        return a.multiply(a.multiply(0.5, x), a.add(1.0, a.tanh(inner)))
    return a.multiply(a.multiply(0.5, x), a.add(1.0, a.erf(a.multiply(x, 1.0 / math.sqrt(2.0)))))


@op("x")
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """x where positive, negative_slope * x elsewhere."""
    x = as_float(x)
    # A factor, which carries no gradient of its own: one pass forward, one back.
    return a.multiply(x, a.where(greater(x, 0.0), 1.0, negative_slope))


@op("x")
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where positive, alpha * (exp(x) - 1) elsewhere."""
    x = as_float(x)
    # A sum of two parts of which one is 0. With relu for the first, nothing would hold the parts together in one pass.
    above = greater(x, 0.0)
    below = a.expm1(a.where(above, 0.0, x))
    return a.add(a.where(above, x, 0.0), below if alpha == 1.0 else a.multiply(alpha, below))


@op("x")
def selu(x: Any) -> Any:
    """The self-normalising elu: scale * elu(x, alpha) with the constants of Klambauer et al. (2017)."""
    return a.multiply(1.0507009873554805, elu(x, 1.6732632423543772))


@op("x")
def celu(x: Any, alpha: float = 1.0) -> Any:
    """max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)."""
    x = as_float(x)
    return a.add(a.maximum(x, 0.0), a.multiply(alpha, a.expm1(a.divide(a.minimum(x, 0.0), alpha))))


@op("x")
def hard_sigmoid(x: Any) -> Any:
    """x / 6 + 1/2, limited to [0, 1]."""
    return a.clip(a.add(a.multiply(as_float(x), 1.0 / 6.0), 0.5), 0.0, 1.0)


@op("x")
def hard_silu(x: Any) -> Any:
    """x * hard_sigmoid(x)."""
    x = as_float(x)
    return a.multiply(x, hard_sigmoid(x))


@op("x")
def hard_swish(x: Any) -> Any:
    """The same as hard_silu."""
    return hard_silu(x)


@op("x")
def hard_tanh(x: Any) -> Any:
    """x limited to [-1, 1]."""
    return a.clip(as_float(x), -1.0, 1.0)


@op("x")
def tanh_shrink(x: Any) -> Any:
    """x - tanh(x)."""
    x = as_float(x)
    return a.subtract(x, a.tanh(x))


@op("x")
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x moved towards zero by the threshold, and zero within it."""
    x = as_float(x)
    return a.multiply(a.sign(x), relu(a.subtract(a.absolute(x), threshold)))


@op("x")
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x, but zero where |x| does not exceed the threshold."""
    x = as_float(x)
    return a.where(less_equal(a.absolute(x), threshold), 0.0, x)


@op("x")
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """x where it exceeds the threshold, default_value elsewhere."""
    x = as_float(x)
    return a.where(greater(x, threshold), x, float(default_value))


@op("x")
def squareplus(x: Any, b: float = 4) -> Any:
    """(x + sqrt(x * x + b)) / 2."""
    x = as_float(x)
    return a.multiply(0.5, a.add(x, a.sqrt(a.add(a.square(x), float(b)))))


@op("x")
def sparsemax(x: Any, axis: int = -1) -> Any:
    """The point of the probability simplex that is nearest to x along an axis: like softmax, but with zeros.

    (Martins & Astudillo, 2016.) It is max(x - t, 0) where t makes the sum 1. An element is above t when it is so large
    that the elements from it on upwards, each lowered to it, have less than 1 to give away.
    """
    x = as_float(x)
    place = one_axis(axis, x.ndim, "sparsemax")
    values = moveaxis(x, place, -1)
    own, others = expand_dims(values, -1), expand_dims(values, -2)
    upwards = as_float(greater_equal(others, own))
    excess = r.sum(a.multiply(upwards, a.subtract(others, own)), -1)
    above = as_float(less(excess, 1.0))
    t = a.divide(a.subtract(r.sum(a.multiply(above, values), -1, True), 1.0), r.sum(above, -1, True))
    return moveaxis(trace_of().add("relu", [a.subtract(values, t)]), -1, place)


@op("x")
def sparse_plus(x: Any) -> Any:
    """0 below -1, x above 1, and (x + 1)^2 / 4 between."""
    x = as_float(x)
    middle = a.multiply(0.25, a.square(a.add(x, 1.0)))
    return a.where(less_equal(x, -1.0), 0.0, a.where(greater(x, 1.0), x, middle))


@op("x")
def sparse_sigmoid(x: Any) -> Any:
    """(x + 1) / 2, limited to [0, 1]."""
    return a.clip(a.multiply(0.5, a.add(as_float(x), 1.0)), 0.0, 1.0)


@op("x")
def glu(x: Any, axis: int = -1) -> Any:
    """The first half along the axis times the sigmoid of the second half."""
    first, second = split(as_float(x), 2, axis)
    return a.multiply(first, trace_of().add("sigmoid", [second]))


# ---- softmax ---------------------------------------------------------------------------------------------------------


def _along(name: str, x: Any, axis: int | Sequence[int] | None) -> Tensor:
    x = as_float(x)
    axes = many_axes(axis, x.ndim, name)
    if axes == [x.ndim - 1]:
        return trace_of().add(name, [x])
    # The axes go to the end and become one.
    order = [i for i in range(x.ndim) if i not in axes] + axes
    moved = transpose(x, order)
    kept = moved.dims[: x.ndim - len(axes)]
    if any(size < 0 for size in moved.dims[len(kept) :]):
        flat = reshape(moved, (*[None if s == -1 else s for s in kept], -1))
    else:
        flat = reshape_dims(moved, (*kept, math.prod(moved.dims[len(kept) :])))
    result = reshape_dims(trace_of().add(name, [flat]), moved.dims)
    return transpose(result, [order.index(i) for i in range(x.ndim)])


@op("x")
def softmax(x: Any, axis: int | Sequence[int] | None = -1) -> Any:
    """exp(x) / sum(exp(x)) along the axis (or axes): positive numbers that sum to 1."""
    x = as_float(x)
    result = _along("softmax", x, axis)
    if isinstance(axis, int) and axis % x.ndim == x.ndim - 1:
        result.logits = ("softmax", x)
    return result


@op("x")
def log_softmax(x: Any, axis: int | Sequence[int] | None = -1) -> Any:
    """log(softmax(x)), exact where softmax(x) is close to 0."""
    return _along("log_softmax", x, axis)


# ---- normalisation ---------------------------------------------------------------------------------------------------


@op("x")
def moments(x: Any, axes: int | Sequence[int], keepdims: bool = False, synchronized: bool = False) -> Any:
    """(mean, variance) over the axes."""
    x = as_float(x)
    mean = r.mean(x, axes, True)
    variance = r.mean(a.square(a.subtract(x, mean)), axes, keepdims)
    return (mean if keepdims else reshape_dims(mean, variance.dims)), variance


@op("x", "mean", "variance", "offset", "scale")
def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Any:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, with vectors along the axis."""
    x = as_float(x)
    place = axis % x.ndim
    spread = [x.dims[i] if i == place else 1 for i in range(x.ndim)]

    def vector(value: Any) -> Tensor:
        value = as_float(value)
        return value if place == x.ndim - 1 else reshape_dims(value, spread)

    # One multiplication and one addition per value: the rest is on vectors.
    factor = a.rsqrt(a.add(as_float(variance), epsilon))
    if scale is not None:
        factor = a.multiply(factor, scale)
    shift = a.negative(a.multiply(mean, factor))
    if offset is not None:
        shift = a.add(shift, offset)
    return a.add(a.multiply(x, vector(factor)), vector(shift))


@op("x", "scale", "offset")
def batch_normalization_training(x: Any, scale: Any, offset: Any, epsilon: float = 1e-3) -> Any:
    """(y, mean, variance): x normalised by its own statistics over all axes but the last, which are returned too.

    scale, offset: vectors along the last axis. The variance is divided by the count.
    """
    y, mean, variance = trace_of().add_many(
        "batch_norm", [as_float(x), as_float(scale), as_float(offset)], epsilon=float(epsilon)
    )
    return y, mean, variance


@op("x", "gamma", "beta")
def group_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    groups: int = 1,
    axis: int = -1,
    epsilon: float = 1e-3,
    rms: bool = False,
) -> Any:
    """Each sample with mean 0 and variance 1 in each of `groups` of neighbouring channels, times gamma, plus beta.

    axis: the channels; all axes behind the first but this one are normalised together. gamma, beta: vectors along it.
    rms: nothing is subtracted, and the values are divided by the root of their mean square.
    """
    x = as_float(x)
    moved = x if one_axis(axis, x.ndim, "group_normalization") == x.ndim - 1 else moveaxis(x, axis, -1)
    samples, *steps, channels = moved.dims
    inputs = [reshape_dims(moved, (samples, math.prod(steps), channels))]
    inputs += [as_float(vector) for vector in (gamma, beta) if vector is not None]
    y, _, _ = trace_of().add_many(
        "group_norm",
        inputs,
        groups=groups,
        rms=rms,
        epsilon=float(epsilon),
        scale=gamma is not None,
        offset=beta is not None,
    )
    y = reshape_dims(y, moved.dims)
    return y if moved is x else moveaxis(y, -1, axis)


def _normalize_axes(x: Tensor, gamma: Any, beta: Any, axis: Any, epsilon: float | None, rms: bool) -> Tensor:
    """x normalised over any axes behind the first: they go to the end and become the channels of one group."""
    axes = many_axes(axis, x.ndim, "normalization")
    order = [i for i in range(x.ndim) if i not in axes] + axes
    moved = transpose(x, order)
    kept, sizes = moved.dims[: x.ndim - len(axes)], moved.dims[x.ndim - len(axes) :]
    flat = reshape_dims(moved, (math.prod(kept), 1, math.prod(sizes)))

    def vector(value: Any) -> Tensor | None:
        if value is None:
            return None
        value = as_float(value)
        whole = value if math.prod(value.dims) == math.prod(sizes) else broadcast_to(value, sizes)
        return reshape_dims(whole, (math.prod(sizes),))

    y = group_normalization(flat, vector(gamma), vector(beta), epsilon=EPSILON if epsilon is None else epsilon, rms=rms)
    return transpose(reshape_dims(y, moved.dims), [order.index(i) for i in range(x.ndim)])


@op("x", "gamma", "beta")
def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: int | Sequence[int] = -1, epsilon: float | None = None
) -> Any:
    """x with mean 0 and variance 1 over the axes, times gamma, plus beta, both of the shape of these axes."""
    return _normalize_axes(as_float(x), gamma, beta, axis, epsilon, False)


@op("x", "scale")
def rms_normalization(x: Any, scale: Any = None, axis: int | Sequence[int] = -1, epsilon: float | None = None) -> Any:
    """x divided by the root of its mean square over the axes, times scale, of the shape of these axes."""
    return _normalize_axes(as_float(x), scale, None, axis, epsilon, True)


@op("x")
def normalize(x: Any, axis: int | Sequence[int] = -1, order: float = 2, epsilon: float = 1e-7) -> Any:
    """x divided by its norm of this order along the axis; the norm counts as at least epsilon."""
    x = as_float(x)
    if order == 2:
        squares = r.sum(a.square(x), axis, True)
        return a.multiply(x, a.rsqrt(a.maximum(squares, float(epsilon) ** 2)))
    return a.divide(x, a.maximum(r.norm(x, order, axis, True), float(epsilon)))
