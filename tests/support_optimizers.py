"""Runs an optimizer on given gradients in the three ways there are, for the tests of every optimizer.

flat: in a trace, all weights in one array, as in fit. apart: in a trace, weight by weight. eager: at once on arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from linnet.backend.flat import FlatParameters
from linnet.backend.trace import Trace
from linnet.backend.variable import Variable

SHAPES = [(3, 5), (7,), (1,), (2, 2, 3)]
STEPS = 5
WAYS = ("flat", "apart", "eager")


def start_and_gradients(steps: int = STEPS) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """First weights, and gradients of every step."""
    rng = np.random.default_rng(11)
    weights = [rng.standard_normal(shape).astype(np.float32) for shape in SHAPES]
    return weights, [[rng.standard_normal(shape).astype(np.float32) for shape in SHAPES] for _ in range(steps)]


def run(optimizer: Any, way: str, steps: int = STEPS, names: str = "w") -> list[np.ndarray]:
    """The weights after some steps."""
    weights, gradients = start_and_gradients(steps)
    variables = [Variable(w, name=f"{names}{i}") for i, w in enumerate(weights)]
    if way == "eager":
        for grads in gradients:
            optimizer.apply(grads, variables)
    else:
        trace = Trace(training=True, flat=FlatParameters(variables) if way == "flat" else None)
        with trace:
            inputs = [trace.input(f"g{i}", shape) for i, shape in enumerate(SHAPES)]
            optimizer.apply(inputs, variables)
        program = trace.compile([], 1)
        for grads in gradients:
            program.run(1, grads)
    assert int(optimizer.iterations.numpy()) == steps
    return [variable.numpy() for variable in variables]


def reference(update: Callable[..., np.ndarray], steps: int = STEPS) -> list[np.ndarray]:
    """The same with update(weight, gradient, state, t), float64, t from 1; state is a dict per weight."""
    weights, gradients = start_and_gradients(steps)
    found = [w.astype(np.float64) for w in weights]
    states: list[dict[str, Any]] = [{} for _ in found]
    for t, grads in enumerate(gradients, 1):
        found = [update(w, g.astype(np.float64), s, t) for w, g, s in zip(found, grads, states, strict=True)]
    return found


def check(make: Callable[[], Any], update: Callable[..., np.ndarray], steps: int = STEPS) -> None:
    """All three ways against the float64 reference, and the configuration makes the same optimizer."""
    expected = reference(update, steps)
    for way in WAYS:
        for optimizer in (make(), type(make()).from_config(make().get_config())):
            for got, want in zip(run(optimizer, way, steps), expected, strict=True):
                np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-6, err_msg=way)


def adam(
    lr: float = 0.001, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-7, amsgrad: bool = False
) -> Callable[..., np.ndarray]:
    """Adam's update for `check`."""

    def update(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
        s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
        s["v"] = b2 * s.get("v", 0) + (1 - b2) * g * g
        v = s["v"]
        if amsgrad:
            v = s["largest"] = np.maximum(s.get("largest", 0), v)
        return w - lr * np.sqrt(1 - b2**t) / (1 - b1**t) * s["m"] / (np.sqrt(v) + eps)

    return update
