"""Half a cosine wave from the highest rate down to alpha times it, after an optional straight rise (warm-up)."""

from __future__ import annotations

import math
from typing import Any

from linnet import ops
from linnet.optimizers.schedules.learning_rate_schedule import LearningRateSchedule, as_float, checked_steps


class CosineDecay(LearningRateSchedule):
    """Cosine decay over decay_steps.

    With warmup_target, the rate first rises in a line from initial_learning_rate to warmup_target over warmup_steps,
    and the decay starts from there.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = checked_steps("decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Any:
        step = as_float(step)
        if self.warmup_target is None:
            return self._decayed(step, self.initial_learning_rate)
        decayed = self._decayed(step - float(self.warmup_steps), self.warmup_target)
        if not self.warmup_steps:
            return decayed
        slope = (self.warmup_target - self.initial_learning_rate) / self.warmup_steps
        rising = self.initial_learning_rate + step * slope
        return ops.where(ops.less(step, float(self.warmup_steps)), rising, decayed)

    def _decayed(self, step: Any, start: float) -> Any:
        part = ops.minimum(step, float(self.decay_steps)) / self.decay_steps
        cosine = 0.5 * (1.0 + ops.cos(math.pi * part))
        return start * ((1.0 - self.alpha) * cosine + self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }
