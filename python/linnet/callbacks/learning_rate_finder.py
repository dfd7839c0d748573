"""Finds a learning rate in a minute: one run in which the rate grows from step to step (Smith, 2015).

While the rate is too small, the loss hardly falls; then it falls ever faster; then it explodes. A good rate lies where
it falls fastest against the logarithm of the rate, some way before the explosion:

    finder = linnet.callbacks.LearningRateFinder()
    model.fit(x, y, callbacks=[finder])
    finder.suggestion                        # try this; for OneCycle, up to finder.best_rate as max_learning_rate
    linnet.viz.plot_learning_rates(finder)

Afterwards the weights and the optimizer are what they were before, so the run costs nothing but time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from linnet.backend.variable import Variable
from linnet.callbacks.callback import Callback


class LearningRateFinder(Callback):
    """Raises the learning rate exponentially and records the loss of every batch.

    min_rate, max_rate: where the rate starts and ends.
    steps: number of batches from one to the other; more epochs are needed where the data has fewer.
    smoothing: weight of the past in the smoothed loss, in [0, 1).
    stop_factor: the run ends when the smoothed loss is that many times the best one.

    After fit: `rates`, `losses` (of single batches), `smoothed`, `suggestion` and `best_rate` (where the smoothed loss
    was least). Raises ValueError at the start of training when the optimizer's learning rate is a schedule.
    """

    terminates_on_nan = True  # an infinite loss is how the run is expected to end

    def __init__(
        self,
        min_rate: float = 1e-6,
        max_rate: float = 10.0,
        steps: int = 100,
        smoothing: float = 0.9,
        stop_factor: float = 4.0,
    ) -> None:
        if not 0 < min_rate < max_rate:
            raise ValueError(f"rates must be positive and growing, got min_rate {min_rate!r}, max_rate {max_rate!r}")
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 2:
            raise ValueError(f"steps must be an integer of at least 2, got {steps!r}")
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing must lie in [0, 1), got {smoothing!r}")
        if not stop_factor > 1:
            raise ValueError(f"stop_factor must be above 1, got {stop_factor!r}")
        self.min_rate = min_rate
        self.max_rate = max_rate
        self.steps = steps
        self.smoothing = smoothing
        self.stop_factor = stop_factor
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.smoothed: list[float] = []
        self._before: list[tuple[Variable, np.ndarray]] = []
        self._average = 0.0

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        optimizer = self.model.optimizer
        if not isinstance(optimizer.learning_rate, Variable):
            raise ValueError(
                "LearningRateFinder sets the learning rate itself: compile with a number instead of a schedule"
            )
        self.rates, self.losses, self.smoothed, self._average = [], [], [], 0.0
        state = [*self.model.variables, *optimizer.variables]
        self._before = [(variable, variable.numpy()) for variable in state]

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        part = len(self.losses) / (self.steps - 1)
        self.rates.append(self.min_rate * (self.max_rate / self.min_rate) ** part)
        self.model.optimizer.learning_rate = self.rates[-1]
        self.model.reset_metrics()  # so that the logs are those of the one batch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        loss = float((logs or {})["loss"])
        self.losses.append(loss)
        self._average = self.smoothing * self._average + (1.0 - self.smoothing) * loss
        # Divided by the sum of the weights: the first averages are not drawn towards 0.
        self.smoothed.append(self._average / (1.0 - self.smoothing ** len(self.losses)))
        exploded = not math.isfinite(loss) or self.smoothed[-1] > self.stop_factor * min(self.smoothed)
        if exploded or len(self.losses) >= self.steps:
            self.model.stop_training = True

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        for variable, value in self._before:
            variable.assign(value)
        self._before = []

    @property
    def best_rate(self) -> float:
        """The rate at which the smoothed loss was least: the largest with which training may be tried."""
        return self.rates[self._least()]

    @property
    def suggestion(self) -> float:
        """The rate at which the smoothed loss fell fastest, before its minimum.

        Falls are measured over a fifth of the steps, so that the noise of single batches does not decide. The smoothed
        loss lags behind by smoothing / (1 - smoothing) steps; that is taken off again.
        """
        end, half = self._least(), max(1, self.steps // 10)
        falls = np.asarray(self.smoothed[: max(end + 1 - 2 * half, 0)]) - self.smoothed[2 * half : end + 1]
        if not len(falls):  # it fell from the start on
            return self.best_rate / 10.0
        lag = round(self.smoothing / (1.0 - self.smoothing))
        return self.rates[max(int(np.argmax(falls)) + half - lag, 0)]

    def _least(self) -> int:
        finite = np.asarray([s if math.isfinite(s) else math.inf for s in self.smoothed])
        if not len(finite) or not np.isfinite(finite).any():
            raise ValueError("LearningRateFinder has seen no finite loss yet: give it to fit, then ask")
        return int(np.argmin(finite))
