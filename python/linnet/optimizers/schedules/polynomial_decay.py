"""From initial_learning_rate to end_learning_rate along (1 - step / decay_steps) ^ power."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.optimizers.schedules.learning_rate_schedule import LearningRateSchedule, as_float, checked_steps


class PolynomialDecay(LearningRateSchedule):
    """A straight line (power 1) or a curve down to the end rate.

    With `cycle`, decay_steps is doubled, tripled, ... when it has passed, so that the rate jumps up and falls again.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = checked_steps("decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Any:
        step = as_float(step)
        if self.cycle:
            decay_steps = self.decay_steps * ops.maximum(ops.ceil(step / self.decay_steps), 1.0)
        else:
            step = ops.minimum(step, float(self.decay_steps))
            decay_steps = float(self.decay_steps)
        left = ops.power(1.0 - step / decay_steps, self.power)
        return (self.initial_learning_rate - self.end_learning_rate) * left + self.end_learning_rate

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }
