"""The base of all initializers: a callable from a shape to a NumPy array.

Random initializers draw from NumPy's Philox generator, so a seed fixes the values on every machine. As in Keras, one
object gives the same values each time it is called with the same shape; without a seed it takes its own from the
library's global seed state when it is made, so `linnet.utils.set_random_seed` makes a whole model reproducible.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from linnet.backend.seed import draw_seed


class Initializer:
    """Base class: define `__call__(shape, dtype)` and `get_config`."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(shape, dtype)")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An initializer with these arguments."""
        return cls(**config)

    def clone(self) -> Self:
        """Another initializer with the same arguments."""
        return type(self).from_config(self.get_config())


class RandomInitializer(Initializer):
    """Base of the random initializers: keeps the seed."""

    def __init__(self, seed: int | None = None) -> None:
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0):
            raise ValueError(f"seed must be a non-negative integer or None, not {seed!r}")
        self._given_seed = None if seed is None else int(seed)
        self.seed = draw_seed() if seed is None else int(seed)

    def generator(self) -> np.random.Generator:
        """A generator at the start of this initializer's random numbers."""
        return np.random.Generator(np.random.Philox(self.seed))

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._given_seed}


def as_array(values: np.ndarray, dtype: Any) -> np.ndarray:
    """Values as a contiguous array of the wanted type; float32 when none is given."""
    return np.asarray(values, dtype=np.dtype(dtype or "float32"), order="C")


# Numbers drawn at once: the generator makes float64, which for a large layer would need twice the layer's own memory.
CHUNK = 1 << 20


def drawn(sample: Callable[[int], np.ndarray], shape: Sequence[int], dtype: Any) -> np.ndarray:
    """An array filled with what `sample(count)` gives, one stretch after the other; float32 when no type is given."""
    values = np.empty(math.prod(shape), np.dtype(dtype or "float32"))
    for start in range(0, values.size, CHUNK):
        stretch = values[start : start + CHUNK]
        stretch[...] = sample(stretch.size)
    return values.reshape(tuple(shape))


def standard_truncated_normal(generator: np.random.Generator, count: int) -> np.ndarray:
    """Normal numbers without those beyond two standard deviations, which are drawn again."""
    values = generator.standard_normal(count)
    while True:
        outside = np.abs(values) > 2.0
        again = np.count_nonzero(outside)
        if again == 0:
            return values
        values[outside] = generator.standard_normal(again)
