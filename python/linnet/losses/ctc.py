"""CTC: the likelihood of a label sequence when nobody knows which time step says which label (Graves et al., 2006).

The network gives scores of the labels and of a blank (class 0) at every step. A path of one class per step spells a
sequence when repetitions are merged and blanks removed; the loss is -log of the sum of the probabilities of all paths
that spell the right one. With blanks between the labels, l' = 0 l1 0 l2 ... 0, the sum runs over time:

    alpha[t, s] = emission[t, s] (alpha[t-1, s] + alpha[t-1, s-1] + alpha[t-1, s-2])
                                           the last only to a label that differs from the one before
    beta is the same from the end, without the emission at t

all in logarithms. The gradient is not taken through the recursion: alpha beta / likelihood is the probability of being
at s at step t, and softmax minus the probability of each class is the gradient in the scores. Both recursions are
unrolled: a few small launches per step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet import ops
from linnet.backend.errors import ShapeError
from linnet.losses.loss import LossFunctionWrapper, as_float, shown

NEVER = -1e5  # the logarithm of the probability of what cannot be


def ctc(y_true: Any, y_pred: Any) -> Any:
    """One value per sample. y_true: (n, labels), classes from 1, filled up with 0; y_pred: scores (n, steps, classes).

    A sequence that does not fit into the steps has a loss of about 1e5 for each label too many, as in Keras.
    """
    y_true, y_pred = as_float(y_true), as_float(y_pred)
    if len(y_true.shape) != 2 or len(y_pred.shape) != 3 or None in (*y_true.shape[1:], *y_pred.shape[1:]):
        raise ShapeError(
            f"ctc: expected label sequences (n, labels) and scores (n, steps, classes); got {shown(y_true.shape)} and "
            f"{shown(y_pred.shape)}"
        )
    if y_true.shape[0] != y_pred.shape[0]:
        raise ShapeError(f"ctc: {shown(y_true.shape)} label sequences do not fit scores {shown(y_pred.shape)}")
    steps, places = y_pred.shape[1], 2 * y_true.shape[1] + 1
    blank = ops.zeros_like(y_true)
    spelled = _interleaved(blank, y_true)
    is_class = ops.one_hot(ops.cast(spelled, "int32"), y_pred.shape[2])  # (n, places, classes)
    emission = ops.matmul(ops.log_softmax(y_pred), ops.transpose(is_class, (0, 2, 1)))  # (n, steps, places)
    differs = ops.cast(ops.not_equal(y_true[:, 1:], y_true[:, :-1]), "float32")
    skip = _interleaved(blank, ops.pad(differs, ((0, 0), (1, 0))))
    may_skip = NEVER * (1.0 - skip)
    length = ops.sum(ops.cast(ops.not_equal(y_true, 0.0), "float32"), axis=1, keepdims=True)
    place = np.arange(places, dtype=np.float32)
    at_end = ops.logical_or(ops.equal(place, 2.0 * length), ops.equal(place, 2.0 * length - 1.0))
    ends = ops.where(at_end, 0.0, NEVER)

    at_step = [emission[:, t] for t in range(steps)]
    forward = [at_step[0] + np.where(place < 2, 0.0, NEVER).astype(np.float32)]
    for t in range(1, steps):
        before = ops.pad(forward[-1], ((0, 0), (2, 0)), constant_values=NEVER)
        forward.append(at_step[t] + _log_sum(forward[-1], before[:, 1:-1], before[:, :-2] + may_skip))
    backward = [ends]
    for t in range(steps - 1, 0, -1):
        after = backward[-1] + at_step[t]
        padded = ops.pad(after, ((0, 0), (0, 2)), constant_values=NEVER)
        skipping = ops.pad(after + may_skip, ((0, 0), (0, 2)), constant_values=NEVER)
        backward.append(_log_sum(after, padded[:, 1:-1], skipping[:, 2:]))
    likelihood = ops.logsumexp(forward[-1] + ends, axis=1, keepdims=True)
    at_place = ops.exp(ops.stack(forward, axis=1) + ops.stack(backward[::-1], axis=1) - ops.expand_dims(likelihood, 1))
    gradient = ops.stop_gradient(ops.softmax(y_pred) - ops.matmul(at_place, is_class))
    # A number whose value is 0 and whose gradient in y_pred is the one above.
    carrier = ops.sum(y_pred * gradient, axis=(1, 2))
    return ops.stop_gradient(-ops.squeeze(likelihood, axis=1)) + (carrier - ops.stop_gradient(carrier))


def _interleaved(even: Any, odd: Any) -> Any:
    """even[0], odd[0], even[1], odd[1], ..., even[0]: (n, k) twice gives (n, 2 k + 1)."""
    both = ops.reshape(ops.stack([even, odd], axis=2), (-1, 2 * odd.shape[1]))
    return ops.pad(both, ((0, 0), (0, 1)))


def _log_sum(a: Any, b: Any, c: Any) -> Any:
    """log(exp(a) + exp(b) + exp(c))."""
    largest = ops.maximum(ops.maximum(a, b), c)
    return largest + ops.log(ops.exp(a - largest) + ops.exp(b - largest) + ops.exp(c - largest))


class CTC(LossFunctionWrapper):
    """Connectionist temporal classification."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "ctc", dtype: Any = None) -> None:
        super().__init__(ctc, reduction, name, dtype)
