"""Values brought to places that numbers name: sums by segment, scatter, updates of parts.

Adding up rows by number is what the gradient of an embedding does (`embedding_grad`); it is used here as an operation
of its own. Numbers outside of the range are left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from linnet.backend.errors import ShapeError, UnsupportedError
from linnet.backend.function import op
from linnet.backend.lookup import unknown_name
from linnet.backend.tensor import Tensor
from linnet.ops import arithmetic as a
from linnet.ops import reduction as r
from linnet.ops.common import as_bool, as_dtype, as_float, as_int, promoted, tensor, trace_of
from linnet.ops.indexing import one_hot
from linnet.ops.shape import expand_dims, pad, reshape_dims, slice_dims


def _sums(rows: Tensor, ids: Tensor, entries: int) -> Tensor:
    """Rows (n, width) added up by ids (n) to (entries, width)."""
    return trace_of().add("embedding_grad", [ids, rows], entries=entries)


def _segments(data: Tensor, ids: Tensor, count: int | None, what: str) -> int:
    if ids.ndim != 1 or data.ndim < 1 or data.dims[0] != ids.dims[0]:
        raise ShapeError(f"{what}: segment_ids {ids.shape} must name a segment for each row of data {data.shape}")
    if count is None:
        raise UnsupportedError(f"{what}: give num_segments: the size of a result cannot depend on values")
    return int(count)


@op("data", "segment_ids")
def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The rows of data added up by segment: result[s] is the sum of the rows whose id is s."""
    data, ids = tensor(data), as_int(segment_ids)
    count = _segments(data, ids, num_segments, "segment_sum")
    rest = data.dims[1:]
    rows = reshape_dims(as_float(data), (data.dims[0], math.prod(rest)))
    return as_dtype(reshape_dims(_sums(rows, ids, count), (count, *rest)), data.dtype)


def _by_segment(data: Any, segment_ids: Any, num_segments: int | None, what: str, start: float, join: Callable) -> Any:
    data, ids = tensor(data), as_int(segment_ids)
    count = _segments(data, ids, num_segments, what)
    rest = data.dims[1:]
    rows = reshape_dims(as_float(data), (data.dims[0], 1, math.prod(rest)))
    inside = as_bool(expand_dims(one_hot(ids, count), -1))  # (n, count, 1)
    found = join(a.where(inside, rows, start), 0)
    return as_dtype(reshape_dims(found, (count, *rest)), data.dtype)


