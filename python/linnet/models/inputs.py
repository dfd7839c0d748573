"""Bringing what a model is called with into the order and rank of its symbolic inputs, with errors that say what is
wrong."""

from __future__ import annotations

from typing import Any

from linnet.backend.errors import ShapeError
from linnet.backend.masks import get_keras_mask, with_mask
from linnet.backend.tree import flatten
from linnet.models.function import Function


def order_inputs(title: str, function: Function, inputs: Any) -> list[Any]:
    """The leaves of `inputs` (one, a list, a dict by name, or the structure) in the order of function.inputs."""
    names = [tensor.name for tensor in function.inputs]
    if isinstance(inputs, dict):
        keys = set(inputs)
        structure = function.input_structure
        if isinstance(structure, dict) and keys >= set(structure):
            return flatten({key: inputs[key] for key in structure})
        if keys >= set(names):
            return [inputs[name] for name in names]
        missing = sorted(set(structure if isinstance(structure, dict) else names) - keys)
        raise ValueError(f"{title}: the inputs lack {missing}; the dict has {sorted(map(str, keys))}")
    leaves = flatten(inputs)
    if len(leaves) != len(names):
        noun = "inputs" if len(names) > 1 else "input"
        raise ValueError(f"{title}: expected {len(names)} {noun} ({', '.join(names)}), got {len(leaves)}")
    return leaves


def wrong_shape(title: str, name: str, expected: tuple, got: tuple, single: bool) -> ShapeError:
    """The error for an input whose shape does not fit."""
    which = "the input" if single else f'the input "{name}"'
    hint = ""
    if len(got) == len(expected) - 1 and _fits(expected[1:], got):
        hint = "; a single sample needs a batch axis in front: x[None]"
    elif len(got) == len(expected) - 1 and expected[-1] == 1:
        hint = "; add a channel axis at the end: x[..., None]"
    return ShapeError(f"{title}: {which} must have shape {_shown(expected)}, got {_shown(got)}{hint}")


def _shown(shape: tuple) -> str:
    sizes = ["n" if i == 0 and s is None else str(s) for i, s in enumerate(shape)]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def _fits(expected: tuple, got: tuple) -> bool:
    return len(expected) == len(got) and all(
        e is None or g is None or e == g for e, g in zip(expected, got, strict=True)
    )


def match_inputs(model: Any, function: Function, inputs: Any, masks: Any = None) -> list[Any]:
    """Tensors in the order of function.inputs, each of the rank and type that its Input has, with their masks.

    A last axis of size 1 may be missing or too many, as in Keras. masks: given ones, in the structure of the inputs.
    """
    from linnet import ops

    found = []
    single = len(function.inputs) == 1
    ordered = order_inputs(model._title(), function, inputs)
    given = flatten(masks) if masks is not None else [None] * len(ordered)
    for symbol, tensor, own in zip(function.inputs, ordered, given, strict=True):
        mask = own if own is not None else get_keras_mask(tensor)
        expected, got = symbol.shape, tuple(tensor.shape)
        if len(got) == len(expected) + 1 and got[-1] == 1:
            tensor = ops.squeeze(tensor, -1)
        elif len(got) == len(expected) - 1 and expected[-1] == 1 and (len(got) > 1 or len(expected) == 2):
            tensor = ops.expand_dims(tensor, -1)
        # A fixed batch size is not checked: the last batch may be smaller.
        if not _fits((None, *expected[1:]), tuple(tensor.shape)):
            raise wrong_shape(model._title(), symbol.name, expected, got, single)
        if symbol.dtype != tensor.dtype:
            tensor = ops.cast(tensor, symbol.dtype)
        found.append(tensor if mask is get_keras_mask(tensor) else with_mask(tensor, mask))
    return found
