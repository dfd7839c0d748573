"""What several layers do with their arguments: pairs of numbers, padding, data format, and the parts of a config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from linnet.backend.errors import UnsupportedError
from linnet.backend.lookup import unknown_name


def sizes(name: str, value: Any, rank: int, least: int = 1) -> tuple[int, ...]:
    """An argument that is one integer, or one for each of `rank` axes, as a tuple."""
    values = (value,) * rank if isinstance(value, (int, np.integer)) else value
    if (
        isinstance(values, (tuple, list))
        and len(values) == rank
        and all(isinstance(one, (int, np.integer)) and not isinstance(one, bool) and one >= least for one in values)
    ):
        return tuple(int(one) for one in values)
    several = {1: "a tuple of one", 2: "a pair of them", 3: "three of them"}[rank]
    raise ValueError(f"{name} must be an integer of at least {least}, or {several}, not {value!r}")


def pair(name: str, value: Any, least: int = 1) -> tuple[int, int]:
    """(height, width) of an argument that is one integer or two."""
    height, width = sizes(name, value, 2, least)
    return height, width


def margins(name: str, value: Any, rank: int) -> tuple[Any, ...]:
    """What is added or cut off before and after each of `rank` axes: ((before, after), ...), or one pair for rank 1.

    Given is one number for all, or a number or a pair for each axis; for rank 1, a number or a pair.
    """
    values = (value,) * rank if isinstance(value, (int, np.integer)) else value
    if rank == 1:
        values = (value,)
    if not isinstance(values, (tuple, list)) or len(values) != rank:
        axes = {2: "two numbers or two pairs", 3: "three numbers or three pairs"}[rank]
        raise ValueError(f"{name} must be a number, {axes}, not {value!r}")
    pairs = tuple(pair(name, side, least=0) for side in values)
    return pairs[0] if rank == 1 else pairs


def fraction(name: str, value: Any, below_one: bool = False) -> float:
    """An argument that must be a number in [0, 1], or in [0, 1) with below_one."""
    good = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not good or not 0 <= value <= 1 or (below_one and value == 1):
        raise ValueError(f"{name} must be a number in [0, 1{')' if below_one else ']'}, not {value!r}")
    return value if isinstance(value, int) else float(value)


def normalized_axes(layer: Any, shape: Sequence[Any]) -> tuple[int, ...]:
    """layer.axis, one or several, counted from the front, ascending; the batch is none of them."""
    rank = len(shape)
    axes = [layer.axis] if isinstance(layer.axis, int) else layer.axis
    if not axes or any(not -rank <= axis < rank or axis % rank == 0 for axis in axes):
        raise layer.error(f"axis {layer.axis} names no axes behind the batch of an input of shape {tuple(shape)}")
    return tuple(sorted({axis % rank for axis in axes}))


def positive(name: str, value: Any) -> int:
    """An argument that must be a positive integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a positive integer, not {value!r}")
    return int(value)


def padding_name(value: Any, known: tuple[str, ...] = ("valid", "same")) -> str:
    """ "valid" or "same", or what else is known."""
    name = value.lower() if isinstance(value, str) else value
    if name not in known:
        raise unknown_name("padding", value, known)
    return str(name)


def channels_last(value: Any) -> str:
    """Checks a data_format: linnet computes on (n, height, width, channels) only."""
    if value not in (None, "channels_last", "channels_first"):
        raise unknown_name("data_format", value, ("channels_last", "channels_first"))
    if value == "channels_first":
        raise UnsupportedError(
            'data_format="channels_first" is not supported: give images as (n, height, width, channels), for instance '
            "x.transpose(0, 2, 3, 1)"
        )
    return "channels_last"
