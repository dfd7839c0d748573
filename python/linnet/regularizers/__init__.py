"""Penalties on weights, added to the loss."""

from collections.abc import Mapping
from typing import Any

from linnet.regularizers.l1_l2 import L1, L1L2, L2
from linnet.regularizers.orthogonal import OrthogonalRegularizer
from linnet.regularizers.regularizer import Regularizer
from linnet.saving.serialization import Lookup, serialize_keras_object

l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

_lookup = Lookup(
    "regularizer",
    "regularizers",
    {
        "L1": L1,
        "L1L2": L1L2,
        "L2": L2,
        "OrthogonalRegularizer": OrthogonalRegularizer,
        "l1": L1,
        "l1_l2": L1L2,
        "l2": L2,
        "orthogonal_regularizer": OrthogonalRegularizer,
    },
)


def serialize(regularizer: Any) -> Any:
    """The configuration of a regularizer."""
    return serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The regularizer of a configuration or name."""
    return _lookup.deserialize(config, custom_objects)


def get(identifier: Any) -> Any:
    """The regularizer for a name, a configuration, a class or a callable; None stays None."""
    return _lookup.get(identifier)


__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]
