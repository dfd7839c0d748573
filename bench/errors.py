"""Relative error of every algorithm against float64: linnet's, its two settings for convolutions, and torch's.

    python bench/errors.py
    python bench/errors.py --write docs/performance.md

Prints ||found - exact|| / ||exact|| for standard normal data as the tables of docs/performance.md; torch's column where
it is installed. Passes of a convolution: forward / gradient of the input (first image) / gradient of the kernel (first
16 filters). LINNET_ISA chooses another instruction set. Nothing here is timed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from conv2d import Layer, errors
from engine import Program, l2_error, normal
from memory_bound import batch_norm_errors, channel_arrays, loss_arrays, loss_error, torch_image
from tables import place

from linnet import config

HAVE_TORCH = find_spec("torch") is not None

# The group names the algorithm where it is not Winograd's.
LAYERS = [
    Layer("3 × 3, 16 → 16", "direct", 4, 32, 16, 16),
    Layer("3 × 3, 32 → 32", "direct", 4, 16, 32, 32),
    Layer("3 × 3, 64 → 64", "direct", 4, 8, 64, 64),
    Layer("3 × 3, 64 → 64", "direct", 1, 224, 64, 64),
    Layer("3 × 3, 128 → 128", "direct", 2, 28, 128, 128),
    Layer("3 × 3, 256 → 256", "direct", 1, 56, 256, 256),
    Layer("3 × 3, 512 → 512", "direct", 2, 14, 512, 512),
    Layer("3 × 3, 512 → 512", "direct", 2, 7, 512, 512),
    Layer("3 × 3 stride 2, 256 → 256", "direct", 2, 28, 256, 256, 3, 2),
    Layer("7 × 7 stride 2, 3 → 64", "direct", 1, 224, 3, 64, 7, 2, pad=3),
    Layer("5 × 5, 96 → 256", "direct", 1, 27, 96, 256, 5),
    Layer("3 × 3 dilated by 2, 128 → 128", "direct", 1, 28, 128, 128, dilation=2),
    Layer("3 × 3 in 4 groups, 128 → 128", "direct", 1, 28, 128, 128, groups=4),
    Layer("5 × 5, 1 → 6", "planar", 4, 28, 1, 6, 5),
    Layer("3 × 3, 3 → 16", "planar", 4, 32, 3, 16),
    Layer("3 × 3 depthwise, 32", "depthwise", 1, 112, 32, 32, groups=32),
    Layer("1 × 1, 256 → 64", "gemm", 1, 56, 256, 64, 1),
]


# ---- convolutions ---------------------------------------------------------------------------------------------------


def convolution_by_linnet(layer: Layer, setting: str) -> list[float]:
    config.set_conv_algorithm(setting)
    program = Program()
    x, kernel, dy = (program.array(values) for values in layer.arrays())
    shapes = [list(program.arrays[value].shape) for value in (x, kernel)]
    program.compile(
        program.add("conv2d", x, kernel, **layer.attributes),
        program.add("conv2d_grad_input", dy, kernel, shape=shapes[0], **layer.attributes),
        program.add("conv2d_grad_weight", x, dy, shape=shapes[1], **layer.attributes),
    )()
    return errors(layer, program.result(0)[:1], program.result(1)[:1], program.result(2))


def convolution_by_torch(layer: Layer) -> list[float]:
    import torch

    x, kernel, dy = layer.arrays()
    image, gradient = (torch_image(a, channels_last=False) for a in (x, dy))
    weight = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
    for tensor in (image, weight):
        tensor.requires_grad_()
    y = torch.nn.functional.conv2d(
        image, weight, None, layer.stride, layer.padding, layer.dilation, layer.groups
    )  # fmt: skip
    y.backward(gradient)
    images = [t.detach()[:1].permute(0, 2, 3, 1).numpy() for t in (y, image.grad)]
    return errors(layer, *images, weight.grad.permute(2, 3, 1, 0).numpy())


def convolutions() -> list[list[str]]:
    rows = [["layer (n × h × w)", "algorithm", "auto", "direct"] + ["torch"] * HAVE_TORCH]
    for layer in LAYERS:
        found = [convolution_by_linnet(layer, setting) for setting in ("auto", "direct")]
        found += [convolution_by_torch(layer)] if HAVE_TORCH else []
        cells = [" / ".join(f"{error:.1e}" for error in each) for each in found]
        algorithm = "Winograd"
        if found[0] == found[1]:
            algorithm, cells[1] = layer.group, "the same"
        rows.append([f"{layer.name} ({layer.n} × {layer.size} × {layer.size})", algorithm, *cells])
    config.set_conv_algorithm("auto")
    return rows


# ---- everything else ------------------------------------------------------------------------------------------------

Errors = Callable[[], list[float]]


def product(m: int, n: int, k: int) -> tuple[Errors, Errors]:
    a, b = normal(1, m, k), normal(2, k, n)
    few = slice(0, 64)  # rows: the others are no different

    def error(found: np.ndarray) -> list[float]:
        return [l2_error(found[few], a[few].astype(np.float64) @ b.astype(np.float64))]

    def by_linnet() -> list[float]:
        program = Program()
        program.compile(program.add("matmul", program.array(a), program.array(b)))()
        return error(program.result(0))

    def by_torch() -> list[float]:
        import torch

        return error((torch.from_numpy(a) @ torch.from_numpy(b)).numpy())

    return by_linnet, by_torch


def batch_norm(*shape: int) -> tuple[Errors, Errors]:
    x, dy = normal(1, *shape), normal(2, *shape)
    channels = channel_arrays(shape[-1])

    def by_linnet() -> list[float]:
        program = Program()
        xi, di, gamma, beta = (program.array(a) for a in (x, dy, *channels))
        y, mean, variance = program.outputs("batch_norm", xi, gamma, beta)
        y = program.add("relu", y)
        dx = program.outputs("batch_norm_grad", xi, program.add("relu_grad", di, y), gamma, mean, variance)[0]
        program.compile(y, dx)()
        return [batch_norm_errors(x, dy, program.result(0), program.result(1))]

    def by_torch() -> list[float]:
        import torch
        from torch.nn import functional as F

        image, gradient = (torch_image(a, channels_last=True) for a in (x, dy))
        image.requires_grad_()
        y = F.batch_norm(image, None, None, *(torch.from_numpy(a) for a in channels), training=True, eps=1e-3).relu()
        y.backward(gradient)
        return [batch_norm_errors(x, dy, *(t.detach().permute(0, 2, 3, 1).numpy() for t in (y, image.grad)))]

    return by_linnet, by_torch


def cross_entropy(rows: int, classes: int) -> tuple[Errors, Errors]:
    logits, labels = loss_arrays(rows, classes)

    def by_linnet() -> list[float]:
        program = Program()
        li, yi, share = (program.array(a) for a in (logits, labels, np.full(rows, 1 / rows, np.float32)))
        _, probabilities = program.outputs("sparse_cross_entropy", li, yi)
        program.compile(program.add("sparse_cross_entropy_grad", probabilities, yi, share))()
        return [loss_error(logits, labels, program.result(0))]

    def by_torch() -> list[float]:
        import torch

        x = torch.from_numpy(logits).requires_grad_()
        torch.nn.functional.cross_entropy(x, torch.from_numpy(labels).long()).backward()
        return [loss_error(logits, labels, x.grad.numpy())]

    return by_linnet, by_torch


def total(size: int) -> tuple[Errors, Errors]:
    x = np.abs(normal(1, size))
    exact = np.array(x.astype(np.float64).sum())

    def by_linnet() -> list[float]:
        program = Program()
        program.compile(program.add("sum", program.array(x), axes=[0]))()
        return [l2_error(program.result(0), exact)]

    def by_torch() -> list[float]:
        import torch

        return [l2_error(torch.from_numpy(x).sum().numpy(), exact)]

    return by_linnet, by_torch


def function(name: str, exact: Callable[[np.ndarray], np.ndarray]) -> tuple[Errors, Errors]:
    x = 3 * normal(1, 1 << 16)
    x = np.abs(x) if name == "log" else x
    wanted = exact(x.astype(np.float64))

    def by_linnet() -> list[float]:
        program = Program()
        program.compile(program.add(name, program.array(x)))()
        return [l2_error(program.result(0), wanted)]

    def by_torch() -> list[float]:
        import torch

        return [l2_error(getattr(torch, name)(torch.from_numpy(x)).numpy(), wanted)]

    return by_linnet, by_torch


OTHERS = {
    "product, 64³": product(64, 64, 64),
    "product, 512³": product(512, 512, 512),
    "product, 2048³": product(2048, 2048, 2048),
    "product, 128 × 10 × 512": product(128, 10, 512),
    "product, 1 × 4096 × 4096": product(1, 4096, 4096),
    "batch norm + relu and gradient, 8 × 28 × 28 × 64": batch_norm(8, 28, 28, 64),
    "softmax + cross-entropy, gradient, 128 × 1000": cross_entropy(128, 1000),
    "sum of 1,000,000 positive numbers": total(1_000_000),
    "exp": function("exp", np.exp),
    "log": function("log", np.log),
    "tanh": function("tanh", np.tanh),
    "sigmoid": function("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
}


def others() -> list[list[str]]:
    rows = [["kernel", "linnet"] + ["torch"] * HAVE_TORCH]
    for name, (by_linnet, by_torch) in OTHERS.items():
        found = [by_linnet(), *([by_torch()] if HAVE_TORCH else [])]
        rows.append([name, *(" / ".join(f"{error:.1e}" for error in each) for each in found)])
    return rows


def markdown(rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into their places in this file")
    options = parser.parse_args()
    for name, make in {"convolution errors": convolutions, "other errors": others}.items():
        text = markdown(make())
        if options.write:
            place(options.write, name, text)
        else:
            print(text + "\n", flush=True)


if __name__ == "__main__":
    main()
