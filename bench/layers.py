"""The layers of the catalogue, forward and backward, against torch's.

    python bench/layers.py --only '*norm*' --markdown
    python bench/layers.py --rounds 3 --seconds 0.5 --json layers.json

needs torch beside linnet. A step computes the output, and from a given gradient of it those of the inputs and of all
weights. linnet's side is the layer itself in a compiled graph; torch's is the module with the same result, run eagerly
with autograd into fresh gradients. For sequences, images and volumes torch runs with channels first and channels last
in memory (its shapes are (n, c, ...) in both); the best counts. Layers that draw random numbers do so in training.

Both sides deliver gradients as the next layer down reads them, packed like the input. torch gives views where it can:
the gradients of a concatenation look into that of the output, and that of a transpose is the same memory with other
strides. Such a view is copied here as part of the step, since otherwise whoever reads it next would pay for it. Where a
gradient is that of the output (Add), neither side copies it.

A row's bytes are those that any layer must move: the inputs and the output, and their gradients, once each. They are
divided by the bandwidth measured beside them; what stays in a cache may pass 100 %. Rows of convolutions have none.
Products, convolutions of images, batch normalisation, pooling of images, dropout and softmax with its loss have their
own benchmarks (gemm.py, conv2d.py, memory_bound.py).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from engine import keep_freed_memory, normal
from interleave import Row, Timed, main

Shape = tuple[int, ...]


def linnet_layer(make: Callable[[Any], Any], shapes: Sequence[Shape]) -> Timed:
    from linnet import _engine, layers
    from linnet.backend.trace import Trace
    from linnet.backend.variable import Variable

    layer = make(layers)
    trace = Trace(training=True)
    with trace:
        inputs = [trace.read(Variable(normal(i, *shape))) for i, shape in enumerate(shapes)]
        y = trace.tensor(layer(inputs[0] if len(inputs) == 1 else inputs, training=True))
        dy = trace.read(Variable(normal(9, *y.dims)))
        weights = [trace.read(weight) for weight in layer.trainable_weights]
        targets = [tensor.value for tensor in inputs + weights]
        gradients = trace.graph.gradients(y.value, targets, dy.value)
    results = [y.value, *gradients]
    executable = _engine.Executable(trace.graph, results, 1)
    kept = [variable for variable, _ in trace.variables().values()]
    for variable, value in trace.variables().values():
        executable.bind_variable(value, variable._array)

    def step(_: Any = kept) -> None:  # holds the variables' memory
        executable.run_rows(None, 0, 1)

    return Timed(step)


def torch_layer(make: Callable[[Any], Any], shapes: Sequence[Shape], layout: str) -> Timed:
    import torch

    def tensor(values: np.ndarray) -> torch.Tensor:
        t = torch.from_numpy(values)
        if layout == "as is":
            return t
        moved = t.permute(0, t.ndim - 1, *range(1, t.ndim - 1))
        return moved.contiguous() if layout == "first" else moved

    class Function(torch.nn.Module):
        def __init__(self, function: Callable[..., torch.Tensor]) -> None:
            super().__init__()
            self.function = function

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            return self.function(*inputs)

    made = make(torch.nn)
    module = made if isinstance(made, torch.nn.Module) else Function(made)
    inputs = [tensor(normal(i, *shape)).requires_grad_() for i, shape in enumerate(shapes)]
    y = module(*inputs)
    dy = torch.randn_like(y)  # in the layout of y
    targets = [*inputs, *module.parameters()]

    def packed(gradient: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        return gradient if gradient.stride() == like.stride() else torch.empty_like(like).copy_(gradient)

    def step() -> list[torch.Tensor]:
        gradients = torch.autograd.grad(module(*inputs), targets, dy)
        return [packed(gradient, like) for gradient, like in zip(gradients, targets, strict=True)]

    return Timed(step)


def row(
    group: str,
    shape: Shape | list[Shape],
    ours: Callable[[Any], Any],
    theirs: Callable[[Any], Any],
    out: float | None = None,
    as_is: bool = False,
) -> Row:
    """out: floats of the output; None: as many as of an input. as_is: torch's layer takes the channels last."""
    shapes = shape if isinstance(shape, list) else [shape]
    contenders: dict[str, Callable[[], Timed]] = {"linnet": functools.partial(linnet_layer, ours, shapes)}
    layouts = ["as is"] if as_is or len(shapes[0]) == 2 else ["first", "last"]
    for layout in layouts:
        name = "torch" if layout == "as is" else f"torch channels {layout}"
        contenders[name] = functools.partial(torch_layer, theirs, shapes, layout)
    floats = sum(math.prod(one) for one in shapes) + (math.prod(shapes[0]) if out is None else out)
    return Row(contenders, bytes=0 if group == "convolution" else 8 * floats, bound_by_memory=True, group=group)


