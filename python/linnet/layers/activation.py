"""Any activation function as a layer of its own."""

from __future__ import annotations

from typing import Any

from linnet import activations
from linnet.layers.layer import Layer


class Activation(Layer):
    """Applies a function, given by name or as a callable."""

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}
