"""The same numbers in another shape; the batch axis stays. One -1 in the target stands for what is left over."""

from __future__ import annotations

import math
from typing import Any

from linnet import ops
from linnet.layers.layer import Layer


class Reshape(Layer):
    """Reshapes each sample to target_shape."""

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        target_shape = (target_shape,) if isinstance(target_shape, int) else tuple(target_shape)
        if target_shape.count(-1) > 1 or any(not isinstance(size, int) or size < -1 for size in target_shape):
            raise ValueError(f"target_shape must hold sizes, at most one of them -1; got {target_shape}")
        self.target_shape = target_shape

    def call(self, inputs: Any) -> Any:
        shape = ops.shape(inputs)
        elements = math.prod(shape[1:])
        known = math.prod(size for size in self.target_shape if size != -1)
        free = -1 in self.target_shape
        if (free and (known == 0 or elements % known)) or (not free and elements != known):
            raise self.error(
                f"a sample of shape {tuple(shape[1:])} has {elements} elements and cannot be reshaped to "
                f"{self.target_shape}"
            )
        target = [elements // known if size == -1 else size for size in self.target_shape]
        return ops.reshape(inputs, (shape[0], *target))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}
