"""The three programs of a model: a training step, a test step, a prediction. Each is traced once for the shapes of the
data and then runs without Python.

    training step   forward, losses, metrics, gradients, optimizer
    test step       forward, losses, metrics
    prediction      forward

A `Step` is a program with what the loops in loops.py need around it: which outputs are watched, added up or shown, and
the binding of data to inputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from linnet.backend.flat import FlatParameters
from linnet.backend.program import Program
from linnet.backend.tensor import Tensor
from linnet.backend.trace import Trace
from linnet.backend.tree import flatten, map_structure
from linnet.metrics.metric import MetricResult
from linnet.models.data import Data, Leaf, pack_x_y_sample_weight
from linnet.models.trackers import LossTracker, flat_results

if TYPE_CHECKING:
    from linnet.models.trainer import Trainer


class Step:
    """A compiled step for data of one signature."""

    def __init__(self, program: Program, leaves: list[Leaf], structure: Any = None) -> None:
        self.program = program
        self.leaves = leaves
        self.structure = structure  # of a prediction's result
        self.loss: int | None = None  # the output to watch: the loss of a training step
        self.records: list[tuple[LossTracker, int]] = []  # outputs that are added up
        self.log_plan: dict[str, Any] = {}  # name -> number of an output, promise of a metric, or plain value
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

    def take(self, rows: int) -> None:
        """Adds up what the last run recorded."""
        scalar = self.program.executable.scalar
        for tracker, output in self.records:
            tracker.take(scalar(output), rows)

    def logs(self) -> dict[str, Any]:
        """What the step reports now: means since reset_metrics(), and the last run's values of plain tensors."""
        found: dict[str, Any] = {}
        for name, entry in self.log_plan.items():
            if isinstance(entry, Output):
                found[name] = self.program.executable.scalar(entry)
            else:
                found.update(flat_results(name, entry.read() if isinstance(entry, MetricResult) else entry))
        return found


class Output(int):
    """The number of an output, in a plan of logs."""


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
        logs = model.train_step(pack_x_y_sample_weight(*data.placeholders(trace)))
    step = _finish(trace, logs, data, capacity)
    step.flat = flat
    return step


def test_step(model: Trainer, data: Data, capacity: int) -> Step:
    """Compiles model.test_step."""
    trace = Trace(training=False)
    with trace:
        logs = model.test_step(pack_x_y_sample_weight(*data.placeholders(trace)))
    return _finish(trace, logs, data, capacity)


def _finish(trace: Trace, logs: Any, data: Data, capacity: int) -> Step:
    if not isinstance(logs, dict):
        raise TypeError(f"train_step and test_step must return a dict of logs, got {logs!r}")
    outputs: list[Tensor] = []

    def output(name: str, value: Tensor) -> Output:
        if value.dims:
            raise ValueError(f'the log "{name}" has shape {value.shape}; logs must be single numbers')
        known = [index for index, other in enumerate(outputs) if other.value == value.value]
        if not known:
            outputs.append(value)
        return Output(known[0] if known else len(outputs) - 1)

    def plan(name: str, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return {key: entry for inner, one in value.items() for key, entry in plan(inner, one).items()}
        return {name: output(name, value) if isinstance(value, Tensor) else value}

    records = [(tracker, int(output(tracker.name, value))) for tracker, value in trace.records]
    log_plan = plan("", logs)
    watched = next((value for tracker, value in trace.records if tracker.name == "loss"), logs.get("loss"))
    if not isinstance(watched, Tensor):
        watched = trace.differentiated
    loss = None if watched is None else int(output("loss", watched))
    step = Step(trace.compile(outputs, capacity), data.leaves)
    step.records, step.log_plan, step.loss = records, log_plan, loss
    return step


def predict_step(model: Trainer, data: Data, capacity: int) -> Step:
    """Compiles model.predict_step."""
    trace = Trace(training=False)
    with trace:
        result = model.predict_step(pack_x_y_sample_weight(*data.placeholders(trace)))
        result = map_structure(lambda leaf: trace.tensor(leaf), result)
    outputs = flatten(result)
    for output in outputs:
        if not output.dims or output.dims[0] >= 0:
            raise ValueError(
                f"predict: the model's output has shape {output.shape} without a batch axis in front; "
                "predict_on_batch or calling the model gives such outputs"
            )
    program = trace.compile(outputs, capacity)
    return Step(program, data.leaves, result)
