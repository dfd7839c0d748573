"""Turns each image about its middle by a random angle."""

from __future__ import annotations

import math
from typing import Any

from linnet import ops
from linnet.layers.image_layer import SamplingLayer, factor_range


class RandomRotation(SamplingLayer):
    """Rotates images. factor: the largest angle either way, in turns, or (least, most); positive is counter-clockwise.

    fill_mode: what lies outside: "reflect", "wrap", "nearest", or "constant", which is fill_value. interpolation:
    "bilinear" or "nearest". Images (n, h, w, c), or one (h, w, c), of any value range; active in training only.
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, fill_value, seed, data_format, **kwargs)
        self.factor = factor_range("factor", factor, -1.0, 1.0)

    def transforms(self, images: Any) -> tuple[list[float], list[tuple[Any, list[float]]]]:
        _, height, width, _ = images.shape
        x, y = (width - 1) / 2, (height - 1) / 2  # the middle
        angle = self.draw(images, 2 * math.pi * self.factor[0], 2 * math.pi * self.factor[1])
        cosine, sine = ops.cos(angle), ops.sin(angle)
        return [0, 0, x, 0, 0, y], [(cosine, [1, 0, -x, 0, 1, -y]), (sine, [0, -1, y, 1, 0, -x])]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}
