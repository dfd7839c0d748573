"""What max and average pooling share: one value for every window of an image, channel by channel.

x (n, h, w, c), y (n, oh, ow, c). Windows are pool_size apart unless strides says otherwise. With padding "same",
windows reach over the edge; what lies outside takes no part.
"""

from __future__ import annotations

from typing import Any

from linnet.backend.input_spec import InputSpec
from linnet.layers.arguments import channels_last, padding_name, pair
from linnet.layers.layer import Layer


class Pooling2D(Layer):
    """Base of MaxPooling2D and AveragePooling2D."""

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = pair("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else pair("strides", strides)
        self.padding = padding_name(padding)
        self.data_format = channels_last(data_format)
        self.input_spec = InputSpec(ndim=4)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
        }
