"""Margin losses, averaged over all samples: the functions of `linnet.losses` as metrics."""

from __future__ import annotations

from typing import Any

from linnet.losses.hinge import categorical_hinge, hinge, squared_hinge
from linnet.metrics.reduction import MeanMetricWrapper


class Hinge(MeanMetricWrapper):
    """max(1 - y_true y_pred, 0)."""

    _direction = "down"

    def __init__(self, name: str = "hinge", dtype: Any = None) -> None:
        super().__init__(hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """max(1 - y_true y_pred, 0)^2."""

    _direction = "down"

    def __init__(self, name: str = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """The hinge between the right class and the best wrong one."""

    _direction = "down"

    def __init__(self, name: str = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(categorical_hinge, name, dtype)
