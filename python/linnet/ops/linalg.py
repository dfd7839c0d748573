"""Products of vectors, matrices and tensors.

All of them become the engine's one matmul, (..., m, k) times (k, n) or with equal leading axes: here axes are moved,
merged and broadcast so that it fits. einsum contracts its operands two at a time, from left to right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from linnet.backend.errors import ShapeError
from linnet.backend.function import op
from linnet.backend.tensor import BatchSize, Tensor
from linnet.ops.common import as_float, one_axis, trace_of
from linnet.ops.decompositions import (
    cholesky,
    det,
    eigh,
    inv,
    logdet,
    lstsq,
    matrix_rank,
    pinv,
    qr,
    slogdet,
    solve,
    solve_triangular,
    svd,
)
from linnet.ops.reduction import norm
from linnet.ops.shape import broadcast_to, reshape_dims, transpose


def _broadcast(first: Sequence[int], second: Sequence[int]) -> list[int]:
    rank = max(len(first), len(second))
    a = [1] * (rank - len(first)) + list(first)
    b = [1] * (rank - len(second)) + list(second)
    return [y if x == 1 else x for x, y in zip(a, b, strict=True)]


def _expand(x: Tensor, lead: Sequence[int]) -> Tensor:
    dims = [*lead, *x.dims[-2:]]
    return broadcast_to(x, [BatchSize(-d) if d < 0 else d for d in dims])


@op("x1", "x2")
def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product over the last two axes, broadcasting the others; vectors as in NumPy."""
    a, b = as_float(x1), as_float(x2)
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError("matmul: a number has no matrix product; use multiply")
    vector_a, vector_b = a.ndim == 1, b.ndim == 1
    if vector_a:
        a = reshape_dims(a, (1, *a.dims))
    if vector_b:
        b = reshape_dims(b, (*b.dims, 1))
    if a.dims[-1] != b.dims[-2]:
        raise ShapeError(f"matmul: inner sizes differ: {a.shape} times {b.shape}")
    if b.ndim > 2 and a.dims[:-2] != b.dims[:-2]:
        lead = _broadcast(a.dims[:-2], b.dims[:-2])
        a, b = _expand(a, lead), _expand(b, lead)
    result = trace_of().add("matmul", [a, b], trans_a=False, trans_b=False)
    dims = list(result.dims)
    if vector_b:
        dims.pop()
    if vector_a:
        dims.pop(-1 if vector_b else -2)
    return reshape_dims(result, dims)


@op("x1", "x2")
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """The sum of products over pairs of axes: how many (the last of x1, the first of x2), or two lists of axes."""
    a, b = as_float(x1), as_float(x2)
    if isinstance(axes, int):
        left, right = list(range(a.ndim - axes, a.ndim)), list(range(axes))
    else:
        left, right = ([side] if isinstance(side, int) else list(side) for side in axes)
        left = [one_axis(i, a.ndim, "tensordot") for i in left]
        right = [one_axis(i, b.ndim, "tensordot") for i in right]
    if [a.dims[i] for i in left] != [b.dims[i] for i in right]:
        raise ShapeError(f"tensordot: sizes of axes {left} of {a.shape} and axes {right} of {b.shape} differ")
    keep_a = [i for i in range(a.ndim) if i not in left]
    keep_b = [i for i in range(b.ndim) if i not in right]
    inner = math.prod(a.dims[i] for i in left)
    rows, columns = [a.dims[i] for i in keep_a], [b.dims[i] for i in keep_b]
    first = reshape_dims(transpose(a, keep_a + left), (math.prod(rows), inner))
    second = reshape_dims(transpose(b, right + keep_b), (inner, math.prod(columns)))
    result = trace_of().add("matmul", [first, second], trans_a=False, trans_b=False)
    return reshape_dims(result, rows + columns)


@op("x1", "x2")
def dot(x1: Any, x2: Any) -> Any:
    """The product over the last axis of x1 and the last but one (or only) axis of x2; with a number, a multiple."""
    from linnet.ops.arithmetic import multiply

    a, b = as_float(x1), as_float(x2)
    if a.ndim == 0 or b.ndim == 0:
        return multiply(a, b)
    if b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, ([a.ndim - 1], [b.ndim - 2]))


@op("x1", "x2")
def outer(x1: Any, x2: Any) -> Any:
    """All products of a value of x1 (flattened) and a value of x2 (flattened)."""
    from linnet.ops.arithmetic import multiply
    from linnet.ops.shape import reshape

    return multiply(reshape(x1, (-1, 1)), reshape(x2, (1, -1)))


@op("x1", "x2")
def vdot(x1: Any, x2: Any) -> Any:
    """The sum of the products of all values."""
    from linnet.ops.arithmetic import multiply
    from linnet.ops.reduction import sum as total
    from linnet.ops.shape import ravel

    return total(multiply(ravel(as_float(x1)), ravel(as_float(x2))))


__all__ = [
    "cholesky",
    "det",
    "dot",
    "eigh",
    "inv",
    "logdet",
    "lstsq",
    "matmul",
    "matrix_rank",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "tensordot",
    "vdot",
]
