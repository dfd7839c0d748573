"""The losses of linear support vector machines of several classes: the right score must win by a margin.

With scores s, right class y and margin Delta:
    Weston-Watkins   sum over j != y of max(0, s_j - s_y + Delta)         every wrong class that comes too near counts
    Crammer-Singer   max(0, max over j != y of s_j - s_y + Delta)         only the worst one does
Weston-Watkins is what courses call "the multi-class SVM loss". Both take class numbers or one-hot labels. With
`squared=True` they are the losses of the L2-SVM. (Keras's CategoricalHinge is Crammer-Singer but for scores below 0,
where it takes 0 as the best wrong score.)
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.backend.errors import ShapeError
from linnet.losses.loss import LossFunctionWrapper, as_float, shown


def _violations(name: str, y_true: Any, y_pred: Any, margin: float) -> tuple[Any, Any]:
    """s_j - s_y + margin for all classes j, and 1 where j is the right class."""
    y_true, y_pred = ops.convert_to_tensor(y_true), as_float(y_pred)
    true_shape, shape = tuple(y_true.shape), tuple(y_pred.shape)
    if len(true_shape) == len(shape) and true_shape[-1] == 1 and shape[-1] != 1:
        y_true, true_shape = ops.squeeze(y_true, axis=-1), true_shape[:-1]
    if len(true_shape) == len(shape) - 1:
        right = ops.one_hot(ops.cast(y_true, "int32"), shape[-1])
    elif len(true_shape) == len(shape) and true_shape[-1] == shape[-1]:
        right = as_float(y_true)
    else:
        raise ShapeError(
            f"{name}: for scores {shown(shape)}, y_true must be class numbers {shown(shape[:-1])} or one-hot labels "
            f"{shown(shape)}; it has {shown(true_shape)}"
        )
    own = ops.sum(right * y_pred, axis=-1, keepdims=True)
    return y_pred - own + margin, right


def weston_watkins_hinge(y_true: Any, y_pred: Any, margin: float = 1.0, squared: bool = False) -> Any:
    """The sum over the wrong classes of max(0, score - right score + margin), or of its squares."""
    over, right = _violations("weston_watkins_hinge", y_true, y_pred, margin)
    over = ops.relu(over) * (1.0 - right)
    return ops.sum(ops.square(over) if squared else over, axis=-1)


def crammer_singer_hinge(y_true: Any, y_pred: Any, margin: float = 1.0, squared: bool = False) -> Any:
    """max(0, best wrong score - right score + margin), or its square."""
    over, right = _violations("crammer_singer_hinge", y_true, y_pred, margin)
    worst = ops.relu(ops.max(ops.where(ops.greater(right, 0.5), -1e30, over), axis=-1))
    return ops.square(worst) if squared else worst


class WestonWatkinsHinge(LossFunctionWrapper):
    """The multi-class hinge that sums over all classes within the margin (Weston and Watkins, 1999)."""

    def __init__(
        self,
        margin: float = 1.0,
        squared: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str = "weston_watkins_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            weston_watkins_hinge, reduction, name, dtype, margin=_checked_margin(margin), squared=bool(squared)
        )


class CrammerSingerHinge(LossFunctionWrapper):
    """The multi-class hinge against the best wrong class (Crammer and Singer, 2001)."""

    def __init__(
        self,
        margin: float = 1.0,
        squared: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str = "crammer_singer_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            crammer_singer_hinge, reduction, name, dtype, margin=_checked_margin(margin), squared=bool(squared)
        )


def _checked_margin(margin: float) -> float:
    if not margin >= 0:
        raise ValueError(f"margin must not be negative, got {margin!r}")
    return float(margin)
