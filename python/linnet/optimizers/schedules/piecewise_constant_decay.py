"""One rate up to (and with) the first boundary, the next up to the second, and so on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet import ops
from linnet.optimizers.schedules.learning_rate_schedule import LearningRateSchedule, as_float


class PiecewiseConstantDecay(LearningRateSchedule):
    """boundaries: steps, ascending. values: one rate more than there are boundaries."""

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstantDecay"
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"values must have one entry more than boundaries; got {len(boundaries)} boundaries and {len(values)} "
                f"values"
            )
        self.boundaries = list(boundaries)
        self.values = list(values)
        self.name = name

    def __call__(self, step: Any) -> Any:
        step = as_float(step)
        rate: Any = self.values[-1]
        for boundary, value in zip(reversed(self.boundaries), reversed(self.values[:-1]), strict=True):
            rate = ops.where(ops.less_equal(step, float(boundary)), float(value), rate)
        return ops.cast(rate, "float32")

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}
