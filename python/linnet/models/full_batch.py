"""The loss of a whole data set and its gradient as a function of one vector: for optimizers that need both exactly.

    objective = FullBatchObjective(model, x, y)
    loss, gradient = objective(vector)            # vector: all trainable weights, flat (backend/flat.py)

The loss is what compile was given, with weights and regularization. With `batch_size` the data is run in parts and the
parts are averaged by their rows, which is the same for losses that are means over the samples. What draws random
numbers (dropout) draws the same ones in every evaluation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet import _engine
from linnet.backend.trace import Trace


class FullBatchObjective:
    """Callable: vector -> (loss, gradient), both float64. The model must be compiled with a loss."""

    def __init__(
        self, model: Any, x: Any, y: Any = None, sample_weight: Any = None, batch_size: int | None = None
    ) -> None:
        from linnet.models import steps

        self._data = model._data(x, y, sample_weight)
        if not model._is_built():
            steps.trace_forward(model, self._data)
            model.built = True
        self._flat = flat = model._flat_parameters()
        rows = self._data.n
        self._batch = rows if batch_size is None else min(batch_size, rows)
        trace = Trace(training=True, flat=flat)
        with trace:
            inputs, targets, weights = self._data.placeholders(trace)
            loss = model.compute_loss(inputs, targets, model(inputs, training=True), weights)
            found = trace.gradients(loss, [trace.read(variable) for variable in flat.variables])
            pairs = [(g, flat.offsets[id(v)]) for g, v in zip(found, flat.variables, strict=True) if g is not None]
            if not pairs:
                raise ValueError("the loss depends on none of the trainable weights")
            gradient = trace.add("pack", [g for g, _ in pairs], offsets=[o for _, o in pairs], size=flat.size)
        self._program = trace.compile([loss, gradient], self._batch)
        self._program.bind()
        for value, array in zip(self._program.inputs, self._data.arrays, strict=True):
            self._program.executable.bind_rows(value, array)

    @property
    def start(self) -> np.ndarray:
        """The weights as they are now."""
        return self._flat.variable.numpy().astype(np.float64)

    def assign(self, vector: np.ndarray) -> None:
        """Gives the weights these values."""
        self._flat.variable.assign(vector.astype(np.float32))
        _engine.memory_written(self._flat.variable._array)

    def __call__(self, vector: np.ndarray) -> tuple[float, np.ndarray]:
        self.assign(vector)
        executable, rows = self._program.executable, self._data.n
        loss, gradient = 0.0, np.zeros(self._flat.size)
        for first in range(0, rows, self._batch):
            count = min(self._batch, rows - first)
            executable.run_rows(None, first, count, 0, 0)
            loss += executable.scalar(0) * (count / rows)
            gradient += executable.output(1) * (count / rows)
        return loss, gradient
