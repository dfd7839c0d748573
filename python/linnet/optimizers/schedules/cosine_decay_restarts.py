"""Cosine decay that starts again and again, each time for longer: SGDR (Loshchilov & Hutter, 2016).

The first wave takes first_decay_steps; each next one takes t_mul times as many steps and starts from m_mul times the
rate. Restarts let the weights leave the minimum they are in.
"""

from __future__ import annotations

import math
from typing import Any

from linnet import ops
from linnet.optimizers.schedules.learning_rate_schedule import LearningRateSchedule, as_float, checked_steps


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosine waves from the highest rate down to alpha times initial_learning_rate."""

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = checked_steps("first_decay_steps", first_decay_steps)
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Any:
        passed = as_float(step) / self.first_decay_steps  # in lengths of the first wave
        if self.t_mul == 1.0:
            restarts = ops.floor(passed)
            part = passed - restarts
        else:
            # The first i waves together take (1 - t_mul^i) / (1 - t_mul).
            t_mul = float(self.t_mul)
            restarts = ops.floor(ops.log(1.0 - passed * (1.0 - t_mul)) / math.log(t_mul))
            length = ops.power(t_mul, restarts)
            part = (passed - (1.0 - length) / (1.0 - t_mul)) / length
        height = ops.power(float(self.m_mul), restarts)
        cosine = 0.5 * height * (1.0 + ops.cos(math.pi * part))
        return self.initial_learning_rate * ((1.0 - self.alpha) * cosine + self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self.t_mul,
            "m_mul": self.m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
