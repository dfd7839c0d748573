"""Helpers around training."""

from linnet.saving.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from linnet.saving.serialization import deserialize_keras_object, serialize_keras_object
from linnet.utils.get_file import get_file
from linnet.utils.numerical import normalize, to_categorical
from linnet.utils.random_seed import set_random_seed

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "normalize",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
]
