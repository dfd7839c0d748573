"""Losses that care less about what is easy, or less about what is wrong.

Focal losses (Lin et al., 2017) multiply the cross-entropy by (1 - p)^gamma, p the probability of the right answer: the
many easy samples of an imbalanced problem no longer drown the few hard ones. The generalised cross-entropy (Zhang and
Sabuncu, 2018) lies between the cross-entropy (q towards 0) and the absolute error (q = 1), so it forgives wrong
labels.
"""

from __future__ import annotations

from typing import Any

from linnet import config, ops
from linnet.losses.crossentropy import check_smoothing, smoothed
from linnet.losses.loss import LossFunctionWrapper, aligned, as_float


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The mean along an axis of (1 - p)^gamma times the binary cross-entropy, p the probability of the label.

    With apply_class_balancing, labels of 1 weigh alpha and those of 0 weigh 1 - alpha.
    """
    y_true, y_pred = aligned("binary_focal_crossentropy", y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    right = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    values = ops.power(1.0 - right, gamma) * ops.binary_crossentropy(y_true, y_pred)
    if apply_class_balancing:
        values = values * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return ops.mean(values, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """-sum(alpha (1 - y_pred)^gamma y_true log(y_pred)) along an axis. alpha: a number, or one per class."""
    y_true, y_pred = aligned("categorical_focal_crossentropy", y_true, y_pred)
    y_true = smoothed(y_true, label_smoothing)
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    shares = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    shares = ops.clip(shares, config.epsilon(), 1.0 - config.epsilon())
    weights = ops.power(1.0 - shares, gamma) * alpha
    return -ops.sum(weights * y_true * ops.log(shares), axis=axis)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """(1 - p^q) / q, p the predicted probability of class y_true; y_true holds class numbers."""
    y_pred = as_float(y_pred)
    labels = ops.cast(y_true, "int32")
    if len(labels.shape) == len(y_pred.shape) and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, axis=-1)
    right = ops.sum(y_pred * ops.one_hot(labels, y_pred.shape[-1]), axis=-1)
    return (1.0 - ops.power(right, q)) / q


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Focal cross-entropy of yes/no labels."""

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        check_smoothing(label_smoothing)
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Focal cross-entropy of one-hot labels."""

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        check_smoothing(label_smoothing)
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """A cross-entropy that forgives wrong labels, for labels that are class numbers."""

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(f"q must lie in (0, 1), not {q!r}")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
