"""Penalties on the size of weights.

L2 adds l2 * sum(w^2): every step shrinks each weight in proportion to itself. L1 adds l1 * sum(|w|): every step moves
each weight by the same amount towards 0, and many arrive there.
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.regularizers.regularizer import Regularizer, checked_factor, sum_all


class L1(Regularizer):
    """l1 * sum(|x|)."""

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = checked_factor("l1", 0.01 if l1 is None else l1)

    def __call__(self, x: Any) -> Any:
        return self.l1 * sum_all(ops.absolute(x))

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(Regularizer):
    """l2 * sum(x^2)."""

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = checked_factor("l2", 0.01 if l2 is None else l2)

    def __call__(self, x: Any) -> Any:
        return self.l2 * sum_all(ops.square(x))

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x^2)."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = checked_factor("l1", 0.0 if l1 is None else l1)
        self.l2 = checked_factor("l2", 0.0 if l2 is None else l2)

    def __call__(self, x: Any) -> Any:
        penalty: Any = 0.0
        if self.l1:
            penalty = self.l1 * sum_all(ops.absolute(x))
        if self.l2:
            penalty = penalty + self.l2 * sum_all(ops.square(x))
        return penalty

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}
