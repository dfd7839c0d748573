"""Cuts a window out of each image at a random place; outside of training, out of its middle."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.arguments import positive
from linnet.layers.image_layer import RandomImageLayer, transform_rows
from linnet.ops.image import resize, sample


class RandomCrop(RandomImageLayer):
    """Crops images to (height, width). Each image has a place of its own.

    Outside of training, the largest window in the middle that has the wanted proportions is resized. So it is in
    training where an image is not larger than the window in both directions. Images (n, h, w, c), or one (h, w, c).
    """

    def __init__(
        self, height: int, width: int, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.height = positive("height", height)
        self.width = positive("width", width)

    def call(self, inputs: Any, training: bool = True) -> Any:
        images = ops.cast(inputs, "float32")
        size = (self.height, self.width)
        _, height, width, _ = images.shape
        if not training or height <= self.height or width <= self.width:
            return resize(images, size, crop_to_aspect_ratio=True)
        top = ops.floor(self.draw(images, 0.0, float(height - self.height + 1)))
        left = ops.floor(self.draw(images, 0.0, float(width - self.width + 1)))
        rows = transform_rows([1, 0, 0, 0, 1, 0], [(left, [0, 0, 1, 0, 0, 0]), (top, [0, 0, 0, 0, 0, 1])])
        return sample(images, rows, "nearest", size=size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}
