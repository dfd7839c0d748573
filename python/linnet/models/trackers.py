"""The means that a step reports: of the loss, of the losses of several outputs, and of the metrics given to compile.

A `LossTracker` is a metric whose numbers are added up in Python, in float64, from what each run of the compiled step
gives back: the loss is looked at after every step anyway. In one's own `train_step` it may be updated like any Mean.
"""

from __future__ import annotations

from typing import Any

from linnet.backend.trace import current_trace
from linnet.metrics.reduction import Mean


class LossTracker(Mean):
    """The mean of a loss over the samples since the last reset."""

    def __init__(self, name: str = "loss") -> None:
        super().__init__(name)
        self._sum = 0.0
        self._rows = 0

    def record(self, value: Any) -> None:
        """Takes the mean loss of this batch; inside a trace, that of every run to come."""
        trace = current_trace()
        if trace is None:
            self.take(float(value), 1)
        else:
            trace.records.append((self, trace.tensor(value)))

    def take(self, value: float, rows: int) -> None:
        """Adds the mean loss of a batch of so many rows."""
        self._sum += value * rows
        self._rows += rows

    def reset_state(self) -> None:
        self._sum = 0.0
        self._rows = 0
        super().reset_state()

    def result(self) -> Any:
        return self._sum / self._rows if self._rows else super().result()

    @property
    def sums(self) -> tuple[float, int]:
        """(sum over rows, rows), for a checkpoint."""
        return self._sum, self._rows

    @sums.setter
    def sums(self, value: tuple[float, int]) -> None:
        self._sum, self._rows = float(value[0]), int(value[1])


def plain(value: Any) -> Any:
    """A number as a Python float; anything with a shape as it is."""
    return float(value) if getattr(value, "shape", ()) == () else value


def flat_results(name: str, value: Any) -> dict[str, Any]:
    """{name: value} with plain numbers; a metric that gives several values gives its own names."""
    if isinstance(value, dict):
        return {key: number for inner, one in value.items() for key, number in flat_results(inner, one).items()}
    return {name: plain(value)}
