"""Helpers around training."""

from typing import Any

from linnet.saving.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from linnet.saving.serialization import deserialize_keras_object, serialize_keras_object
from linnet.utils.numerical import normalize, to_categorical
from linnet.utils.random_seed import set_random_seed
from linnet.utils.sequences import Vocabulary, pad_sequences

__all__ = [
    "CustomObjectScope",
    "Vocabulary",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "normalize",
    "pad_sequences",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
]


def __getattr__(name: str) -> Any:
    if name == "get_file":
        # Loaded when first used, for it needs urllib.
        from linnet.utils.download import get_file

        return get_file
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
