"""Its input, unchanged, and a penalty on it in the loss: l1 * sum|x| + l2 * sum x^2 for each sample. Keeps activities
small, or, with l1, few.
"""

from __future__ import annotations

from typing import Any

from linnet import regularizers
from linnet.layers.layer import Layer


class ActivityRegularization(Layer):
    """Adds the penalty of an L1L2 regularizer on its input to the loss."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("activity_regularizer")  # l1 and l2 say it
        return {**config, "l1": self.l1, "l2": self.l2}
