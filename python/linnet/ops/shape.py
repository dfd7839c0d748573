"""Operations that move or view values without computing: reshape, transpose, slice, concatenate, pad and their kin.

Shapes given by the user may hold one -1 ("whatever is left"), None or `ops.shape(x)[0]` (the batch). They are resolved
here: the engine wants exact dimensions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from linnet.backend.errors import ShapeError
from linnet.backend.function import op
from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.tensor import BatchSize, Dims, Tensor, engine_dims
from linnet.ops.common import as_dtype, one_axis, promoted, tensor, trace_of


def reshape_dims(x: Tensor, dims: Sequence[int]) -> Tensor:
    """Reshape to exact engine dimensions; nothing is added when they are the same."""
    dims = tuple(dims)
    if dims == x.dims:
        return x
    return x.trace.add("reshape", [x], _logical(x), shape=list(dims))


def _logical(x: Tensor) -> str | None:
    return "bool" if x.dtype == "bool" else None


def _resolve(dims: Dims, newshape: Sequence[Any], what: str) -> Dims:
    # A size is coefficient * batch ** power; an unknown entry takes what the known ones leave. None is the batch; for
    # an array, whose batch is an ordinary size, it is unknown.
    batch: Any = BatchSize() if any(d < 0 for d in dims) else -1
    wanted = [batch if size is None else size for size in newshape]
    unknown = [i for i, size in enumerate(wanted) if isinstance(size, int) and size == -1]
    shown = f"{what}: cannot make shape {tuple(newshape)} of shape {tuple(None if d < 0 else d for d in dims)}"
    if len(unknown) > 1:
        raise ShapeError(f"{shown}: only one -1 is allowed")
    result = [0 if i in unknown else size for i, size in enumerate(engine_dims(wanted))]
    total, batches = math.prod(abs(d) for d in dims), sum(d < 0 for d in dims)
    known = [d for i, d in enumerate(result) if i not in unknown]
    have, have_batches = math.prod(abs(d) for d in known), sum(d < 0 for d in known)
    if unknown:
        left = batches - have_batches
        if left > 1:
            raise ShapeError(f"{shown}: -1 would be the batch times itself; give each batch axis a None")
        if have == 0 or total % have or left < 0:
            raise ShapeError(f"{shown}: {_count(total, batches)} does not divide by {_count(have, have_batches)}")
        result[unknown[0]] = -(total // have) if left else total // have
    elif (total, batches) != (have, have_batches):
        raise ShapeError(f"{shown}: {_count(total, batches)} values do not fill {_count(have, have_batches)}")
    return tuple(result)


def _count(coefficient: int, batches: int) -> str:
    return "*".join([str(coefficient)] + ["batch"] * batches)


def shape(x: Any) -> tuple[Any, ...]:
    """The shape as a tuple; inside a trace the batch is a `BatchSize`, which can be multiplied and given to reshape."""
    if isinstance(x, Tensor):
        return tuple(BatchSize(-size) if size < 0 else size for size in x.dims)
    if isinstance(x, KerasTensor) or hasattr(x, "shape"):
        return tuple(x.shape)
    import numpy as np

    return np.shape(x)


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(shape(x))


def size(x: Any) -> Any:
    """The number of values: an int, or a BatchSize inside a trace."""
    total: Any = 1
    for length in shape(x):
        total = length * total
    return total


@op("x")
def reshape(x: Any, newshape: Sequence[Any]) -> Any:
    """The same values in another shape. One entry may be -1."""
    x = tensor(x)
    newshape = [newshape] if isinstance(newshape, (int, BatchSize)) else list(newshape)
    return reshape_dims(x, _resolve(x.dims, newshape, "reshape"))


@op("x")
def ravel(x: Any) -> Any:
    """All values in one axis."""
    return reshape(x, (-1,))


@op("x")
def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """The axes in another order; reversed when `axes` is None."""
    x = tensor(x)
    order = list(reversed(range(x.ndim))) if axes is None else [one_axis(a, x.ndim, "transpose") for a in axes]
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(f"transpose: axes {tuple(axes or ())} must name each of the {x.ndim} axes once")
    if order == list(range(x.ndim)):
        return x
    return x.trace.add("transpose", [x], _logical(x), axes=order)


@op("x")
def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """Moves axes to new places; the others keep their order."""
    x = tensor(x)
    sources = [source] if isinstance(source, int) else list(source)
    targets = [destination] if isinstance(destination, int) else list(destination)
    sources = [one_axis(a, x.ndim, "moveaxis") for a in sources]
    targets = [one_axis(a, x.ndim, "moveaxis") for a in targets]
    order = [a for a in range(x.ndim) if a not in sources]
    for target, moved in sorted(zip(targets, sources, strict=True)):
        order.insert(target, moved)
    return transpose(x, order)


@op("x")
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Exchanges two axes."""
    x = tensor(x)
    order = list(range(x.ndim))
    first, second = one_axis(axis1, x.ndim, "swapaxes"), one_axis(axis2, x.ndim, "swapaxes")
    order[first], order[second] = second, first
    return transpose(x, order)


