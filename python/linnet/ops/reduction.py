"""Sums, means, extremes and what is made of them. axis: an int, a tuple, or None for all axes; the batch axis too.

The engine reduces runs of neighbouring axes; others are reduced one run after the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from linnet.backend.dtypes import standardize_dtype
from linnet.backend.function import op
from linnet.backend.tensor import Tensor
from linnet.ops import arithmetic as a
from linnet.ops.common import as_bool, as_dtype, as_float, as_int, many_axes, one_axis, tensor, trace_of
from linnet.ops.shape import reshape_dims

Axis = int | Sequence[int] | None


def _runs(axes: list[int]) -> list[list[int]]:
    """Splits ascending axes into runs of neighbours: [0, 1, 3] -> [[0, 1], [3]]."""
    runs: list[list[int]] = []
    for axis in axes:
        if runs and runs[-1][-1] == axis - 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    return runs


def _reduce(name: str, x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    axes = many_axes(axis, x.ndim, name)
    if not axes:
        return x
    for run in reversed(_runs(axes)):  # from the back, so that the axes in front keep their numbers
        x = x.trace.add(name, [x], axes=run, keepdims=bool(keepdims))
    return x


def _same_type(name: str, x: Any, axis: Axis, keepdims: bool) -> Tensor:
    x = tensor(x)
    result = _reduce(name, as_float(x), axis, keepdims)
    return result if x.dtype == "float32" else as_int(result)


@op("x")
def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum over the axes."""
    return _same_type("sum", x, axis, keepdims)


@op("x")
def prod(x: Any, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product over the axes; dtype: what x is cast to before."""
    x = tensor(x)
    return _same_type("prod", x if dtype is None else as_dtype(x, standardize_dtype(dtype)), axis, keepdims)


@op("x")
def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean over the axes, float."""
    return _reduce("mean", as_float(x), axis, keepdims)


@op("x")
def max(x: Any, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Any:
    """The largest value over the axes (and `initial`, if given)."""
    result = _same_type("max", x, axis, keepdims)
    return result if initial is None else a.maximum(result, initial)


@op("x")
def min(x: Any, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Any:
    """The smallest value over the axes (and `initial`, if given)."""
    result = _same_type("min", x, axis, keepdims)
    return result if initial is None else a.minimum(result, initial)


@op("x")
def amax(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The same as max."""
    return _same_type("max", x, axis, keepdims)


@op("x")
def amin(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The same as min."""
    return _same_type("min", x, axis, keepdims)


@op("x")
def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether any value over the axes is nonzero."""
    result = _reduce("max", as_float(as_bool(x)), axis, keepdims)
    return Tensor(result.trace, result.value, result.dims, "bool")


@op("x")
def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether all values over the axes are nonzero."""
    result = _reduce("min", as_float(as_bool(x)), axis, keepdims)
    return Tensor(result.trace, result.value, result.dims, "bool")


@op("x")
def var(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The variance over the axes (divided by the count)."""
    x = as_float(x)
    centred = a.subtract(x, _reduce("mean", x, axis, True))
    return _reduce("mean", a.square(centred), axis, keepdims)


@op("x")
def std(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The standard deviation over the axes: sqrt(var)."""
    return a.sqrt(var(x, axis, keepdims))


@op("x")
def count_nonzero(x: Any, axis: Axis = None) -> Any:
    """How many values over the axes are nonzero, int32."""
    return as_int(_reduce("sum", as_float(as_bool(x)), axis, False))


@op("x")
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) over the axes, without overflow."""
    x = as_float(x)
    # The shift does not change the result, so no gradient need pass through it.
    shift = x.trace.add("stop_gradient", [_reduce("max", x, axis, True)])
    total = a.log(_reduce("sum", a.exp(a.subtract(x, shift)), axis, keepdims))
    if not keepdims:
        shift = reshape_dims(shift, total.dims)
    return a.add(total, shift)


def _arg(name: str, x: Any, axis: int | None, keepdims: bool) -> Tensor:
    x = as_float(x)
    dims = x.dims
    if axis is None:
        from linnet.ops.shape import reshape

        x = reshape(x, (-1,))
        result = trace_of().add(name, [x], axis=0)
        return reshape_dims(result, (1,) * len(dims)) if keepdims else result
    place = one_axis(axis, x.ndim, name)
    result = trace_of().add(name, [x], axis=place)
    return reshape_dims(result, (*dims[:place], 1, *dims[place + 1 :])) if keepdims else result


@op("x")
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the largest value lies along the axis, int32; the first of equals. axis None: in the flattened tensor."""
    return _arg("argmax", x, axis, keepdims)


@op("x")
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the smallest value lies along the axis, int32; the first of equals. axis None: in the flattened tensor."""
    return _arg("argmin", x, axis, keepdims)


@op("x", "weights")
def average(x: Any, axis: Axis = None, weights: Any = None) -> Any:
    """The mean over the axes, weighted if `weights` (of x's shape, or of the one axis) are given."""
    if weights is None:
        return mean(x, axis)
    x, weights = as_float(x), as_float(weights)
    if weights.ndim == 1 and x.ndim > 1 and isinstance(axis, int):
        place = one_axis(axis, x.ndim, "average")
        weights = reshape_dims(weights, [weights.dims[0] if i == place else 1 for i in range(x.ndim)])
    weights = a.multiply(weights, trace_of().add("broadcast_to", [tensor(1.0)], shape=list(x.dims)))
    return a.divide(sum(a.multiply(x, weights), axis), sum(weights, axis))


@op("x")
def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The norm of vectors, or of matrices: of those where axis names two axes, or is None and x is a matrix.

    ord of vectors: any number, inf, -inf; None is 2. ord of matrices: "fro" or None (the root of the sum of squares),
    1, -1 (the largest and smallest sum of a column), inf, -inf (of a row). The others need singular values: `svd`.
    Without ord and axis, x is one long vector.
    """
    x = as_float(x)
    if isinstance(axis, (tuple, list)):
        places = [one_axis(one, x.ndim, "norm") for one in axis]
    else:
        places = many_axes(axis, x.ndim, "norm")
    if ord is None or (ord == "fro" and len(places) == 2) or (ord == 2 and len(places) == 1):
        return a.sqrt(_reduce("sum", a.square(x), places, keepdims))
    size = a.absolute(x)
    if len(places) == 2:
        if ord not in (1, -1, math.inf, -math.inf):
            raise ValueError(
                f"norm: ord={ord!r} of a matrix is not available; use None, 'fro', 1, -1, inf or -inf, "
                "or the singular values: svd(x, compute_uv=False)"
            )
        summed = places[0] if abs(ord) == 1 else places[1]
        found = _reduce("max" if ord > 0 else "min", _reduce("sum", size, summed, True), places, True)
        return found if keepdims else reshape_dims(found, [d for i, d in enumerate(x.dims) if i not in places])
    if len(places) != 1 or isinstance(ord, str):
        raise ValueError(f"norm: ord={ord!r} does not fit {len(places)} axes of shape {x.shape}")
    if abs(ord) == math.inf:
        return _reduce("max" if ord > 0 else "min", size, places, keepdims)
    if ord in (0, 1):
        return _reduce("sum", as_float(as_bool(x)) if ord == 0 else size, places, keepdims)
    return a.power(_reduce("sum", a.power(size, ord), places, keepdims), 1.0 / ord)


__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "average",
    "count_nonzero",
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "prod",
    "std",
    "sum",
    "var",
]
