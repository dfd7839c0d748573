"""Several inputs in, one tensor out: sums (residual connections), products (gates), means, concatenation, and
scalar products.

The elementwise layers take inputs of broadcastable shapes; inputs of lower rank get axes of size 1 behind the batch:
(n, c) joins (n, h, w, c) as (n, 1, 1, c). Each layer also exists as a function in lower case: `add([x, y])`.

Masks: a time step of the output counts where it does in any of the inputs, if all of them have a mask; else all count.
Where a step of one input does not count, the product, the maximum and the minimum leave that input out.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

from linnet import ops
from linnet.backend.masks import get_keras_mask
from linnet.layers.layer import Layer


class Merge(Layer):
    """Base of the layers that combine their inputs element by element: define `merge(inputs)`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, (list, tuple)) or not all(isinstance(one, (list, tuple)) for one in input_shape):
            raise self.error(f"needs a list of inputs, got one of shape {input_shape}")
        rank = max(len(shape) for shape in input_shape)
        sizes = [(*shape[:1], *(1,) * (rank - len(shape)), *shape[1:]) for shape in input_shape]
        for axis in range(rank):
            if len({shape[axis] for shape in sizes} - {1, None}) > 1:
                raise self.error(f"inputs of shapes {', '.join(str(tuple(s)) for s in input_shape)} do not fit")

    def call(self, inputs: Any) -> Any:
        rank = max(len(x.shape) for x in inputs)
        return self.merge_masked(
            [_raised(x, rank) for x in inputs],
            [_raised(_spread(get_keras_mask(x), len(x.shape)), rank) for x in inputs],
        )

    def merge_masked(self, inputs: list[Any], masks: list[Any]) -> Any:
        """Combines inputs of one rank; each mask has that rank too, or is None."""
        return self.merge(inputs)

    def merge(self, inputs: list[Any]) -> Any:
        """Combines inputs of one rank."""
        raise NotImplementedError(f"{type(self).__name__} must define merge(inputs)")

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        masks = _checked_masks(self, inputs, previous_mask)
        if any(mask is None for mask in masks):
            return None
        return functools.reduce(ops.logical_or, masks)


class _Extremum(Merge):
    """Base of Maximum and Minimum: where only one of two inputs counts, it is taken."""

    def larger(self, x: Any, y: Any) -> Any:
        """The one of two values that is kept."""
        raise NotImplementedError(f"{type(self).__name__} must define larger(x, y)")

    def merge_masked(self, inputs: list[Any], masks: list[Any]) -> Any:
        found, counts = inputs[0], masks[0]
        for x, mask in zip(inputs[1:], masks[1:], strict=True):
            if mask is not None:
                x = ops.where(mask, x, found)
            if counts is not None:
                found = ops.where(counts, found, x)
            counts = None if mask is None or counts is None else ops.logical_or(counts, mask)
            found = self.larger(found, x)
        return found


def _spread(mask: Any, rank: int) -> Any:
    """A mask with axes of size 1 behind, up to this rank."""
    while mask is not None and len(mask.shape) < rank:
        mask = ops.expand_dims(mask, -1)
    return mask


def _raised(x: Any, rank: int) -> Any:
    """x with axes of size 1 behind the batch, up to this rank."""
    while x is not None and len(x.shape) < rank:
        x = ops.expand_dims(x, 1)
    return x


def _checked_masks(layer: Layer, inputs: Any, masks: Any) -> list[Any]:
    """A list of one mask, or None, for each input."""
    if masks is None:
        return [None] * len(inputs)
    if not isinstance(inputs, (list, tuple)) or not isinstance(masks, (list, tuple)) or len(masks) != len(inputs):
        raise layer.error("compute_mask needs a list of inputs and a list of as many masks (None where there is none)")
    return list(masks)


class Add(Merge):
    """The sum of the inputs."""

    def merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(operator.add, inputs)


