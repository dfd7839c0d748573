"""Stretches or squeezes the values of each image about their mean by a random factor."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.image_layer import RandomImageLayer, checked_range, factor_range


class RandomContrast(RandomImageLayer):
    """(x - mean) * factor + mean, with the mean of each channel of each image; what leaves the value range is cut off.

    factor: (lower, upper) in [0, 1]: the factor lies in [1 - lower, 1 + upper]. A number f stands for (0, f), as in
    Keras. value_range: (lowest, highest) value of the images. Images (n, h, w, c), or one (h, w, c); active in training
    only.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = factor_range("factor", factor, 0.0, 1.0)
        self.value_range = checked_range(value_range)

    def augment(self, images: Any) -> Any:
        mean = ops.mean(images, axis=(1, 2), keepdims=True)
        factor = ops.reshape(self.draw(images, 1 - self.factor[0], 1 + self.factor[1]), (-1, 1, 1, 1))
        return ops.clip((images - mean) * factor + mean, *self.value_range)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}
