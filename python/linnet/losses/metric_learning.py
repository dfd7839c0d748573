"""Losses that make distances mean something: embeddings of one person near each other, those of others far away.

y_pred is a batch of embeddings (n, d), y_true their class numbers (n,). All pairs of the batch are compared in one
(n, n) table, so that a batch must hold several samples of most classes; samples without a partner count nothing.

    Circle            pairs weighted by how far they are from where they should be (Sun et al., 2020); unit vectors
    TripletSemiHard   anchor, positive and the nearest negative that is farther away than the positive (FaceNet, 2015)
    TripletHard       anchor, farthest positive, nearest negative (Hermans et al., 2017)
    Contrastive       pairs given from outside: y_true 1 (same) or 0, y_pred their distance (Hadsell et al., 2006)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet import ops
from linnet.backend.errors import ShapeError
from linnet.backend.trace import current_trace
from linnet.losses.loss import LossFunctionWrapper, aligned, as_float, shown

FAR = 1e30  # stands for infinity where infinity itself would make NaN of its gradient


def _row_numbers(x: Any) -> Any:
    """0, 1, 2, ... for the rows of x, whose number is known only when the program runs."""
    trace = current_trace()
    return np.arange(len(x), dtype=np.float32) if trace is None else trace.add("row_numbers", [trace.tensor(x)])


def _pairs(name: str, labels: Any, others: Any, rows: Any, remove_diagonal: bool) -> tuple[Any, Any]:
    """Tables of 1 and 0: which pairs are of one class (a sample with itself is none), and which are not."""
    columns = []
    for given in (labels, others):
        given = ops.cast(given, "int32")
        if len(given.shape) == 2 and given.shape[-1] == 1:
            given = ops.squeeze(given, axis=-1)
        if len(given.shape) != 1 or len(rows.shape) != 2:
            raise ShapeError(
                f"{name}: expected class numbers (n,) and embeddings (n, d); got {shown(given.shape)} and "
                f"{shown(rows.shape)}"
            )
        columns.append(ops.cast(given, "float32"))
    same = ops.cast(ops.equal(ops.expand_dims(columns[0], 1), ops.expand_dims(columns[1], 0)), "float32")
    different = 1.0 - same
    if remove_diagonal:
        numbers = [_row_numbers(column) for column in columns]
        same = same * ops.cast(ops.not_equal(ops.expand_dims(numbers[0], 1), ops.expand_dims(numbers[1], 0)), "float32")
    return same, different


def _log_sum_exp(values: Any, mask: Any) -> Any:
    """log(sum(exp(values))) of each row over what the mask leaves; about -FAR where it leaves nothing."""
    return ops.logsumexp(ops.where(ops.greater(mask, 0.0), values, -FAR), axis=1)


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """One value per embedding, compared with the batch, or with ref_embeddings of ref_labels."""
    y_pred = as_float(y_pred)
    references = y_pred if ref_embeddings is None else as_float(ref_embeddings)
    distances = ops.relu(1.0 - ops.matmul(y_pred, ops.transpose(references)))
    same, different = _pairs("circle", y_true, y_true if ref_labels is None else ref_labels, y_pred, remove_diagonal)
    near = ops.relu(same * (margin + distances)) * (distances - margin)
    far = ops.relu(different * (1.0 + margin - distances)) * (1.0 - margin - distances)
    return ops.softplus(_log_sum_exp(gamma * near, same) + _log_sum_exp(gamma * far, different))


def _distances(y_pred: Any, squared: bool) -> Any:
    """Distances between all rows. The root of 0 has no gradient: such pairs pass none on."""
    products = ops.matmul(y_pred, ops.transpose(y_pred))
    lengths = ops.sum(ops.square(y_pred), axis=1, keepdims=True)
    table = ops.relu(lengths + ops.transpose(lengths) - 2.0 * products)
    if squared:
        return table
    apart = ops.greater(table, 1e-12)
    return ops.where(apart, ops.sqrt(ops.where(apart, table, 1.0)), 0.0)


def triplet_hard(y_true: Any, y_pred: Any, margin: float = 1.0, squared: bool = False, soft: bool = False) -> Any:
    """max(0, farthest positive - nearest negative + margin) of every anchor; softplus instead of max if `soft`."""
    y_pred = as_float(y_pred)
    table = _distances(y_pred, squared)
    same, different = _pairs("triplet_hard", y_true, y_true, y_pred, True)
    positive = ops.max(ops.where(ops.greater(same, 0.0), table, 0.0), axis=1)
    negative = ops.min(ops.where(ops.greater(different, 0.0), table, FAR), axis=1)
    over = positive - negative + margin
    has_partner = ops.greater(ops.sum(same, axis=1), 0.0)
    return ops.where(has_partner, ops.softplus(over) if soft else ops.relu(over), 0.0)


def triplet_semi_hard(y_true: Any, y_pred: Any, margin: float = 1.0, squared: bool = True) -> Any:
    """The mean over an anchor's positives of max(0, positive - negative + margin), one value per anchor.

    The negative is the nearest one that is farther away than the positive, or the farthest one if none is.
    """
    y_pred = as_float(y_pred)
    table = _distances(y_pred, squared)
    same, different = _pairs("triplet_semi_hard", y_true, y_true, y_pred, True)
    # (anchor, positive, negative): negatives that are farther away than the positive.
    from_anchor, is_negative = ops.expand_dims(table, 1), ops.expand_dims(different, 1)
    candidates = is_negative * ops.cast(ops.greater(from_anchor, ops.expand_dims(table, 2)), "float32")
    nearest = ops.min(ops.where(ops.greater(candidates, 0.0), from_anchor, FAR), axis=2)
    farthest = ops.max(ops.where(ops.greater(different, 0.0), table, 0.0), axis=1, keepdims=True)
    negative = ops.where(ops.less(nearest, 0.5 * FAR), nearest, farthest)
    over = ops.relu(table - negative + margin) * same
    has_negative = ops.cast(ops.greater(ops.sum(different, axis=1), 0.0), "float32")
    return has_negative * ops.divide_no_nan(ops.sum(over, axis=1), ops.sum(same, axis=1))


def contrastive(y_true: Any, y_pred: Any, margin: float = 1.0) -> Any:
    """mean(y d^2 + (1 - y) max(0, margin - d)^2): y_true is 1 for pairs of one class, y_pred their distances d."""
    y_true, y_pred = aligned("contrastive", y_true, y_pred)
    apart = ops.square(ops.relu(margin - y_pred))
    return ops.mean(y_true * ops.square(y_pred) + (1.0 - y_true) * apart, axis=-1)


class Circle(LossFunctionWrapper):
    """Circle loss of normalised embeddings; the mean is over those with a loss above 0, as in Keras."""

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            circle, reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=bool(remove_diagonal)
        )

    def call(self, y_true: Any, y_pred: Any) -> Any:
        values = circle(y_true, y_pred, **self._fn_kwargs)
        return values, ops.cast(ops.greater(values, 0.0), "float32")


class _Triplet(LossFunctionWrapper):
    """The mean is over the anchors that have a positive and a negative in the batch."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        values = super().call(y_true, y_pred)
        same, different = _pairs(self.name, y_true, y_true, as_float(y_pred), True)
        counts = ops.minimum(ops.max(same, axis=1), ops.max(different, axis=1))
        return values, counts


class TripletHard(_Triplet):
    """The triplet of every anchor with its farthest positive and nearest negative."""

    def __init__(
        self,
        margin: float = 1.0,
        squared: bool = False,
        soft: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str = "triplet_hard",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            triplet_hard, reduction, name, dtype, margin=float(margin), squared=bool(squared), soft=bool(soft)
        )


class TripletSemiHard(_Triplet):
    """All pairs of anchor and positive, each with its semi-hard negative."""

    def __init__(
        self,
        margin: float = 1.0,
        squared: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str = "triplet_semi_hard",
        dtype: Any = None,
    ) -> None:
        super().__init__(triplet_semi_hard, reduction, name, dtype, margin=float(margin), squared=bool(squared))


class Contrastive(LossFunctionWrapper):
    """Pulls pairs of one class together and pushes others apart up to the margin."""

    def __init__(
        self,
        margin: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "contrastive",
        dtype: Any = None,
    ) -> None:
        super().__init__(contrastive, reduction, name, dtype, margin=float(margin))
