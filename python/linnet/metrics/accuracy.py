"""How often the prediction is right. Each function gives 1 or 0 per label.

The class of a prediction is where it is largest, which is the same before and after a softmax: where the prediction is
the direct result of one, its argument is looked at, and a softmax that nothing else needs is not computed at all.
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.backend.errors import ShapeError
from linnet.losses.loss import (
    as_float,
    as_float_or_int,
    check_same_shape,
    shown,
    squeeze_or_expand_to_same_rank,
)
from linnet.metrics.reduction import MeanMetricWrapper


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where y_true == y_pred."""
    y_true, y_pred = squeeze_or_expand_to_same_rank(as_float_or_int(y_true), as_float_or_int(y_pred))
    check_same_shape("accuracy", y_true, y_pred)
    return ops.cast(ops.equal(y_true, y_pred), "float32")


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where y_true == (y_pred > threshold)."""
    y_true, y_pred = squeeze_or_expand_to_same_rank(as_float_or_int(y_true), as_float(y_pred))
    check_same_shape("binary_accuracy", y_true, y_pred)
    y_pred = ops.cast(ops.greater(y_pred, threshold), "float32")
    return ops.cast(ops.equal(as_float(y_true), y_pred), "float32")


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """argmax(y_true) == argmax(y_pred)."""
    y_true, y_pred = as_float_or_int(y_true), as_float(y_pred)
    check_same_shape("categorical_accuracy", y_true, y_pred)
    return ops.cast(ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(_scores(y_pred), axis=-1)), "float32")


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """y_true == argmax(y_pred)."""
    y_true, y_pred = _class_numbers("sparse_categorical_accuracy", y_true, y_pred)
    return ops.cast(ops.equal(y_true, ops.argmax(_scores(y_pred), axis=-1)), "float32")


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Whether argmax(y_true) is among the k largest predictions."""
    y_true, y_pred = as_float_or_int(y_true), as_float(y_pred)
    check_same_shape("top_k_categorical_accuracy", y_true, y_pred)
    return _in_top_k(ops.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Any:
    """Whether y_true is among the k largest predictions, or among the first k ids that y_pred holds, best first."""
    y_true, y_pred = _class_numbers("sparse_top_k_categorical_accuracy", y_true, y_pred)
    if from_sorted_ids:
        hits = ops.equal(ops.expand_dims(y_true, -1), y_pred[..., :k])
        return ops.max(ops.cast(hits, "float32"), axis=-1)
    return _in_top_k(ops.cast(y_true, "int32"), y_pred, k)


def _in_top_k(labels: Any, y_pred: Any, k: int) -> Any:
    """Whether fewer than k predictions are larger than that of the label."""
    scores = _scores(y_pred)
    own = ops.sum(ops.one_hot(labels, scores.shape[-1]) * scores, axis=-1, keepdims=True)
    larger = ops.sum(ops.cast(ops.greater(scores, own), "float32"), axis=-1)
    return ops.cast(ops.less(larger, float(k)), "float32")


def _scores(y_pred: Any) -> Any:
    source = getattr(y_pred, "logits", None)
    return source[1] if source is not None and source[0] == "softmax" else y_pred


def _class_numbers(name: str, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    y_true, y_pred = as_float_or_int(y_true), as_float(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
    wanted = tuple(y_pred.shape)[:-1]
    if len(y_true.shape) != len(wanted) or any(
        a != b and a is not None and b is not None for a, b in zip(y_true.shape, wanted, strict=True)
    ):
        raise ShapeError(
            f"{name}: for y_pred {shown(y_pred.shape)} the class numbers y_true must have shape {shown(wanted)}; they "
            f"have {shown(y_true.shape)}"
        )
    return y_true, y_pred


class Accuracy(MeanMetricWrapper):
    """How often predictions equal labels."""

    _direction = "up"

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions lie on the right side of the threshold."""

    _direction = "up"

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        if not 0.0 < threshold < 1.0:
            raise ValueError(f"threshold must lie in (0, 1), not {threshold!r}")
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is at the label, for one-hot labels."""

    _direction = "up"

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is at the label, for labels that are class numbers."""

    _direction = "up"

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the label is among the k largest predictions, for one-hot labels."""

    _direction = "up"

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the label is among the k largest predictions, for labels that are class numbers."""

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
