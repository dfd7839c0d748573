"""exp(x) / sum(exp(x)) along an axis (or several together): positive numbers that sum to 1."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.layer import Layer

# Added to the scores that a mask leaves out: their probability rounds to 0, and a row without any other is no NaN.
MASKED = -3.4028235e38 / 2


class Softmax(Layer):
    """Softmax, optionally over the positions that a mask of the input's shape leaves."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            inputs = inputs + (1.0 - ops.cast(mask, "float32")) * MASKED
        return ops.softmax(inputs, axis=tuple(self.axis) if isinstance(self.axis, list) else self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
