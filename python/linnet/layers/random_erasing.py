"""Erases a random rectangle of each image: the class must be seen in what is left. Zhong et al. 2020, "Random erasing
data augmentation".

The mask of the rectangle is four comparisons of the pixel's place with its edges, so everything is one pass over the
images.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet import ops, random
from linnet.layers.image_layer import RandomImageLayer, checked_range, factor_range


class RandomErasing(RandomImageLayer):
    """Replaces a rectangle of an image by fill_value, or by noise (None).

    factor: (least, most) of the probability that an image loses something, drawn for each, or f for (0, f). scale:
    (least, most) share of the image's area: height and width are each the root of a number from that range, as shares
    of the image's. fill_value: a number, one for each of three channels, or None for normal noise times the highest
    value; all is cut off at value_range. Images (n, h, w, c), or one (h, w, c); active in training only.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = factor_range("factor", factor, 0.0, 1.0)
        self.scale = factor_range("scale", scale, 0.0, 1.0)
        if fill_value is not None and np.shape(fill_value) not in ((), (3,)):
            raise ValueError(f"fill_value must be a number, three numbers, or None for noise, not {fill_value!r}")
        self.fill_value = fill_value
        self.value_range = checked_range(value_range)

    def augment(self, images: Any) -> Any:
        _, height, width, _ = images.shape
        inside = self._strip(images, height, 1) * self._strip(images, width, 2)
        hit = self.draw(images, 0.0, 1.0) < self.draw(images, *self.factor)
        inside = inside * ops.reshape(ops.cast(hit, "float32"), (-1, 1, 1, 1))
        return ops.where(inside > 0.0, self._fill(images), images)

    def _strip(self, images: Any, length: int, axis: int) -> Any:
        """1 for the rows (or columns) that the rectangle covers, else 0."""
        covered = ops.sqrt(self.draw(images, *self.scale)) * float(length)
        first = self.draw(images, 0.0, 1.0) * (float(length) - covered)
        shape = [-1, 1, 1, 1]
        first, last = ops.reshape(first, shape), ops.reshape(first + covered, shape)
        place = np.arange(length, dtype=np.float32).reshape([length if i == axis else 1 for i in range(4)])
        return ops.cast(first <= place, "float32") * ops.cast(last > place, "float32")

    def _fill(self, images: Any) -> Any:
        low, high = self.value_range
        if self.fill_value is None:
            return ops.clip(random.normal(ops.shape(images)) * float(high), low, high)
        return np.clip(np.asarray(self.fill_value, np.float32), np.float32(low), np.float32(high))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "scale": self.scale,
            "fill_value": self.fill_value,
            "value_range": self.value_range,
        }
