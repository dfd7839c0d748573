"""In training, every value is multiplied by normal noise of mean 1 and deviation sqrt(rate / (1 - rate)), the deviation
that dropout at this rate has (Srivastava et al. 2014, section 10). Outside of training, nothing happens. Random numbers
are those of dropout.py.
"""

from __future__ import annotations

import math
from typing import Any

from linnet import ops, random
from linnet.layers.arguments import fraction
from linnet.layers.layer import Layer


class GaussianDropout(Layer):
    """Multiplies by noise. rate: a number in [0, 1)."""

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = fraction("rate", rate, below_one=True)
        self.seed = seed
        self.supports_masking = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not training or self.rate == 0:
            return inputs
        deviation = math.sqrt(self.rate / (1.0 - self.rate))
        return inputs * random.normal(ops.shape(inputs), mean=1.0, stddev=deviation, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
