"""Pooling of sequences (n, t, c), images (n, h, w, c) and volumes (n, d, h, w, c), and its reverse, nearest upsampling.

The engine pools images. A sequence is an image of height 1. A volume is pooled twice: first its frames, as d times as
many images, then along the depth, as images of d rows whose pixels are what the frames left. Maximum and mean come out
exactly, also at the edges, since a window's positions inside are a box; and so do their gradients: of equal maxima the
first in the order (d, h, w) gets it.

A mean's gradient hands each value out to its window. Without the division and with windows side by side, that is
nearest upsampling; its gradient is the sum over each window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from linnet.backend.errors import ShapeError
from linnet.backend.function import op
from linnet.backend.lookup import unknown_name
from linnet.backend.tensor import Tensor
from linnet.ops.common import as_float, trace_of
from linnet.ops.convolution import (
    IntOrTuple,
    as_image,
    channels_last,
    from_image,
    one_per_axis,
    padding_amounts,
    restored,
)
from linnet.ops.shape import reshape_dims


def _pool_image(name: str, x: Tensor, window: Sequence[int], step: Sequence[int], amounts: Sequence[int]) -> Tensor:
    return trace_of().add(name, [x], pool=list(window), strides=list(step), padding=list(amounts))


def _pool(
    name: str, inputs: Any, pool_size: IntOrTuple, strides: IntOrTuple | None, padding: str, data_format: str | None
) -> Tensor:
    x, first = channels_last(as_float(inputs), data_format)
    x, spatial = as_image(x, name.removesuffix("2d"))
    window = one_per_axis(pool_size, spatial, "pool_size")
    step = window if strides is None else one_per_axis(strides, spatial, "strides")
    if spatial == 1:
        window, step = [1, *window], [1, *step]
    if padding == "causal":
        raise unknown_name("padding", padding, ["valid", "same"])
    amounts = padding_amounts(padding, x.dims[1:-1], window, step, [1] * len(window))
    _check_fit(name.removesuffix("2d"), x, window, amounts)
    if spatial < 3:
        y = _pool_image(name, x, window, step, amounts)
    else:
        n, depth, height, width, channels = x.dims
        frames = reshape_dims(x, (n * depth, height, width, channels))
        frames = _pool_image(name, frames, window[1:], step[1:], amounts[2:])
        pixels = frames.dims[1] * frames.dims[2] * channels
        columns = reshape_dims(frames, (n, depth, 1, pixels))
        columns = _pool_image(name, columns, [window[0], 1], [step[0], 1], [*amounts[:2], 0, 0])
        y = reshape_dims(columns, (n, columns.dims[1], *frames.dims[1:]))
    return restored(from_image(y, spatial), first)


def _check_fit(what: str, x: Tensor, window: Sequence[int], amounts: Sequence[int]) -> None:
    for axis, (length, reach) in enumerate(zip(x.dims[1:-1], window, strict=True)):
        if length + amounts[2 * axis] + amounts[2 * axis + 1] < reach:
            raise ShapeError(
                f'{what}: the window {tuple(window)} is larger than the input {x.shape}; use padding="same" or a '
                "smaller window"
            )


@op("inputs")
def max_pool(
    inputs: Any,
    pool_size: IntOrTuple,
    strides: IntOrTuple | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """The largest value in each window. strides: the window's size when None."""
    return _pool("max_pool2d", inputs, pool_size, strides, padding, data_format)


@op("inputs")
def average_pool(
    inputs: Any,
    pool_size: IntOrTuple,
    strides: IntOrTuple | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """The mean of each window; positions outside the input do not count. strides: the window's size when None."""
    return _pool("average_pool2d", inputs, pool_size, strides, padding, data_format)


@op("inputs")
def nearest_upsampling(inputs: Any, size: IntOrTuple) -> Any:
    """Each value `size` times in a row along every axis between the batch and the channels."""
    x, spatial = as_image(as_float(inputs), "nearest_upsampling")
    factors = one_per_axis(size, spatial, "size")
    if spatial == 3:  # the depth first, while there is little to move
        n, depth, *frame = x.dims
        x = _spread(reshape_dims(x, (n, depth, 1, math.prod(frame))), factors[0], 1)
        x = _spread(reshape_dims(x, (n * depth * factors[0], *frame)), *factors[1:])
        return reshape_dims(x, (n, depth * factors[0], *x.dims[1:]))
    return from_image(_spread(x, *([1, *factors] if spatial == 1 else factors)), spatial)


def _spread(x: Tensor, rows: int, columns: int) -> Tensor:
    if rows == columns == 1:
        return x
    n, height, width, channels = x.dims
    shape = [n, height * rows, width * columns, channels]
    window = [rows, columns]
    return trace_of().add("average_pool2d_grad", [x], pool=window, strides=window, mean=False, shape=shape)
