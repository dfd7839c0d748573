"""exp(x) / sum(exp(x)) along an axis (or several together): positive numbers that sum to 1."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.layer import Layer

# What a score becomes that a mask leaves out.
MASKED = -1e9


class Softmax(Layer):
    """Softmax, optionally over the positions that a mask of the input's shape leaves; the others get 0."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        if mask is None:
            return ops.softmax(inputs, axis=axis)
        mask = ops.cast(mask, "float32") > 0.5
        return ops.where(mask, ops.softmax(ops.where(mask, inputs, MASKED), axis=axis), 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
