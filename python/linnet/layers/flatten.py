"""All axes but the batch merged into one: (n, h, w, c) gives (n, h w c), and (n,) gives (n, 1)."""

from __future__ import annotations

import math
from typing import Any

from linnet import ops
from linnet.backend.input_spec import InputSpec
from linnet.layers.arguments import channels_last
from linnet.layers.layer import Layer


class Flatten(Layer):
    """Flattens the input."""

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = channels_last(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        shape = ops.shape(inputs)
        return ops.reshape(inputs, (shape[0], math.prod(shape[1:])))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}
