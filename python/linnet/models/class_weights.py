"""`class_weight`: from weights per class to weights per sample, by the labels.

A target of any rank has one label per position: (n,) or (n, 1) one per sample, (n, h, w, 1) one per pixel, and a last
axis longer than 1 is one-hot and gives the place of its largest entry, unless the loss is a sparse one. The weights
have the shape of the labels. "balanced" weighs every class as if all were equally frequent: n / (classes * count).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from linnet.backend.tree import flatten
from linnet.models.data import numpy_leaves


def with_class_weights(y: Any, w: Any, class_weight: Any, outputs: Mapping[str, bool]) -> Any:
    """Sample weights from class_weight and the targets y; multiplied into w where there are some.

    class_weight: {class: weight} or "balanced" for one output; for several, those in a dict by the outputs' names, or a
    list. outputs: the outputs' names, in order, and whether their labels are class numbers whatever their shape.
    """
    if class_weight is None:
        return w
    if y is None:
        raise ValueError("class_weight needs targets y")
    y = numpy_leaves(y, "y")
    targets = dict(y) if isinstance(y, dict) else dict(zip(outputs, flatten(y), strict=False))
    if len(targets) == 1 and not _by_output(class_weight):
        name, target = next(iter(targets.items()))
        return _multiplied(sample_weights(target, class_weight, outputs.get(name, False)), _only(w))
    given = _per_output(class_weight, list(targets))
    before = w if isinstance(w, dict) else dict(zip(targets, _repeated(w, len(targets)), strict=True))
    return {
        name: before.get(name)
        if given.get(name) is None
        else _multiplied(sample_weights(target, given[name], outputs.get(name, False)), before.get(name))
        for name, target in targets.items()
    }


def _by_output(class_weight: Any) -> bool:
    if isinstance(class_weight, dict):
        return any(isinstance(key, str) for key in class_weight)
    return isinstance(class_weight, (list, tuple))


def _per_output(class_weight: Any, names: list[str]) -> dict[str, Any]:
    if isinstance(class_weight, (list, tuple)) and len(class_weight) == len(names):
        return dict(zip(names, class_weight, strict=True))
    if isinstance(class_weight, dict) and class_weight and all(key in names for key in class_weight):
        return class_weight
    raise ValueError(
        f"class_weight: the model has {len(names)} outputs ({', '.join(names)}); give a dict with one "
        f"{{class: weight}} for each that needs one, by these names, or a list; got {class_weight!r}"
    )


def _only(w: Any) -> Any:
    leaves = flatten(w)
    return leaves[0] if len(leaves) == 1 else w


def _repeated(w: Any, count: int) -> list[Any]:
    leaves = flatten(w)
    return leaves * count if len(leaves) == 1 else leaves


def _multiplied(weights: np.ndarray, w: Any) -> np.ndarray:
    if w is None:
        return weights
    w = np.asarray(w, np.float32)
    if w.ndim == weights.ndim + 1 and w.shape[-1] == 1:
        w = w[..., 0]
    # A weight per sample beside labels per position holds for all positions of the sample.
    return weights * w.reshape(w.shape + (1,) * (weights.ndim - w.ndim))


def sample_weights(target: np.ndarray, class_weight: Any, sparse: bool) -> np.ndarray:
    """The weight of every label of one target. A class without a weight has 1."""
    labels = np.asarray(target)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    elif labels.ndim > 1 and not sparse:
        labels = labels.argmax(-1)
    labels = np.rint(labels).astype(np.int64)
    if labels.size and labels.min() < 0:
        place = np.unravel_index(labels.argmin(), labels.shape)
        raise ValueError(f"class_weight: label {labels.min()} at sample {place[0]} is negative")
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(f'class_weight must be a dict {{class: weight}} or "balanced", got {class_weight!r}')
        class_weight = balanced(labels)
    if not isinstance(class_weight, Mapping):
        raise ValueError(f'class_weight must be a dict {{class: weight}} or "balanced", got {class_weight!r}')
    size = max([int(labels.max(initial=0)), *(int(key) for key in class_weight)]) + 1
    weights = np.ones(size, np.float32)
    for key, value in class_weight.items():
        weights[int(key)] = value
    return weights[labels]


def balanced(labels: Any) -> dict[int, float]:
    """{class: weight} with which all classes that occur count the same and the weights' mean is 1."""
    classes, counts = np.unique(np.asarray(labels), return_counts=True)
    total = int(counts.sum())
    return {int(c): total / (len(classes) * int(count)) for c, count in zip(classes, counts, strict=True)}
