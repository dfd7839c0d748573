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

    return multiply(reshape(as_float(x1), (-1, 1)), reshape(as_float(x2), (1, -1)))


@op("x1", "x2")
def vdot(x1: Any, x2: Any) -> Any:
    """The sum of the products of all values."""
    from linnet.ops.arithmetic import multiply
    from linnet.ops.reduction import sum as total
    from linnet.ops.shape import ravel

    return total(multiply(ravel(as_float(x1)), ravel(as_float(x2))))


@op("*operands")
def _einsum(operands: Sequence[Any], subscripts: str) -> Any:
    inputs, output = _parse(subscripts, len(operands))
    tensors = [as_float(x) for x in operands]
    terms = []
    for x, labels in zip(tensors, inputs, strict=True):
        if len(labels) != x.ndim:
            raise ShapeError(
                f'einsum "{subscripts}": "{labels}" names {len(labels)} axes of a tensor of shape {x.shape}'
            )
        if len(set(labels)) != len(labels):
            raise ShapeError(
                f'einsum "{subscripts}": a label repeated within one operand (a diagonal) is not supported'
            )
        terms.append((x, labels))
    while len(terms) > 1:
        (x, first), (y, second) = terms.pop(0), terms.pop(0)
        later = output + "".join(labels for _, labels in terms)
        terms.insert(0, _contract(x, first, y, second, later))
    x, labels = terms[0]
    gone = [i for i, label in enumerate(labels) if label not in output]
    if gone:
        from linnet.ops.reduction import sum as total

        x = total(x, axis=gone)
        labels = "".join(label for label in labels if label in output)
    return transpose(x, [labels.index(label) for label in output])


def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """Einstein's sum: einsum("bij,bjk->bik", x, y). No ellipsis, and no label twice in one operand."""
    return _einsum(list(operands), subscripts)


def _parse(subscripts: str, count: int) -> tuple[list[str], str]:
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if "." in subscripts:
        raise ShapeError(f'einsum "{subscripts}": the ellipsis is not supported; name all axes')
    if len(inputs) != count:
        raise ShapeError(f'einsum "{subscripts}": names {len(inputs)} operands, got {count}')
    if not arrow:
        every = "".join(inputs)
        output = "".join(sorted(label for label in set(every) if every.count(label) == 1))
    for label in output:
        if not any(label in labels for labels in inputs):
            raise ShapeError(f'einsum "{subscripts}": the label "{label}" of the result is in no operand')
    return inputs, output


def _contract(x: Tensor, first: str, y: Tensor, second: str, later: str) -> tuple[Tensor, str]:
    # Every label is one of: batch (in both, kept), inner (in both, summed), rows (x only), columns (y only).
    from linnet.ops.reduction import sum as total

    for labels, other in ((first, second), (second, first)):
        alone = [i for i, label in enumerate(labels) if label not in other and label not in later]
        if alone and labels is first:
            x, first = total(x, axis=alone), "".join(label for i, label in enumerate(labels) if i not in alone)
        elif alone:
            y, second = total(y, axis=alone), "".join(label for i, label in enumerate(labels) if i not in alone)
    batch = [label for label in first if label in second and label in later]
    inner = [label for label in first if label in second and label not in later]
    rows = [label for label in first if label not in second]
    columns = [label for label in second if label not in first]
    sizes = dict(zip(first, x.dims, strict=True))
    for label, length in zip(second, y.dims, strict=True):
        if sizes.setdefault(label, length) != length:
            raise ShapeError(f'einsum: label "{label}" has sizes {sizes[label]} and {length}')
    x = transpose(x, [first.index(label) for label in batch + rows + inner])
    y = transpose(y, [second.index(label) for label in batch + inner + columns])
    lead = [sizes[label] for label in batch]

    def total_size(labels: Sequence[str]) -> int:
        return math.prod(sizes[label] for label in labels)

    x = reshape_dims(x, [*lead, total_size(rows), total_size(inner)])
    y = reshape_dims(y, [*lead, total_size(inner), total_size(columns)])
    product = trace_of().add("matmul", [x, y], trans_a=False, trans_b=False)
    left = batch + rows + columns
    return reshape_dims(product, [sizes[label] for label in left]), "".join(left)
