"""Helpers around training."""

import importlib
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
    "PyDataset",
    "Sequence",
    "UnderSampled",
    "Vocabulary",
    "array_to_img",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

# Loaded when first used: they need urllib, Pillow, or most of linnet.
_LATER = {
    "array_to_img": "images",
    "get_file": "download",
    "image_dataset_from_directory": "image_folder",
    "img_to_array": "images",
    "load_img": "images",
    "plot_model": "model_plotting",
    "save_img": "images",
    "split_dataset": "splitting",
    "timeseries_dataset_from_array": "timeseries",
}


def __getattr__(name: str) -> Any:
    if name in ("pack_x_y_sample_weight", "unpack_x_y_sample_weight"):
        from linnet.models import data

        return getattr(data, name)
    if name in _LATER:
        return getattr(importlib.import_module(f"linnet.utils.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
