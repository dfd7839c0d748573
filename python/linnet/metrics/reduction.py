"""Sums and means over all batches: the state of nearly every metric.

A mean keeps the weighted total and the weight so far, so that batches of different size count as they should.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from linnet import ops
from linnet.backend.trace import current_trace
from linnet.losses.loss import apply_mask, as_float, match_weights
from linnet.metrics.metric import Metric


def samplewise(values: Any, sample_weight: Any, reduce: Callable[..., Any]) -> tuple[Any, Any]:
    """One weighted value per sample, and the weight of each (None: 1). What lies behind the batch axis is reduced."""
    values = as_float(values)
    rank = len(values.shape)
    if sample_weight is not None:
        sample_weight = as_float(sample_weight)
        if len(sample_weight.shape) == 0 and rank:
            sample_weight = sample_weight * ops.ones_like(values)
        values, weights = match_weights(values, sample_weight, "metric")
        weights = weights * ops.ones_like(values)
        values = values * weights
        rank = len(values.shape)
        sample_weight = reduce(weights, axis=tuple(range(1, rank))) if rank > 1 else weights
    if rank > 1:
        values = reduce(values, axis=tuple(range(1, rank)))
    return values, sample_weight


def _rows(values: Any) -> Any:
    """The number of values, which the trace knows only when it runs."""
    trace = current_trace()
    if trace is None or not values.shape:
        return float(np.size(values)) if trace is None else 1.0
    return trace.add("count", [values], axes=[0])


class Sum(Metric):
    """The weighted sum of all values."""

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, _ = samplewise(values, sample_weight, ops.sum)
        self.total.assign_add(ops.sum(values))

    def result(self) -> Any:
        return ops.convert_to_tensor(self.total)


class Mean(Metric):
    """The weighted mean of all values."""

    def __init__(self, name: str = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")
        self.count = self.add_variable(name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, weights = samplewise(values, sample_weight, ops.mean)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(_rows(values) if weights is None else ops.sum(weights))

    def result(self) -> Any:
        return ops.divide_no_nan(self.total, self.count)


class MeanMetricWrapper(Mean):
    """The mean of a function (y_true, y_pred, **kwargs) that gives one value per sample."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name or str(getattr(fn, "__name__", "mean_metric_wrapper")), dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        mask = getattr(y_pred, "_keras_mask", None)
        if mask is not None:
            sample_weight = apply_mask(sample_weight, mask, "sum")
        super().update_state(self._fn(y_true, y_pred, **self._fn_kwargs), sample_weight)

    def get_config(self) -> dict[str, Any]:
        from linnet.saving.serialization import serialize_keras_object

        config = {**super().get_config(), **self._fn_kwargs}
        if type(self) is MeanMetricWrapper:
            config["fn"] = serialize_keras_object(self._fn)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        from linnet.saving.serialization import deserialize_keras_object

        if isinstance(config.get("fn"), dict):
            config = {**config, "fn": deserialize_keras_object(config["fn"])}
        return cls(**config)
