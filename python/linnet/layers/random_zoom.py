"""Makes each image larger or smaller by a random factor, about its middle; its size stays."""

from __future__ import annotations

from typing import Any

from linnet.layers.image_layer import SamplingLayer, strict_factor_range


class RandomZoom(SamplingLayer):
    """Zooms. height_factor, width_factor: f for [-f, f], or (least, most), in (-1, 1]; 0.2 shows 20 % more of the image
    (smaller), -0.2 shows 20 % less (larger). Without a width_factor the proportions stay.

    fill_mode: what lies outside: "reflect", "wrap", "nearest", or "constant", which is fill_value. interpolation:
    "bilinear" or "nearest". Images (n, h, w, c), or one (h, w, c), of any value range; active in training only.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
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
        self._height = strict_factor_range("height_factor", height_factor, -1.0, open_least=True)
        self._width = None
        if width_factor is not None:
            self._width = strict_factor_range("width_factor", width_factor, -1.0, open_least=True)

    def transforms(self, images: Any) -> tuple[list[float], list[tuple[Any, list[float]]]]:
        _, height, width, _ = images.shape
        x, y = (width - 1) / 2, (height - 1) / 2  # the middle, which stays
        down = self.draw(images, 1 + self._height[0], 1 + self._height[1])
        across = down if self._width is None else self.draw(images, 1 + self._width[0], 1 + self._width[1])
        return [0, 0, x, 0, 0, y], [(across, [1, 0, -x, 0, 0, 0]), (down, [0, 0, 0, 0, 1, -y])]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}
