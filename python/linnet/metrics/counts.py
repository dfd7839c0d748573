"""Counting what was predicted rightly and wrongly: the sums behind precision, recall, AUC and IoU.

A confusion count at a threshold is a weighted sum over all labels: true positives, for instance, are the labels that
are 1 and whose prediction lies above. Many thresholds at equal distances are not compared one by one: every prediction
falls into one bucket between two of them, the weights are added up per bucket, and the sums from a bucket on upwards
are the counts. So the cost does not grow with the number of thresholds. Sums are float32, exact up to 2^24.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from linnet import config, ops
from linnet.backend.errors import ShapeError
from linnet.backend.function import op
from linnet.losses.loss import as_float, check_same_shape, match_weights, shown, squeeze_or_expand_to_same_rank
from linnet.ops.common import as_float as float_tensor
from linnet.ops.common import as_int, trace_of

NOTHING = -1e10  # a prediction that was left out


class Counts(NamedTuple):
    """What one batch adds: arrays (thresholds,), or (thresholds, labels)."""

    true_positives: Any
    false_positives: Any
    true_negatives: Any
    false_negatives: Any


@op("ids", "values")
def totals_by_id(ids: Any, values: Any, count: int) -> Any:
    """(count, k): the sums of the rows of values (n, k) that have the same id in [0, count)."""
    return trace_of().add("embedding_grad", [as_int(ids), float_tensor(values)], entries=count)


def parse_thresholds(thresholds: Any, default: float) -> list[float]:
    """A list of thresholds in [0, 1] from one, several or None."""
    if thresholds is None:
        return [default]
    found = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    wrong = [t for t in found if t is None or not 0 <= t <= 1]
    if wrong or not found:
        raise ValueError(f"thresholds must lie in [0, 1], got {wrong or found!r}")
    return [float(t) for t in found]


def evenly_spaced(thresholds: Sequence[float]) -> bool:
    """Whether these are at least three thresholds at equal distances from 0 to 1, up to epsilon."""
    count = len(thresholds)
    return count > 2 and np.allclose(thresholds, np.arange(count) / (count - 1), atol=config.epsilon())


def top_k_only(y_pred: Any, k: int) -> Any:
    """The k largest predictions along the last axis, and NOTHING instead of the others."""
    classes = y_pred.shape[-1]
    if not 1 <= k <= classes:
        raise ValueError(f"top_k must lie in [1, {classes}] for {classes} classes, got {k!r}")
    left, kept = y_pred, None
    for _ in range(k):
        best = ops.one_hot(ops.argmax(left, axis=-1), classes)
        kept = best if kept is None else kept + best
        left = ops.where(ops.greater(best, 0.0), -np.inf, left)
    return ops.where(ops.greater(kept, 0.0), y_pred, NOTHING)


def confusion_counts(
    name: str,
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    sample_weight: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
    label_weights: Any = None,
    multi_label: bool = False,
) -> Counts:
    """The counts of one batch at these thresholds: a prediction is positive when it is larger.

    multi_label: y_true and y_pred are (n, labels), counted label by label. Else all their elements are one list.
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(as_float(y_true), as_float(y_pred))
    check_same_shape(name, y_true, y_pred)
    if multi_label and len(y_pred.shape) != 2:
        raise ShapeError(f"{name}: with multi_label, predictions must be (n, labels), got {shown(y_pred.shape)}")
    weights = ops.ones_like(y_pred)
    if sample_weight is not None:
        weights = weights * match_weights(y_pred, as_float(sample_weight), name)[1]
    if label_weights is not None:
        weights = weights * label_weights
    if top_k is not None:
        y_pred = top_k_only(y_pred, top_k)
    if class_id is not None:
        if len(y_pred.shape) < 2 or not 0 <= class_id < y_pred.shape[-1]:
            raise ShapeError(f"{name}: class_id {class_id} is not a class of predictions {shown(y_pred.shape)}")
        y_true, y_pred, weights = (x[..., class_id : class_id + 1] for x in (y_true, y_pred, weights))
    is_true = ops.cast(ops.not_equal(y_true, 0.0), "float32")
    true, false = is_true * weights, (1.0 - is_true) * weights
    if not multi_label:
        true, false, y_pred = (ops.reshape(x, (-1,)) for x in (true, false, y_pred))
    count = _by_bucket if evenly_spaced(thresholds) else _by_comparison
    above_true, above_false = count(true, false, y_pred, thresholds, multi_label)
    axis = 0 if multi_label else None
    return Counts(
        above_true, above_false, ops.sum(false, axis=axis) - above_false, ops.sum(true, axis=axis) - above_true
    )


def _by_bucket(true: Any, false: Any, y_pred: Any, thresholds: Sequence[float], multi_label: bool) -> tuple[Any, Any]:
    """Sums over the predictions above each of many evenly spaced thresholds. Bucket i lies above threshold i."""
    count = len(thresholds)
    bucket = ops.ceil(ops.clip(y_pred, 0.0, 1.0) * float(count - 1)) - 1.0
    if thresholds[0] < 0:  # the first threshold lies below 0, so that 0 is above it
        bucket = ops.relu(bucket)
    inside = ops.greater_equal(bucket, 0.0)  # not so for NaN
    bucket = ops.where(inside, bucket, 0.0)
    labels = true.shape[-1] if multi_label else 1
    if multi_label:
        bucket = bucket + np.arange(labels, dtype=np.float32) * count
    sums = ops.stack([ops.where(inside, true, 0.0), ops.where(inside, false, 0.0)], axis=-1)
    totals = totals_by_id(
        ops.reshape(ops.cast(bucket, "int32"), (-1,)), ops.reshape(sums, (-1, 2)), count=labels * count
    )
    upwards = np.triu(np.ones((count, count), np.float32))
    if not multi_label:
        totals = ops.matmul(upwards, totals)  # (count, 2)
        return totals[:, 0], totals[:, 1]
    totals = ops.reshape(ops.transpose(ops.reshape(totals, (labels, count, 2)), (1, 0, 2)), (count, labels * 2))
    totals = ops.reshape(ops.matmul(upwards, totals), (count, labels, 2))
    return totals[:, :, 0], totals[:, :, 1]


def _by_comparison(
    true: Any, false: Any, y_pred: Any, thresholds: Sequence[float], multi_label: bool
) -> tuple[Any, Any]:
    """The same for any thresholds: one table (n, thresholds) of what lies above."""
    above = ops.cast(ops.greater(ops.expand_dims(y_pred, -1), np.asarray(thresholds, np.float32)), "float32")
    if multi_label:
        sums = [ops.sum(ops.expand_dims(x, -1) * above, axis=0) for x in (true, false)]
        return ops.transpose(sums[0]), ops.transpose(sums[1])
    sums = [ops.reshape(ops.matmul(ops.expand_dims(x, 0), above), (-1,)) for x in (true, false)]
    return sums[0], sums[1]