@op("data", "segment_ids")
def segment_max(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The largest value of each segment; -inf for a segment without rows."""
    return _by_segment(data, segment_ids, num_segments, "segment_max", -float("inf"), r.max)


@op("data", "segment_ids")
def segment_min(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The smallest value of each segment; inf for a segment without rows."""
    return _by_segment(data, segment_ids, num_segments, "segment_min", float("inf"), r.min)


@op("data", "segment_ids")
def segment_prod(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The product of each segment; 1 for a segment without rows."""
    return _by_segment(data, segment_ids, num_segments, "segment_prod", 1.0, r.prod)


def _flat_ids(indices: Tensor, shape: Sequence[int]) -> Tensor:
    """indices (n, k) into axes 0 ... k - 1 of a shape as the numbers of its rows (n)."""
    depth = indices.dims[-1]
    strides = np.array([math.prod(shape[i + 1 : depth]) for i in range(depth)], np.float32)
    return as_int(r.sum(a.multiply(as_float(indices), strides), -1))


@op("indices", "values")
def scatter(indices: Any, values: Any, shape: Sequence[int]) -> Any:
    """Zeros of this shape with values added at indices (n, k): k numbers name a place in the first k axes."""
    indices, values = as_int(indices), tensor(values)
    shape = [int(size) for size in shape]
    depth, rest = indices.dims[-1], shape[indices.dims[-1] :]
    count = math.prod(indices.dims[:-1])
    ids = reshape_dims(_flat_ids(indices, shape), (count,))
    rows = reshape_dims(as_float(values), (count, math.prod(rest)))
    return as_dtype(reshape_dims(_sums(rows, ids, math.prod(shape[:depth])), shape), values.dtype)


_JOINS = {"mul": (segment_prod, a.multiply), "max": (segment_max, a.maximum), "min": (segment_min, a.minimum)}


@op("inputs", "indices", "updates")
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """inputs with updates in the places that indices (n, k) name. reduction: None puts them there (each place once),
    "add", "mul", "max" and "min" join them with what is there."""
    (inputs, updates), dtype = promoted(inputs, updates)
    indices = as_int(indices)
    if any(size < 0 for size in inputs.dims):
        raise ShapeError("scatter_update: the batch axis cannot be updated in places inside a model")
    if reduction in _JOINS:
        by_segment, join = _JOINS[reduction]
        depth = indices.dims[-1]
        shape, n = (math.prod(inputs.dims[:depth]), math.prod(inputs.dims[depth:])), math.prod(indices.dims[:-1])
        ids = reshape_dims(_flat_ids(indices, inputs.dims), (n,))
        rows = by_segment(reshape_dims(as_float(updates), (n, shape[1])), ids, shape[0])
        return as_dtype(reshape_dims(join(reshape_dims(as_float(inputs), shape), rows), inputs.dims), dtype)
    put = scatter(indices, as_float(updates), inputs.dims)
    if reduction == "add":
        return as_dtype(a.add(as_float(inputs), put), dtype)
    if reduction is not None:
        raise unknown_name("reduction", reduction, ["None", "add", *_JOINS])
    hits = scatter(indices, np.ones(updates.dims, np.float32), inputs.dims)
    return as_dtype(a.where(as_bool(hits), put, as_float(inputs)), dtype)


@op("inputs", "updates")
def slice_update(inputs: Any, start_indices: Sequence[int], updates: Any) -> Any:
    """inputs with the block `updates` put at start_indices (ints)."""
    (inputs, updates), dtype = promoted(inputs, updates)
    starts = [int(start) for start in start_indices]
    widths = []
    for start, size, block in zip(starts, inputs.dims, updates.dims, strict=True):
        if start < 0 or (size >= 0 and start + block > size) or (size < 0 and (start, block) != (0, size)):
            raise ShapeError(f"slice_update: {updates.shape} at {tuple(starts)} does not fit into {inputs.shape}")
        widths.append((start, 0 if size < 0 else size - start - block))
    block = pad(as_float(updates), widths)
    inside = pad(a.add(a.multiply(as_float(updates), 0.0), 1.0), widths)
    return as_dtype(a.where(as_bool(inside), block, as_float(inputs)), dtype)


@op("x")
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Any:
    """Windows along the last axis: (..., samples) to (..., windows, sequence_length)."""
    x = as_float(x)
    starts = range(0, x.dims[-1] - sequence_length + 1, sequence_stride)
    lead = [0] * (x.ndim - 1)
    parts = [slice_dims(x, [*lead, s], [*x.dims[:-1], s + sequence_length], [1] * x.ndim) for s in starts]
    from linnet.ops.shape import stack

    return stack(parts, -2)


@op("indices")
def unravel_index(indices: Any, shape: Sequence[int]) -> Any:
    """The coordinates of flat indices in this shape: one int32 tensor per axis."""
    rest = as_float(indices)
    total = math.prod(shape)
    rest = a.where(a.sign(rest) < 0, a.add(rest, float(total)), rest)
    found = []
    for axis, size in enumerate(shape):
        stride = float(math.prod(shape[axis + 1 :]))
        found.append(as_int(a.mod(a.floor_divide(rest, stride), float(size))))
    return tuple(found)


__all__ = [
    "extract_sequences",
    "scatter",
    "scatter_update",
    "segment_max",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "slice_update",
    "unravel_index",
]
