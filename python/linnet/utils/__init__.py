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
from linnet.utils.py_dataset import PyDataset, Sequence
from linnet.utils.random_seed import set_random_seed
from linnet.utils.resampling import SMOTE, OverSampled, UnderSampled
from linnet.utils.sequences import Vocabulary, pad_sequences

__all__ = [
    "SMOTE",
    "CustomObjectScope",
    "OverSampled",
    "Vocabulary",
    "PyDataset",
    "Sequence",
    "UnderSampled",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
]


def __getattr__(name: str) -> Any:
    if name in ("pack_x_y_sample_weight", "unpack_x_y_sample_weight"):
        from linnet.models import data

        return getattr(data, name)
    if name == "plot_model":
        from linnet.utils.model_plotting import plot_model

        return plot_model
    if name == "get_file":
        # Loaded when first used, for it needs urllib.
        from linnet.utils.download import get_file

        return get_file
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
