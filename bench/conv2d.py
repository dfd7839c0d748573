"""Convolutions of well-known networks: linnet, torch, and the share of the machine's peak.

    python bench/conv2d.py --only 'vgg*' 'resnet20*'
    LINNET_CONV_ALGORITHM=direct python bench/conv2d.py --only '*forward'

needs torch beside linnet. Every layer gives two rows, `forward` and `both`: forward, gradient of the kernel and, except
in a network's first layer, gradient of the input. torch calls its convolution and its backward function directly, once
with images channels first and once channels last; the better of the two counts, and its freed memory is kept for the
next call. No bias: it costs both sides nothing that can be seen. Operations are those of the sum as it is written, so
that Winograd's algorithm can pass the peak. The error is that against float64: of the first image's output (forward),
or the worse of the first image's gradient and the gradient of 16 filters (both).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from engine import Program, keep_freed_memory, l2_error, normal
from interleave import Row, Timed, main


@dataclass(frozen=True)
class Layer:
    """A layer of square images and windows."""

    name: str
    group: str
    n: int
    size: int
    c: int
    oc: int
    window: int = 3
    stride: int = 1
    pad: int = -1  # -1: (window - 1) / 2
    groups: int = 1
    dilation: int = 1
    first: bool = False  # no gradient of the input

    @property
    def padding(self) -> int:
        return self.pad if self.pad >= 0 else (self.window - 1) * self.dilation // 2

    @property
    def out(self) -> int:
        return (self.size + 2 * self.padding - (self.window - 1) * self.dilation - 1) // self.stride + 1

    @property
    def flops(self) -> float:
        """Of one pass, as the sum is written; taps that fall on padding count."""
        return 2 * self.n * self.out**2 * self.oc * self.window**2 * (self.c // self.groups)

    @property
    def bytes(self) -> float:
        """Of one pass: images, filters and outputs, each once."""
        images = self.n * (self.size**2 * self.c + self.out**2 * self.oc)
        return 4 * (images + self.window**2 * (self.c // self.groups) * self.oc)

    @property
    def attributes(self) -> dict[str, object]:
        strides, dilation = [self.stride] * 2, [self.dilation] * 2
        return {"strides": strides, "padding": [self.padding] * 4, "dilation": dilation, "groups": self.groups}

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, kernel, dy, channels last."""
        x = normal(1, self.n, self.size, self.size, self.c)
        kernel = normal(2, self.window, self.window, self.c // self.groups, self.oc)
        return x, kernel, normal(3, self.n, self.out, self.out, self.oc)


LAYERS = [
    Layer("vgg-224x64", "3x3, 64 channels or more", 1, 224, 64, 64),
    Layer("vgg-112x128", "3x3, 64 channels or more", 4, 112, 128, 128),
    Layer("vgg-56x256", "3x3, 64 channels or more", 4, 56, 256, 256),
    Layer("vgg-28x512", "3x3, 64 channels or more", 4, 28, 512, 512),
    Layer("resnet50-56x64", "3x3, 64 channels or more", 8, 56, 64, 64),
    Layer("resnet50-28x128", "3x3, 64 channels or more", 8, 28, 128, 128),
    Layer("resnet20-8x64", "3x3, 64 channels or more", 128, 8, 64, 64),
    Layer("resnet50-14x256", "3x3, 64 channels or more", 8, 14, 256, 256),
    Layer("vgg-14x512", "3x3, 14x14x512", 8, 14, 512, 512),
    Layer("resnet50-7x512", "3x3, 7x7x512", 8, 7, 512, 512),
    Layer("resnet20-32x16", "3x3, few channels", 128, 32, 16, 16),
    Layer("resnet20-16x32", "3x3, few channels", 128, 16, 32, 32),
    Layer("lenet-c1", "first layers", 32, 28, 1, 6, 5, pad=2, first=True),
    Layer("lenet-c3", "first layers", 32, 14, 6, 16, 5, pad=0),
    Layer("resnet20-3-16", "first layers", 128, 32, 3, 16, first=True),
    Layer("vgg-3-64", "first layers", 4, 224, 3, 64, first=True),
    Layer("resnet50-stem", "stems", 8, 224, 3, 64, 7, 2, pad=3, first=True),
    Layer("alexnet-stem", "stems", 16, 227, 3, 96, 11, 4, pad=0, first=True),
    Layer("1x1-56x64-256", "1x1 and stride 2", 8, 56, 64, 256, 1),
    Layer("1x1-56x256-64", "1x1 and stride 2", 8, 56, 256, 64, 1),
    Layer("1x1-28x512-128", "1x1 and stride 2", 8, 28, 512, 128, 1),
    Layer("1x1-14x1024-256", "1x1 and stride 2", 8, 14, 1024, 256, 1),
    Layer("1x1-14x256-1024", "1x1 and stride 2", 8, 14, 256, 1024, 1),
    Layer("1x1-7x2048-512", "1x1 and stride 2", 8, 7, 2048, 512, 1),
    Layer("1x1-s2-56x256-512", "1x1 and stride 2", 8, 56, 256, 512, 1, 2),
    Layer("1x1-s2-32x16-32", "1x1 and stride 2", 128, 32, 16, 32, 1, 2),
    Layer("3x3-s2-56x128", "1x1 and stride 2", 8, 56, 128, 128, 3, 2),
    Layer("3x3-s2-28x256", "1x1 and stride 2", 8, 28, 256, 256, 3, 2),
    Layer("3x3-s2-14x512", "1x1 and stride 2", 8, 14, 512, 512, 3, 2),
    Layer("3x3-s2-32x16-32", "1x1 and stride 2", 128, 32, 16, 32, 3, 2),
    Layer("alexnet-5x5", "others", 16, 27, 96, 256, 5),
    Layer("alexnet-13x256-384", "others", 16, 13, 256, 384),
    Layer("depthwise-112x32", "depthwise, grouped, dilated", 8, 112, 32, 32, groups=32),
    Layer("depthwise-28x256", "depthwise, grouped, dilated", 8, 28, 256, 256, groups=256),
    Layer("grouped-28x128-g4", "depthwise, grouped, dilated", 8, 28, 128, 128, groups=4),
    Layer("dilated-28x128-d2", "depthwise, grouped, dilated", 8, 28, 128, 128, dilation=2),
    # Neighbours of a square layer: no size is special.
    Layer("near-55x255", "neighbours", 4, 55, 255, 255),
    Layer("near-57x257", "neighbours", 4, 57, 257, 257),
    Layer("near-31x15", "neighbours", 128, 31, 15, 15),
    Layer("near-33x17", "neighbours", 128, 33, 17, 17),
]


# ---- float64 --------------------------------------------------------------------------------------------------------


def taps(layer: Layer):
    """For every tap of the window: its place in the kernel, and the slices of padded rows and columns that it meets."""
    span = (layer.out - 1) * layer.stride + 1
    for ky in range(layer.window):
        for kx in range(layer.window):
            y, x = ky * layer.dilation, kx * layer.dilation
            yield ky, kx, slice(y, y + span, layer.stride), slice(x, x + span, layer.stride)


def padded(layer: Layer, x: np.ndarray) -> np.ndarray:
    p = layer.padding
    return np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))


