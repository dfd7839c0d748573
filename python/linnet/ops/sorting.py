"""Order: sort, top_k, quantiles, searching in sorted values, counting.

The engine's `argsort` gives the numbers of a row's values in order, and `take_along` picks by number; a gradient flows
through the values and not through their order. Sorting is stable, and NaN counts as larger than everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from linnet.backend.errors import ShapeError, UnsupportedError
from linnet.backend.function import op
from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.tensor import Tensor
from linnet.backend.trace import current_trace
from linnet.ops import arithmetic as a
from linnet.ops import reduction as r
from linnet.ops.common import as_dtype, as_float, as_int, many_axes, one_axis, tensor, trace_of
from linnet.ops.comparison import equal, greater, greater_equal, less, less_equal, logical_not
from linnet.ops.indexing import one_hot
from linnet.ops.shape import expand_dims, moveaxis, ravel, reshape_dims, slice_dims, transpose


class TopK(NamedTuple):
    """What top_k gives."""

    values: Any
    indices: Any


def _last(x: Tensor, axis: int | None, what: str) -> tuple[Tensor, int]:
    """x with the axis moved to the end, and where it was; axis None: x flattened."""
    if axis is None:
        return ravel(x), 0
    place = one_axis(axis, x.ndim, what)
    if x.dims[place] < 0:
        raise ShapeError(f"{what}: the batch axis cannot be sorted inside a model")
    return moveaxis(x, place, -1), place


def _order(x: Tensor, descending: bool = False, k: int = 0) -> Tensor:
    """The numbers of the last axis's values in order, int32. A bool is 0 or 1."""
    return trace_of().add("argsort", [as_float(x) if x.dtype == "bool" else x], descending=descending, k=k)


def _pick(x: Tensor, ids: Tensor) -> Tensor:
    return trace_of().add("take_along", [x, ids], "bool" if x.dtype == "bool" else None)


@op("x")
def sort(x: Any, axis: int | None = -1) -> Any:
    """The values in ascending order along the axis (None: of the flattened tensor)."""
    moved, place = _last(tensor(x), axis, "sort")
    return moveaxis(_pick(moved, _order(moved)), -1, place)


@op("x")
def argsort(x: Any, axis: int | None = -1) -> Any:
    """The numbers that sort x along the axis, int32; equal values keep their order."""
    moved, place = _last(tensor(x), axis, "argsort")
    return moveaxis(_order(moved), -1, place)


@op("x")
def argpartition(x: Any, kth: int, axis: int | None = -1) -> Any:
    """Numbers that bring the kth value to its place, smaller ones before it: here all are in order."""
    return argsort(x, axis)


@op("x")
def top_k(x: Any, k: int, sorted: bool = True) -> Any:
    """The k largest values along the last axis, in descending order, and their numbers: (values, indices)."""
    x = tensor(x)
    if x.ndim == 0 or x.dims[-1] < 0 or not 0 < k <= x.dims[-1]:
        raise ShapeError(f"top_k: k must lie in 1 to the size of the last axis, got k={k} for shape {x.shape}")
    ids = _order(x, descending=True, k=int(k))
    return TopK(_pick(x, ids), ids)


@op("targets", "predictions")
def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Whether the target's prediction is among the k largest: targets (n,), predictions (n, classes)."""
    targets, predictions = as_int(targets), as_float(predictions)
    chosen = _pick(predictions, reshape_dims(targets, (*targets.dims, 1)))
    return less(r.sum(a.where(greater(predictions, chosen), 1.0, 0.0), -1), float(k))


