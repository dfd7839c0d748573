"""Convolution and pooling over images (n, h, w, c) and sequences (n, t, c).

A sequence is an image of height 1. `channels_first` data is transposed on the way in and out. "same" padding adds as
much as is needed for ceil(size / stride) outputs, the odd one at the end, as Keras does on every backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet.backend.errors import ShapeError, UnsupportedError
from linnet.backend.function import op
from linnet.backend.lookup import unknown_name
from linnet.backend.tensor import Tensor
from linnet.ops.common import as_float, trace_of
from linnet.ops.shape import reshape_dims, transpose

IntOrTuple = int | Sequence[int]


def _tuple(value: IntOrTuple, rank: int, what: str) -> list[int]:
    values = [value] * rank if isinstance(value, int) else list(value)
    if len(values) != rank or any(not isinstance(v, int) or v < 1 for v in values):
        raise ValueError(f"{what} must be a positive int or {rank} of them, got {value!r}")
    return values


def _channels_last(x: Tensor, data_format: str | None) -> tuple[Tensor, bool]:
    if data_format in (None, "channels_last"):
        return x, False
    if data_format != "channels_first":
        raise unknown_name("data_format", data_format, ["channels_last", "channels_first"])
    return transpose(x, [0, *range(2, x.ndim), 1]), True


def _restore(x: Tensor, first: bool) -> Tensor:
    return transpose(x, [0, x.ndim - 1, *range(1, x.ndim - 1)]) if first else x


def _amounts(mode: str, sizes: Sequence[int], windows: list[int], strides: list[int], dilation: list[int]) -> list[int]:
    """[top, bottom, left, right] for a padding mode."""
    mode = mode.lower() if isinstance(mode, str) else mode
    if mode == "valid":
        return [0, 0, 0, 0]
    if mode == "causal":  # sequences only: height 1
        return [0, 0, (windows[1] - 1) * dilation[1], 0]
    if mode != "same":
        raise unknown_name("padding", mode, ["valid", "same", "causal"])
    amounts = []
    for size, window, stride, step in zip(sizes, windows, strides, dilation, strict=True):
        reach = (window - 1) * step + 1
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
        amounts += [total // 2, total - total // 2]
    return amounts


def _as_image(x: Tensor, what: str) -> tuple[Tensor, int]:
    """x with two spatial axes, and how many it had."""
    spatial = x.ndim - 2
    if spatial == 1:
        return reshape_dims(x, (x.dims[0], 1, *x.dims[1:])), 1
    if spatial == 2:
        return x, 2
    if spatial == 3:
        raise UnsupportedError(f"{what}: volumes (three spatial axes) are not supported")
    raise ShapeError(f"{what}: expected a batch of sequences (n, t, c) or images (n, h, w, c), got shape {x.shape}")


def _from_image(x: Tensor, spatial: int) -> Tensor:
    return reshape_dims(x, (x.dims[0], *x.dims[2:])) if spatial == 1 else x


@op("inputs", "kernel")
def conv(
    inputs: Any,
    kernel: Any,
    strides: IntOrTuple = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: IntOrTuple = 1,
) -> Any:
    """Convolution; kernel (kh, kw, cin / groups, cout), or (k, cin / groups, cout) for sequences.

    The number of groups follows from the channels: cin of the input divided by cin of the kernel.
    """
    x, first = _channels_last(as_float(inputs), data_format)
    x, spatial = _as_image(x, "conv")
    w = as_float(kernel)
    if w.ndim != spatial + 2:
        raise ShapeError(f"conv: kernel of shape {w.shape} does not fit inputs of rank {spatial + 2}")
    if spatial == 1:
        w = reshape_dims(w, (1, *w.dims))
    if w.dims[2] == 0 or x.dims[3] % w.dims[2]:
        layer = f" ({x.dims[3]} is not a multiple of {w.dims[2]})"
        raise ShapeError(f"conv: input has {x.dims[3]} channels, the kernel expects {w.dims[2]}{layer}")
    step, dilation = _tuple(strides, spatial, "strides"), _tuple(dilation_rate, spatial, "dilation_rate")
    if spatial == 1:
        step, dilation = [1, *step], [1, *dilation]
    elif padding == "causal":
        raise ValueError('conv: padding "causal" is for sequences only')
    amounts = _amounts(padding, x.dims[1:3], list(w.dims[:2]), step, dilation)
    y = trace_of().add(
        "conv2d", [x, w], strides=step, padding=amounts, dilation=dilation, groups=x.dims[3] // w.dims[2]
    )
    return _restore(_from_image(y, spatial), first)


@op("inputs", "kernel")
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: IntOrTuple = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: IntOrTuple = 1,
) -> Any:
    """Each channel convolved by itself; kernel (kh, kw, c, multiplier), or (k, c, multiplier) for sequences."""
    x, first = _channels_last(as_float(inputs), data_format)
    w = as_float(kernel)
    *window, channels, multiplier = w.dims
    if channels != x.dims[-1]:
        raise ShapeError(f"depthwise_conv: input has {x.dims[-1]} channels, the kernel expects {channels}")
    grouped = reshape_dims(w, (*window, 1, channels * multiplier))
    return _restore(conv(x, grouped, strides, padding, None, dilation_rate), first)


@op("inputs", "depthwise_kernel", "pointwise_kernel")
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: IntOrTuple = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: IntOrTuple = 1,
) -> Any:
    """depthwise_conv, then a 1x1 conv with the pointwise kernel."""
    x, first = _channels_last(as_float(inputs), data_format)
    y = depthwise_conv(x, depthwise_kernel, strides, padding, None, dilation_rate)
    return _restore(conv(y, pointwise_kernel), first)


def _pool(
    name: str, inputs: Any, pool_size: IntOrTuple, strides: IntOrTuple | None, padding: str, data_format: str | None
) -> Tensor:
    x, first = _channels_last(as_float(inputs), data_format)
    x, spatial = _as_image(x, name)
    window = _tuple(pool_size, spatial, "pool_size")
    step = window if strides is None else _tuple(strides, spatial, "strides")
    if spatial == 1:
        window, step = [1, *window], [1, *step]
    if padding == "causal":
        raise unknown_name("padding", padding, ["valid", "same"])
    amounts = _amounts(padding, x.dims[1:3], window, step, [1, 1])
    y = trace_of().add(name, [x], pool=window, strides=step, padding=amounts)
    return _restore(_from_image(y, spatial), first)


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
