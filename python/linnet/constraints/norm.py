"""Limits on the length of the vectors in a weight, and on its sign.

`axis` is the axis, or the axes, that a vector runs along: 0 for the weights into one unit of a Dense layer, (0, 1, 2)
for one filter of a Conv2D.
"""

from __future__ import annotations

from typing import Any

from linnet import config, ops
from linnet.constraints.constraint import Constraint


def norms(w: Any, axis: Any) -> Any:
    """The lengths along the axes, which stay with size 1."""
    along = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    return ops.sqrt(ops.sum(ops.square(w), axis=along, keepdims=True))


class MaxNorm(Constraint):
    """Vectors longer than max_value are shortened to it."""

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        length = norms(w, self.axis)
        return w * (ops.clip(length, 0.0, float(self.max_value)) / (length + config.epsilon()))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class MinMaxNorm(Constraint):
    """Vectors are brought to lengths between min_value and max_value: fully with rate 1, else a part of the way."""

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        length = norms(w, self.axis)
        wanted = ops.clip(length, float(self.min_value), float(self.max_value))
        wanted = self.rate * wanted + (1.0 - self.rate) * length
        return w * (wanted / (length + config.epsilon()))

    def get_config(self) -> dict[str, Any]:
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


class UnitNorm(Constraint):
    """Vectors of length 1."""

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return w / (norms(w, self.axis) + config.epsilon())

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class NonNeg(Constraint):
    """No negative weights: they become 0."""

    def __call__(self, w: Any) -> Any:
        return ops.relu(w)
