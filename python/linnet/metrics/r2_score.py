"""R squared, the coefficient of determination: the share of the labels' variance that the predictions explain.

    1 - sum((y_true - y_pred)^2) / sum((y_true - mean(y_true))^2)

1 is perfect, 0 as good as the mean of the labels, and it may be negative. The sums are kept per output (n, outputs), so
that it is exact over batches. With `num_regressors` p it is adjusted to 1 - (1 - R^2)(n - 1) / (n - p - 1).
"""

from __future__ import annotations

import warnings
from typing import Any

from linnet import ops
from linnet.backend.errors import ShapeError
from linnet.backend.lookup import unknown_name
from linnet.backend.trace import current_trace
from linnet.losses.loss import aligned, as_float, shown
from linnet.metrics.metric import Metric

AGGREGATIONS = ("uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """R squared; several outputs are averaged, uniformly or by their variance, or (None) given one by one."""

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if class_aggregation is not None and class_aggregation not in AGGREGATIONS:
            raise unknown_name("class_aggregation", class_aggregation, ("None", *AGGREGATIONS))
        if num_regressors < 0:
            raise ValueError(f"num_regressors must not be negative, got {num_regressors!r}")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable(name="num_samples")
        self._built = False

    def _build(self, outputs: int) -> None:
        self.squared_sum = self.add_variable((outputs,), name="squared_sum")
        self.sum = self.add_variable((outputs,), name="sum")
        self.total_mse = self.add_variable((outputs,), name="residual")
        self.count = self.add_variable((outputs,), name="count")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = aligned(self.name, y_true, y_pred)
        if len(y_pred.shape) != 2:
            raise ShapeError(f"{self.name}: expected labels and predictions (n, outputs), got {shown(y_pred.shape)}")
        if not self._built:
            self._build(y_pred.shape[-1])
        ones = ops.ones_like(y_true)
        weights = ones
        if sample_weight is not None:
            given = as_float(sample_weight)
            weights = ones * (ops.expand_dims(given, 1) if len(given.shape) == 1 else given)
        self.sum.assign_add(ops.sum(y_true * weights, axis=0))
        self.squared_sum.assign_add(ops.sum(ops.square(y_true) * weights, axis=0))
        self.total_mse.assign_add(ops.sum(ops.square(y_true - y_pred) * weights, axis=0))
        self.count.assign_add(ops.sum(weights, axis=0))
        self.num_samples.assign_add(ops.sum(ones))

    def result(self) -> Any:
        if not self._built:
            return ops.convert_to_tensor(0.0)
        total = self.squared_sum - self.sum * (self.sum / self.count)
        scores = 1.0 - self.total_mse / total
        scores = ops.where(ops.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.sum(total * scores) / ops.sum(total)
        if not self.num_regressors:
            return scores
        left = self.num_samples - (self.num_regressors + 1.0)
        if current_trace() is None and float(left) <= 0:
            warnings.warn(
                f"{self.name}: {self.num_regressors} regressors leave no degree of freedom in "
                f"{int(self.num_samples)} values; this is the score without adjustment",
                stacklevel=2,
            )
        adjusted = 1.0 - (1.0 - scores) * (self.num_samples - 1.0) / left
        return ops.where(ops.greater(left, 0.0), adjusted, scores)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
