"""Zeros around an image. padding: one number for all sides, (rows, columns), or ((top, bottom), (left, right))."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.backend.input_spec import InputSpec
from linnet.layers.arguments import channels_last, pair
from linnet.layers.layer import Layer


class ZeroPadding2D(Layer):
    """Adds rows and columns of zeros."""

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(padding, int):
            padding = (padding, padding)
        if len(padding) != 2:
            raise ValueError(f"padding must be a number, two numbers or two pairs, not {padding!r}")
        self.padding = tuple(pair("padding", side, least=0) for side in padding)
        self.data_format = channels_last(data_format)
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        return ops.pad(inputs, ((0, 0), *self.padding, (0, 0)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}
