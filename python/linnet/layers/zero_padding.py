"""Zeros around sequences, images and volumes.

padding: one number for all sides, one number for both sides of each axis, or (before, after) for each axis. For
sequences, a pair is (before, after).
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.backend.input_spec import InputSpec
from linnet.layers.arguments import channels_last, margins
from linnet.layers.layer import Layer


class ZeroPadding(Layer):
    """Base of the three ranks."""

    rank: int

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = margins("padding", padding, self.rank)
        self.data_format = channels_last(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        amounts = (self.padding,) if self.rank == 1 else self.padding
        return ops.pad(inputs, ((0, 0), *amounts, (0, 0)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


class ZeroPadding1D(ZeroPadding):
    """Adds steps of zeros to sequences (n, t, c)."""

    rank = 1


class ZeroPadding2D(ZeroPadding):
    """Adds rows and columns of zeros to images (n, h, w, c)."""

    rank = 2


class ZeroPadding3D(ZeroPadding):
    """Adds planes of zeros to volumes (n, d, h, w, c)."""

    rank = 3
