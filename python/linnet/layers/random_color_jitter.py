"""Random brightness, contrast, saturation and hue, one after the other."""

from __future__ import annotations

from typing import Any

from linnet.layers.image_layer import RandomImageLayer, checked_range
from linnet.layers.random_brightness import RandomBrightness
from linnet.layers.random_contrast import RandomContrast
from linnet.layers.random_hue import RandomHue
from linnet.layers.random_saturation import RandomSaturation


class RandomColorJitter(RandomImageLayer):
    """Those of RandomBrightness, RandomContrast, RandomSaturation and RandomHue whose factor is given.

    Images (n, h, w, 3), or one (h, w, 3); active in training only.
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = checked_range(value_range)
        self.brightness_factor = brightness_factor
        self.contrast_factor = contrast_factor
        self.saturation_factor = saturation_factor
        self.hue_factor = hue_factor
        parts = (
            (RandomBrightness, brightness_factor),
            (RandomContrast, contrast_factor),
            (RandomSaturation, saturation_factor),
            (RandomHue, hue_factor),
        )
        self._parts = [cls(factor, value_range) for cls, factor in parts if factor is not None]

    def augment(self, images: Any) -> Any:
        for part in self._parts:
            images = part.augment(images)
        return images

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "value_range": self.value_range,
            "brightness_factor": self.brightness_factor,
            "contrast_factor": self.contrast_factor,
            "saturation_factor": self.saturation_factor,
            "hue_factor": self.hue_factor,
        }
