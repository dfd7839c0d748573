"""The largest value of each window: keeps what was found, forgets where exactly."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.pooling2d import Pooling2D


class MaxPooling2D(Pooling2D):
    """Max pooling over images."""

    def call(self, inputs: Any) -> Any:
        return ops.max_pool(inputs, self.pool_size, strides=self.strides, padding=self.padding)


MaxPool2D = MaxPooling2D
