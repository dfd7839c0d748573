"""x where it is positive, negative_slope * x elsewhere: a relu whose units cannot die, since some gradient always flows
(Maas, Hannun & Ng 2013).
"""

from __future__ import annotations

from typing import Any

from linnet import activations
from linnet.layers.layer import Layer


class LeakyReLU(Layer):
    """Leaky rectified linear unit. negative_slope: a number that is not negative, else ValueError."""

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if "alpha" in kwargs:  # its name in Keras 2
            negative_slope = kwargs.pop("alpha")
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise ValueError(f"negative_slope must not be negative, got {negative_slope!r}")
        self.negative_slope = negative_slope
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}
