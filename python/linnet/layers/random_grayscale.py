"""Takes the colours out of some of the images."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.image_layer import RandomImageLayer
from linnet.ops.image import rgb_to_grayscale


class RandomGrayscale(RandomImageLayer):
    """Makes an image gray (three equal channels) with probability `factor`.

    Images (n, h, w, 3), or one (h, w, 3), of any value range; active in training only.
    """

    def __init__(
        self, factor: float = 0.5, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not 0 <= factor <= 1:
            raise ValueError(f"factor must be a number in [0, 1], not {factor!r}")
        self.factor = factor

    def augment(self, images: Any) -> Any:
        if images.shape[-1] not in (1, 3):
            raise self.error(f"expected images of 3 channels, or 1, got shape {images.shape}")
        hit = ops.reshape(self.draw(images, 0.0, 1.0) < self.factor, (-1, 1, 1, 1))
        return ops.where(hit, rgb_to_grayscale(images), images)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}
