"""The axes of each sample in another order; the batch axis stays where it is."""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.backend.input_spec import InputSpec
from linnet.layers.layer import Layer


class Permute(Layer):
    """Axis i of the output is axis dims[i - 1] of the input, counted from 1: Permute((2, 1)) swaps the two axes of a
    sample. Raises ValueError unless dims names each axis once."""

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"dims must name the axes 1, 2, ... once each, in the new order; got {dims!r}")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return ops.transpose(inputs, (0, *self.dims))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}
