"""The kernels that `linnet bench` times, and the timing.

A `Program` is one compiled engine graph over arrays, without layers, models or data pipelines around it. A `KernelRow`
says how to build one, and how many floating-point operations it does or how many bytes it must move: each array read or
written once by each pass that needs it. The benchmarks in bench/ that compare with other libraries use both, too.
"""

from __future__ import annotations

import functools
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from linnet import _engine

Step = Callable[[], object]

# A sample lasts at least this long: below, the clock and the loop around the step would show.
SAMPLE = 200e-6


def median_seconds(step: Step, seconds: float) -> float:
    """The median time of a step, from samples that take about `seconds` together; one of them at least."""
    end = time.perf_counter() + seconds
    shortest = _sample(step, 1)  # wakes threads, warms caches
    if shortest < seconds / 10:
        shortest = min(_sample(step, 1) for _ in range(5))
    repeats = max(1, math.ceil(SAMPLE / max(shortest, 1e-9)))
    times = [_sample(step, repeats)]
    while time.perf_counter() < end:
        times.append(_sample(step, repeats))
    return statistics.median(times)


def _sample(step: Step, repeats: int) -> float:
    begin = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - begin) / repeats


class Program:
    """A graph over arrays, and its executable once it is compiled.

    Operands are variables of the graph, so that kernels read NumPy's memory in place; results stay in the
    executable's arena until `result` copies one out.
    """

    def __init__(self) -> None:
        self.graph = _engine.Graph()
        self.arrays: dict[int, np.ndarray] = {}
        self._executable: _engine.Executable | None = None

    def array(self, values: np.ndarray) -> int:
        dtype = "int32" if values.dtype == np.int32 else "float32"
        value = self.graph.variable(f"v{len(self.arrays)}", values.shape, dtype)
        self.arrays[value] = values
        return value

    def add(self, op: str, *inputs: int, **attributes: object) -> int:
        """Appends an operation; its first output."""
        return self.outputs(op, *inputs, **attributes)[0]

    def outputs(self, op: str, *inputs: int, **attributes: object) -> list[int]:
        return self.graph.add(op, inputs, attributes)

    def compile(self, *outputs: int) -> Step:
        """What runs the program once: no copy goes in or comes out."""
        self._executable = _engine.Executable(self.graph, outputs, 1)
        for value, values in self.arrays.items():
            self._executable.bind_variable(value, values)
        return functools.partial(self._executable.run_rows, None, 0, 1)

    def result(self, index: int) -> np.ndarray:
        """An output of the last step."""
        assert self._executable is not None
        return self._executable.output(index)


def normal(seed: int, *shape: int) -> np.ndarray:
    """Standard normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


@dataclass(frozen=True)
class KernelRow:
    """One line of the table. Exactly one of flops and bytes is known."""

    group: str
    name: str
    build: Callable[[], Step]
    flops: float = 0.0
    bytes: float = 0.0


def rows() -> list[KernelRow]:
    """A short table: products, convolutions, and what is bound by memory."""
    return [
        _gemm(512, 512, 512),
        _gemm(1024, 1024, 1024),
        _gemm(128, 512, 784),
        _gemm(64, 64, 64),
        _gemm(1, 4096, 4096),
        _conv2d("3x3, 64 channels", 1, 112, 64, 64, 3),
        _conv2d("3x3, 256 channels", 1, 28, 256, 256, 3),
        _conv2d("3x3, 16 channels", 32, 32, 16, 16, 3),
        _conv2d("5x5, 1 to 6 channels", 32, 28, 1, 6, 5),
        _conv2d("7x7 stride 2, 3 to 64 channels", 1, 224, 3, 64, 7, 2),
        _conv2d("1x1, 256 to 64 channels", 4, 28, 256, 64, 1),
        _max_pool(4, 112, 64),
        _batch_norm(4, 56, 64),
        _optimizer("Adam", 7),
        _optimizer("SGD", 3),
    ]


def _gemm(m: int, n: int, k: int) -> KernelRow:
    def build() -> Step:
        program = Program()
        return program.compile(program.add("matmul", program.array(normal(1, m, k)), program.array(normal(2, k, n))))

    name = f"{m} x {k} times {k} x {n}"
    if m == 1:  # reads the whole matrix for one row
        return KernelRow("matrix products", name, build, bytes=4.0 * (k + k * n + n))
    return KernelRow("matrix products", name, build, flops=2.0 * m * n * k)


def _conv2d(name: str, n: int, size: int, c: int, oc: int, window: int, stride: int = 1) -> KernelRow:
    """Forward, gradient of the kernel, and gradient of the input unless there are so few channels that it is a first
    layer. Operations of the sum as it is written: Winograd's algorithm can pass 100 %."""
    pad = (window - 1) // 2
    out = (size + 2 * pad - window) // stride + 1
    first = c < 8

    def build() -> Step:
        program = Program()
        x, kernel = program.array(normal(1, n, size, size, c)), program.array(normal(2, window, window, c, oc))
        dy = program.array(normal(3, n, out, out, oc))
        geometry: dict[str, object] = {"strides": [stride] * 2, "padding": [pad] * 4}
        outputs = [program.add("conv2d", x, kernel, **geometry)]
        outputs.append(program.add("conv2d_grad_weight", x, dy, shape=[window, window, c, oc], **geometry))
        if not first:
            outputs.append(program.add("conv2d_grad_input", dy, kernel, shape=[n, size, size, c], **geometry))
        return program.compile(*outputs)

    flops = 2.0 * n * out**2 * oc * window**2 * c * (2 if first else 3)
    return KernelRow("convolutions, forward and backward", f"{name}, {n} x {size} x {size}", build, flops=flops)


def _max_pool(n: int, size: int, c: int) -> KernelRow:
    def build() -> Step:
        program = Program()
        geometry: dict[str, object] = {"pool": [2, 2], "strides": [2, 2]}
        y, winners = program.outputs("max_pool2d", program.array(normal(1, n, size, size, c)), **geometry)
        dy = program.array(normal(2, n, size // 2, size // 2, c))
        dx = program.add("max_pool2d_grad", dy, winners, shape=[n, size, size, c], **geometry)
        return program.compile(y, dx)

    image, pooled = n * size**2 * c, n * (size // 2) ** 2 * c
    moved = 2.0 * (4 * image + 4 * pooled + pooled)
    return KernelRow(
        "bound by memory", f"2x2 max pooling and gradient, {n} x {size} x {size} x {c}", build, bytes=moved
    )


def _batch_norm(n: int, size: int, c: int) -> KernelRow:
    def build() -> Step:
        program = Program()
        x, dy = (program.array(normal(seed, n, size, size, c)) for seed in (1, 2))
        gamma, beta = program.array(normal(3, c)), program.array(normal(4, c))
        y, mean, variance = program.outputs("batch_norm", x, gamma, beta)
        y = program.add("relu", y)
        dz = program.add("relu_grad", dy, y)
        return program.compile(y, *program.outputs("batch_norm_grad", x, dz, gamma, mean, variance))

    name = f"batch norm, relu and gradient, {n} x {size} x {size} x {c}"
    return KernelRow("bound by memory", name, build, bytes=8.0 * 4 * n * size**2 * c)


def optimizer_step(optimizer: Any, size: int) -> Step:
    """What a training step records for one flat array of weights: a single update in place."""
    from linnet.backend.flat import FlatParameters
    from linnet.backend.trace import Trace
    from linnet.backend.variable import Variable

    weights, gradient = (Variable(normal(seed, size), name=f"v{seed}") for seed in (1, 2))
    optimizer.build([weights])
    trace = Trace(training=True, flat=FlatParameters([weights]))
    with trace:
        optimizer.apply([trace.read(gradient)], [weights])
    return functools.partial(trace.compile([], 1).executable.run_rows, None, 0, 1)


def _optimizer(kind: str, floats: int) -> KernelRow:
    """One update of 8 million weights; `floats` are read and written for each."""
    size = 8_000_000

    def build() -> Step:
        from linnet import optimizers

        return optimizer_step(getattr(optimizers, kind)(), size)

    return KernelRow("bound by memory", f"{kind} update, {size:,} weights", build, bytes=4.0 * floats * size)
