"""How far two series rise and fall together, along an axis (usually the time of one sample).

Pearson's correlation is blind to scale and offset; Lin's concordance (1989) is 1 only where the two series are equal.
"""

from __future__ import annotations

from typing import Any

from linnet import config, ops
from linnet.losses.loss import aligned
from linnet.metrics.reduction import MeanMetricWrapper


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The mean product of both, each with its mean taken away and divided by its standard deviation."""
    y_true, y_pred = aligned("pearson_correlation", y_true, y_pred)
    scores = [y - ops.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred)]
    scores = [y / ops.std(y, axis=axis, keepdims=True) for y in scores]
    return ops.mean(scores[0] * scores[1], axis=axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """2 covariance / (variance of both + squared difference of the means)."""
    y_true, y_pred = aligned("concordance_correlation", y_true, y_pred)
    mean_true, mean_pred = (ops.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred))
    var_true, var_pred = (ops.var(y, axis=axis, keepdims=True) for y in (y_true, y_pred))
    # The mean of this is the covariance, whichever mean is taken away from y_true.
    covariance = (y_true - mean_pred) * (y_pred - mean_pred)
    norm = var_true + var_pred + ops.square(mean_true - mean_pred)
    return ops.mean(2.0 * covariance / (norm + config.epsilon()), axis=axis)


class PearsonCorrelation(MeanMetricWrapper):
    """The mean over the samples of Pearson's correlation."""

    _direction = "up"

    def __init__(self, name: str = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean over the samples of Lin's concordance correlation."""

    _direction = "up"

    def __init__(self, name: str = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)
