"""x * scale + offset: brings pixels from 0..255 to 0..1 (scale 1/255) or -1..1 (scale 1/127.5, offset -1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet import ops
from linnet.layers.layer import Layer


class Rescaling(Layer):
    """Multiplies and shifts its input. scale and offset: numbers, or one per channel."""

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        scale = np.asarray(self.scale, np.float32)
        offset = np.asarray(self.offset, np.float32)
        return ops.cast(inputs, "float32") * scale + offset

    def get_config(self) -> dict[str, Any]:
        plain = lambda value: value.tolist() if isinstance(value, np.ndarray) else value  # noqa: E731
        return {**super().get_config(), "scale": plain(self.scale), "offset": plain(self.offset)}
