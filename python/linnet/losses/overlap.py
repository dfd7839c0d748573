"""Losses of segmentation: one minus the overlap of two soft sets (pixels, given as values between 0 and 1).

Dice is the harmonic mean of precision and recall of the sets; Tversky (Salehi et al., 2017) weighs the two kinds of
mistake. Without an axis, the overlap of the whole batch is one number; with axis=(1, 2, 3), for instance, there is one
per image.
"""

from __future__ import annotations

from typing import Any

from linnet import config, ops
from linnet.losses.loss import LossFunctionWrapper, aligned


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred))."""
    y_true, y_pred = aligned("dice", y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    size = ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis)
    return 1.0 - 2.0 * both / (size + config.epsilon())


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Any:
    """1 - both / (both + alpha sum(y_true (1 - y_pred)) + beta sum((1 - y_true) y_pred)), both = sum(y_true y_pred)."""
    y_true, y_pred = aligned("tversky", y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum((1.0 - y_pred) * y_true, axis=axis)
    invented = ops.sum(y_pred * (1.0 - y_true), axis=axis)
    return 1.0 - both / (both + alpha * missed + beta * invented + config.epsilon())


class Dice(LossFunctionWrapper):
    """1 - the Dice coefficient."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "dice", axis: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """1 - the Tversky index: alpha is the weight of what was missed, beta that of what was invented."""

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "tversky",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
