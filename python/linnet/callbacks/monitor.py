"""What callbacks share that watch one metric: which way is better, and has it got better?

mode "auto" asks the model's metric of that name; a metric that does not say is judged by its name: losses, errors and
entropies should fall, accuracies and the like rise.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

from linnet.backend.lookup import unknown_name
from linnet.callbacks.callback import Callback

RISING = ("acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "r2", "cosine_similarity", "top_k")
FALLING = ("loss", "error", "entropy", "mse", "mae", "mape", "msle", "divergence", "hinge", "poisson", "logcosh")


class MonitorCallback(Callback):
    """Base of EarlyStopping, ModelCheckpoint and ReduceLROnPlateau."""

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", best: float | None = None, min_delta: float = 0.0
    ) -> None:
        if mode not in ("auto", "min", "max"):
            raise unknown_name("mode", mode, ("auto", "min", "max"))
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self._start = best
        self.best: float | None = best
        self._rising: bool | None = None if mode == "auto" else mode == "max"

    def is_improvement(self, value: float, reference: float | None) -> bool:
        """Whether value is better than the reference by more than min_delta."""
        if self._rising is None:
            self._rising = self._direction()
        if reference is None or math.isnan(reference):
            return not math.isnan(value)
        return value - self.min_delta > reference if self._rising else value + self.min_delta < reference

    def value(self, logs: Mapping[str, Any] | None) -> float | None:
        """The monitored metric, or None, with a warning, if there is none of that name."""
        found = (logs or {}).get(self.monitor)
        if found is None:
            warnings.warn(
                f"{type(self).__name__} watches {self.monitor!r}, which is not available; there are: "
                f"{', '.join(logs or {})}",
                stacklevel=2,
            )
            return None
        return float(found)

    def _direction(self) -> bool:
        name = self.monitor.removeprefix("val_")
        known = {metric.name: metric for metric in getattr(self.model, "metrics", None) or []}
        if hasattr(self.model, "_named_metrics"):
            known = self.model._named_metrics()
        direction = getattr(known.get(name), "_direction", None)
        if direction is not None:
            return bool(direction == "up")
        if any(part in name for part in FALLING):
            return False
        if any(part in name for part in RISING):
            return True
        raise ValueError(
            f'{type(self).__name__} cannot tell whether {self.monitor!r} should rise or fall; pass mode="max" or '
            f'mode="min"'
        )