class Subtract(Merge):
    """The first of two inputs minus the second."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if len(input_shape) != 2:
            raise self.error(f"takes exactly two inputs, got {len(input_shape)}")

    def merge(self, inputs: list[Any]) -> Any:
        return inputs[0] - inputs[1]


class Multiply(Merge):
    """The product of the inputs."""

    def merge_masked(self, inputs: list[Any], masks: list[Any]) -> Any:
        kept = [x if mask is None else ops.where(mask, x, 1.0) for x, mask in zip(inputs, masks, strict=True)]
        product = self.merge(kept)
        if any(mask is None for mask in masks):
            return product
        return ops.where(functools.reduce(ops.logical_or, masks), product, 0.0)

    def merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(operator.mul, inputs)


class Average(Merge):
    """The mean of the inputs."""

    def merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(operator.add, inputs) / len(inputs)


class Maximum(_Extremum):
    """The largest of the inputs at each place."""

    def larger(self, x: Any, y: Any) -> Any:
        return ops.maximum(x, y)


class Minimum(_Extremum):
    """The smallest of the inputs at each place."""

    def larger(self, x: Any, y: Any) -> Any:
        return ops.minimum(x, y)


class Concatenate(Layer):
    """Joins its inputs along `axis`."""

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, (list, tuple)) or not all(isinstance(one, (list, tuple)) for one in input_shape):
            raise self.error(f"needs a list of inputs, got one of shape {input_shape}")
        shown = ", ".join(str(tuple(shape)) for shape in input_shape)
        ranks = {len(shape) for shape in input_shape}
        if len(ranks) > 1:
            raise self.error(f"the inputs must have the same rank; they have shapes {shown}")
        (rank,) = ranks
        if not -rank <= self.axis < rank or self.axis % rank == 0:
            raise self.error(f"axis {self.axis} is not an axis behind the batch of inputs of shapes {shown}")
        for axis in range(rank):
            sizes = {shape[axis] for shape in input_shape} - {None}
            if axis != self.axis % rank and len(sizes) > 1:
                raise self.error(f"the inputs must agree in all axes but {self.axis}; they have shapes {shown}")

    def call(self, inputs: Any) -> Any:
        return ops.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        masks = _checked_masks(self, inputs, previous_mask)
        if all(mask is None for mask in masks):
            return None
        # Masks are joined as the inputs are; along the last axis, a step counts if it does in any input.
        rank = len(inputs[0].shape)
        whole = [
            ops.ones_like(x, "bool") if mask is None else ops.logical_and(_spread(mask, rank), ops.ones_like(x, "bool"))
            for x, mask in zip(inputs, masks, strict=True)
        ]
        return ops.any(ops.concatenate(whole, axis=self.axis), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class Dot(Layer):
    """The scalar products of two inputs along an axis of each, sample by sample: with axes=1, (n, c) and (n, c) give
    (n, 1), and (n, c, i), (n, c, j) give (n, i, j).

    axes: an axis of both inputs, or one of each; 0 is the batch and cannot be summed over. The axes that are left stand
    in their order, those of the first input before those of the second. normalize: the vectors are brought to length 1
    first, so that the result is the cosine of their angle.

    Raises TypeError or ValueError for other axes, and ValueError when the axes differ in size.
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, (int, list, tuple)):
            raise TypeError(f"axes must be an integer or two of them, not {axes!r}")
        if not isinstance(axes, int) and (len(axes) != 2 or not all(isinstance(axis, int) for axis in axes)):
            raise ValueError(f"axes must be an integer or two of them, not {axes!r}")
        self.axes = axes
        self.normalize = normalize
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        shapes = list(input_shape) if isinstance(input_shape, (list, tuple)) else []
        if len(shapes) != 2 or not all(isinstance(shape, (list, tuple)) for shape in shapes):
            raise self.error(f"needs a list of two inputs, got one of shape {input_shape}")
        shown = " and ".join(str(tuple(shape)) for shape in shapes)
        given = [self.axes] * 2 if isinstance(self.axes, int) else list(self.axes)
        for axis, shape in zip(given, shapes, strict=True):
            if not -len(shape) <= axis < len(shape) or axis % len(shape) == 0:
                raise self.error(f"axes {self.axes} are not axes behind the batch of inputs of shapes {shown}")
        if shapes[0][given[0]] != shapes[1][given[1]]:
            raise self.error(
                f"sums over axes of one size; those of {shown} are {shapes[0][given[0]]} and {shapes[1][given[1]]} long"
            )

    def call(self, inputs: Any) -> Any:
        first, second = inputs
        given = [self.axes] * 2 if isinstance(self.axes, int) else list(self.axes)
        places = [axis % len(x.shape) for axis, x in zip(given, inputs, strict=True)]
        if self.normalize:
            first, second = (ops.normalize(x, axis=axis) for x, axis in zip((first, second), places, strict=True))
        if len(first.shape) == len(second.shape) == 2:
            return ops.sum(first * second, axis=1, keepdims=True)
        # As products of matrices (n, i, k) (n, k, j); a single vector is one row, or one column.
        rows, columns = ops.moveaxis(first, places[0], -1), ops.moveaxis(second, places[1], 1)
        left, right = rows.shape[1:-1], columns.shape[2:]
        batch, size = ops.shape(first)[0], rows.shape[-1]
        rows = ops.reshape(rows, (batch, math.prod(left), size))
        columns = ops.reshape(columns, (batch, size, math.prod(right)))
        return ops.reshape(ops.matmul(rows, columns), (batch, *(left + right or (1,))))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of the inputs."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The first of two inputs minus the second."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of the inputs."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of the inputs."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The largest of the inputs at each place."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The smallest of the inputs at each place."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """The inputs joined along an axis."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """The scalar products of two inputs along the axes."""
    return Dot(axes=axes, **kwargs)(inputs)