VECTORS, SEQUENCE, IMAGE = (256, 4096), (64, 512, 128), (32, 56, 56, 64)
VOLUME = (4, 16, 56, 56, 32)
NORM, POOL, MOVE, APPLY, NOISE, MERGE, CONV = (
    "normalisation",
    "pooling",
    "padding, cropping, moving",
    "activation",
    "noise",
    "merging",
    "convolution",
)
S, V = math.prod(SEQUENCE), math.prod(VOLUME)

CASES = {
    "layer norm 64x512x128": row(
        NORM, SEQUENCE, lambda k: k.LayerNormalization(), lambda t: t.LayerNorm(128), None, True
    ),
    "layer norm 32x128x768": row(
        NORM, (32, 128, 768), lambda k: k.LayerNormalization(), lambda t: t.LayerNorm(768), None, True
    ),
    "layer norm over images 32x56x56x64": row(
        NORM, IMAGE, lambda k: k.LayerNormalization(axis=[1, 2, 3]), lambda t: t.LayerNorm([56, 56, 64]), None, True
    ),
    "rms norm 64x512x128": row(NORM, SEQUENCE, lambda k: k.RMSNormalization(), lambda t: t.RMSNorm(128), None, True),
    "rms norm 32x128x768": row(
        NORM, (32, 128, 768), lambda k: k.RMSNormalization(), lambda t: t.RMSNorm(768), None, True
    ),
    "group norm 16 groups 32x56x56x64": row(
        NORM, IMAGE, lambda k: k.GroupNormalization(16), lambda t: t.GroupNorm(16, 64)
    ),
    "group norm 32 groups 8x28x28x512": row(
        NORM, (8, 28, 28, 512), lambda k: k.GroupNormalization(32), lambda t: t.GroupNorm(32, 512)
    ),
    "instance norm 8x56x56x64": row(
        NORM, (8, 56, 56, 64), lambda k: k.GroupNormalization(-1), lambda t: t.InstanceNorm2d(64, affine=True)
    ),
    "unit norm 256x4096": row(NORM, VECTORS, lambda k: k.UnitNormalization(), lambda t: lambda x: _unit(x)),
    "max pool 1D": row(POOL, SEQUENCE, lambda k: k.MaxPooling1D(2), lambda t: t.MaxPool1d(2), S / 2),
    "average pool 1D": row(POOL, SEQUENCE, lambda k: k.AveragePooling1D(2), lambda t: t.AvgPool1d(2), S / 2),
    "max pool 3D 2x2x2": row(POOL, VOLUME, lambda k: k.MaxPooling3D(2), lambda t: t.MaxPool3d(2), V / 8),
    "max pool 3D 3x3x3 s2": row(
        POOL, VOLUME, lambda k: k.MaxPooling3D(3, 2, "same"), lambda t: t.MaxPool3d(3, 2, 1), V / 8
    ),
    "average pool 3D 2x2x2": row(POOL, VOLUME, lambda k: k.AveragePooling3D(2), lambda t: t.AvgPool3d(2), V / 8),
    "global max pool 1D": row(
        POOL, SEQUENCE, lambda k: k.GlobalMaxPooling1D(), lambda t: t.AdaptiveMaxPool1d(1), SEQUENCE[0] * 128
    ),
    "global max pool 2D": row(
        POOL, IMAGE, lambda k: k.GlobalMaxPooling2D(), lambda t: t.AdaptiveMaxPool2d(1), IMAGE[0] * 64
    ),
    "global average pool 1D": row(
        POOL, SEQUENCE, lambda k: k.GlobalAveragePooling1D(), lambda t: t.AdaptiveAvgPool1d(1), SEQUENCE[0] * 128
    ),
    "global average pool 2D": row(
        POOL, IMAGE, lambda k: k.GlobalAveragePooling2D(), lambda t: t.AdaptiveAvgPool2d(1), IMAGE[0] * 64
    ),
    "global average pool 3D": row(
        POOL, VOLUME, lambda k: k.GlobalAveragePooling3D(), lambda t: t.AdaptiveAvgPool3d(1), VOLUME[0] * 32
    ),
    "zero padding 1D": row(MOVE, SEQUENCE, lambda k: k.ZeroPadding1D(2), lambda t: t.ConstantPad1d(2, 0.0)),
    "zero padding 2D": row(MOVE, IMAGE, lambda k: k.ZeroPadding2D(1), lambda t: t.ZeroPad2d(1)),
    "zero padding 3D": row(MOVE, VOLUME, lambda k: k.ZeroPadding3D(1), lambda t: t.ConstantPad3d(1, 0.0)),
    "cropping 2D": row(MOVE, IMAGE, lambda k: k.Cropping2D(4), lambda t: lambda x: x[:, :, 4:-4, 4:-4].clone()),
    "cropping 3D": row(MOVE, VOLUME, lambda k: k.Cropping3D(2), lambda t: lambda x: x[:, :, 2:-2, 2:-2, 2:-2].clone()),
    "upsampling 1D": row(MOVE, SEQUENCE, lambda k: k.UpSampling1D(2), lambda t: t.Upsample(scale_factor=2), 2 * S),
    "upsampling 2D": row(
        MOVE, (32, 28, 28, 64), lambda k: k.UpSampling2D(2), lambda t: t.Upsample(scale_factor=2), math.prod(IMAGE)
    ),
    "upsampling 2D bilinear": row(
        MOVE,
        (32, 28, 28, 64),
        lambda k: k.UpSampling2D(2, interpolation="bilinear"),
        lambda t: t.Upsample(scale_factor=2, mode="bilinear"),
        math.prod(IMAGE),
    ),
    "upsampling 3D": row(
        MOVE, (4, 8, 28, 28, 32), lambda k: k.UpSampling3D(2), lambda t: t.Upsample(scale_factor=2), V
    ),
    "permute": row(MOVE, SEQUENCE, lambda k: k.Permute((2, 1)), lambda t: lambda x: x.mT.contiguous(), None, True),
    "repeat vector": row(
        MOVE, (256, 512), lambda k: k.RepeatVector(50), lambda t: lambda x: x[:, None].expand(-1, 50, -1).clone(), 6.6e6
    ),
    "leaky relu": row(APPLY, IMAGE, lambda k: k.LeakyReLU(), lambda t: t.LeakyReLU(0.3)),
    "elu": row(APPLY, IMAGE, lambda k: k.ELU(), lambda t: t.ELU()),
    "prelu of channels": row(APPLY, IMAGE, lambda k: k.PReLU(shared_axes=[1, 2]), lambda t: t.PReLU(64)),
    "softmax 8192x1000": row(APPLY, (8192, 1000), lambda k: k.Softmax(), lambda t: t.Softmax(-1)),
    "spatial dropout 2D": row(NOISE, IMAGE, lambda k: k.SpatialDropout2D(0.2), lambda t: t.Dropout2d(0.2)),
    "spatial dropout 1D": row(NOISE, SEQUENCE, lambda k: k.SpatialDropout1D(0.2), lambda t: t.Dropout1d(0.2)),
    "alpha dropout": row(NOISE, VECTORS, lambda k: k.AlphaDropout(0.2), lambda t: t.AlphaDropout(0.2)),
    "gaussian noise": row(NOISE, VECTORS, lambda k: k.GaussianNoise(0.2), lambda t: lambda x: _noise(x)),
    "gaussian dropout": row(NOISE, VECTORS, lambda k: k.GaussianDropout(0.2), lambda t: lambda x: _noisy(x)),
    "add": row(MERGE, [IMAGE, IMAGE], lambda k: k.Add(), lambda t: lambda a, b: a + b),
    "multiply": row(MERGE, [IMAGE, IMAGE], lambda k: k.Multiply(), lambda t: lambda a, b: a * b),
    "maximum": row(MERGE, [IMAGE, IMAGE], lambda k: k.Maximum(), lambda t: lambda a, b: a.maximum(b)),
    "concatenate": row(
        MERGE, [IMAGE, IMAGE], lambda k: k.Concatenate(), lambda t: lambda a, b: _join(a, b), 2 * math.prod(IMAGE)
    ),
    "dot of vectors 256x4096": row(
        MERGE, [VECTORS, VECTORS], lambda k: k.Dot(1), lambda t: lambda a, b: (a * b).sum(1, keepdim=True), 256
    ),
    "dot of matrices 32x128x64": row(
        MERGE,
        [(32, 128, 64), (32, 128, 64)],
        lambda k: k.Dot(2),
        lambda t: lambda a, b: a @ b.mT,
        32 * 128 * 128,
        True,
    ),
    "conv 1D 3, 64x512x128": row(
        CONV, SEQUENCE, lambda k: k.Conv1D(128, 3, padding="same"), lambda t: t.Conv1d(128, 128, 3, padding=1)
    ),
    "conv 1D transpose 4 s2, 32x128x64": row(
        CONV,
        (32, 128, 64),
        lambda k: k.Conv1DTranspose(64, 4, 2, padding="same"),
        lambda t: t.ConvTranspose1d(64, 64, 4, 2, 1),
    ),
    "conv 2D transpose 4 s2, 16x28x28x64": row(
        CONV,
        (16, 28, 28, 64),
        lambda k: k.Conv2DTranspose(64, 4, 2, padding="same"),
        lambda t: t.ConvTranspose2d(64, 64, 4, 2, 1),
    ),
    "conv 3D 3, 4x16x28x28x32": row(
        CONV,
        (4, 16, 28, 28, 32),
        lambda k: k.Conv3D(32, 3, padding="same"),
        lambda t: t.Conv3d(32, 32, 3, padding=1),
    ),
    "conv 3D transpose 2 s2, 4x8x14x14x32": row(
        CONV, (4, 8, 14, 14, 32), lambda k: k.Conv3DTranspose(32, 2, 2), lambda t: t.ConvTranspose3d(32, 32, 2, 2)
    ),
    "depthwise conv 1D 3": row(
        CONV,
        SEQUENCE,
        lambda k: k.DepthwiseConv1D(3, padding="same"),
        lambda t: t.Conv1d(128, 128, 3, padding=1, groups=128),
    ),
    "depthwise conv 2D 3": row(
        CONV,
        IMAGE,
        lambda k: k.DepthwiseConv2D(3, padding="same"),
        lambda t: t.Conv2d(64, 64, 3, padding=1, groups=64),
    ),
    "separable conv 2D 3": row(
        CONV,
        IMAGE,
        lambda k: k.SeparableConv2D(64, 3, padding="same"),
        lambda t: t.Sequential(t.Conv2d(64, 64, 3, padding=1, groups=64, bias=False), t.Conv2d(64, 64, 1)),
    ),
}


def _unit(x: Any) -> Any:
    import torch

    return torch.nn.functional.normalize(x, dim=1)


def _noise(x: Any) -> Any:
    import torch

    return x + 0.2 * torch.randn_like(x)


def _noisy(x: Any) -> Any:
    import torch

    return x * torch.empty_like(x).normal_(1, 0.5)


def _join(a: Any, b: Any) -> Any:
    import torch

    return torch.cat([a, b], 1)


if __name__ == "__main__":
    keep_freed_memory()
    main(__doc__, CASES)
