"""More ways to put values together and take them apart, and matrices of a given form.

Everything here is made of the operations of shape.py and arithmetic.py; gradients follow from them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from linnet.backend.dtypes import standardize_dtype
from linnet.backend.errors import ShapeError
from linnet.backend.function import op
from linnet.ops import arithmetic as a
from linnet.ops import reduction as r
from linnet.ops.common import as_bool, as_float, one_axis, tensor
from linnet.ops.creation import _array, full_like, zeros_like
from linnet.ops.einsum import diag
from linnet.ops.linalg import matmul, tensordot
from linnet.ops.shape import (
    concatenate,
    expand_dims,
    flip,
    moveaxis,
    ravel,
    reshape_dims,
    split,
    stack,
    swapaxes,
    transpose,
)


@op("x1", "x2")
def append(x1: Any, x2: Any, axis: int | None = None) -> Any:
    """x2 behind x1 along the axis; axis None: both flattened."""
    if axis is None:
        return concatenate([ravel(tensor(x1)), ravel(tensor(x2))], 0)
    return concatenate([x1, x2], axis)


@op("x")
def array_split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> Any:
    """split into parts whose sizes may differ by one."""
    x = tensor(x)
    if not isinstance(indices_or_sections, int):
        return split(x, indices_or_sections, axis)
    length = x.dims[one_axis(axis, x.ndim, "array_split")]
    small, more = divmod(length, indices_or_sections)
    sizes = [small + 1] * more + [small] * (indices_or_sections - more)
    return split(x, list(itertools.accumulate(sizes))[:-1], axis)


@op("x")
def hsplit(x: Any, indices_or_sections: int | Sequence[int]) -> Any:
    """split along axis 1, or the only axis."""
    return split(x, indices_or_sections, 0 if tensor(x).ndim == 1 else 1)


@op("x")
def vsplit(x: Any, indices_or_sections: int | Sequence[int]) -> Any:
    """split along axis 0."""
    return split(x, indices_or_sections, 0)


@op("x")
def dsplit(x: Any, indices_or_sections: int | Sequence[int]) -> Any:
    """split along axis 2."""
    return split(x, indices_or_sections, 2)


@op("*xs")
def dstack(xs: Sequence[Any]) -> Any:
    """Joins along axis 2; vectors are (1, n, 1), matrices (m, n, 1)."""
    whole = []
    for one in xs:
        x = tensor(one)
        x = reshape_dims(x, (1, math.prod(x.dims), 1)) if x.ndim < 2 else expand_dims(x, 2) if x.ndim == 2 else x
        whole.append(x)
    return concatenate(whole, 2)


@op("x")
def fliplr(x: Any) -> Any:
    """Reverses axis 1."""
    return flip(x, 1)


@op("x")
def flipud(x: Any) -> Any:
    """Reverses axis 0."""
    return flip(x, 0)


@op("array")
def rot90(array: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Turns by k right angles, from the first of the axes to the second."""
    x = tensor(array)
    first, second = (one_axis(axis, x.ndim, "rot90") for axis in axes)
    if first == second:
        raise ValueError(f"rot90: the axes {axes} must differ")
    k %= 4
    if k == 2:
        return flip(x, (first, second))
    if k == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second) if k == 3 else x


@op("x")
def diagflat(x: Any, k: int = 0) -> Any:
    """A matrix with the flattened x on diagonal k."""
    return diag(ravel(tensor(x)), k)


