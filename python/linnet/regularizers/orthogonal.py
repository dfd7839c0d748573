"""A penalty on rows (or columns) of a matrix that are not at right angles to each other.

The rows are normalised, all their scalar products formed, and the mean of the absolute products of different rows is
the penalty: 0 for orthogonal rows, `factor` for parallel ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet import ops
from linnet.regularizers.regularizer import Regularizer, checked_factor, sum_all


class OrthogonalRegularizer(Regularizer):
    """factor * mean over pairs of |cos(angle)| between the rows, or columns, of a matrix."""

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        if mode not in ("rows", "columns"):
            raise ValueError(f'mode must be "rows" or "columns", not {mode!r}')
        self.factor = checked_factor("factor", factor)
        self.mode = mode

    def __call__(self, x: Any) -> Any:
        if len(x.shape) != 2:
            raise ValueError(f"OrthogonalRegularizer needs a matrix; the weight has shape {tuple(x.shape)}")
        rows = self.mode == "rows"
        # As in Keras, 1e-12 bounds the squared norm from below.
        square_norm = ops.sum(ops.square(x), axis=1 if rows else 0, keepdims=True)
        unit = x * ops.rsqrt(ops.maximum(square_norm, 1e-12))
        products = ops.matmul(unit, ops.transpose(unit)) if rows else ops.matmul(ops.transpose(unit), unit)
        size = int(products.shape[0])
        others = products * (1.0 - np.eye(size, dtype=np.float32))
        pairs = size * (size - 1.0) / 2.0
        return self.factor * 0.5 * sum_all(ops.absolute(others)) / max(pairs, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}
