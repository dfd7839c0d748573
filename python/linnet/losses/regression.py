"""Losses between real numbers: squared, absolute, relative and robust errors. Each is a mean over the last axis."""

from __future__ import annotations

import math
from typing import Any

from linnet import config, ops
from linnet.losses.loss import LossFunctionWrapper, aligned


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """mean((y_true - y_pred)^2)."""
    y_true, y_pred = aligned("mean_squared_error", y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """mean(|y_true - y_pred|)."""
    y_true, y_pred = aligned("mean_absolute_error", y_true, y_pred)
    return ops.mean(ops.absolute(y_true - y_pred), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """100 * mean(|y_true - y_pred| / |y_true|), where |y_true| is at least epsilon."""
    y_true, y_pred = aligned("mean_absolute_percentage_error", y_true, y_pred)
    scale = ops.maximum(ops.absolute(y_true), config.epsilon())
    return 100.0 * ops.mean(ops.absolute((y_true - y_pred) / scale), axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """mean((log(1 + y_true) - log(1 + y_pred))^2), where both are at least epsilon."""
    y_true, y_pred = aligned("mean_squared_logarithmic_error", y_true, y_pred)
    log_true = ops.log(ops.maximum(y_true, config.epsilon()) + 1.0)
    log_pred = ops.log(ops.maximum(y_pred, config.epsilon()) + 1.0)
    return ops.mean(ops.square(log_true - log_pred), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Half the squared error up to |error| = delta, linear from there: outliers pull no harder than delta."""
    y_true, y_pred = aligned("huber", y_true, y_pred)
    error = y_pred - y_true
    size = ops.absolute(error)
    return ops.mean(
        ops.where(ops.less_equal(size, delta), 0.5 * ops.square(error), delta * size - 0.5 * delta * delta), axis=-1
    )


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """mean(log(cosh(error))): nearly error^2 / 2 for small errors and |error| - log(2) for large ones."""
    y_true, y_pred = aligned("log_cosh", y_true, y_pred)
    # cosh(e) = exp(|e|) (1 + exp(-2|e|)) / 2 does not overflow.
    size = ops.absolute(y_pred - y_true)
    return ops.mean(size + ops.softplus(-2.0 * size) - math.log(2.0), axis=-1)


class MeanSquaredError(LossFunctionWrapper):
    """The mean of squares of errors between labels and predictions."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_error", dtype: Any = None
    ) -> None:
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """The mean of absolute errors."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_absolute_error", dtype: Any = None
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """The mean of absolute errors in percent of the labels."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """The mean of squares of errors between logarithms."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class Huber(LossFunctionWrapper):
    """Squared error that turns linear at delta."""

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(LossFunctionWrapper):
    """The logarithm of the hyperbolic cosine of the error."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "log_cosh", dtype: Any = None
    ) -> None:
        super().__init__(log_cosh, reduction, name, dtype)
