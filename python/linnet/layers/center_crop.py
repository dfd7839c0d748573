"""Cuts the middle out of images."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.arguments import positive
from linnet.layers.image_layer import ImageLayer
from linnet.ops.image import crop, resize


class CenterCrop(ImageLayer):
    """The middle (height, width) of images. Smaller images are resized: the largest part in their middle that has the
    wanted proportions. Images (n, h, w, c), or one (h, w, c), of any value range."""

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.height = positive("height", height)
        self.width = positive("width", width)

    def call(self, inputs: Any) -> Any:
        images = ops.cast(inputs, "float32")
        down, across = images.shape[1] - self.height, images.shape[2] - self.width
        if down >= 0 and across >= 0:
            return crop(images, down // 2, across // 2, self.height, self.width)
        return resize(images, (self.height, self.width), crop_to_aspect_ratio=True)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}