@op("x", "q")
def quantile(
    x: Any, q: Any, axis: int | Sequence[int] | None = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """The value below which a share q of the values over the axes lies; a sequence q adds an axis in front.

    method: what lies between two values: "linear", "lower", "higher", "nearest" or "midpoint".
    """
    x, q = as_float(x), as_float(q)
    if q.ndim > 1:
        raise ShapeError(f"quantile: q must be a number or a vector, got shape {q.shape}")
    axes = many_axes(axis, x.ndim, "quantile")
    rest = [i for i in range(x.ndim) if i not in axes]
    count = int(np.prod([x.dims[i] for i in axes]))
    if any(x.dims[i] < 0 for i in axes) or count == 0:
        raise ShapeError(f"quantile: axes {tuple(axes)} of shape {x.shape} must have a fixed, positive size")
    rows = reshape_dims(transpose(x, rest + axes), [*(x.dims[i] for i in rest), count])
    rows = _pick(rows, _order(rows))
    spot = a.multiply(reshape_dims(q, (q.dims[0] if q.ndim else 1,)), float(count - 1))
    low, high = a.floor(spot), a.ceil(spot)
    if method == "nearest":
        low = high = a.round(spot)
    elif method in ("lower", "higher"):
        low = high = low if method == "lower" else high
    elif method not in ("linear", "midpoint"):
        from linnet.backend.lookup import unknown_name

        raise unknown_name("method", method, ["linear", "lower", "higher", "nearest", "midpoint"])
    weight = a.multiply(a.where(equal(low, high), 0.0, 1.0), 0.5) if method == "midpoint" else a.subtract(spot, low)

    def at(places: Tensor) -> Tensor:  # (q, ...)
        hot = one_hot(as_int(a.clip(places, 0, count - 1)), count)  # (q, count)
        found = trace_of().add("matmul", [hot, reshape_dims(rows, (_rows(rows), count))], trans_a=False, trans_b=True)
        return reshape_dims(found, (places.dims[0], *rows.dims[:-1]))

    first = at(low)
    spread = reshape_dims(weight, (weight.dims[0], *[1] * (rows.ndim - 1)))
    result = first if low is high else a.add(first, a.multiply(a.subtract(at(high), first), spread))
    dims = [1 if i in axes else length for i, length in enumerate(x.dims)] if keepdims else list(rows.dims[:-1])
    return reshape_dims(result, ([q.dims[0]] if q.ndim else []) + dims)


def _rows(x: Tensor) -> int:
    total = 1
    for length in x.dims[:-1]:
        total *= length
    return total


@op("x", "q")
def percentile(
    x: Any, q: Any, axis: int | Sequence[int] | None = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """quantile(x, q / 100)."""
    return quantile(x, a.divide(as_float(q), 100.0), axis, method, keepdims)


@op("x")
def median(x: Any, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """The middle value over the axes; between two, their mean."""
    return quantile(x, 0.5, axis, "linear", keepdims)


@op("sorted_sequence", "values")
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """Where each value would have to go in the ascending vector, int32: before equals, or behind ("right")."""
    line, values = as_float(sorted_sequence), as_float(values)
    if line.ndim != 1:
        raise ShapeError(f"searchsorted: sorted_sequence must be a vector, got shape {line.shape}")
    if side not in ("left", "right"):
        raise ValueError(f'searchsorted: side must be "left" or "right", not {side!r}')
    before = (less if side == "left" else less_equal)(line, expand_dims(values, -1))
    return as_int(r.sum(as_float(before), -1))


@op("x", "bins")
def digitize(x: Any, bins: Any) -> Any:
    """The number of the bin of each value, int32: bins are ascending edges, and bin i is [bins[i - 1], bins[i])."""
    return searchsorted(bins, x, "right")


@op("x1", "x2")
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether each value of x1 is among those of x2."""
    found = r.any(equal(expand_dims(tensor(x1), -1), ravel(tensor(x2))), -1)
    return logical_not(found) if invert else found


def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """How often each number occurs along the last axis; with weights, the sum of them.

    The numbers are 0 ... minlength - 1. Of arrays, larger ones count, too; inside a model, where the size of a result
    cannot depend on values, minlength must be given and larger ones are left out.
    """
    if sparse:
        raise UnsupportedError("bincount: sparse results are not supported")
    if not isinstance(x, (Tensor, KerasTensor)) and current_trace() is None:
        minlength = max(minlength, int(np.max(x, initial=-1)) + 1)
    elif minlength <= 0:
        raise ValueError("bincount: give minlength: the size of a result cannot depend on values")
    return bincount_below(x, weights, minlength)


@op("x", "weights")
def bincount_below(x: Any, weights: Any, limit: int) -> Any:
    """How often each of 0 ... limit - 1 occurs along the last axis; with weights, the sum of them."""
    hot = one_hot(as_int(x), limit)
    if weights is None:
        return as_int(r.sum(hot, -2))
    weights = tensor(weights)
    return as_dtype(r.sum(a.multiply(hot, expand_dims(as_float(weights), -1)), -2), weights.dtype)


@op("x")
def histogram(x: Any, bins: int = 10, range: tuple[float, float] | None = None) -> Any:
    """(how many values lie in each of `bins` equal intervals, their edges): from smallest to largest, or over range."""
    x = ravel(as_float(x))
    if range is not None:
        low, high = tensor(float(range[0])), tensor(float(range[1]))
    else:
        low, high = r.min(x), r.max(x)
        apart = equal(low, high)
        low, high = a.where(apart, a.subtract(low, 0.5), low), a.where(apart, a.add(high, 0.5), high)
    steps = np.linspace(0, 1, bins + 1, dtype=np.float32)
    edges = a.add(a.multiply(a.subtract(high, low), steps), low)
    reached = as_float(greater_equal(expand_dims(x, 1), expand_dims(edges, 0)))  # (values, edges)
    inside = a.multiply(reached, expand_dims(as_float(less_equal(x, high)), 1))
    counts = r.sum(inside, 0)
    lower = slice_dims(counts, [0], [bins], [1])
    upper = a.multiply(slice_dims(counts, [1], [bins + 1], [1]), np.arange(bins) < bins - 1)  # the last bin is closed
    return as_int(a.subtract(lower, upper)), edges


def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different values of an array, ascending. Not inside a model: how many there are depends on the values."""
    values = _array("unique", x)
    flags: dict[str, Any] = {
        "return_index": return_index,
        "return_inverse": return_inverse,
        "return_counts": return_counts,
    }
    found: Any = np.unique(values, axis=axis, **flags)
    parts = list(found) if isinstance(found, tuple) else [found]
    parts = [p.astype(np.int32) if i and p.dtype == np.int64 else p for i, p in enumerate(parts)]
    if size is not None:
        fill = parts[0].min() if fill_value is None else fill_value
        along = 0 if axis is None else axis
        missing = max(size - parts[0].shape[along], 0)
        widths = [(0, missing) if i == along else (0, 0) for i in np.arange(parts[0].ndim)]
        parts[0] = np.pad(
            np.take(parts[0], np.arange(min(size, parts[0].shape[along])), along), widths, constant_values=fill
        )
    return tuple(parts) if len(parts) > 1 else parts[0]


def nonzero(x: Any) -> Any:
    """The indices of the values of an array that are not 0: one int32 array per axis. Not inside a model."""
    return tuple(part.astype(np.int32) for part in np.nonzero(_array("nonzero", x)))


def _array(name: str, x: Any) -> np.ndarray:
    from linnet.backend.keras_tensor import KerasTensor

    if isinstance(x, (Tensor, KerasTensor)):
        raise UnsupportedError(f"{name}: inside a model, the size of a result cannot depend on values; use ops.where")
    return np.asarray(as_numpy(x))


def as_numpy(x: Any) -> Any:
    """Arrays as float32, int32 or bool."""
    from linnet.ops.creation import convert_to_tensor

    return convert_to_tensor(x)


__all__ = [
    "argpartition",
    "argsort",
    "bincount",
    "digitize",
    "histogram",
    "in_top_k",
    "isin",
    "median",
    "nonzero",
    "percentile",
    "quantile",
    "searchsorted",
    "sort",
    "top_k",
    "unique",
]
