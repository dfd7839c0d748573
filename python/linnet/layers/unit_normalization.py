"""Each sample divided by its Euclidean length over the axes in `axis`: what is left is a direction. Nothing is learnt.
Zeros stay zeros.
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.layer import Layer


class UnitNormalization(Layer):
    """Brings vectors to length 1. axis: one or several. Raises TypeError when it is no integer or list of them."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise TypeError(f"axis must be an integer or a list of them, not {axis!r}")
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        axes = self.axis if isinstance(self.axis, int) else tuple(self.axis)
        return ops.normalize(inputs, axis=axes, order=2, epsilon=1e-12)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
