"""Brings images to one size."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.backend.lookup import unknown_name
from linnet.layers.arguments import positive
from linnet.layers.image_layer import ImageLayer
from linnet.ops.image import INTERPOLATIONS, resize


class Resizing(ImageLayer):
    """Resizes images to (height, width).

    interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5". antialias: a shrinking axis averages over
    all it leaves out. crop_to_aspect_ratio cuts off the ends of the longer side so that nothing is distorted;
    pad_to_aspect_ratio fills up the shorter one with fill_value (fill_mode "constant" only). Images (n, h, w, c), or
    one (h, w, c), of any value range.
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.height = positive("height", height)
        self.width = positive("width", width)
        if interpolation not in INTERPOLATIONS:
            raise unknown_name("interpolation", interpolation, INTERPOLATIONS)
        if fill_mode != "constant":
            raise unknown_name("fill_mode", fill_mode, ("constant",))
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be true")
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def call(self, inputs: Any) -> Any:
        return resize(
            ops.cast(inputs, "float32"),
            (self.height, self.width),
            self.interpolation,
            self.antialias,
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_mode,
            self.fill_value,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
            "interpolation": self.interpolation,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
            "pad_to_aspect_ratio": self.pad_to_aspect_ratio,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "antialias": self.antialias,
        }
