"""What several layers do with their arguments: pairs of numbers, padding, data format, and the parts of a config."""

from __future__ import annotations

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
