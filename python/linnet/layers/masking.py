"""Marks time steps as missing: a step counts where any of its features differs from `mask_value`.

The steps that do not count become zeros, and the mask (n, steps) travels on: recurrent and attention layers, losses and
metrics skip those steps. Sequences of different lengths are padded with `mask_value` to become one array.
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.backend.masks import set_keras_mask
from linnet.layers.layer import Layer


class Masking(Layer):
    """x (n, steps, ..., features) to the same shape, with a mask (n, steps, ...)."""

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(mask_value, bool) or not isinstance(mask_value, (int, float)):
            raise ValueError(f"mask_value must be a number, not {mask_value!r}")
        self.mask_value = mask_value
        self.supports_masking = True

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        if len(inputs.shape) < 2:
            raise self.error(f"expected (n, steps, ..., features), got {tuple(inputs.shape)}")
        mask = self.compute_mask(inputs)
        outputs = ops.where(ops.expand_dims(mask, -1), inputs, 0.0)
        set_keras_mask(outputs, mask)
        return outputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}
