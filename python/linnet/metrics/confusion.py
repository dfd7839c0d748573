"""Counts of right and wrong yes/no answers, and the two shares made of them: precision and recall.

    precision = true positives / all that were predicted positive          recall = true positives / all that are

Labels are 0 or 1 (any shape, all elements count), predictions are positive above a threshold (0.5), or when they are
among the `top_k` of their row; `class_id` looks at one class alone. With several thresholds there are as many results.
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.metrics.counts import NOTHING, Counts, confusion_counts, parse_thresholds
from linnet.metrics.metric import Metric


class ThresholdMetric(Metric):
    """The base: counts of the kinds named in `kinds`, one of each per threshold."""

    kinds: tuple[str, ...]

    def __init__(self, thresholds: Any, default: float, name: str | None, dtype: Any) -> None:
        super().__init__(dtype, name)
        self.init_thresholds = thresholds
        self.thresholds = parse_thresholds(thresholds, default)
        for kind in self.kinds:
            setattr(self, kind, self.add_variable((len(self.thresholds),), name=kind))

    def _count(self, y_true: Any, y_pred: Any, sample_weight: Any, **selection: Any) -> None:
        counts: Counts = confusion_counts(self.name, y_true, y_pred, self.thresholds, sample_weight, **selection)
        for kind in self.kinds:
            getattr(self, kind).assign_add(getattr(counts, kind))

    def _shown(self, result: Any) -> Any:
        return result[0] if len(self.thresholds) == 1 else result

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


class _Count(ThresholdMetric):
    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, 0.5, name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._count(y_true, y_pred, sample_weight)

    def result(self) -> Any:
        return self._shown(ops.convert_to_tensor(getattr(self, self.kinds[0])))


class TruePositives(_Count):
    """How many were rightly predicted positive."""

    kinds = ("true_positives",)


class FalsePositives(_Count):
    """How many were wrongly predicted positive."""

    kinds = ("false_positives",)


class TrueNegatives(_Count):
    """How many were rightly predicted negative."""

    kinds = ("true_negatives",)


class FalseNegatives(_Count):
    """How many were wrongly predicted negative."""

    kinds = ("false_negatives",)


class _Share(ThresholdMetric):
    """kinds[0] / (kinds[0] + kinds[1])."""

    _direction = "up"

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, 0.5 if top_k is None else NOTHING, name, dtype)
        self.top_k = top_k
        self.class_id = class_id

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._count(y_true, y_pred, sample_weight, top_k=self.top_k, class_id=self.class_id)

    def result(self) -> Any:
        right, wrong = (getattr(self, kind) for kind in self.kinds)
        return self._shown(ops.divide_no_nan(right, right + wrong))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "top_k": self.top_k, "class_id": self.class_id}


class Precision(_Share):
    """The share of what was predicted positive that is positive."""

    kinds = ("true_positives", "false_positives")


class Recall(_Share):
    """The share of what is positive that was predicted positive."""

    kinds = ("true_positives", "false_negatives")
