"""Shifts each image by a random distance; its size stays."""

from __future__ import annotations

from typing import Any

from linnet.layers.image_layer import SamplingLayer, strict_factor_range


class RandomTranslation(SamplingLayer):
    """Shifts images. height_factor, width_factor: f for [-f, f], or (least, most), in [-1, 1], of the image's size;
    positive is down and right.

    fill_mode: what lies outside: "reflect", "wrap", "nearest", or "constant", which is fill_value. interpolation:
    "bilinear" or "nearest". Images (n, h, w, c), or one (h, w, c), of any value range; active in training only.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, fill_value, seed, data_format, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self._height = strict_factor_range("height_factor", height_factor, -1.0)
        self._width = strict_factor_range("width_factor", width_factor, -1.0)

    def transforms(self, images: Any) -> tuple[list[float], list[tuple[Any, list[float]]]]:
        _, height, width, _ = images.shape
        down, across = self.draw(images, *self._height), self.draw(images, *self._width)
        return [1, 0, 0, 0, 1, 0], [(across, [0, 0, -width, 0, 0, 0]), (down, [0, 0, 0, 0, 0, -height])]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}
