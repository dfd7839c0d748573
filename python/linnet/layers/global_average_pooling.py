"""The mean of every channel over a whole sequence, image or volume: (n, ..., c) gives (n, c).

Over sequences it obeys a mask (n, t): only the steps that it keeps are averaged. A sequence of which nothing is kept
gives zeros.
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.pooling import GlobalPooling


class GlobalAveragePooling(GlobalPooling):
    """Base of the three ranks."""

    def call(self, inputs: Any) -> Any:
        return ops.mean(inputs, axis=self.pooled_axes, keepdims=self.keepdims)


class GlobalAveragePooling1D(GlobalAveragePooling):
    """Mean over the steps of sequences (n, t, c)."""

    rank = 1

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, keepdims=keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        weights = ops.expand_dims(ops.cast(mask, "float32"), -1)
        total = ops.sum(inputs * weights, axis=1, keepdims=self.keepdims)
        return ops.divide_no_nan(total, ops.sum(weights, axis=1, keepdims=self.keepdims))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None


class GlobalAveragePooling2D(GlobalAveragePooling):
    """Mean over height and width of images (n, h, w, c)."""

    rank = 2


class GlobalAveragePooling3D(GlobalAveragePooling):
    """Mean over depth, height and width of volumes (n, d, h, w, c)."""

    rank = 3


GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
