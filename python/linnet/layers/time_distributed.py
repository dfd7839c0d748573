"""A layer applied to every step of a sequence, with the same weights: (n, steps, ...) becomes (n steps, ...)."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.layer import Layer
from linnet.layers.layer_calls import parameters


class TimeDistributed(Layer):
    """Wraps a layer. All steps of all sequences are one batch for it.

    Raises ValueError for an input without steps, of less than three dimensions, or with a mask that does not fit.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(f"TimeDistributed: layer must be a layer, got {layer!r}")
        super().__init__(**kwargs)
        self.layer = layer
        self.supports_masking = True

    def _check(self, shape: Any) -> tuple[Any, ...]:
        """The shape that the inner layer sees."""
        if not isinstance(shape, (tuple, list)) or len(shape) < 3:
            raise self.error(f"needs an input (batch, steps, ...) of at least 3 dimensions, got {shape}")
        return (shape[0], *shape[2:])

    def build(self, input_shape: Any) -> None:
        inner = self._check(input_shape)
        if not self.layer.built:
            self.layer.build((None, *inner[1:]))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        self._check(inputs.shape)
        names = parameters(type(self.layer).call)
        keywords: dict[str, Any] = {}
        if "training" in names:
            keywords["training"] = training
        if mask is not None:
            if len(mask.shape) < 2 or mask.shape[1] != inputs.shape[1]:
                raise self.error(f"the mask has shape {mask.shape}, its first axes must be those of {inputs.shape}")
            if "mask" in names and len(mask.shape) > 2:
                keywords["mask"] = _merged(mask)
        y = self.layer(_merged(inputs), **keywords)
        batch = ops.shape(inputs)[0]
        return ops.reshape(y, (batch, inputs.shape[1], *y.shape[1:]))

    def get_config(self) -> dict[str, Any]:
        from linnet.saving import serialize_keras_object

        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}


def _merged(x: Any) -> Any:
    """(n, steps, ...) as (n steps, ...)."""
    n, steps, *rest = ops.shape(x)
    return ops.reshape(x, (n * steps, *rest))