def full_kernel(layer: Layer, kernel: np.ndarray) -> np.ndarray:
    """With zeros where a filter of a group has no input channel: (kh, kw, c, oc)."""
    full = np.zeros((*kernel.shape[:2], layer.c, layer.oc))
    inner, outer = layer.c // layer.groups, layer.oc // layer.groups
    for g in range(layer.groups):
        columns = slice(g * outer, (g + 1) * outer)
        full[:, :, g * inner : (g + 1) * inner, columns] = kernel[..., columns]
    return full


def exact_forward(layer: Layer, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Of the images x, in float64."""
    y, image = np.zeros((len(x), layer.out, layer.out, layer.oc)), padded(layer, x.astype(np.float64))
    weights = full_kernel(layer, kernel)
    for ky, kx, rows, columns in taps(layer):
        y += image[:, rows, columns] @ weights[ky, kx]
    return y


def exact_grad_input(layer: Layer, kernel: np.ndarray, dy: np.ndarray) -> np.ndarray:
    dx, gradient = padded(layer, np.zeros((len(dy), layer.size, layer.size, layer.c))), dy.astype(np.float64)
    weights = full_kernel(layer, kernel)
    for ky, kx, rows, columns in taps(layer):
        dx[:, rows, columns] += gradient @ weights[ky, kx].T
    p = layer.padding
    return dx[:, p : p + layer.size, p : p + layer.size]


def exact_grad_weight(layer: Layer, x: np.ndarray, dy: np.ndarray, filters: int) -> np.ndarray:
    """Of the first `filters` filters."""
    inner, outer = layer.c // layer.groups, layer.oc // layer.groups
    image = padded(layer, x).astype(np.float64)
    dk = np.zeros((layer.window, layer.window, inner, filters))
    for first in range(0, filters, outer):
        some = slice(first, min(first + outer, filters))
        mine = image[..., first // outer * inner :][..., :inner]
        gradient = dy[..., some].astype(np.float64).reshape(-1, some.stop - some.start)
        for ky, kx, rows, columns in taps(layer):
            dk[ky, kx, :, some] = mine[:, rows, columns].reshape(-1, inner).T @ gradient
    return dk


def errors(layer: Layer, y: np.ndarray, dx: np.ndarray | None, dk: np.ndarray | None) -> list[float]:
    """Relative error of each result that is there. Images are compared as far as `y` and `dx` have them."""
    x, kernel, dy = layer.arrays()
    found = [l2_error(y, exact_forward(layer, x[: len(y)], kernel))]
    if dx is not None:
        found.append(l2_error(dx, exact_grad_input(layer, kernel, dy[: len(dx)])))
    if dk is not None:
        filters = min(16, layer.oc)
        found.append(l2_error(dk[..., :filters], exact_grad_weight(layer, x, dy, filters)))
    return found


# ---- contenders -----------------------------------------------------------------------------------------------------


def by_linnet(layer: Layer, both: bool) -> Timed:
    program = Program()
    x, kernel, dy = (program.array(values) for values in layer.arrays())
    outputs = [program.add("conv2d", x, kernel, **layer.attributes)]
    if both:
        shape = list(program.arrays[kernel].shape)
        outputs.append(program.add("conv2d_grad_weight", x, dy, shape=shape, **layer.attributes))
    if both and not layer.first:
        shape = list(program.arrays[x].shape)
        outputs.append(program.add("conv2d_grad_input", dy, kernel, shape=shape, **layer.attributes))

    def error() -> float:
        dk = program.result(1) if both else None
        dx = program.result(2)[:1] if len(outputs) > 2 else None
        return max(errors(layer, program.result(0)[:1], dx, dk)[int(both) :])

    return Timed(program.compile(*outputs), error)


def by_torch(layer: Layer, both: bool, channels_last: bool) -> Timed:
    import torch

    memory = torch.channels_last if channels_last else torch.contiguous_format
    x, kernel, dy = layer.arrays()
    image, gradient = (torch.from_numpy(a).permute(0, 3, 1, 2).contiguous(memory_format=memory) for a in (x, dy))
    weight = torch.from_numpy(kernel).permute(3, 2, 0, 1).contiguous(memory_format=memory)
    # strides, padding, dilation, transposed, output padding, groups
    geometry = ([layer.stride] * 2, [layer.padding] * 2, [layer.dilation] * 2, False, [0, 0], layer.groups)
    mask = [not layer.first, True, False]

    def step() -> tuple[torch.Tensor, ...]:
        with torch.no_grad():
            y = torch.ops.aten.convolution(image, weight, None, *geometry)
            if not both:
                return (y,)
            return (y, *torch.ops.aten.convolution_backward(gradient, image, weight, None, *geometry, mask))

    def error() -> float:
        y, *gradients = step()
        nhwc = [t.permute(0, 2, 3, 1)[:1].numpy() for t in (y, *gradients[:1]) if t is not None]
        dk = gradients[1].permute(2, 3, 1, 0).numpy() if both else None
        return max(errors(layer, nhwc[0], nhwc[1] if len(nhwc) > 1 else None, dk)[int(both) :])

    return Timed(step, error)


def row(layer: Layer, both: bool) -> Row:
    contenders: dict[str, Callable[[], Timed]] = {"linnet": functools.partial(by_linnet, layer, both)}
    if layer.group != "neighbours":
        contenders["torch nchw"] = functools.partial(by_torch, layer, both, False)
        contenders["torch nhwc"] = functools.partial(by_torch, layer, both, True)
    passes = 1 if not both else 2 if layer.first else 3
    group = f"{layer.group}, {'forward+backward' if both else 'forward'}"
    return Row(contenders, passes * layer.flops, passes * layer.bytes, group=group)


CASES = {
    f"{layer.name} {'both' if both else 'forward'}": row(layer, both) for layer in LAYERS for both in (False, True)
}

if __name__ == "__main__":
    keep_freed_memory()
    main(__doc__, CASES)
