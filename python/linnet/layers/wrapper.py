"""A layer around another layer, whose weights are its own: the base of layers that change how another is applied."""

from __future__ import annotations

from typing import Any

from linnet.layers.layer import Layer


class Wrapper(Layer):
    """Holds `layer`, builds it and keeps it in the configuration; a class derived from this one defines `call`.

    Raises TypeError when `layer` is none.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise TypeError(f"{type(self).__name__} needs a layer to wrap, not {layer!r}")
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)

    def get_config(self) -> dict[str, Any]:
        from linnet.saving import serialize_keras_object

        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}
