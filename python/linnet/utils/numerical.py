"""Small conversions of arrays: class numbers to one-hot rows, and vectors to unit length."""

from __future__ import annotations

from typing import Any

import numpy as np


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """One-hot rows of class numbers: shape (...,) or (..., 1) gives (..., num_classes), float64 as in Keras.

    num_classes: one more than the largest class when not given. Classes outside of it are an error.
    """
    classes = np.asarray(x)
    if classes.dtype.kind not in "iufb":
        raise TypeError(f"to_categorical: expected class numbers, got dtype {classes.dtype}")
    numbers = classes.astype(np.int64)
    if classes.dtype.kind == "f" and not np.array_equal(numbers, classes):
        raise ValueError("to_categorical: class numbers must be whole")
    if numbers.ndim > 1 and numbers.shape[-1] == 1:
        numbers = numbers[..., 0]
    if num_classes is None:
        num_classes = int(numbers.max()) + 1 if numbers.size else 0
    outside = np.flatnonzero((numbers < 0) | (numbers >= num_classes))
    if outside.size:
        raise ValueError(
            f"to_categorical: class {numbers.ravel()[outside[0]]} at position {outside[0]} is not in 0 .. "
            f"{num_classes - 1}"
        )
    return np.eye(num_classes)[numbers]


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """Vectors along an axis divided by their norm; zero vectors stay zero."""
    x = np.asarray(x)
    norm = np.linalg.norm(x, ord=order, axis=axis, keepdims=True)
    return x / np.where(norm == 0, 1, norm)
