"""The largest value of each window: keeps what was found, forgets where exactly."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.pooling import Pooling


class MaxPooling(Pooling):
    """Base of the three ranks."""

    def call(self, inputs: Any) -> Any:
        return ops.max_pool(inputs, self.pool_size, strides=self.strides, padding=self.padding)


class MaxPooling1D(MaxPooling):
    """Max pooling over sequences (n, t, c)."""

    rank = 1


class MaxPooling2D(MaxPooling):
    """Max pooling over images (n, h, w, c)."""

    rank = 2


class MaxPooling3D(MaxPooling):
    """Max pooling over volumes (n, d, h, w, c)."""

    rank = 3


MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D