@op("x1", "x2")
def inner(x1: Any, x2: Any) -> Any:
    """The sum of products over the last axes of both."""
    x1, x2 = as_float(x1), as_float(x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return a.multiply(x1, x2)
    return tensordot(x1, x2, ([x1.ndim - 1], [x2.ndim - 1]))


@op("x1", "x2")
def kron(x1: Any, x2: Any) -> Any:
    """Kronecker's product: every value of x1 times the whole of x2."""
    x1, x2 = tensor(x1), tensor(x2)
    rank = max(x1.ndim, x2.ndim)
    first = [1] * (rank - x1.ndim) + list(x1.dims)
    second = [1] * (rank - x2.ndim) + list(x2.dims)
    spread = a.multiply(
        reshape_dims(x1, [s for size in first for s in (size, 1)]),
        reshape_dims(x2, [s for size in second for s in (1, size)]),
    )
    return reshape_dims(spread, [m * n for m, n in zip(first, second, strict=True)])


@op("x1", "x2")
def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The vector product of vectors of 3 (or 2) numbers along the axes; of two of 2 numbers, its only component."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2 = moveaxis(as_float(x1), axisa, -1), moveaxis(as_float(x2), axisb, -1)
    if x1.dims[-1] not in (2, 3) or x2.dims[-1] not in (2, 3):
        raise ShapeError(f"cross: vectors must have 2 or 3 numbers, got shapes {x1.shape} and {x2.shape}")
    a0, a1, *a2 = (x1[..., i] for i in range(x1.dims[-1]))
    b0, b1, *b2 = (x2[..., i] for i in range(x2.dims[-1]))
    last = a.subtract(a.multiply(a0, b1), a.multiply(a1, b0))
    if not a2 and not b2:
        return last
    third, other = (a2 or [a.multiply(a0, 0.0)])[0], (b2 or [a.multiply(b0, 0.0)])[0]
    first = a.subtract(a.multiply(a1, other), a.multiply(third, b1))
    second = a.subtract(a.multiply(third, b0), a.multiply(a0, other))
    return moveaxis(stack([first, second, last], -1), -1, axisc)


@op("x")
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The matrix of the powers of a vector: (n, N), from the highest on unless increasing."""
    x = as_float(x)
    if x.ndim != 1:
        raise ShapeError(f"vander: x must be a vector, got shape {x.shape}")
    count = x.dims[0] if N is None else N
    powers = [full_like(x, 1.0)]
    for _ in range(count - 1):
        powers.append(a.multiply(powers[-1], x))
    return stack(powers[:count] if increasing else powers[:count][::-1], 1)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on and below diagonal k of an N x M matrix."""
    return _array(np.tri(N, M, k), standardize_dtype(dtype))


@op("*condlist", "*choicelist", "default")
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """At each place the choice of the first condition that is true there, or default."""
    found = tensor(default)
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        found = a.where(as_bool(condition), choice, found)
    return found


@op("x")
def corrcoef(x: Any) -> Any:
    """The correlations between the rows of x."""
    x = as_float(x)
    centred = a.subtract(x, r.mean(x, -1, True))
    products = matmul(centred, transpose(centred))
    sizes = a.sqrt(r.sum(a.square(centred), -1))
    return a.divide(products, a.multiply(expand_dims(sizes, 1), expand_dims(sizes, 0)))


@op("x", "y")
def cdist(x: Any, y: Any) -> Any:
    """The distances between the rows of x (..., m, d) and of y (..., n, d)."""
    gap = a.subtract(expand_dims(as_float(x), -2), expand_dims(as_float(y), -3))
    return a.sqrt(r.sum(a.square(gap), -1))


@op("x")
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Blocks of pixels become channels: (n, h, w, c) to (n, h / b, w / b, b b c)."""
    n, h, w, c = _image(x, data_format, "space_to_depth")
    b = block_size
    if h % b or w % b:
        raise ShapeError(f"space_to_depth: height {h} and width {w} must be multiples of {b}")
    blocks = transpose(reshape_dims(tensor(x), (n, h // b, b, w // b, b, c)), (0, 1, 3, 2, 4, 5))
    return reshape_dims(blocks, (n, h // b, w // b, b * b * c))


@op("x")
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Channels become blocks of pixels: (n, h, w, b b c) to (n, h b, w b, c)."""
    n, h, w, c = _image(x, data_format, "depth_to_space")
    b = block_size
    if c % (b * b):
        raise ShapeError(f"depth_to_space: {c} channels are not a multiple of {b * b}")
    blocks = transpose(reshape_dims(tensor(x), (n, h, w, b, b, c // (b * b))), (0, 1, 3, 2, 4, 5))
    return reshape_dims(blocks, (n, h * b, w * b, c // (b * b)))


def _image(x: Any, data_format: str, what: str) -> tuple[int, ...]:
    from linnet.layers.arguments import channels_last

    channels_last(data_format)
    dims = tensor(x).dims
    if len(dims) != 4:
        raise ShapeError(f"{what}: x must be images (n, h, w, c), got shape {tensor(x).shape}")
    return dims


@op("x")
def empty_like(x: Any, dtype: Any = None) -> Any:
    """The same as zeros_like."""
    return zeros_like(x, dtype)


def dtype(x: Any) -> str:
    """The type of a tensor or array: "float32", "int32" or "bool"."""
    return standardize_dtype(x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype)


@op("x")
def saturate_cast(x: Any, dtype: Any) -> Any:
    """cast; a float beyond the range of int32 becomes its end."""
    from linnet.ops.creation import cast

    return cast(x, dtype)


def logspace(
    start: float, stop: float, num: int = 50, endpoint: bool = True, base: float = 10, dtype: Any = None, axis: int = 0
) -> Any:
    """num powers of base whose exponents run from start to stop."""
    return _array(np.logspace(start, stop, num, endpoint, base, axis=axis), standardize_dtype(dtype))


def geomspace(start: float, stop: float, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """num numbers from start to stop with a constant ratio."""
    return _array(np.geomspace(start, stop, num, endpoint, axis=axis), standardize_dtype(dtype))


def bartlett(x: int) -> Any:
    """The triangular window of x values."""
    return _array(np.bartlett(int(x)), "float32")


def blackman(x: int) -> Any:
    """Blackman's window of x values."""
    return _array(np.blackman(int(x)), "float32")


def hamming(x: int) -> Any:
    """Hamming's window of x values."""
    return _array(np.hamming(int(x)), "float32")


def hanning(x: int) -> Any:
    """Hann's window of x values."""
    return _array(np.hanning(int(x)), "float32")


def kaiser(x: int, beta: float) -> Any:
    """Kaiser's window of x values."""
    return _array(np.kaiser(int(x), beta), "float32")


__all__ = [
    "append",
    "array_split",
    "bartlett",
    "blackman",
    "cdist",
    "corrcoef",
    "cross",
    "depth_to_space",
    "diagflat",
    "dsplit",
    "dstack",
    "dtype",
    "empty_like",
    "fliplr",
    "flipud",
    "geomspace",
    "hamming",
    "hanning",
    "hsplit",
    "inner",
    "kaiser",
    "kron",
    "logspace",
    "rot90",
    "saturate_cast",
    "select",
    "space_to_depth",
    "tri",
    "vander",
    "vsplit",
]
