"""The same vector at every step of a sequence: (n, c) gives (n, times, c), for a decoder to begin from."""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet import ops
from linnet.backend.input_spec import InputSpec
from linnet.layers.layer import Layer


class RepeatVector(Layer):
    """Repeats its input n times. Raises TypeError unless n is a positive integer."""

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise TypeError(f"n must be a positive integer, not {n!r}")
        self.n = int(n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}
