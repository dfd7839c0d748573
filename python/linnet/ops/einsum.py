"""Einstein's sum, and the diagonal of a tensor, which it needs for a label that occurs twice in one operand.

Operands are contracted two at a time, from left to right, each pair as one batched matrix product. Every label of a
pair is one of four kinds: batch (in both, and needed later), inner (in both, summed here), rows (in the first only),
columns (in the second only). An operand whose labels stand as (batch, rows, inner) or (batch, inner, rows) is taken as
it lies in memory; any other is transposed first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from linnet.backend.errors import ShapeError
from linnet.backend.function import op
from linnet.backend.tensor import Tensor
from linnet.ops.common import as_dtype, as_float, one_axis, tensor, trace_of
from linnet.ops.shape import moveaxis, pad, reshape_dims, slice_dims, transpose

Term = tuple[Tensor, str]  # a tensor and a letter for each of its axes


def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """Einstein's sum: einsum("bij,bjk->bik", x, y). "..." stands for axes that broadcast.

    ShapeError when the labels do not fit the operands.
    """
    return _einsum(list(operands), subscripts)


@op("*operands")
def _einsum(operands: Sequence[Any], subscripts: str) -> Any:
    tensors = [tensor(x) for x in operands]
    inputs, output = _parse(subscripts, [x.ndim for x in tensors])
    sizes: dict[str, int] = {}
    for x, labels in zip(tensors, inputs, strict=True):
        for label, length in zip(labels, x.dims, strict=True):
            known = sizes.setdefault(label, length)
            if known != length and 1 not in (known, length):
                raise ShapeError(f'einsum "{subscripts}": label "{label}" has sizes {known} and {length}')
            sizes[label] = length if known == 1 else known
    terms = [_single(as_float(x), labels, sizes) for x, labels in zip(tensors, inputs, strict=True)]
    while len(terms) > 1:
        first, second = terms.pop(0), terms.pop(0)
        later = output + "".join(labels for _, labels in terms)
        terms.insert(0, _contract(first, second, later, sizes))
    x, labels = _summed(*terms[0], output)
    result = transpose(x, [labels.index(label) for label in output])
    return as_dtype(result, "int32") if all(x.dtype == "int32" for x in tensors) else result


def _parse(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ranks):
        raise ShapeError(f'einsum "{subscripts}": names {len(inputs)} operands, got {len(ranks)}')
    extra = [rank - len(labels.replace("...", "")) for labels, rank in zip(inputs, ranks, strict=True)]
    named = [labels if "..." in labels else None for labels in inputs]
    most = max([count for count, labels in zip(extra, named, strict=True) if labels is not None], default=0)
    unnamed = "".join(chr(0x3B1 + i) for i in range(most))  # Greek letters for the axes of "..."
    for i, (labels, rank) in enumerate(zip(inputs, ranks, strict=True)):
        if extra[i] < 0 or (extra[i] > 0 and "..." not in labels):
            count = len(labels.replace("...", ""))
            raise ShapeError(f'einsum "{subscripts}": "{labels}" names {count} axes of a tensor of {rank} axes')
        inputs[i] = labels.replace("...", unnamed[most - extra[i] :])
    if not arrow:
        every = "".join(labels.replace("...", "") for labels in left.split(","))
        output = unnamed + "".join(sorted(label for label in set(every) if every.count(label) == 1))
    if unnamed and arrow and "..." not in output:
        raise ShapeError(f'einsum "{subscripts}": the ellipsis stands for {most} axes and must be in the result, too')
    output = output.replace("...", unnamed)
    for label in output:
        if not any(label in labels for labels in inputs):
            raise ShapeError(f'einsum "{subscripts}": the label "{label}" of the result is in no operand')
        if output.count(label) > 1:
            raise ShapeError(f'einsum "{subscripts}": the label "{label}" stands twice in the result')
    return inputs, output


def _single(x: Tensor, labels: str, sizes: dict[str, int]) -> Term:
    """Takes diagonals where a label occurs twice, and drops axes of size 1 that broadcast."""
    for label in labels:
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if x.dims[first] != x.dims[second]:
                raise ShapeError(f'einsum: label "{label}" has sizes {x.dims[first]} and {x.dims[second]}')
            x = diagonal(x, 0, first, second)
            labels = labels[:first] + labels[first + 1 : second] + labels[second + 1 :] + label
    kept = [i for i, label in enumerate(labels) if x.dims[i] == sizes[label]]
    return reshape_dims(x, [x.dims[i] for i in kept]), "".join(labels[i] for i in kept)


def _summed(x: Tensor, labels: str, wanted: str) -> Term:
    """Sums over the labels that nobody wants."""
    from linnet.ops.reduction import sum as total

    gone = [i for i, label in enumerate(labels) if label not in wanted]
    if gone:
        x = total(x, axis=gone)
    return x, "".join(label for label in labels if label in wanted)


def _contract(one: Term, other: Term, later: str, sizes: dict[str, int]) -> Term:
    x, first = _summed(*one, other[1] + later)
    y, second = _summed(*other, first + later)
    batch = "".join(label for label in first if label in second and label in later)
    inner = "".join(label for label in first if label in second and label not in later)
    rows = "".join(label for label in first if label not in second)
    columns = "".join(label for label in second if label not in first)

    def arrange(x: Tensor, labels: str, left: str, right: str) -> tuple[Tensor, bool]:
        """x as (batch, left, right), or lying in memory as (batch, right, left): True."""
        swapped = labels == batch + right + left
        if not swapped:
            x = transpose(x, [labels.index(label) for label in batch + left + right])
        order = (right, left) if swapped else (left, right)
        dims = [sizes[label] for label in batch]
        return reshape_dims(x, dims + [math.prod(sizes[label] for label in part) for part in order]), swapped

    x, trans_a = arrange(x, first, rows, inner)
    y, trans_b = arrange(y, second, inner, columns)
    product = trace_of().add("matmul", [x, y], trans_a=trans_a, trans_b=trans_b)
    labels = batch + rows + columns
    return reshape_dims(product, [sizes[label] for label in labels]), labels


@op("x")
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal of the matrices over two axes, as a new last axis. offset: above (> 0) or below the main one."""
    x = tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"diagonal: needs at least two axes, got shape {x.shape}")
    first, second = one_axis(axis1, x.ndim, "diagonal"), one_axis(axis2, x.ndim, "diagonal")
    if first == second:
        raise ValueError(f"diagonal: axis1 and axis2 are the same axis {first}")
    dtype = x.dtype
    x = moveaxis(as_float(x) if dtype == "bool" else x, [first, second], [-2, -1])
    *lead, rows, columns = x.dims
    if rows < 0 or columns < 0:
        raise ShapeError("diagonal: the batch axis has no diagonal")
    count = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    start = 0 if count == 0 else offset if offset >= 0 else -offset * columns
    end = 0 if count == 0 else start + (count - 1) * (columns + 1) + 1
    flat = reshape_dims(x, [*lead, rows * columns])
    picked = slice_dims(flat, [*[0] * len(lead), start], [*lead, end], [*[1] * len(lead), columns + 1])
    return as_dtype(picked, dtype)


@op("x")
def diag(x: Any, k: int = 0) -> Any:
    """A matrix with the vector x on diagonal k, or the diagonal k of a matrix."""
    x = tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag: x must be a vector or a matrix, got shape {x.shape}")
    if x.dims[0] < 0:
        raise ShapeError("diag: the batch axis cannot become a diagonal")
    n = x.dims[0]
    # (n, n + 1) with x in front of each row, without its tail, is an (n, n) matrix with x on its diagonal.
    rows = pad(reshape_dims(x, (n, 1)), ((0, 0), (0, n)))
    square = reshape_dims(reshape_dims(rows, (n * (n + 1),))[: n * n], (n, n))
    return pad(square, ((max(-k, 0), max(k, 0)), (max(k, 0), max(-k, 0))))


@op("x")
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of the diagonal."""
    from linnet.ops.reduction import sum as total

    return total(diagonal(x, offset, axis1, axis2), -1)
