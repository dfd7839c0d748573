"""What max and average pooling share: one value for every window, channel by channel; what global pooling shares: one
value for every channel.

Sequences (n, t, c), images (n, h, w, c) and volumes (n, d, h, w, c); a class says which by its `rank`. Windows are
pool_size apart unless strides says otherwise. With padding "same", windows reach over the edge; what lies outside takes
no part. The computation is in ops/pooling.py.
"""

from __future__ import annotations

from typing import Any

from linnet.backend.input_spec import InputSpec
from linnet.layers.arguments import channels_last, padding_name, sizes
from linnet.layers.layer import Layer


class Pooling(Layer):
    """Base of MaxPooling1D ... AveragePooling3D.

    pool_size, strides: an integer, or one for each axis; strides None: pool_size. padding: "valid" or "same".
    data_format: "channels_last" only. Raises ValueError for sizes below 1 and unknown names.
    """

    rank: int

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = sizes("pool_size", pool_size, self.rank)
        self.strides = self.pool_size if strides is None else sizes("strides", strides, self.rank)
        self.padding = padding_name(padding)
        self.data_format = channels_last(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
        }


class GlobalPooling(Layer):
    """Base of GlobalMaxPooling1D ... GlobalAveragePooling3D: (n, ..., c) gives (n, c).

    keepdims: the axes in between stay, with size 1. data_format: "channels_last" only.
    """

    rank: int

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = channels_last(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def pooled_axes(self) -> tuple[int, ...]:
        """The axes between the batch and the channels."""
        return tuple(range(1, self.rank + 1))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}
