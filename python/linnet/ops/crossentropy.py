"""Cross-entropies, one value per sample. With `from_logits=True`, or when the output came straight from `softmax` or
`sigmoid` in the same trace, they are computed from the scores before it: stable, exact and one fused kernel."""

from __future__ import annotations

from typing import Any

from linnet.backend.errors import ShapeError
from linnet.backend.function import op
from linnet.backend.tensor import Tensor
from linnet.config import epsilon
from linnet.ops import arithmetic as a
from linnet.ops import reduction as r
from linnet.ops.common import as_float, as_int, one_axis, trace_of
from linnet.ops.indexing import one_hot
from linnet.ops.shape import moveaxis, squeeze


def _scores(output: Tensor, function: str, from_logits: bool) -> Tensor | None:
    if from_logits:
        return output
    if output.logits is not None and output.logits[0] == function:
        return output.logits[1]
    return None


def _same_shape(what: str, target: Tensor, output: Tensor) -> None:
    if target.dims != output.dims:
        raise ShapeError(f"{what}: target {target.shape} and output {output.shape} must have the same shape")


@op("target", "output")
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """-sum(target * log(output)) along the axis of classes."""
    target, output = as_float(target), as_float(output)
    _same_shape("categorical_crossentropy", target, output)
    place = one_axis(axis, output.ndim, "categorical_crossentropy")
    scores = _scores(output, "softmax", from_logits) if from_logits or place == output.ndim - 1 else None
    if scores is not None:
        return trace_of().add("cross_entropy", [moveaxis(scores, place, -1), moveaxis(target, place, -1)])
    shares = a.divide(output, r.sum(output, place, True))
    logs = a.log(a.clip(shares, epsilon(), 1.0 - epsilon()))
    return a.negative(r.sum(a.multiply(target, logs), place))


@op("target", "output")
def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """-log(output[target]) where target holds class numbers; its shape is output's without the axis of classes.

    A class number outside the classes is an error at run time that names the row.
    """
    target, output = as_int(target), as_float(output)
    place = one_axis(axis, output.ndim, "sparse_categorical_crossentropy")
    if target.ndim == output.ndim and target.dims[-1] == 1:
        target = squeeze(target, -1)
    rest = output.dims[:place] + output.dims[place + 1 :]
    if target.dims != rest:
        raise ShapeError(
            f"sparse_categorical_crossentropy: target {target.shape} must have the shape of output {output.shape} "
            f"without axis {axis}"
        )
    scores = _scores(output, "softmax", from_logits) if from_logits or place == output.ndim - 1 else None
    if scores is not None:
        return trace_of().add("sparse_cross_entropy", [moveaxis(scores, place, -1), target])
    # log of a probability is a score whose softmax is that probability; the clipping is Keras's.
    shares = a.divide(output, r.sum(output, place, True))
    logs = moveaxis(a.log(a.clip(shares, epsilon(), 1.0 - epsilon())), place, -1)
    picked = r.sum(a.multiply(one_hot(target, logs.dims[-1]), logs), -1)
    return a.negative(picked)


@op("target", "output")
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """-(target log(output) + (1 - target) log(1 - output)), element by element."""
    target, output = as_float(target), as_float(output)
    _same_shape("binary_crossentropy", target, output)
    scores = _scores(output, "sigmoid", from_logits)
    if scores is not None:
        return a.subtract(trace_of().add("softplus", [scores]), a.multiply(scores, target))
    p = a.clip(output, epsilon(), 1.0 - epsilon())
    no = a.multiply(a.subtract(1.0, target), a.log(a.subtract(1.0, p)))
    return a.negative(a.add(a.multiply(target, a.log(p)), no))
