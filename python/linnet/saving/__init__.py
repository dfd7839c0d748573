"""Configurations, weights and whole models in files."""

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

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]


def __getattr__(name: str) -> Any:
    # The file formats are loaded when first used: `import linnet` needs configurations only.
    if name in ("save_model", "load_model"):
        from linnet.saving import model_file

        return getattr(model_file, name)
    if name in ("save_weights", "load_weights"):
        from linnet.saving import weights_file

        return getattr(weights_file, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
