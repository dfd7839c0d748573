"""The largest value of every channel over a whole sequence, image or volume: (n, ..., c) gives (n, c)."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.pooling import GlobalPooling


class GlobalMaxPooling(GlobalPooling):
    """Base of the three ranks."""

    def call(self, inputs: Any) -> Any:
        return ops.max(inputs, axis=self.pooled_axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(GlobalMaxPooling):
    """Max over the steps of sequences (n, t, c)."""

    rank = 1


class GlobalMaxPooling2D(GlobalMaxPooling):
    """Max over height and width of images (n, h, w, c)."""

    rank = 2


class GlobalMaxPooling3D(GlobalMaxPooling):
    """Max over depth, height and width of volumes (n, d, h, w, c)."""

    rank = 3


GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
