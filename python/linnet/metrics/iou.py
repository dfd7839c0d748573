"""Intersection over union, for segmentation: of the pixels that are of a class or predicted so, how many are both.

All are read from one table (classes, classes) of how often a pixel of class i was predicted as j, added up over the
batches. Pixels of another class than 0 ... num_classes - 1, or of `ignore_class`, are left out, and so are classes that
do not occur at all. As in Keras the table holds integers, and sample weights are cut off to integers, unless the dtype
is "float32".
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from linnet import config, ops
from linnet.backend.dtypes import standardize_dtype
from linnet.losses.loss import as_float, check_same_shape, match_weights
from linnet.metrics.counts import totals_by_id
from linnet.metrics.metric import Metric


class IoU(Metric):
    """The mean over target_class_ids of intersection over union.

    A pixel whose class, labelled or predicted, is not one of 0 ... num_classes - 1 is left out without an error, as in
    Keras. sparse_y_true, sparse_y_pred: class numbers; if False, scores along `axis`, of which the largest counts.
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype or "int32", name)
        if max(target_class_ids) >= num_classes or min(target_class_ids) < 0:
            raise ValueError(f"target_class_ids must lie in [0, {num_classes}), got {list(target_class_ids)}")
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable((num_classes, num_classes), dtype=self.dtype, name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if not self.sparse_y_true:
            y_true = ops.argmax(y_true, axis=self.axis)
        if not self.sparse_y_pred:
            y_pred = ops.argmax(y_pred, axis=self.axis)
        y_true, y_pred = ops.cast(y_true, "int32"), ops.cast(y_pred, "int32")
        if len(y_true.shape) == len(y_pred.shape) + 1 and y_true.shape[-1] == 1:
            y_true = ops.squeeze(y_true, axis=-1)
        elif len(y_pred.shape) == len(y_true.shape) + 1 and y_pred.shape[-1] == 1:
            y_pred = ops.squeeze(y_pred, axis=-1)
        check_same_shape(self.name, y_true, y_pred)
        weights = ops.ones_like(y_true, dtype="float32")
        if sample_weight is not None:
            kind = standardize_dtype(getattr(sample_weight, "dtype", np.asarray(sample_weight).dtype))
            if self.dtype == "int32" and kind == "float32":
                warnings.warn(
                    f'{self.name}: float sample weights are cut off to integers; give dtype="float32" to keep them',
                    stacklevel=2,
                )
                sample_weight = ops.cast(sample_weight, "int32")
            weights = weights * match_weights(weights, as_float(sample_weight), self.name)[1]
        inside = ops.greater_equal(ops.minimum(y_true, y_pred), 0) & ops.less(
            ops.maximum(y_true, y_pred), self.num_classes
        )
        if self.ignore_class is not None:
            inside = inside & ops.not_equal(y_true, self.ignore_class)
        cells = ops.where(inside, ops.cast(y_true * self.num_classes + y_pred, "float32"), 0.0)
        totals = totals_by_id(
            ops.reshape(ops.cast(cells, "int32"), (-1,)),
            ops.reshape(ops.where(inside, weights, 0.0), (-1, 1)),
            count=self.num_classes**2,
        )
        table = ops.cast(ops.reshape(totals, (self.num_classes, self.num_classes)), self.dtype)
        self.total_cm.assign_add(table)

    def result(self) -> Any:
        table = ops.cast(self.total_cm, "float32")
        both = ops.sum(table * np.eye(self.num_classes, dtype=np.float32), axis=0)
        either = ops.sum(table, axis=0) + ops.sum(table, axis=1) - both
        wanted = np.zeros(self.num_classes, np.float32)
        np.add.at(wanted, self.target_class_ids, 1.0)  # a class named twice counts twice
        occurs = ops.cast(ops.greater(either, 1e-9), "float32") * wanted
        shares = both / (either + config.epsilon()) * occurs
        return ops.sum(shares) / (ops.sum(occurs) + config.epsilon())

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }


class BinaryIoU(IoU):
    """IoU of labels 0 and 1 and probabilities, which are 1 from the threshold on."""

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        super().update_state(y_true, ops.greater_equal(as_float(y_pred), self.threshold), sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {
            **Metric.get_config(self),
            "target_class_ids": self.target_class_ids,
            "threshold": self.threshold,
        }


class MeanIoU(IoU):
    """The mean over all classes."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "target_class_ids")


class OneHotIoU(IoU):
    """IoU of one-hot labels, and of scores unless sparse_y_pred."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """The mean over all classes, of one-hot labels."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "sparse_y_true")


def _without(config: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name != key}
