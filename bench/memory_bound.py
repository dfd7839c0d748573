"""What is bound by memory: normalisation, pooling, losses, optimizers and dropout; linnet, torch, share of bandwidth.

    python bench/memory_bound.py --only 'bn*' 'adam*'

needs torch beside linnet. Layers run forward and backward. A row's bytes are those that must move when nothing stays in
a cache, each array read or written once by each pass that needs it:

    batch norm + relu   x twice (statistics, result), y; dy, x twice (two sums, result), dx
    pooling             x, y; dy, dx; and for max pooling the winners, one byte each, written and read
    softmax + loss      logits, probabilities; probabilities, gradient
    Adam                w, m, v read and written, g read;  RMSprop, momentum: one state less;  SGD: no state
    dropout             x, y; dy, dx

The share is that of the time in which those bytes can move, at the bandwidths measured beside them: bytes that are read
and bytes that are written travel side by side, each at its own rate, so that a pass which mostly reads cannot reach the
rate of an update in place. A tensor that stays in the last-level cache may pass 100 %. Operations (for the roofline)
are counted coarsely: each addition, product, comparison, root or exponential is one. torch runs with images channels
first and channels last, with autograd into fresh gradients (its freed memory is kept for the next call), and its
optimizers one by one, `foreach` and `fused`: the best counts. The error is that of one step against float64.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from engine import Program, keep_freed_memory, l2_error, normal
from interleave import Row, Step, Timed, main

from linnet.cli.kernel_rows import optimizer_step

Contenders = dict[str, Callable[[], Step | Timed]]
EPSILON = 1e-3


# ---- batch normalisation --------------------------------------------------------------------------------------------


def channel_arrays(c: int) -> tuple[np.ndarray, np.ndarray]:
    return 1 + 0.1 * normal(5, c), 0.1 * normal(6, c)


def batch_norm_errors(x: np.ndarray, dy: np.ndarray, y: np.ndarray, dx: np.ndarray) -> float:
    """The worse of y's and dx's. dx is compared for the signs of the y that was found: where y is almost 0, rounding
    decides whether the gradient passes."""
    rows = x.reshape(-1, x.shape[-1]).astype(np.float64)
    gamma, beta = (a.astype(np.float64) for a in channel_arrays(x.shape[-1]))
    scale = 1 / np.sqrt(rows.var(0) + EPSILON)
    normalised = (rows - rows.mean(0)) * scale
    g = np.where(y > 0, dy, 0).reshape(rows.shape) * gamma
    exact_dx = scale * (g - g.mean(0) - normalised * (g * normalised).mean(0))
    exact_y = np.maximum(normalised * gamma + beta, 0)
    return max(l2_error(y.reshape(rows.shape), exact_y), l2_error(dx.reshape(rows.shape), exact_dx))


def batch_norm_linnet(shape: tuple[int, ...]) -> Timed:
    program = Program()
    values = normal(1, *shape), normal(2, *shape)
    x, dy = (program.array(a) for a in values)
    gamma, beta = (program.array(a) for a in channel_arrays(shape[-1]))
    y, mean, variance = program.outputs("batch_norm", x, gamma, beta, epsilon=EPSILON)
    y = program.add("relu", y)
    dz = program.add("relu_grad", dy, y)
    gradients = program.outputs("batch_norm_grad", x, dz, gamma, mean, variance, epsilon=EPSILON)
    step = program.compile(y, *gradients)
    return Timed(step, lambda: batch_norm_errors(*values, program.result(0), program.result(1)))


def batch_norm_torch(shape: tuple[int, ...], channels_last: bool) -> Timed:
    import torch
    from torch.nn import functional as F

    values = normal(1, *shape), normal(2, *shape)
    x, dy = (torch_image(a, channels_last) for a in values)
    gamma, beta = (torch.from_numpy(a).requires_grad_() for a in channel_arrays(shape[-1]))
    averages = torch.zeros(shape[-1]), torch.ones(shape[-1])
    x.requires_grad_()

    def step() -> tuple[torch.Tensor, torch.Tensor]:
        y = F.batch_norm(x, *averages, gamma, beta, training=True, eps=EPSILON).relu_()
        return y, torch.autograd.grad(y, (x, gamma, beta), dy)[0]

    def error() -> float:
        y, dx = (t.detach().permute(0, 2, 3, 1).numpy() for t in step())
        return batch_norm_errors(*values, y, dx)

    return Timed(step, error)


def torch_image(values: np.ndarray, channels_last: bool):
    import torch

    memory = torch.channels_last if channels_last else torch.contiguous_format
    return torch.from_numpy(values).permute(0, 3, 1, 2).contiguous(memory_format=memory)


def batch_norm(*shape: int) -> Row:
    contenders: Contenders = {"linnet": functools.partial(batch_norm_linnet, shape)}
    for layout in ("nchw", "nhwc"):
        contenders[f"torch {layout}"] = functools.partial(batch_norm_torch, shape, layout == "nhwc")
    size = 4 * float(np.prod(shape))
    passes = [(size, 0), (size, size), (2 * size, 0), (2 * size, size)]
    return Row(contenders, 17 * size / 4, bound_by_memory=True, group="batch norm + relu", passes=passes)


# ---- pooling --------------------------------------------------------------------------------------------------------


def pool_linnet(kind: str, shape: tuple[int, ...], window: int, stride: int, pad: int) -> Timed:
    program = Program()
    geometry = {"pool": [window] * 2, "strides": [stride] * 2, "padding": [pad] * 4}
    x = program.array(normal(1, *shape))
    y, *winners = program.outputs(f"{kind}_pool2d", x, **geometry)
    dy = program.array(normal(2, *program.graph.shape(y)))
    dx = program.add(f"{kind}_pool2d_grad", dy, *winners, shape=list(shape), **geometry)
    return Timed(program.compile(y, dx))


def pool_torch(kind: str, shape: tuple[int, ...], window: int, stride: int, pad: int, channels_last: bool) -> Timed:
    import torch
    from torch.nn import functional as F

    x = torch_image(normal(1, *shape), channels_last).requires_grad_()
    pool = {"max": F.max_pool2d, "average": functools.partial(F.avg_pool2d, count_include_pad=False)}[kind]
    size = pool(x, window, stride, pad).shape
    dy = torch_image(normal(2, size[0], size[2], size[3], size[1]), channels_last)
    return Timed(lambda: torch.autograd.grad(pool(x, window, stride, pad), x, dy))


def pooling(kind: str, *shape: int, window: int, stride: int, pad: int = 0) -> Row:
    contenders: Contenders = {"linnet": functools.partial(pool_linnet, kind, shape, window, stride, pad)}
    for layout in ("nchw", "nhwc"):
        contenders[f"torch {layout}"] = functools.partial(
            pool_torch, kind, shape, window, stride, pad, layout == "nhwc"
        )
    n, h, w, c = shape
    pooled = n * ((h + 2 * pad - window) // stride + 1) * ((w + 2 * pad - window) // stride + 1) * c
    whole, small = 4 * n * h * w * c, (5 if kind == "max" else 4) * pooled
    passes = [(whole, small), (small, whole)]
    return Row(contenders, 2 * window**2 * pooled, bound_by_memory=True, group="pooling", passes=passes)


# ---- softmax and its loss -------------------------------------------------------------------------------------------


def loss_arrays(rows: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    return normal(1, rows, classes), np.random.default_rng(2).integers(0, classes, rows).astype(np.int32)


def loss_error(logits: np.ndarray, labels: np.ndarray, gradient: np.ndarray) -> float:
    exact = np.exp(logits.astype(np.float64))
    exact /= exact.sum(1, keepdims=True)
    exact[np.arange(len(labels)), labels] -= 1
    return l2_error(gradient, exact / len(labels))


def loss_linnet(rows: int, classes: int) -> Timed:
    values = loss_arrays(rows, classes)
    program = Program()
    logits, labels = (program.array(a) for a in values)
    share = program.array(np.full(rows, 1 / rows, np.float32))
    loss, probabilities = program.outputs("sparse_cross_entropy", logits, labels)
    gradient = program.add("sparse_cross_entropy_grad", probabilities, labels, share)
    step = program.compile(loss, gradient)
    return Timed(step, lambda: loss_error(*values, program.result(1)))


def loss_torch(rows: int, classes: int) -> Timed:
    import torch
    from torch.nn import functional as F

    values = loss_arrays(rows, classes)
    logits, labels = torch.from_numpy(values[0]).requires_grad_(), torch.from_numpy(values[1].astype(np.int64))

    def step() -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(F.cross_entropy(logits, labels), logits)

    return Timed(step, lambda: loss_error(*values, step()[0].numpy()))


def loss(rows: int, classes: int) -> Row:
    contenders: Contenders = {
        "linnet": functools.partial(loss_linnet, rows, classes),
        "torch": functools.partial(loss_torch, rows, classes),
    }
    size = rows * classes
    passes = [(4 * size, 4 * size)] * 2
    return Row(contenders, 7 * size, bound_by_memory=True, group="softmax + cross-entropy", passes=passes)


# ---- optimizers -----------------------------------------------------------------------------------------------------

# name: (operations, floats read and floats written for each weight, linnet's class and arguments, torch's)
OPTIMIZERS = {
    "adam": (12, 4, 3, "Adam", {}, "Adam", {}),
    "sgd": (2, 2, 1, "SGD", {}, "SGD", {"lr": 0.01}),
    "momentum": (4, 3, 2, "SGD", {"momentum": 0.9}, "SGD", {"lr": 0.01, "momentum": 0.9}),
    "rmsprop": (9, 3, 2, "RMSprop", {}, "RMSprop", {}),
    "adagrad": (6, 3, 2, "Adagrad", {}, "Adagrad", {}),
    "adadelta": (12, 4, 3, "Adadelta", {}, "Adadelta", {}),
    "adamax": (9, 4, 3, "Adamax", {}, "Adamax", {}),
    "nadam": (14, 4, 3, "Nadam", {}, "NAdam", {}),
    "amsgrad": (13, 5, 4, "Adam", {"amsgrad": True}, "Adam", {"amsgrad": True}),
}
NOT_FUSED = ("rmsprop", "adadelta", "adamax", "nadam")  # in torch


def optimizer_linnet(name: str, size: int) -> Step:
    import linnet

    _, _, _, kind, arguments, *_ = OPTIMIZERS[name]
    return optimizer_step(getattr(linnet.optimizers, kind)(**arguments), size)


def optimizer_torch(name: str, size: int, way: str) -> Timed:
    import torch

    *_, kind, arguments = OPTIMIZERS[name]
    weights = torch.from_numpy(normal(1, size)).requires_grad_()
    weights.grad = torch.from_numpy(normal(2, size))
    return Timed(getattr(torch.optim, kind)([weights], **arguments, **{way: True} if way else {}).step)


def update(name: str, size: int) -> Row:
    contenders: Contenders = {"linnet": functools.partial(optimizer_linnet, name, size)}
    for way in ("", "foreach", "fused"):
        if not (name in NOT_FUSED and way == "fused"):
            contenders[f"torch {way}".strip()] = functools.partial(optimizer_torch, name, size, way)
    operations, read, written, *_ = OPTIMIZERS[name]
    passes = [(4 * read * size, 4 * written * size)]
    return Row(contenders, operations * size, bound_by_memory=True, group="optimizers", passes=passes)


# ---- dropout --------------------------------------------------------------------------------------------------------


def dropout_linnet(size: int) -> Timed:
    program = Program()
    x, dy = program.array(normal(1, size)), program.array(normal(2, size))
    return Timed(program.compile(*(program.add("dropout", v, rate=0.5, stream=0) for v in (x, dy))))


def dropout_torch(size: int) -> Timed:
    import torch

    x, dy = torch.from_numpy(normal(1, size)).requires_grad_(), torch.from_numpy(normal(2, size))
    return Timed(lambda: torch.autograd.grad(torch.nn.functional.dropout(x, 0.5), x, dy))


def dropout(size: int) -> Row:
    contenders: Contenders = {
        "linnet": functools.partial(dropout_linnet, size),
        "torch": functools.partial(dropout_torch, size),
    }
    return Row(contenders, 4 * size, bound_by_memory=True, group="dropout", passes=[(4 * size, 4 * size)] * 2)


CASES = {
    "bn+relu 8x112x112x64": batch_norm(8, 112, 112, 64),
    "bn+relu 8x56x56x256": batch_norm(8, 56, 56, 256),
    "bn+relu 8x14x14x1024": batch_norm(8, 14, 14, 1024),
    "bn+relu 128x32x32x16": batch_norm(128, 32, 32, 16),
    "max pool 2x2 4x224x224x64": pooling("max", 4, 224, 224, 64, window=2, stride=2),
    "max pool 3x3 s2 8x112x112x64": pooling("max", 8, 112, 112, 64, window=3, stride=2, pad=1),
    "max pool 3x3 s2 16x55x55x96": pooling("max", 16, 55, 55, 96, window=3, stride=2),
    "max pool 2x2 32x28x28x6": pooling("max", 32, 28, 28, 6, window=2, stride=2),
    "average pool 2x2 8x56x56x256": pooling("average", 8, 56, 56, 256, window=2, stride=2),
    "average pool 7x7 8x7x7x2048": pooling("average", 8, 7, 7, 2048, window=7, stride=7),
    "softmax-ce 128x10": loss(128, 10),
    "softmax-ce 128x1000": loss(128, 1000),
    "softmax-ce 8192x1000": loss(8192, 1000),
    "adam 25.6M": update("adam", 25_600_000),
    "adam 270k": update("adam", 270_000),
    "sgd 25.6M": update("sgd", 25_600_000),
    "momentum 25.6M": update("momentum", 25_600_000),
    "rmsprop 25.6M": update("rmsprop", 25_600_000),
    **{f"{name} 25.6M": update(name, 25_600_000) for name in ("adagrad", "adadelta", "adamax", "nadam", "amsgrad")},
    **{f"{name} 270k": update(name, 270_000) for name in ("adadelta", "adamax", "nadam")},
    "dropout 1M": dropout(1 << 20),
    "dropout 16M": dropout(1 << 24),
}

if __name__ == "__main__":
    keep_freed_memory()
    main(__doc__, CASES)
