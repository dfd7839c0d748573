"""The base of all losses: from (y_true, y_pred, sample_weight) to one number.

A loss is computed in three steps, which every loss shares:
  1. `call(y_true, y_pred)` gives one value per sample (or per time step or pixel), shape (n, ...);
  2. the values are multiplied by the sample weights, whose shape must begin like theirs;
  3. `reduction` makes a scalar of them: "sum_over_batch_size" (the mean over all values, also those of weight 0),
     "sum", "mean_with_sample_weight" (the mean that divides by the sum of the weights), "mean" (as the first), or
     None for no reduction.

A loss works on NumPy arrays at once and inside a trace alike. Shapes of y_true and y_pred must agree: nothing is
broadcast silently, for a (n, 1) prediction against (n,) labels would otherwise become an (n, n) table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

from linnet import ops
from linnet.backend.dtypes import standardize_dtype
from linnet.backend.errors import ShapeError
from linnet.backend.lookup import unknown_name
from linnet.backend.naming import to_snake_case

REDUCTIONS = (None, "none", "sum", "mean", "sum_over_batch_size", "mean_with_sample_weight")


class Loss:
    """Base class: define `call(y_true, y_pred)`, which returns one value per sample, with `linnet.ops`."""

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        if reduction not in REDUCTIONS:
            raise unknown_name("reduction", reduction, [str(known) for known in REDUCTIONS])
        standardize_dtype(dtype)
        self.name = name or to_snake_case(type(self).__name__)
        self.reduction = reduction

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        mask = getattr(y_pred, "_keras_mask", None)
        values = self.call(as_float_or_int(y_true), as_float(y_pred))
        values_mask = getattr(values, "_keras_mask", None)
        if isinstance(values, tuple):  # a loss that leaves elements out gives (values, which of them count)
            values, values_mask = values
        if mask is not None and values_mask is not None:
            mask = ops.logical_and(mask, values_mask)
        elif mask is None:
            mask = values_mask
        if mask is not None:
            sample_weight = apply_mask(sample_weight, mask, self.reduction)
        return reduce_weighted_values(values, sample_weight, self.reduction, self.name)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One value per sample."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred)")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal loss."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A loss with these arguments."""
        return cls(**config)


class LossFunctionWrapper(Loss):
    """A loss made of a function (y_true, y_pred, **kwargs) that gives one value per sample."""

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        from linnet.saving.serialization import serialize_keras_object

        config = {**super().get_config(), **self._fn_kwargs}
        if type(self) is LossFunctionWrapper:
            config["fn"] = serialize_keras_object(self.fn)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        from linnet.saving.serialization import deserialize_keras_object

        if isinstance(config.get("fn"), dict):
            config = {**config, "fn": deserialize_keras_object(config["fn"])}
        return cls(**config)


def as_float(x: Any) -> Any:
    """x as a float32 tensor or array."""
    x = ops.convert_to_tensor(x)
    return x if standardize_dtype(x.dtype) == "float32" else ops.cast(x, "float32")


def as_float_or_int(x: Any) -> Any:
    """x as a tensor or array; booleans as float32."""
    x = ops.convert_to_tensor(x)
    return ops.cast(x, "float32") if standardize_dtype(x.dtype) == "bool" else x


def aligned(name: str, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Both as float32 and of one shape: labels (n,) fit predictions (n, 1), and the other way round."""
    y_true, y_pred = squeeze_or_expand_to_same_rank(as_float(y_true), as_float(y_pred))
    check_same_shape(name, y_true, y_pred)
    return y_true, y_pred


def check_same_shape(name: str, y_true: Any, y_pred: Any) -> None:
    """Raises ShapeError unless the shapes of y_true and y_pred are equal."""
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    if len(true_shape) == len(pred_shape) and all(
        a == b or a is None or b is None for a, b in zip(true_shape, pred_shape, strict=True)
    ):
        return
    hint = ""
    labels = len(true_shape) < len(pred_shape) or (len(true_shape) == len(pred_shape) and true_shape[-1:] == (1,))
    if labels and len(pred_shape) > 1 and pred_shape[-1] != 1:
        hint = "; for class numbers use the loss sparse_categorical_crossentropy, or linnet.utils.to_categorical first"
    raise ShapeError(
        f"{name}: y_true and y_pred must have the same shape; y_true {shown(true_shape)}, y_pred {shown(pred_shape)}"
        f"{hint}"
    )


def shown(shape: Sequence[int | None]) -> str:
    """A shape for a message, with n for the batch."""
    sizes = ["n" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def squeeze_or_expand_to_same_rank(x1: Any, x2: Any) -> tuple[Any, Any]:
    """Adds or removes a last axis of size 1 where the ranks differ by one: labels (n,) for predictions (n, 1)."""
    rank1, rank2 = len(x1.shape), len(x2.shape)
    if rank1 == rank2 + 1 and x1.shape[-1] == 1:
        if rank2 == 1:
            return x1, ops.expand_dims(x2, -1)
        return ops.squeeze(x1, axis=-1), x2
    if rank2 == rank1 + 1 and x2.shape[-1] == 1:
        if rank1 == 1:
            return ops.expand_dims(x1, -1), x2
        return x1, ops.squeeze(x2, axis=-1)
    return x1, x2


def reduce_values(values: Any, reduction: str | None) -> Any:
    """The scalar that a reduction without weights makes of values."""
    if reduction in (None, "none") or len(values.shape) == 0:
        return values
    return ops.sum(values) if reduction == "sum" else ops.mean(values)


def reduce_weighted_values(values: Any, sample_weight: Any, reduction: str | None, name: str = "loss") -> Any:
    """Weights values and reduces them."""
    values = as_float(values)
    if sample_weight is None:
        return reduce_values(values, reduction)
    values, sample_weight = match_weights(values, as_float(sample_weight), name)
    weighted = values * sample_weight
    if reduction == "mean_with_sample_weight":
        # Each weight counts as often as it is broadcast over the values.
        return ops.divide_no_nan(ops.sum(weighted), ops.sum(ops.ones_like(values) * sample_weight))
    return reduce_values(weighted, reduction)


def match_weights(values: Any, weights: Any, name: str) -> tuple[Any, Any]:
    """Weights with as many axes as the values. Their shape must be the beginning of the values' shape."""
    values, weights = squeeze_or_expand_to_same_rank(values, weights)
    shape, rank = tuple(values.shape), len(weights.shape)
    if not shape:  # one loss of the whole batch: each sample has it, times its weight
        return values, weights
    fits = rank <= len(shape) and all(
        w in (1, v) or v is None or w is None for w, v in zip(weights.shape, shape[:rank], strict=True)
    )
    if not fits:
        raise ShapeError(
            f"{name}: sample_weight of shape {shown(weights.shape)} does not fit losses of shape {shown(shape)}; "
            f"give one weight per sample, or one per loss value"
        )
    for _ in range(len(shape) - rank):
        weights = ops.expand_dims(weights, -1)
    return values, weights


def apply_mask(sample_weight: Any, mask: Any, reduction: str | None) -> Any:
    """Sample weights that are 0 where the mask is; for a mean, the others are raised so that only they are counted."""
    mask = as_float(mask)
    if reduction in ("mean", "sum_over_batch_size"):
        # 1 / mean(mask) = all elements / those that count.
        mask = ops.divide_no_nan(mask, ops.mean(mask))
    if sample_weight is None:
        return mask
    mask, sample_weight = match_weights(mask, as_float(sample_weight), "mask")
    return sample_weight * mask
