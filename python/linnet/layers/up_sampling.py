"""Larger sequences, images and volumes: every value `size` times in a row along each axis, or, for images, values in
between by interpolation. The counterpart of pooling in networks that give images.
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.backend.input_spec import InputSpec
from linnet.backend.lookup import unknown_name
from linnet.layers.arguments import channels_last, sizes
from linnet.layers.layer import Layer

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class UpSampling(Layer):
    """Base of the three ranks. size: a factor for all axes, or one for each."""

    rank: int

    def __init__(self, size: Any = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = sizes("size", size, self.rank)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        return ops.nearest_upsampling(inputs, self.size)


class UpSampling1D(UpSampling):
    """Repeats the steps of sequences (n, t, c). size: an integer."""

    rank = 1

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size[0]}


class UpSampling2D(UpSampling):
    """Enlarges images (n, h, w, c). interpolation: "nearest" repeats rows and columns; "bilinear", "bicubic",
    "lanczos3" and "lanczos5" compute values in between (ops.image.resize). Raises ValueError for any other."""

    rank = 2

    def __init__(
        self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(size, **kwargs)
        self.data_format = channels_last(data_format)
        if interpolation not in INTERPOLATIONS:
            raise unknown_name("interpolation", interpolation, INTERPOLATIONS)
        self.interpolation = interpolation

    def call(self, inputs: Any) -> Any:
        if self.interpolation == "nearest":
            return super().call(inputs)
        height, width = inputs.shape[1] * self.size[0], inputs.shape[2] * self.size[1]
        return ops.image.resize(inputs, (height, width), interpolation=self.interpolation)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "data_format": self.data_format,
            "interpolation": self.interpolation,
        }


class UpSampling3D(UpSampling):
    """Repeats the planes of volumes (n, d, h, w, c)."""

    rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(size, **kwargs)
        self.data_format = channels_last(data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}
