"""Dropout that keeps mean 0 and variance 1, for networks of selu units (Klambauer et al. 2017).

A dropped value becomes that of a saturated selu, p = -scale * alpha, instead of 0; then everything is scaled and
shifted so that mean and variance are what they were: y = a x' + b with

    a = 1 / sqrt((1 - rate)(1 + rate p^2)),  b = -a p rate

Only in training. Random numbers are those of dropout.py.
"""

from __future__ import annotations

from typing import Any

from linnet import ops, random
from linnet.layers.arguments import fraction
from linnet.layers.layer import Layer

SATURATED = -1.0507009873554805 * 1.6732632423543772  # of selu


class AlphaDropout(Layer):
    """Drops inputs at random. rate: a number in [0, 1). noise_shape: the shape of the mask, None for an axis's own
    size, 1 to share it along an axis."""

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = fraction("rate", rate, below_one=True)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed
        self.supports_masking = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not training or self.rate == 0:
            return inputs
        shape = ops.shape(inputs)
        wanted = self.noise_shape or (None,) * len(shape)
        if len(wanted) != len(shape):
            raise self.error(f"noise_shape {self.noise_shape} does not fit an input of shape {inputs.shape}")
        draw = random.uniform(
            [size if own is None else own for own, size in zip(wanted, shape, strict=True)], seed=self.seed
        )
        a = ((1 - self.rate) * (1 + self.rate * SATURATED**2)) ** -0.5
        b = -a * SATURATED * self.rate
        return ops.where(draw >= self.rate, inputs * a + b, a * SATURATED + b)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}
