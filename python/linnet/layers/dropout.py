"""In training, each value is dropped (set to 0) with probability `rate` and the others are divided by 1 - rate, so that
the sum stays the same on average. Units learn not to rely on one another. Outside of training, nothing happens.

The random numbers follow from the seed of the run, the step, the layer's place in the model and the element, so they
do not depend on threads. They are those of `linnet.utils.set_random_seed`; `seed` is accepted as in Keras and kept in
the configuration.
"""

from __future__ import annotations

from typing import Any

from linnet import ops, random
from linnet.layers.layer import Layer


class Dropout(Layer):
    """Drops inputs at random. noise_shape: the shape of the mask, None for the batch; 1 shares it along an axis."""

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
            raise ValueError(f"rate must be a number in [0, 1], not {rate!r}")
        self.rate = rate
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed
        self.supports_masking = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not training or self.rate == 0:
            return inputs
        if self.rate == 1:
            return ops.zeros_like(inputs)
        if self.noise_shape is not None and len(self.noise_shape) != len(inputs.shape):
            raise self.error(f"noise_shape {self.noise_shape} does not fit an input of shape {inputs.shape}")
        return random.dropout(inputs, self.rate, self.noise_shape, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}
