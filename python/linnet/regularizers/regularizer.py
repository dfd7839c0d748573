"""The base of all regularizers: a callable from a weight to a scalar that is added to the loss."""

from __future__ import annotations

import math
from typing import Any, Self

from linnet import ops


class Regularizer:
    """Base class: define `__call__(x)` with `linnet.ops`, and `get_config`."""

    def __call__(self, x: Any) -> Any:
        return 0.0

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal regularizer."""
        raise NotImplementedError(f"{type(self).__name__} must define get_config() to be saved")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A regularizer with these arguments."""
        return cls(**config)


def sum_all(x: Any) -> Any:
    """The sum over every element."""
    return ops.sum(x, axis=tuple(range(len(x.shape))))


def checked_factor(name: str, value: Any) -> float:
    """A regularization factor as a finite float; anything else is an error that names the argument."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value!r}")
    return float(value)