@op("x")
def expand_dims(x: Any, axis: int | Sequence[int]) -> Any:
    """Adds axes of size 1 at these places of the result."""
    x = tensor(x)
    axes = [axis] if isinstance(axis, int) else list(axis)
    rank = x.ndim + len(axes)
    places = {one_axis(a, rank, "expand_dims") for a in axes}
    rest = iter(x.dims)
    return reshape_dims(x, [1 if i in places else next(rest) for i in range(rank)])


@op("x")
def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> Any:
    """Removes axes of size 1: these, or all."""
    x = tensor(x)
    if axis is None:
        places = {i for i, length in enumerate(x.dims) if length == 1}
    else:
        places = {one_axis(a, x.ndim, "squeeze") for a in ([axis] if isinstance(axis, int) else axis)}
    for place in places:
        if x.dims[place] != 1:
            raise ShapeError(f"squeeze: axis {place} of shape {x.shape} does not have size 1")
    return reshape_dims(x, [length for i, length in enumerate(x.dims) if i not in places])


@op("x")
def broadcast_to(x: Any, shape: Sequence[Any]) -> Any:
    """Repeats x along new axes and axes of size 1 until it has this shape."""
    x = tensor(x)
    dims = engine_dims([shape] if isinstance(shape, int) else shape)
    if dims == x.dims:
        return x
    return x.trace.add("broadcast_to", [x], _logical(x), shape=list(dims))


@op("*xs")
def concatenate(xs: Sequence[Any], axis: int = 0) -> Any:
    """Joins tensors along an axis that they have."""
    tensors, dtype = promoted(*xs)
    if not tensors:
        raise ValueError("concatenate: needs at least one tensor")
    if len(tensors) == 1:
        return tensors[0]
    place = one_axis(axis, tensors[0].ndim, "concatenate")
    if place == 0 and all(t.ndim and t.dims[0] < 0 for t in tensors):
        # Several batches become one: k batches of n rows are k pieces along an axis of their own.
        pieces = [reshape_dims(t, [-t.dims[0], -1, *t.dims[1:]]) for t in tensors]
        count = sum(-t.dims[0] for t in tensors)
        return reshape_dims(concatenate(pieces, 0), [-count, *tensors[0].dims[1:]])
    return trace_of().add("concatenate", tensors, "bool" if dtype == "bool" else None, axis=place)


@op("*x")
def stack(x: Sequence[Any], axis: int = 0) -> Any:
    """Joins tensors of one shape along a new axis."""
    tensors, _ = promoted(*x)
    place = one_axis(axis, tensors[0].ndim + 1, "stack")
    return concatenate([expand_dims(t, place) for t in tensors], place)


def _stack_axis(xs: Sequence[Any], axis: int) -> Any:
    return concatenate([t if tensor(t).ndim else reshape(t, (1,)) for t in xs], axis)


@op("*xs")
def hstack(xs: Sequence[Any]) -> Any:
    """Joins side by side: along axis 1, or along the only axis."""
    return _stack_axis(xs, 0 if tensor(xs[0]).ndim <= 1 else 1)


