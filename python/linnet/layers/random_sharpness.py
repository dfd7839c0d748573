"""Blurs or sharpens each image by a random amount."""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet import ops
from linnet.layers.image_layer import RandomImageLayer, checked_range, factor_range


class RandomSharpness(RandomImageLayer):
    """x + (1 - 2 factor) (smooth - x), where smooth is x averaged over 3 by 3 pixels, the middle one five times.

    factor: f for (0, f), or (least, most), in [0, 1]: 0 blurs, 0.5 changes nothing, 1 sharpens. value_range: (lowest,
    highest) value of the images; what leaves it is cut off. Images (n, h, w, c), or one (h, w, c); active in training
    only.
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = factor_range("factor", factor, 0.0, 1.0)
        self.value_range = sorted(checked_range(value_range))

    def augment(self, images: Any) -> Any:
        kernel = np.full((3, 3, images.shape[-1], 1), 1 / 13, np.float32)
        kernel[1, 1] = 5 / 13
        smooth = ops.depthwise_conv(images, kernel, 1, "same")
        blur = ops.reshape(1.0 - 2.0 * self.draw(images, *self.factor), (-1, 1, 1, 1))
        return ops.clip(images + blur * (smooth - images), *self.value_range)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}
