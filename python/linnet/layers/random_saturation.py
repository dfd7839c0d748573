"""Makes the colours of each image stronger or paler by a random factor."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.image_layer import RandomImageLayer, checked_range, factor_range
from linnet.ops.image import hsv_to_rgb, rgb_to_hsv


class RandomSaturation(RandomImageLayer):
    """Multiplies the saturation by f / (1 - f) with f drawn from `factor`.

    factor: (least, most) in [-1, 1], or f for (-f, f), as in Keras: 0 and below is gray, 0.5 changes nothing, near 1
    the colours are glaring. value_range: the saturation is cut off at it, as in Keras. Images (n, h, w, 3), or one
    (h, w, 3); active in training only.
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
        self.factor = factor_range("factor", factor, -1.0, 1.0)
        self.value_range = sorted(checked_range(value_range))

    def augment(self, images: Any) -> Any:
        drawn = self.draw(images, *self.factor)
        strength = ops.reshape(drawn / (1.0 - drawn + 1e-7), (-1, 1, 1))
        hue, saturation, value = ops.unstack(rgb_to_hsv(images), axis=-1)
        saturation = ops.clip(saturation * strength, *self.value_range)
        return hsv_to_rgb(ops.stack([hue, saturation, value], axis=-1))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}
