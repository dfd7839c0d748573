"""Margin losses: no loss once the right answer wins by 1, linear (or squared) below. The losses of support vector
machines. Labels are -1 and 1; labels that are all 0 and 1 are taken to mean the same."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.losses.loss import LossFunctionWrapper, aligned


def _to_signs(y_true: Any) -> Any:
    """2 y - 1 when every label is 0 or 1, else y."""
    # y (y - 1) is 0 for these two only.
    other = ops.sum(ops.absolute(y_true * (y_true - 1.0)))
    return ops.where(ops.equal(other, 0.0), 2.0 * y_true - 1.0, y_true)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true y_pred, 0))."""
    y_true, y_pred = aligned("hinge", y_true, y_pred)
    return ops.mean(ops.relu(1.0 - _to_signs(y_true) * y_pred), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true y_pred, 0)^2)."""
    y_true, y_pred = aligned("squared_hinge", y_true, y_pred)
    return ops.mean(ops.square(ops.relu(1.0 - _to_signs(y_true) * y_pred)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """max(1 + best wrong score - score of the right class, 0), for one-hot labels."""
    y_true, y_pred = aligned("categorical_hinge", y_true, y_pred)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.relu(wrong - right + 1.0)


class Hinge(LossFunctionWrapper):
    """max(1 - y_true y_pred, 0)."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "hinge", dtype: Any = None) -> None:
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """max(1 - y_true y_pred, 0)^2."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "squared_hinge", dtype: Any = None
    ) -> None:
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """The hinge between the right class and the best wrong one."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "categorical_hinge", dtype: Any = None
    ) -> None:
        super().__init__(categorical_hinge, reduction, name, dtype)
