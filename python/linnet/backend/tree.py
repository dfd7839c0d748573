"""Nested structures of lists, tuples and dicts: flatten them, map over them, put them together again.

A dict is walked in the sorted order of its keys, so that two dicts with the same keys always line up. Everything that
is not a list, tuple or dict is a leaf, None included.
"""

from collections.abc import Callable, Iterator
from typing import Any


def flatten(structure: Any) -> list[Any]:
    """The leaves, depth first."""
    leaves: list[Any] = []
    _collect(structure, leaves)
    return leaves


def _collect(structure: Any, leaves: list[Any]) -> None:
    if isinstance(structure, dict):
        for key in sorted(structure):
            _collect(structure[key], leaves)
    elif isinstance(structure, (list, tuple)):
        for item in structure:
            _collect(item, leaves)
    else:
        leaves.append(structure)


def map_structure(function: Callable[[Any], Any], structure: Any) -> Any:
    """The same structure with every leaf replaced by function(leaf)."""
    if isinstance(structure, dict):
        mapped = {key: map_structure(function, structure[key]) for key in sorted(structure)}
        return {key: mapped[key] for key in structure}
    if isinstance(structure, (list, tuple)):
        items = [map_structure(function, item) for item in structure]
        if isinstance(structure, list):
            return items
        return type(structure)(*items) if hasattr(structure, "_fields") else tuple(items)
    return function(structure)


def pack_like(structure: Any, leaves: Iterator[Any] | list[Any]) -> Any:
    """The same structure with its leaves taken, in order, from `leaves`."""
    source = iter(leaves)
    return map_structure(lambda _: next(source), structure)


def freeze(structure: Any) -> Any:
    """A hashable stand-in: lists become tuples, dicts sorted item tuples, arrays their type, shape and bytes."""
    if isinstance(structure, dict):
        return ("{}", *((key, freeze(structure[key])) for key in sorted(structure)))
    if isinstance(structure, (list, tuple)):
        return tuple(freeze(item) for item in structure)
    if type(structure).__module__ == "numpy" and hasattr(structure, "tobytes"):
        return (str(structure.dtype), structure.shape, structure.tobytes())
    # 1, 1.0 and True are equal and hash alike, yet may trace differently.
    return (type(structure), structure) if isinstance(structure, (bool, int, float)) else structure
