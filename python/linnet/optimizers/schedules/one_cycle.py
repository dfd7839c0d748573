"""One cycle: up from a small rate to the highest, then down to nearly nothing (Smith & Topin, 2017).

The rise takes pct_start of all steps, from max_learning_rate / div_factor; the fall ends at the first rate divided by
final_div_factor. Both follow half a cosine wave, or straight lines. `linnet.callbacks.LearningRateFinder` tells which
max_learning_rate to take. (Keras has no such schedule; arguments and values are those of torch's OneCycleLR.)
"""

from __future__ import annotations

import math
from typing import Any

from linnet import ops
from linnet.backend.lookup import unknown_name
from linnet.optimizers.schedules.learning_rate_schedule import LearningRateSchedule, as_float, checked_steps


class OneCycle(LearningRateSchedule):
    """One rise and one fall over total_steps; after them the last rate stays."""

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        name: str = "OneCycle",
    ) -> None:
        if not 0.0 < pct_start < 1.0:
            raise ValueError(f"pct_start must lie in (0, 1), not {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise unknown_name("anneal_strategy", anneal_strategy, ("cos", "linear"))
        self.max_learning_rate = max_learning_rate
        self.total_steps = checked_steps("total_steps", total_steps)
        self.pct_start = pct_start
        self.anneal_strategy = anneal_strategy
        self.div_factor = div_factor
        self.final_div_factor = final_div_factor
        self.name = name

    def __call__(self, step: Any) -> Any:
        step = as_float(step)
        first = self.max_learning_rate / self.div_factor
        top = self.pct_start * self.total_steps - 1.0  # the step with the highest rate
        last = self.total_steps - 1.0
        rise = step / top if top > 0.0 else ops.ones_like(step)
        fall = ops.minimum((step - top) / (last - top), 1.0) if last > top else ops.ones_like(step)
        rising = self._between(first, self.max_learning_rate, rise)
        falling = self._between(self.max_learning_rate, first / self.final_div_factor, fall)
        return ops.where(ops.less(step, top), rising, falling)

    def _between(self, start: float, end: float, part: Any) -> Any:
        if self.anneal_strategy == "linear":
            return start + (end - start) * part
        return end + (start - end) * 0.5 * (1.0 + ops.cos(math.pi * part))

    def get_config(self) -> dict[str, Any]:
        return {
            "max_learning_rate": self.max_learning_rate,
            "total_steps": self.total_steps,
            "pct_start": self.pct_start,
            "anneal_strategy": self.anneal_strategy,
            "div_factor": self.div_factor,
            "final_div_factor": self.final_div_factor,
            "name": self.name,
        }
