"""Parity with Keras: the same small programs, run under Keras once and under linnet in every test run.

A *case* is a program written against a module `k`, which is `keras` or `linnet`, and its inputs. `run(case, k)` gives
named arrays. `generate.py` runs all cases of a family under Keras and writes `values/FAMILY.npz`; `test_parity.py` runs
them under linnet and compares. So Keras is needed to make the values, not to test against them.

A family is a file `cases/FAMILY.py` with a list `CASES`. To add a case, append it there and run

    KERAS_BACKEND=jax python tests/parity/generate.py FAMILY        (in an environment with keras and jax)

The kinds of case: `LayerCase` (outputs; with `train`, losses and weights after two SGD steps), `LossCase` (the value
and its gradient), `MetricCase` (the result after every update), `OptimizerCase` (weights after some steps),
`ValueCase` (whatever a function of k returns: activations, schedules, operations, constraints).

Inputs and weights come from fixed generators and are small. What draws random numbers cannot be compared this way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


def numbers(shape: Sequence[int], seed: int = 0) -> np.ndarray:
    """Normal float32 numbers, always the same."""
    return np.random.default_rng([seed, *shape]).standard_normal(tuple(shape)).astype(np.float32)


def integers(shape: Sequence[int], below: int, seed: int = 0) -> np.ndarray:
    """int32 numbers in [0, below), always the same."""
    return np.random.default_rng([seed, *shape]).integers(0, below, tuple(shape)).astype(np.int32)


def probabilities(shape: Sequence[int], seed: int = 0) -> np.ndarray:
    """Rows of positive float32 numbers that add up to one."""
    raw = np.random.default_rng([seed, *shape]).random(tuple(shape)) + 0.05
    return (raw / raw.sum(-1, keepdims=True)).astype(np.float32)


def new_weights(model: Any) -> list[np.ndarray]:
    """Numbers for all weights of a model, by their order and shape; variances are positive."""
    weights = []
    for i, variable in enumerate(model.weights):
        value = 0.3 * numbers(tuple(variable.shape), seed=100 + i)
        if "variance" in variable.name:
            value = np.abs(value) + np.float32(0.5)
        weights.append(np.asarray(value, np.float32))
    return weights


def as_list(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    return list(value) if isinstance(value, (list, tuple)) else [value]


@dataclass(frozen=True)
class LayerCase:
    """make(k) is a layer, or a function of symbolic inputs. The inputs are arrays with a batch axis."""

    name: str
    make: Callable[[Any], Any]
    inputs: Sequence[np.ndarray]
    train: bool = True  # two steps of SGD on the mean squared error
    training: bool | None = None  # the argument of the call that gives the outputs; None: predict
    rtol: float = 2e-5
    atol: float = 2e-6

    def run(self, k: Any) -> Arrays:
        symbols = [k.Input(x.shape[1:], dtype=str(x.dtype)) for x in self.inputs]
        layer = self.make(k)
        outputs = layer(symbols[0] if len(symbols) == 1 else symbols)
        model = k.Model(symbols, outputs)
        model.set_weights(new_weights(model))
        x = self.inputs[0] if len(self.inputs) == 1 else list(self.inputs)
        if self.training is None:
            found = model.predict_on_batch(x)
        else:
            found = model(x, training=self.training)
        arrays = {f"y{i}": np.asarray(y) for i, y in enumerate(as_list(found))}
        if self.train:
            targets = [numbers(a.shape, seed=7) for a in arrays.values()]
            model.compile(optimizer=k.optimizers.SGD(0.05), loss="mse")
            for step in range(2):
                model.reset_metrics()
                loss = model.train_on_batch(x, targets[0] if len(targets) == 1 else targets)
                arrays[f"loss{step}"] = np.asarray(as_list(loss)[0])
            for i, weight in enumerate(model.get_weights()):
                arrays[f"w{i}"] = np.asarray(weight)
        return arrays


@dataclass(frozen=True)
class LossCase:
    """make(k) is a Loss. The gradient is what one SGD step of a linear model, whose weights are y_pred, subtracts."""

    name: str
    make: Callable[[Any], Any]
    y_true: np.ndarray
    y_pred: np.ndarray  # (rows, ...)
    sample_weight: np.ndarray | None = None
    rtol: float = 2e-5
    atol: float = 2e-6

    def run(self, k: Any) -> Arrays:
        arrays = {}
        loss = self.make(k)
        arrays["value"] = np.asarray(loss(self.y_true, self.y_pred, sample_weight=self.sample_weight))
        rows, *shape = self.y_pred.shape
        model = k.Sequential([k.Input((rows,)), k.layers.Dense(int(np.prod(shape)), use_bias=False)])
        if len(shape) > 1:
            model.add(k.layers.Reshape(tuple(shape)))
        model.set_weights([self.y_pred.reshape(rows, -1)])
        model.compile(optimizer=k.optimizers.SGD(1.0), loss=self.make(k))
        value = model.train_on_batch(np.eye(rows, dtype=np.float32), self.y_true, sample_weight=self.sample_weight)
        arrays["trained"] = np.asarray(as_list(value)[0])
        arrays["gradient"] = self.y_pred.reshape(rows, -1) - np.asarray(model.get_weights()[0])
        return arrays


@dataclass(frozen=True)
class MetricCase:
    """make(k) is a Metric; updates are (y_true, y_pred) or (y_true, y_pred, sample_weight)."""

    name: str
    make: Callable[[Any], Any]
    updates: Sequence[tuple[np.ndarray, ...]]
    rtol: float = 2e-5
    atol: float = 2e-6

    def run(self, k: Any) -> Arrays:
        metric = self.make(k)
        arrays = {}
        for i, update in enumerate(self.updates):
            metric.update_state(*update)
            arrays[f"result{i}"] = np.asarray(metric.result())
        metric.reset_state()
        metric.update_state(*self.updates[0])
        arrays["after_reset"] = np.asarray(metric.result())
        return arrays


@dataclass(frozen=True)
class OptimizerCase:
    """make(k) is an optimizer, which trains a small network for some steps."""

    name: str
    make: Callable[[Any], Any]
    steps: int = 5
    constraint: str | None = None
    rtol: float = 5e-5
    atol: float = 5e-6

    def run(self, k: Any) -> Arrays:
        model = k.Sequential(
            [
                k.Input((6,)),
                k.layers.Dense(5, activation="tanh", kernel_constraint=self.constraint),
                k.layers.Dense(3),
            ]
        )
        model.set_weights(new_weights(model))
        model.compile(optimizer=self.make(k), loss="mse")
        arrays = {}
        for step in range(self.steps):
            model.reset_metrics()
            loss = model.train_on_batch(numbers((8, 6), seed=step), numbers((8, 3), seed=50 + step))
            arrays[f"loss{step}"] = np.asarray(as_list(loss)[0])
        for i, weight in enumerate(model.get_weights()):
            arrays[f"w{i}"] = np.asarray(weight)
        return arrays


@dataclass(frozen=True)
class ValueCase:
    """run_with(k, *inputs) gives an array, or several."""

    name: str
    run_with: Callable[..., Any]
    inputs: Sequence[Any] = field(default_factory=tuple)
    rtol: float = 2e-5
    atol: float = 2e-6

    def run(self, k: Any) -> Arrays:
        return {f"value{i}": np.asarray(v) for i, v in enumerate(as_list(self.run_with(k, *self.inputs)))}


Case = LayerCase | LossCase | MetricCase | OptimizerCase | ValueCase