@op("*xs")
def vstack(xs: Sequence[Any]) -> Any:
    """Joins one below the other: along axis 0, vectors as rows."""
    return concatenate([expand_dims(t, 0) if tensor(t).ndim == 1 else t for t in xs], 0)


def slice_dims(x: Tensor, begin: Sequence[int], end: Sequence[int], step: Sequence[int]) -> Tensor:
    """The engine's slice: x[begin:end:step] in every axis, exact non-negative bounds."""
    return x.trace.add("slice", [x], _logical(x), begin=list(begin), end=list(end), step=list(step))


def _take_range(x: Tensor, axis: int, begin: int, end: int) -> Tensor:
    begins, ends = [0] * x.ndim, list(x.dims)
    begins[axis], ends[axis] = begin, end
    return slice_dims(x, begins, ends, [1] * x.ndim)


@op("x")
def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> Any:
    """Cuts into equal parts (an int: how many), or before the given indices. Returns a list."""
    x = tensor(x)
    place = one_axis(axis, x.ndim, "split")
    length = x.dims[place]
    if length < 0:
        raise ShapeError("split: cannot split along the batch axis")
    if isinstance(indices_or_sections, int):
        if length % indices_or_sections:
            raise ShapeError(f"split: axis {axis} of size {length} does not divide into {indices_or_sections} parts")
        part = length // indices_or_sections
        cuts = list(range(part, length, part)) if part else [0] * (indices_or_sections - 1)
    else:
        cuts = [min(max(c + length if c < 0 else c, 0), length) for c in indices_or_sections]
    edges = [0, *cuts, length]
    return [_take_range(x, place, b, max(b, e)) for b, e in itertools.pairwise(edges)]


@op("x")
def unstack(x: Any, num: int | None = None, axis: int = 0) -> Any:
    """The list of slices along an axis, without that axis."""
    x = tensor(x)
    place = one_axis(axis, x.ndim, "unstack")
    return [squeeze(part, place) for part in split(x, num or x.dims[place], place)]


@op("x")
def flip(x: Any, axis: int | Sequence[int] | None = None) -> Any:
    """Reverses these axes, or all."""
    x = tensor(x)
    axes = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    places = {one_axis(a, x.ndim, "flip") for a in axes}
    if any(x.dims[place] < 0 for place in places):
        raise ShapeError("flip: the batch axis cannot be reversed inside a model")
    # A reversed slice runs from the last index down to "one before the first".
    begin = [x.dims[i] - 1 if i in places else 0 for i in range(x.ndim)]
    end = [-1 if i in places else x.dims[i] for i in range(x.ndim)]
    return slice_dims(x, begin, end, [-1 if i in places else 1 for i in range(x.ndim)])


