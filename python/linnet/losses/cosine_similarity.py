"""The cosine of the angle between label and prediction, negated: -1 where they point the same way, 1 where opposite."""

from __future__ import annotations

from typing import Any

from linnet import config, ops
from linnet.losses.loss import LossFunctionWrapper, aligned


def unit(x: Any, axis: int) -> Any:
    """x divided by its length along an axis; vectors shorter than epsilon stay shorter than 1."""
    length = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(length, config.epsilon() ** 2))


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """-sum(unit(y_true) * unit(y_pred)) along an axis."""
    y_true, y_pred = aligned("cosine_similarity", y_true, y_pred)
    return -ops.sum(unit(y_true, axis) * unit(y_pred, axis), axis=axis)


class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine of the angle between y_true and y_pred."""

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
