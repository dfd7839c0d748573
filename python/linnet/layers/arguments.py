"""What several layers do with their arguments: pairs of numbers, padding, data format, and the parts of a config."""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet.backend.errors import UnsupportedError
from linnet.backend.lookup import unknown_name


def pair(name: str, value: Any, least: int = 1) -> tuple[int, int]:
    """(height, width) of an argument that is one integer or two."""
    values = (value, value) if isinstance(value, (int, np.integer)) else value
    if (
        isinstance(values, (tuple, list))
        and len(values) == 2
        and all(isinstance(one, (int, np.integer)) and not isinstance(one, bool) and one >= least for one in values)
    ):
        return int(values[0]), int(values[1])
    raise ValueError(f"{name} must be an integer of at least {least}, or a pair of them, not {value!r}")


def positive(name: str, value: Any) -> int:
    """An argument that must be a positive integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a positive integer, not {value!r}")
    return int(value)


def padding_name(value: Any) -> str:
    """ "valid" or "same"."""
    name = value.lower() if isinstance(value, str) else value
    if name not in ("valid", "same"):
        raise unknown_name("padding", value, ("valid", "same"))
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
