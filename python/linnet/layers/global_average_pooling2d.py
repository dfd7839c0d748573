"""The mean of every channel over the whole image: (n, h, w, c) gives (n, c). It stands where Flatten would, without
the large Dense layer behind it."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.backend.input_spec import InputSpec
from linnet.layers.arguments import channels_last
from linnet.layers.layer import Layer


class GlobalAveragePooling2D(Layer):
    """Average over height and width. `keepdims` keeps these axes with size 1."""

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = channels_last(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        return ops.mean(inputs, axis=(1, 2), keepdims=self.keepdims)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


GlobalAvgPool2D = GlobalAveragePooling2D
