"""Turns the colours of each image round the colour wheel by a random angle."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.image_layer import RandomImageLayer, checked_range, factor_range
from linnet.ops.image import hsv_to_rgb, rgb_to_hsv


class RandomHue(RandomImageLayer):
    """Adds half of a number from `factor`, with a random sign, to the hue (in turns).

    factor: f for (0, f), or (least, most), in [0, 1]. value_range: (lowest, highest) value of the images. Images
    (n, h, w, 3), or one (h, w, 3); active in training only.
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
        self.value_range = checked_range(value_range)

    def augment(self, images: Any) -> Any:
        low, high = self.value_range
        sign = ops.where(self.draw(images, 0.0, 1.0) > 0.5, -0.5, 0.5)
        turn = ops.reshape(sign * self.draw(images, *self.factor), (-1, 1, 1))
        hue, saturation, value = ops.unstack(rgb_to_hsv((images - low) / (high - low)), axis=-1)
        hue = hue + turn
        hue = ops.where(hue > 1.0, hue - 1.0, hue)
        hue = ops.where(hue < 0.0, hue + 1.0, hue)
        turned = hsv_to_rgb(ops.stack([hue, saturation, value], axis=-1))
        return ops.clip(turned, 0.0, 1.0) * (high - low) + low

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}
