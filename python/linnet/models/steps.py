"""The three programs of a model: a training step, a test step, a prediction. Each is traced once for the shapes of the
data and then runs without Python.

    training step   forward, losses, metrics, gradients, optimizer
    test step       forward, losses, metrics
    prediction      forward

A `Step` is a program with what the loops in trainer.py need around it: which outputs are losses, and the binding of
data to inputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from linnet.backend.flat import FlatParameters
from linnet.backend.program import Program
from linnet.backend.tensor import Tensor
from linnet.backend.trace import Trace
from linnet.backend.tree import flatten, map_structure
from linnet.models.data import Data, Leaf

if TYPE_CHECKING:
    from linnet.models.trainer import Trainer


class Step:
    """A compiled step for data of one signature."""

    def __init__(self, program: Program, leaves: list[Leaf], logs: list[str], structure: Any = None) -> None:
        self.program = program
        self.leaves = leaves
        self.logs = logs  # the scalars among the outputs, in order: "loss", then others
        self.structure = structure  # of a prediction's result
        self.flat: FlatParameters | None = None
        self.checked_epoch = -1  # the storage epoch at which the flat layout was last seen to be in order

    def bind(self, data: Data) -> None:
        """Makes `data` the data set behind run_rows."""
        for value, array in zip(self.program.inputs, data.arrays, strict=True):
            self.program.executable.bind_rows(value, array)

    def release(self) -> None:
        """Lets go of the data set, which would else live as long as the program."""
        for value, leaf in zip(self.program.inputs, self.leaves, strict=True):
            self.program.executable.bind_rows(value, np.zeros((0, *leaf.row_shape), np.float32))


def trace_forward(model: Trainer, data: Data) -> None:
    """Builds a model by tracing it once on the shapes of the data."""
    trace = Trace(training=False)
    with trace:
        x, _, _ = data.placeholders(trace)
        model(x, training=False)


def train_step(model: Trainer, data: Data, capacity: int) -> Step:
    """Compiles model.train_step."""
    flat = model._flat_parameters()
    trace = Trace(training=True, flat=flat)
    with trace:
        logs = model.train_step(data.placeholders(trace))
    step = _finish(trace, logs, data, capacity)
    step.flat = flat
    return step


def test_step(model: Trainer, data: Data, capacity: int) -> Step:
    """Compiles model.test_step."""
    trace = Trace(training=False)
    with trace:
        logs = model.test_step(data.placeholders(trace))
    return _finish(trace, logs, data, capacity)


def _finish(trace: Trace, logs: Any, data: Data, capacity: int) -> Step:
    if not isinstance(logs, dict):
        raise TypeError(f"train_step and test_step must return a dict of logs, got {logs!r}")
    scalars = {name: value for name, value in logs.items() if isinstance(value, Tensor)}
    for name, value in scalars.items():
        if value.dims:
            raise ValueError(f'the log "{name}" has shape {value.shape}; logs must be single numbers')
    # The loss first: the loop looks at it after every step.
    names = sorted(scalars, key=lambda name: name != "loss")
    program = trace.compile([scalars[name] for name in names], capacity)
    return Step(program, data.leaves, names)


def predict_step(model: Trainer, data: Data, capacity: int) -> Step:
    """Compiles model.predict_step."""
    trace = Trace(training=False)
    with trace:
        result = model.predict_step(data.placeholders(trace))
        result = map_structure(lambda leaf: trace.tensor(leaf), result)
    outputs = flatten(result)
    for output in outputs:
        if not output.dims or output.dims[0] >= 0:
            raise ValueError(
                f"predict: the model's output has shape {output.shape} without a batch axis in front; "
                "predict_on_batch or calling the model gives such outputs"
            )
    program = trace.compile(outputs, capacity)
    return Step(program, data.leaves, [], result)
