"""x where it is positive, alpha * (exp(x) - 1) elsewhere: smooth, and with outputs whose mean is closer to zero than
those of a relu (Clevert, Unterthiner & Hochreiter 2016).
"""

from __future__ import annotations

from typing import Any

from linnet import activations
from linnet.layers.layer import Layer


class ELU(Layer):
    """Exponential linear unit."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, alpha=self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}
