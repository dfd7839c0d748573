"""Makes each image lighter or darker by a random amount."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.image_layer import RandomImageLayer, checked_range, factor_range


class RandomBrightness(RandomImageLayer):
    """Adds a random share of the value range to all values of an image, and cuts off what leaves the range.

    factor: f for [-f, f], or (least, most), in [-1, 1]: -1 is black, 1 white. value_range: (lowest, highest) value of
    the images. Images (n, h, w, c), or one (h, w, c); active in training only.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = factor_range("factor", factor, -1.0, 1.0)
        self.value_range = sorted(checked_range(value_range))

    def augment(self, images: Any) -> Any:
        low, high = self.value_range
        change = self.draw(images, *self.factor) * float(high - low)
        return ops.clip(images + ops.reshape(change, (-1, 1, 1, 1)), low, high)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}