@op("x")
def roll(x: Any, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Any:
    """Shifts values along axes; what leaves at one end enters at the other. axis None: in the flattened tensor."""
    x = tensor(x)
    if axis is None:
        return reshape_dims(roll(ravel(x), shift, 0), x.dims)
    axes = [axis] if isinstance(axis, int) else list(axis)
    shifts = [shift] * len(axes) if isinstance(shift, int) else list(shift)
    for a, s in zip(axes, shifts, strict=True):
        place = one_axis(a, x.ndim, "roll")
        length = x.dims[place]
        if length < 0:
            raise ShapeError("roll: the batch axis cannot be shifted inside a model")
        cut = -s % length if length else 0
        if cut:
            x = concatenate([_take_range(x, place, cut, length), _take_range(x, place, 0, cut)], place)
    return x


@op("x")
def tile(x: Any, repeats: int | Sequence[int]) -> Any:
    """The whole tensor repeated along each axis."""
    x = tensor(x)
    counts = [repeats] if isinstance(repeats, int) else list(repeats)
    rank = max(x.ndim, len(counts))
    counts = [1] * (rank - len(counts)) + counts
    dims = [1] * (rank - x.ndim) + list(x.dims)
    pairs = [entry for count, length in zip(counts, dims, strict=True) for entry in (count, length)]
    spread = [entry for length in dims for entry in (1, length)]
    wide = broadcast_to(reshape_dims(x, spread), [BatchSize(-p) if p < 0 else p for p in pairs])
    return reshape_dims(wide, [length * count for count, length in zip(counts, dims, strict=True)])


@op("x")
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each value `repeats` times in a row along the axis; an int, or one for each place of the axis. axis None: in the
    flattened tensor."""
    x = tensor(x)
    if axis is None:
        return repeat(ravel(x), repeats, 0)
    place = one_axis(axis, x.ndim, "repeat")
    if not isinstance(repeats, int):
        counts = np.asarray(repeats)
        if counts.dtype.kind not in "iu" or counts.size not in (1, x.dims[place]) or counts.min(initial=0) < 0:
            raise TypeError(f"repeat: repeats must be an int or {x.dims[place]} of them, got {repeats!r}")
        if counts.size > 1:
            from linnet.ops.indexing import take

            return take(x, np.repeat(np.arange(counts.size), counts.ravel()), place)
        repeats = int(counts.ravel()[0])
    if repeats < 0:
        raise ValueError(f"repeat: repeats must not be negative, got {repeats}")
    narrow = [*x.dims[: place + 1], 1, *x.dims[place + 1 :]]
    wide = [*x.dims[: place + 1], repeats, *x.dims[place + 1 :]]
    spread = broadcast_to(reshape_dims(x, narrow), [BatchSize(-p) if p < 0 else p for p in wide])
    return reshape_dims(spread, [length * repeats if i == place else length for i, length in enumerate(x.dims)])


@op("x")
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: float | None = None) -> Any:
    """Adds values around: pad_width is one number, (before, after), or a pair for every axis.

    mode: "constant" (zeros, or constant_values), "edge" (the value at the edge again and again), "reflect" (mirrored,
    the edge itself not repeated) or "symmetric" (mirrored).
    """
    x = tensor(x)
    widths = _pad_widths(pad_width, x.ndim)
    if mode == "constant":
        before, after = [w[0] for w in widths], [w[1] for w in widths]
        value = float(constant_values or 0.0)
        if x.dtype == "float32":
            return x.trace.add("pad", [x], before=before, after=after, value=value)
        padded = x.trace.add("pad", [as_dtype(x, "float32")], before=before, after=after, value=value)
        return as_dtype(padded, x.dtype)
    if mode == "edge":
        for axis, (low, high) in enumerate(widths):
            first, last = _take_range(x, axis, 0, 1), _take_range(x, axis, x.dims[axis] - 1, x.dims[axis])
            x = concatenate([*[first] * low, x, *[last] * high], axis) if low or high else x
        return x
    if mode not in ("reflect", "symmetric"):
        from linnet.backend.lookup import unknown_name

        raise unknown_name("padding mode", mode, ["constant", "edge", "reflect", "symmetric"])
    skip = 1 if mode == "reflect" else 0
    for axis, (low, high) in enumerate(widths):
        length = x.dims[axis]
        if max(low, high) > max(length - skip, 0):
            raise ShapeError(f"pad: cannot {mode} {max(low, high)} values of an axis of size {length}")
        parts = [x]
        if low:
            parts.insert(0, flip(_take_range(x, axis, skip, skip + low), axis))
        if high:
            parts.append(flip(_take_range(x, axis, length - skip - high, length - skip), axis))
        x = concatenate(parts, axis)
    return x


def _pad_widths(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, int):
        return [(pad_width, pad_width)] * rank
    widths = [(w, w) if isinstance(w, int) else tuple(int(v) for v in w) for w in pad_width]
    if all(isinstance(w, int) for w in pad_width) and len(pad_width) == 2:
        return [(int(pad_width[0]), int(pad_width[1]))] * rank
    if len(widths) == 1:
        widths = widths * rank
    if len(widths) != rank or any(len(w) != 2 for w in widths):
        raise ShapeError(f"pad: expected a (before, after) pair for each of the {rank} axes, got {pad_width!r}")
    return [(w[0], w[1]) for w in widths]
