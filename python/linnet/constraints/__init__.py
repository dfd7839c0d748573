"""Limits on weights, kept after every step."""

from collections.abc import Mapping
from typing import Any

from linnet.constraints.constraint import Constraint
from linnet.constraints.norm import MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from linnet.saving.serialization import Lookup, serialize_keras_object

max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

_lookup = Lookup(
    "constraint",
    "constraints",
    {
        "MaxNorm": MaxNorm,
        "MinMaxNorm": MinMaxNorm,
        "NonNeg": NonNeg,
        "UnitNorm": UnitNorm,
        "max_norm": MaxNorm,
        "min_max_norm": MinMaxNorm,
        "non_neg": NonNeg,
        "unit_norm": UnitNorm,
    },
)


def serialize(constraint: Any) -> Any:
    """The configuration of a constraint."""
    return serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The constraint of a configuration or name."""
    return _lookup.deserialize(config, custom_objects)


def get(identifier: Any) -> Any:
    """The constraint for a name, a configuration, a class or a callable; None stays None."""
    return _lookup.get(identifier)


__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]
