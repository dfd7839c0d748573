"""The best of one share that can be had while another is at least a given value: what a threshold can be chosen for.

    sensitivity (recall) = tp / (tp + fn)      specificity = tn / (tn + fp)      precision = tp / (tp + fp)

The shares are computed at `num_thresholds` evenly spaced thresholds; of those where the first share suffices, the
largest value of the second is the result, and 0 if there is none.
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.metrics.counts import Counts, confusion_counts
from linnet.metrics.metric import Metric


def even_thresholds(count: int) -> list[float]:
    """`count` thresholds from 0 to 1; 0.5 when there is one."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"num_thresholds must be a positive integer, got {count!r}")
    return [0.5] if count == 1 else [i / (count - 1) for i in range(count)]


class FourCounts(Metric):
    """The base of metrics that need all four counts at many thresholds."""

    def _make_counts(self, shape: tuple[int, ...]) -> None:
        self.true_positives = self.add_variable(shape, name="true_positives")
        self.false_positives = self.add_variable(shape, name="false_positives")
        self.true_negatives = self.add_variable(shape, name="true_negatives")
        self.false_negatives = self.add_variable(shape, name="false_negatives")

    def _add(self, counts: Counts) -> None:
        for kind, count in counts._asdict().items():
            getattr(self, kind).assign_add(count)

    def _recall(self) -> Any:
        return ops.divide_no_nan(self.true_positives, self.true_positives + self.false_negatives)

    def _precision(self) -> Any:
        return ops.divide_no_nan(self.true_positives, self.true_positives + self.false_positives)

    def _specificity(self) -> Any:
        return ops.divide_no_nan(self.true_negatives, self.true_negatives + self.false_positives)


class _OperatingPoint(FourCounts):
    _direction = "up"
    _wanted: str  # the argument: what must be at least this large

    def __init__(self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        super().__init__(dtype, name)
        if not 0 <= value <= 1:
            raise ValueError(f"{self._wanted} must lie in [0, 1], not {value!r}")
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.thresholds = even_thresholds(num_thresholds)
        self._make_counts((len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._add(confusion_counts(self.name, y_true, y_pred, self.thresholds, sample_weight, class_id=self.class_id))

    def _best(self, dependent: Any, constrained: Any) -> Any:
        enough = ops.greater_equal(constrained, float(self.value))
        return ops.max(ops.where(enough, dependent, 0.0))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            self._wanted: self.value,
            "num_thresholds": self.num_thresholds,
            "class_id": self.class_id,
        }


class SensitivityAtSpecificity(_OperatingPoint):
    """The best sensitivity where the specificity is at least the given one."""

    _wanted = "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self._best(self._recall(), self._specificity())


class SpecificityAtSensitivity(_OperatingPoint):
    """The best specificity where the sensitivity is at least the given one."""

    _wanted = "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self._best(self._specificity(), self._recall())


class PrecisionAtRecall(_OperatingPoint):
    """The best precision where the recall is at least the given one."""

    _wanted = "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self._best(self._precision(), self._recall())


class RecallAtPrecision(_OperatingPoint):
    """The best recall where the precision is at least the given one."""

    _wanted = "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self._best(self._recall(), self._precision())
