"""The mean of each window."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.pooling2d import Pooling2D


class AveragePooling2D(Pooling2D):
    """Average pooling over images."""

    def call(self, inputs: Any) -> Any:
        return ops.average_pool(inputs, self.pool_size, strides=self.strides, padding=self.padding)


AvgPool2D = AveragePooling2D
