"""initial_learning_rate * decay_rate ^ (step / decay_steps)."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.optimizers.schedules.learning_rate_schedule import LearningRateSchedule, as_float, checked_steps


class ExponentialDecay(LearningRateSchedule):
    """Multiplies the rate by decay_rate every decay_steps: smoothly, or all at once with `staircase`."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = checked_steps("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Any:
        p = as_float(step) / self.decay_steps
        if self.staircase:
            p = ops.floor(p)
        return self.initial_learning_rate * ops.power(self.decay_rate, p)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }
