"""In training, normal noise of a given deviation is added: a way to make more of few data. Outside of training, nothing
happens. Random numbers are those of dropout.py.
"""

from __future__ import annotations

from typing import Any

from linnet import ops, random
from linnet.layers.arguments import fraction
from linnet.layers.layer import Layer


class GaussianNoise(Layer):
    """Adds noise of mean 0 and deviation stddev, a number in [0, 1]."""

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stddev = fraction("stddev", stddev)
        self.seed = seed
        self.supports_masking = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not training or self.stddev == 0:
            return inputs
        return inputs + random.normal(ops.shape(inputs), stddev=self.stddev, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}
