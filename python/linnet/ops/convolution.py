"""Convolution over sequences (n, t, c), images (n, h, w, c) and volumes (n, d, h, w, c).

A sequence is an image of height 1. `channels_first` data is transposed on the way in and out. "same" padding adds as
much as is needed for ceil(size / stride) outputs, the odd one at the end, as Keras does on every backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet.backend.errors import ShapeError
from linnet.backend.function import op
from linnet.backend.lookup import unknown_name
from linnet.backend.tensor import Tensor
from linnet.ops.common import as_float, trace_of
from linnet.ops.shape import reshape_dims, transpose

IntOrTuple = int | Sequence[int]


def one_per_axis(value: IntOrTuple, rank: int, what: str) -> list[int]:
    values = [value] * rank if isinstance(value, int) else list(value)
    if len(values) != rank or any(not isinstance(v, int) or v < 1 for v in values):
        raise ValueError(f"{what} must be a positive int or {rank} of them, got {value!r}")
    return values


def channels_last(x: Tensor, data_format: str | None) -> tuple[Tensor, bool]:
    if data_format in (None, "channels_last"):
        return x, False
    if data_format != "channels_first":
        raise unknown_name("data_format", data_format, ["channels_last", "channels_first"])
    return transpose(x, [0, *range(2, x.ndim), 1]), True


def restored(x: Tensor, first: bool) -> Tensor:
    return transpose(x, [0, x.ndim - 1, *range(1, x.ndim - 1)]) if first else x


def padding_amounts(
    mode: str, dims: Sequence[int], windows: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> list[int]:
    """(before, after) of every axis for a padding mode, one after the other."""
    mode = mode.lower() if isinstance(mode, str) else mode
    if mode == "valid":
        return [0] * (2 * len(dims))
    if mode == "causal":  # sequences only: height 1
        return [0, 0, (windows[1] - 1) * dilation[1], 0]
    if mode != "same":
        raise unknown_name("padding", mode, ["valid", "same", "causal"])
    amounts = []
    for size, window, stride, step in zip(dims, windows, strides, dilation, strict=True):
        reach = (window - 1) * step + 1
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
        amounts += [total // 2, total - total // 2]
    return amounts


def as_image(x: Tensor, what: str) -> tuple[Tensor, int]:
    """x with two spatial axes (three of a volume), and how many it had."""
    spatial = x.ndim - 2
    if spatial == 1:
        return reshape_dims(x, (x.dims[0], 1, *x.dims[1:])), 1
    if spatial in (2, 3):
        return x, spatial
    raise ShapeError(
        f"{what}: expected a batch of sequences (n, t, c), images (n, h, w, c) or volumes (n, d, h, w, c), "
        f"got shape {x.shape}"
    )


def from_image(x: Tensor, spatial: int) -> Tensor:
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
    """Convolution; kernel (kh, kw, cin / groups, cout); (k, ...) for sequences, (kd, kh, kw, ...) for volumes.

    The number of groups follows from the channels: cin of the input divided by cin of the kernel.
    """
    x, first = channels_last(as_float(inputs), data_format)
    x, spatial = as_image(x, "conv")
    w = _kernel("conv", kernel, x, spatial)
    channels, expected = x.dims[-1], w.dims[-2]
    if expected == 0 or channels % expected:
        reason = f" ({channels} is not a multiple of {expected})"
        raise ShapeError(f"conv: input has {channels} channels, the kernel expects {expected}{reason}")
    step = _per_axis(strides, spatial, "strides")
    dilation = _per_axis(dilation_rate, spatial, "dilation_rate")
    if spatial != 1 and padding == "causal":
        raise ValueError('conv: padding "causal" is for sequences only')
    amounts = padding_amounts(padding, x.dims[1:-1], w.dims[:-2], step, dilation)
    name = "conv3d" if spatial == 3 else "conv2d"
    y = trace_of().add(name, [x, w], strides=step, padding=amounts, dilation=dilation, groups=channels // expected)
    return restored(from_image(y, spatial), first)


def _kernel(what: str, kernel: Any, x: Tensor, spatial: int) -> Tensor:
    """The kernel for an input that as_image gave."""
    w = as_float(kernel)
    if w.ndim != spatial + 2:
        raise ShapeError(f"{what}: kernel of shape {w.shape} does not fit inputs of rank {spatial + 2}")
    return reshape_dims(w, (1, *w.dims)) if spatial == 1 else w


def _per_axis(value: IntOrTuple, spatial: int, what: str) -> list[int]:
    """The numbers of all axes that as_image gave."""
    values = one_per_axis(value, spatial, what)
    return [1, *values] if spatial == 1 else values


@op("inputs", "kernel")
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: IntOrTuple = 1,
    padding: str = "valid",
    output_padding: IntOrTuple | None = None,
    data_format: str | None = None,
    dilation_rate: IntOrTuple = 1,
) -> Any:
    """Transposed convolution, the gradient of a convolution in its input; kernel (kh, kw, cout, cin).

    output_padding: how much longer the output is than the least; each below the stride. None: "same" gives
    size * stride values, "valid" (size - 1) * stride + max(k, stride).
    """
    x, first = channels_last(as_float(inputs), data_format)
    x, spatial = as_image(x, "conv_transpose")
    w = _kernel("conv_transpose", kernel, x, spatial)
    if w.dims[-1] != x.dims[-1]:
        raise ShapeError(
            f"conv_transpose: input has {x.dims[-1]} channels, the kernel expects {w.dims[-1]} (its last axis)"
        )
    step = _per_axis(strides, spatial, "strides")
    dilation = _per_axis(dilation_rate, spatial, "dilation_rate")
    extra: list[int | None] = [None] * len(step)
    if output_padding is not None:
        given = [output_padding] * spatial if isinstance(output_padding, int) else list(output_padding)
        if len(given) != spatial or any(not isinstance(v, int) or v < 0 for v in given):
            raise ValueError(
                f"output_padding must be an int or {spatial} of them, not negative, got {output_padding!r}"
            )
        extra = [0, *given] if spatial == 1 else list(given)
    mode = padding.lower() if isinstance(padding, str) else padding
    if mode not in ("valid", "same"):
        raise unknown_name("padding", padding, ["valid", "same"])
    outputs, amounts = [], []
    for size, window, stride, rate, more in zip(x.dims[1:-1], w.dims[:-2], step, dilation, extra, strict=True):
        length, before, after = _transposed(mode, size, (window - 1) * rate + 1, stride, more)
        outputs.append(length)
        amounts += [before, after]
    name = "conv3d_grad_input" if spatial == 3 else "conv2d_grad_input"
    shape = [x.dims[0], *outputs, w.dims[-2]]
    y = trace_of().add(name, [x, w], strides=step, padding=amounts, dilation=dilation, groups=1, shape=shape)
    return restored(from_image(y, spatial), first)


def _transposed(mode: str, size: int, window: int, stride: int, extra: int | None) -> tuple[int, int, int]:
    """(outputs, before, after) of one axis: the convolution that pads outputs values so has `size` results."""
    if extra is not None and extra >= stride:
        raise ValueError(f"conv_transpose: output_padding {extra} must be below the stride {stride}")
    if mode == "valid":
        longer = max(stride - window, 0) if extra is None else extra
        return (size - 1) * stride + window + longer, 0, 0
    # All that is cut off both ends of (size - 1) stride + window values; more of it at the end.
    kept = stride + window - 2 if extra is None else window + window % 2 - 2 + extra
    front = min(kept - kept // 2, window - 1)
    return (size - 1) * stride + 2 + kept - window, window - 1 - front, max(window - 1 - (kept - front), 0)


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
    x, first = channels_last(as_float(inputs), data_format)
    w = as_float(kernel)
    *window, channels, multiplier = w.dims
    if channels != x.dims[-1]:
        raise ShapeError(f"depthwise_conv: input has {x.dims[-1]} channels, the kernel expects {channels}")
    grouped = reshape_dims(w, (*window, 1, channels * multiplier))
    return restored(conv(x, grouped, strides, padding, None, dilation_rate), first)


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
    x, first = channels_last(as_float(inputs), data_format)
    y = depthwise_conv(x, depthwise_kernel, strides, padding, None, dilation_rate)
    return restored(conv(y, pointwise_kernel), first)
