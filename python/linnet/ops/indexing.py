"""Picking values: x[...], slice, take, one_hot, and the triangles of matrices.

Ints and slices become the engine's `slice`; picking by numbers that are known only at run time becomes `embedding`
(rows of a table) or a product with `one_hot`. Sizes never depend on values, so boolean masks cannot pick. Along the
batch axis only the whole can be taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from linnet.backend.errors import ShapeError, UnsupportedError
from linnet.backend.function import op
from linnet.backend.tensor import BatchSize, Tensor
from linnet.ops.common import as_dtype, as_float, as_int, one_axis, tensor, trace_of
from linnet.ops.shape import moveaxis, reshape_dims, slice_dims


@op("x")
def get_item(x: Any, key: Any) -> Any:
    """x[key] with ints, slices, ... and None (a new axis); or with one int array, which takes rows."""
    x = tensor(x)
    if isinstance(key, (list, np.ndarray, Tensor)):
        if getattr(key, "dtype", None) in ("bool", np.dtype(bool)):
            raise UnsupportedError("x[mask]: the result's size would depend on the values; use ops.where instead")
        return take(x, key, 0)
    keys = list(key) if isinstance(key, tuple) else [key]
    if sum(k is Ellipsis for k in keys) > 1:
        raise IndexError("x[...]: only one ellipsis is allowed")
    named = sum(k is not None and k is not Ellipsis for k in keys)
    if named > x.ndim:
        raise IndexError(f"x[{named} indices]: the tensor has only {x.ndim} axes")
    place = next((i for i, k in enumerate(keys) if k is Ellipsis), len(keys))
    keys[place : place + 1] = [slice(None)] * (x.ndim - named)
    begin, end, step, shape = [], [], [], []
    axis = 0
    for k in keys:
        if k is None:
            shape.append(1)
            continue
        length = x.dims[axis]
        if isinstance(k, slice):
            low, high, stride, count = _slice_bounds(k, length, axis)
            shape.append(count)
        elif isinstance(k, (int, np.integer)) and not isinstance(k, bool):
            if length < 0:
                raise UnsupportedError("x[i]: a single row of the batch cannot be picked while tracing")
            if not -length <= k < length:
                raise IndexError(f"x[{k}]: axis {axis} has size {length}")
            low, stride = int(k) % length, 1
            high = low + 1
        else:
            raise UnsupportedError(f"x[{k!r}]: only ints, slices, ... and None can be mixed; use ops.take")
        begin.append(low)
        end.append(high)
        step.append(stride)
        axis += 1
    if (begin, end, step) != ([0] * x.ndim, list(x.dims), [1] * x.ndim):
        x = slice_dims(x, begin, end, step)
    return reshape_dims(x, shape)


def _slice_bounds(key: slice, length: int, axis: int) -> tuple[int, int, int, int]:
    if length < 0:  # the batch: only the whole of it
        if key.start not in (None, 0) or key.stop is not None or key.step not in (None, 1):
            raise UnsupportedError(f"x[{key}]: the batch axis {axis} can only be taken as a whole while tracing")
        return 0, length, 1, length
    low, high, step = key.indices(length)
    return low, high, step, len(range(low, high, step))


@op("inputs")
def slice_(inputs: Any, start_indices: Sequence[int], shape: Sequence[int]) -> Any:
    """The block of this shape that starts at these indices. (Its public name is `slice`.)"""
    x = tensor(inputs)
    begin = [int(start) for start in start_indices]
    end = []
    for axis, (low, count, length) in enumerate(zip(begin, shape, x.dims, strict=True)):
        if length < 0:
            end.append(length)
            continue
        stop = length if count in (None, -1) else low + int(count)
        if not 0 <= low <= stop <= length:
            raise ShapeError(f"slice: [{low}, {stop}) does not lie inside axis {axis} of size {length}")
        end.append(stop)
    return slice_dims(x, begin, end, [1] * x.ndim)


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """x's slices at these indices along an axis (None: in the flattened tensor).

    indices: ints from 0 to size - 1; others raise an error when they come up at run time. Arrays and lists may also
    count from the end, from -1 on; tensors not. The result has the shape of `indices` in the place of the axis.
    """
    if isinstance(indices, (int, list, tuple, np.ndarray)) and not isinstance(indices, bool):
        numbers, shape = np.asarray(indices), tuple(np.shape(x)) if isinstance(x, (list, float)) else tuple(x.shape)
        size = None if None in shape else int(np.prod(shape)) if axis is None else shape[axis]
        if numbers.dtype.kind in "iu" and size is not None:
            indices = np.where(numbers < 0, numbers + size, numbers)
    return _take(x, indices, axis)


@op("x", "indices")
def _take(x: Any, indices: Any, axis: int | None = None) -> Any:
    x, indices = tensor(x), as_int(indices)
    if axis is None:
        from linnet.ops.shape import ravel

        return _take(ravel(x), indices, 0)
    place = one_axis(axis, x.ndim, "take")
    front = moveaxis(x, place, 0)
    rest = front.dims[1:]
    width = 1
    for length in rest:
        width *= length
    table = reshape_dims(as_float(front), (front.dims[0], width))
    rows = trace_of().add("embedding", [table, indices])
    rows = as_dtype(reshape_dims(rows, (*indices.dims, *rest)), x.dtype)
    # The new axes stand in front; they belong where the axis was.
    return moveaxis(rows, list(range(indices.ndim)), list(range(place, place + indices.ndim)))


@op("x", "indices")
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """For each position, the value of x at this index along the axis; an index below 0 counts from the end.

    Shapes agree, or broadcast, in all other axes. An index outside is an error when it comes up at run time.
    """
    x, indices = tensor(x), as_int(indices)
    if axis is None:
        from linnet.ops.shape import ravel

        return take_along_axis(ravel(x), ravel(indices), 0)
    place = one_axis(axis, x.ndim, "take_along_axis")
    values, picks = moveaxis(x, place, -1), moveaxis(indices, place, -1)
    lead = [max(m, n) if m > 0 and n > 0 else n if m == 1 else m for m, n in zip(values.dims, picks.dims, strict=True)]
    values, picks = _spread(values, lead), _spread(picks, lead)
    chosen = trace_of().add("take_along", [values, picks], "bool" if x.dtype == "bool" else None)
    return moveaxis(chosen, -1, place)


def _spread(x: Tensor, lead: Sequence[int]) -> Tensor:
    """x broadcast to these leading axes; its last axis stays."""
    from linnet.ops.shape import broadcast_to

    return broadcast_to(x, [BatchSize(-d) if d < 0 else d for d in (*lead[:-1], x.dims[-1])])


@op("x")
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: str | None = None, sparse: bool = False) -> Any:
    """A new axis of size num_classes with 1 at index x and 0 elsewhere."""
    if sparse:
        raise UnsupportedError("one_hot: sparse tensors are not supported")
    ids = as_int(x)
    result = trace_of().add("one_hot", [ids], depth=int(num_classes))
    result = moveaxis(result, -1, one_axis(axis, result.ndim, "one_hot"))
    return as_dtype(result, dtype) if dtype is not None and dtype != "float32" else result


@op("inputs")
def multi_hot(inputs: Any, num_classes: int, axis: int = -1, dtype: str | None = None, sparse: bool = False) -> Any:
    """1 at every index that occurs along axis 1 of inputs (axis 0 of a vector), 0 elsewhere.

    axis: where the axis of size num_classes is put before the other is reduced, as in `one_hot`.
    """
    from linnet.ops.reduction import max as largest

    inputs = tensor(inputs)
    hot = one_hot(inputs, num_classes, axis, dtype, sparse)
    return hot if inputs.ndim == 0 else largest(hot, axis=1 if inputs.ndim > 1 else 0)


def _band(x: Any, k: int, lower: bool) -> Tensor:
    from linnet.ops.arithmetic import where

    x = tensor(x)
    rows, columns = x.dims[-2:]
    if rows < 0 or columns < 0:
        raise ShapeError("tril and triu need matrices whose sizes do not depend on the batch")
    distance = np.arange(columns)[None, :] - np.arange(rows)[:, None]
    keep = distance <= k if lower else distance >= k
    return where(keep, x, 0 if x.dtype == "int32" else 0.0 if x.dtype == "float32" else False)


@op("x")
def tril(x: Any, k: int = 0) -> Any:
    """The values on and below diagonal k of the last two axes; zero above."""
    return _band(x, k, True)


@op("x")
def triu(x: Any, k: int = 0) -> Any:
    """The values on and above diagonal k of the last two axes; zero below."""
    return _band(x, k, False)
