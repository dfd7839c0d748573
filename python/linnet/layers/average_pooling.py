"""The mean of each window; what "same" padding puts beyond the edge does not count."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.pooling import Pooling


class AveragePooling(Pooling):
    """Base of the three ranks."""

    def call(self, inputs: Any) -> Any:
        return ops.average_pool(inputs, self.pool_size, strides=self.strides, padding=self.padding)


class AveragePooling1D(AveragePooling):
    """Average pooling over sequences (n, t, c)."""

    rank = 1


class AveragePooling2D(AveragePooling):
    """Average pooling over images (n, h, w, c)."""

    rank = 2


class AveragePooling3D(AveragePooling):
    """Average pooling over volumes (n, d, h, w, c)."""

    rank = 3


AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
