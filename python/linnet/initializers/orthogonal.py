"""Orthogonal matrices: all singular values are `gain`, so products of many neither explode nor vanish.

The usual choice for the recurrent weights of an RNN. A weight of higher rank is seen as the matrix (product of all axes
but the last, last axis). Q of the QR decomposition of a normal matrix is uniform over the orthogonal matrices once the
signs of R's diagonal are made positive.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from linnet.initializers.initializer import RandomInitializer, as_array


class Orthogonal(RandomInitializer):
    """A matrix with orthonormal rows or columns, times `gain`."""

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs a weight of at least two axes, not {tuple(shape)}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = self.generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(tall)
        q *= np.where(np.diag(r) < 0, -1.0, 1.0)
        if rows < columns:
            q = q.T
        return as_array(self.gain * q.reshape(tuple(shape)), dtype)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, **super().get_config()}
