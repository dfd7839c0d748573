"""max(x, 0) with three knobs: max_value above it, x down to threshold, negative_slope * (x - threshold) below."""

from __future__ import annotations

from typing import Any

from linnet import activations
from linnet.layers.layer import Layer


class ReLU(Layer):
    """Rectified linear unit."""

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0:
            raise ValueError(f"max_value must not be negative, got {max_value!r}")
        if negative_slope is None or negative_slope < 0:
            raise ValueError(f"negative_slope must not be negative, got {negative_slope!r}")
        if threshold is None or threshold < 0:
            raise ValueError(f"threshold must not be negative, got {threshold!r}")
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return activations.relu(
            inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }
