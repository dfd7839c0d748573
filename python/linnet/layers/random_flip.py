"""Mirrors half of the images: what is left and right (or up and down) does not matter for most classes.

As in Keras, "horizontal_and_vertical" mirrors an image in both directions or not at all. Use two layers for four cases.
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.backend.lookup import unknown_name
from linnet.layers.image_layer import RandomImageLayer, transform_rows
from linnet.ops.image import sample

MODES = ("horizontal", "vertical", "horizontal_and_vertical")


class RandomFlip(RandomImageLayer):
    """Flips each image with probability one half. mode: "horizontal", "vertical" or "horizontal_and_vertical".

    Images (n, h, w, c), or one (h, w, c), of any value range; active in training only.
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if mode not in MODES:
            raise unknown_name("mode", mode, MODES)
        self.mode = mode

    def augment(self, images: Any) -> Any:
        _, height, width, _ = images.shape
        flipped = ops.cast(self.draw(images, 0.0, 1.0) <= 0.5, "float32")
        # x becomes width - 1 - x: the slope falls from 1 to -1, and the offset rises from 0.
        row: list[float] = [0, 0, 0, 0, 0, 0]
        if self.mode != "vertical":
            row[0], row[2] = -2, width - 1
        if self.mode != "horizontal":
            row[4], row[5] = -2, height - 1
        return sample(images, transform_rows([1, 0, 0, 0, 1, 0], [(flipped, row)]), "nearest")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mode": self.mode}
