"""Augmentation of a batch of images: linnet, Keras on JAX, torch; images per second and share of the bandwidth.

    python bench/augmentation.py --only 'pipeline*'
    PYTHONPATH=... python bench/augmentation.py --python keras=/venv/bin/python 'keras jit'=/venv/bin/python

needs torch, and Keras with JAX, beside linnet; `--python` names another interpreter for contenders that live elsewhere
(linnet must be importable there, too: its timing is used). linnet's side is what `fit` does with a batch before the
model sees it: its rows are gathered, then augmented. Keras is called as a user calls it, `model(x, training=True)`: its
RandomCrop slices at a drawn place, which JAX cannot compile, so pipelines with it run operation by operation; where
compiling works ("keras jit"), the whole layer is one jax.jit. torch has no such layers of its own: flip by torch.where,
rotation by affine_grid and grid_sample, one crop for the batch, channels first and last ("cl"). A row's bytes are its
input and its output, once.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from interleave import Row, Step, main

Shape = tuple[int, int, int, int]
SHAPES: list[Shape] = [(128, 32, 32, 3), (32, 224, 224, 3)]


def images(shape: Shape) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 255, shape).astype(np.float32)


def cropped(shape: Shape) -> int:
    return shape[1] * 7 // 8


def layers_of(k: Any, name: str, shape: Shape) -> list[Any]:
    """The same layers of Keras or linnet."""
    crop = cropped(shape)
    made = {
        "flip": lambda: k.layers.RandomFlip("horizontal"),
        "crop": lambda: k.layers.RandomCrop(crop, crop),
        "rotate": lambda: k.layers.RandomRotation(0.1),
        "zoom": lambda: k.layers.RandomZoom(0.2),
        "brightness": lambda: k.layers.RandomBrightness(0.2),
        "contrast": lambda: k.layers.RandomContrast(0.2),
        "erasing": lambda: k.layers.RandomErasing(fill_value=0.0),
        "resize": lambda: k.layers.Resizing(crop, crop),
    }
    names = ["flip", "crop", "rotate"] if name == "pipeline" else [name]
    return [made[one]() for one in names]


def linnet_step(name: str, shape: Shape) -> Step:
    import linnet
    from linnet.backend.trace import Trace

    trace = Trace(training=True)
    with trace:
        y = trace.input("x", (-1, *shape[1:]))
        for layer in layers_of(linnet, name, shape):
            y = layer(y)
    program, x, steps = trace.compile([y], shape[0]), images(shape), itertools.count()
    program.executable.bind_rows(program.inputs[0], x)
    return lambda: program.executable.run_rows(None, 0, shape[0], 1, next(steps))


def keras_step(name: str, shape: Shape, jit: bool) -> Step:
    os.environ["KERAS_BACKEND"] = "jax"
    import jax
    import keras

    model, x = keras.Sequential([keras.Input(shape[1:]), *layers_of(keras, name, shape)]), images(shape)
    if not jit:
        return lambda: jax.block_until_ready(model(x, training=True))
    state = [variable.value for variable in model.non_trainable_variables]
    compiled = jax.jit(lambda state, x: model.stateless_call([], state, x, training=True))

    def step() -> Any:
        nonlocal state
        y, state = compiled(state, x)
        return jax.block_until_ready(y)

    return step


def torch_step(name: str, shape: Shape, channels_last: bool) -> Step:
    import torch
    from torch.nn import functional as F

    n, h, w, _ = shape
    array = images(shape)
    x = torch.from_numpy(array).permute(0, 3, 1, 2)
    x = x.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
    crop = cropped(shape)

    def flip(x: Any) -> Any:
        return torch.where(torch.rand(n, 1, 1, 1) < 0.5, x.flip(3), x)

    def cut(x: Any) -> Any:
        top, left = (int(torch.randint(size - crop + 1, ())) for size in (h, w))
        return x[:, :, top : top + crop, left : left + crop]

    def sample(x: Any, theta: Any) -> Any:
        grid = F.affine_grid(theta, x.shape, align_corners=False)
        return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)

    def rotate(x: Any) -> Any:
        angle = (torch.rand(n) - 0.5) * (0.4 * math.pi)
        c, s, o = torch.cos(angle), torch.sin(angle), torch.zeros(n)
        return sample(x, torch.stack([c, -s, o, s, c, o], 1).view(n, 2, 3))

    def zoom(x: Any) -> Any:
        z, o = 0.8 + 0.4 * torch.rand(n), torch.zeros(n)
        return sample(x, torch.stack([z, o, o, o, z, o], 1).view(n, 2, 3))

    def brightness(x: Any) -> Any:
        return (x + (torch.rand(n, 1, 1, 1) - 0.5) * 102).clamp_(0, 255)

    def contrast(x: Any) -> Any:
        mean = x.mean((2, 3), keepdim=True)
        return torch.lerp(mean, x, 1 + 0.2 * torch.rand(n, 1, 1, 1)).clamp_(0, 255)

    def erasing(x: Any) -> Any:
        inside = torch.rand(n, 1, 1, 1) < torch.rand(n, 1, 1, 1)
        for length, view in ((h, (1, 1, h, 1)), (w, (1, 1, 1, w))):
            covered = length * (0.02 + 0.31 * torch.rand(n, 1, 1, 1)).sqrt()
            first = torch.rand(n, 1, 1, 1) * (length - covered)
            place = torch.arange(length).view(view)
            inside = inside & (place >= first) & (place < first + covered)
        return x.masked_fill(inside, 0.0)

    def resize(x: Any) -> Any:
        return F.interpolate(x, (crop, crop), mode="bilinear", align_corners=False)

    steps: dict[str, Callable[[Any], Any]] = {
        "pipeline": lambda x: rotate(cut(flip(x))),
        "flip": flip,
        "crop": lambda x: cut(x).contiguous(),
        "rotate": rotate,
        "zoom": zoom,
        "brightness": brightness,
        "contrast": contrast,
        "erasing": erasing,
        "resize": resize,
    }

    def step() -> Any:
        with torch.inference_mode():
            return steps[name](x)

    return step


def row(name: str, shape: Shape) -> Row:
    given = functools.partial
    contenders: dict[str, Callable[[], Step]] = {
        "linnet": given(linnet_step, name, shape),
        "keras": given(keras_step, name, shape, False),
        "torch": given(torch_step, name, shape, False),
        "torch cl": given(torch_step, name, shape, True),
    }
    if name not in ("pipeline", "crop"):
        contenders["keras jit"] = given(keras_step, name, shape, True)
    n, h, w, c = shape
    out = cropped(shape) ** 2 if name in ("pipeline", "crop", "resize") else h * w
    return Row(contenders, bytes=4 * n * c * (h * w + out), bound_by_memory=True, group="x".join(map(str, shape)))


CASES = {
    f"{name} {'x'.join(map(str, shape))}": row(name, shape)
    for shape in SHAPES
    for name in ("pipeline", "flip", "crop", "rotate", "zoom", "brightness", "contrast", "erasing", "resize")
}


if __name__ == "__main__":
    main(__doc__, CASES)
