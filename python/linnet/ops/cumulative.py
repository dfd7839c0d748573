"""Running sums and products, differences, and reductions that leave NaN out.

The engine's `cumulative_sum` adds up along an axis; running products and `associative_scan` join runs of twice the
length in each pass, so that they are differentiable as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from linnet.backend.errors import ShapeError
from linnet.backend.function import op
from linnet.backend.tensor import Tensor
from linnet.backend.tree import flatten, map_structure, pack_like
from linnet.ops import arithmetic as a
from linnet.ops import reduction as r
from linnet.ops.common import as_dtype, as_float, one_axis, tensor, trace_of
from linnet.ops.comparison import isnan, logical_not
from linnet.ops.shape import concatenate, flip, ravel, slice_dims

Axis = int | Sequence[int] | None


def _part(x: Tensor, axis: int, begin: int, end: int) -> Tensor:
    begins, ends = [0] * x.ndim, list(x.dims)
    begins[axis], ends[axis] = begin, end
    return slice_dims(x, begins, ends, [1] * x.ndim)


def _along(x: Any, axis: int | None, what: str) -> tuple[Tensor, int]:
    x = tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    place = one_axis(axis, x.ndim, what)
    if x.dims[place] < 0:
        raise ShapeError(f"{what}: the batch axis cannot be walked along inside a model")
    return x, place


def _result_type(x: Tensor, dtype: Any) -> str:
    from linnet.backend.dtypes import standardize_dtype

    return standardize_dtype(dtype) if dtype is not None else "int32" if x.dtype == "bool" else x.dtype


@op("x")
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The sum of each value and all before it along the axis (None: of the flattened tensor)."""
    x, place = _along(x, axis, "cumsum")
    return as_dtype(trace_of().add("cumulative_sum", [as_float(x)], axis=place), _result_type(x, dtype))


@op("x")
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The product of each value and all before it along the axis (None: of the flattened tensor)."""
    x, place = _along(x, axis, "cumprod")
    y, shift = as_float(x), 1
    while shift < y.dims[place]:  # Hillis and Steele: each pass joins runs of twice the length
        joined = a.multiply(_part(y, place, shift, y.dims[place]), _part(y, place, 0, y.dims[place] - shift))
        y = concatenate([_part(y, place, 0, shift), joined], place)
        shift *= 2
    return as_dtype(y, _result_type(x, dtype))


@op("a")
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Each value minus the one before it along the axis, n times."""
    from linnet.ops.arithmetic import subtract

    x, place = _along(a, axis, "diff")
    for _ in range(n):
        x = subtract(_part(x, place, 1, x.dims[place]), _part(x, place, 0, x.dims[place] - 1))
    return x


@op("y", "x")
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """The integral of y along the axis by the trapezoidal rule, at places x or dx apart."""
    y, place = _along(as_float(y), axis, "trapezoid")
    length = y.dims[place]
    means = a.multiply(a.add(_part(y, place, 1, length), _part(y, place, 0, length - 1)), 0.5)
    if x is None:
        return a.multiply(r.sum(means, place), dx)
    steps = diff(as_float(x))
    if steps.ndim == 1:
        from linnet.ops.shape import reshape_dims

        steps = reshape_dims(steps, [steps.dims[0] if i == place else 1 for i in range(y.ndim)])
    return r.sum(a.multiply(means, steps), place)


def associative_scan(f: Callable[..., Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """Running results of an associative f(a, b) along the axis: e0, f(e0, e1), f(f(e0, e1), e2), ...

    elems: a tensor or a structure of them, of the same size along the axis. f takes and gives whole pieces at once.
    """
    leaves = flatten(elems)
    length = leaves[0].shape[axis]
    if length is None:
        raise ShapeError("associative_scan: the batch axis cannot be walked along inside a model")
    turn = (lambda s: map_structure(lambda x: flip(x, axis), s)) if reverse else (lambda s: s)
    rank = len(leaves[0].shape)
    place = one_axis(axis, rank, "associative_scan")

    def piece(structure: Any, begin: int, end: int) -> Any:
        return map_structure(lambda x: x[(*[slice(None)] * place, slice(begin, end))], structure)

    found, shift = turn(elems), 1
    while shift < length:
        joined = f(piece(found, 0, length - shift), piece(found, shift, length))
        pairs = zip(flatten(piece(found, 0, shift)), flatten(joined), strict=True)
        found = pack_like(elems, [concatenate([first, second], place) for first, second in pairs])
        shift *= 2
    return turn(found)


# ---- NaN left out ----------------------------------------------------------------------------------------------------


def _filled(x: Any, value: float) -> tuple[Tensor, Tensor]:
    """x with `value` where it is NaN, and 1.0 where it is not."""
    x = as_float(x)
    missing = isnan(x)
    return a.where(missing, value, x), as_float(logical_not(missing))


@op("x")
def nansum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum over the axes of what is not NaN."""
    return r.sum(_filled(x, 0.0)[0], axis, keepdims)


@op("x")
def nanprod(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The product over the axes of what is not NaN."""
    return r.prod(_filled(x, 1.0)[0], axis, keepdims)


@op("x")
def nanmean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean over the axes of what is not NaN; NaN where there is nothing else."""
    values, counts = _filled(x, 0.0)
    return a.divide(r.sum(values, axis, keepdims), r.sum(counts, axis, keepdims))


@op("x")
def nanvar(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The variance over the axes of what is not NaN."""
    values, counts = _filled(x, 0.0)
    total = r.sum(counts, axis, True)
    centred = a.multiply(a.subtract(values, a.divide(r.sum(values, axis, True), total)), counts)
    return a.divide(r.sum(a.square(centred), axis, keepdims), r.sum(counts, axis, keepdims))


@op("x")
def nanstd(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The standard deviation over the axes of what is not NaN."""
    return a.sqrt(nanvar(x, axis, keepdims))


def _extreme(x: Any, axis: Axis, keepdims: bool, sign: float) -> Tensor:
    values, counts = _filled(x, -sign * float("inf"))
    found = (r.max if sign > 0 else r.min)(values, axis, keepdims)
    return a.where(r.any(counts, axis, keepdims), found, float("nan"))


@op("x")
def nanmax(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest value over the axes that is not NaN."""
    return _extreme(x, axis, keepdims, 1.0)


@op("x")
def nanmin(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest value over the axes that is not NaN."""
    return _extreme(x, axis, keepdims, -1.0)


@op("x")
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the largest value lies that is not NaN; -1 where there is none."""
    values, counts = _filled(x, -float("inf"))
    return as_dtype(a.where(r.any(counts, axis, keepdims), r.argmax(values, axis, keepdims), -1), "int32")


@op("x")
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the smallest value lies that is not NaN; -1 where there is none."""
    values, counts = _filled(x, float("inf"))
    return as_dtype(a.where(r.any(counts, axis, keepdims), r.argmin(values, axis, keepdims), -1), "int32")


@op("x")
def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """cumsum with NaN as 0."""
    return cumsum(_filled(x, 0.0)[0], axis, dtype)


@op("x")
def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """cumprod with NaN as 1."""
    return cumprod(_filled(x, 1.0)[0], axis, dtype)


__all__ = [
    "associative_scan",
    "cumprod",
    "cumsum",
    "diff",
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
    "trapezoid",
]
