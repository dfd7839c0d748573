"""Cross-entropies: how surprised the predicted probabilities are by the labels, in nats.

With `from_logits=True` the predictions are the scores before the softmax or sigmoid, and the loss and its gradient are
computed from them in one stable step. With the default `from_logits=False` they are probabilities. When such a
prediction is, in the running trace, the direct result of a softmax or sigmoid, its argument is used all the same: the
same function, exact also where the probability rounds to 0 or 1, and cheaper. Other probabilities are normalised and
kept between epsilon and 1 - epsilon, as in Keras.
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.backend.dtypes import standardize_dtype
from linnet.backend.errors import ShapeError
from linnet.losses.loss import LossFunctionWrapper, aligned, as_float, shown


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """The mean along an axis of -y_true log(y_pred) - (1 - y_true) log(1 - y_pred)."""
    y_true, y_pred = aligned("binary_crossentropy", y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """-sum(y_true log(y_pred)) along an axis; y_true holds probabilities, usually one-hot."""
    y_true, y_pred = aligned("categorical_crossentropy", y_true, y_pred)
    y_true = smoothed(y_true, label_smoothing)
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """-log(y_pred[y_true]); y_true holds class numbers. Samples of class `ignore_class` give 0."""
    values, _ = _sparse(y_true, y_pred, from_logits, ignore_class, axis)
    return values


def _sparse(y_true: Any, y_pred: Any, from_logits: bool, ignore_class: int | None, axis: int) -> tuple[Any, Any]:
    """The losses, and which of them count (None: all)."""
    y_true, y_pred = ops.convert_to_tensor(y_true), as_float(y_pred)
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    if len(true_shape) == len(pred_shape) and true_shape[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
        true_shape = true_shape[:-1]
    if not pred_shape:
        raise ShapeError("sparse_categorical_crossentropy: y_pred is a scalar; it needs an axis of classes")
    position = axis % len(pred_shape)
    expected = pred_shape[:position] + pred_shape[position + 1 :]
    if len(true_shape) != len(expected) or any(
        a != b and a is not None and b is not None for a, b in zip(true_shape, expected, strict=True)
    ):
        hint = "; one-hot labels need categorical_crossentropy" if true_shape == pred_shape else ""
        raise ShapeError(
            f"sparse_categorical_crossentropy: for y_pred {shown(pred_shape)} the class numbers y_true must have shape "
            f"{shown(expected)}; they have {shown(true_shape)}{hint}"
        )
    if standardize_dtype(y_true.dtype) != "int32":
        y_true = ops.cast(y_true, "int32")
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis), None
    # The ignored class may lie outside the classes (-1, 255): class 0 stands in, and its loss is multiplied by 0.
    counts = ops.cast(ops.not_equal(y_true, ignore_class), "float32")
    y_true = ops.cast(ops.cast(y_true, "float32") * counts, "int32")
    values = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    return ops.where(counts, values, 0.0), counts


class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy of yes/no labels: one probability per label."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        check_smoothing(label_smoothing)
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of one-hot labels."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        check_smoothing(label_smoothing)
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of labels that are class numbers."""

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return _sparse(y_true, y_pred, **self._fn_kwargs)


def smoothed(y_true: Any, label_smoothing: float) -> Any:
    """Labels of which a share is spread evenly over all classes, which lie along the last axis."""
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[-1]


def check_smoothing(label_smoothing: float) -> None:
    """Raises ValueError unless it is a share."""
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"label_smoothing must lie in [0, 1], not {label_smoothing!r}")
