"""A whole model in one file: architecture, weights, compile arguments and the optimizer's state.

The file is a safetensors file. Its tensors are "weights/..." (weights_file.py) and "optimizer/...", its metadata hold
the architecture ("config"), the arguments of compile ("compile_config") and the input shapes ("build_config") as JSON.
Loading makes objects of a closed list of classes (registry.py) and the user's own; nothing in the file is executed or
imported. Whatever is wrong with a file, loading it raises one ValueError that says what was found.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from linnet.backend.variable import allowance
from linnet.saving import files, registry
from linnet.saving.serialization import deserialize_keras_object, serialize_keras_object
from linnet.saving.weights_file import (
    FORMAT,
    VERSION,
    WEIGHTS,
    assign,
    check_format,
    check_target,
    named_weights,
    strip,
)

OPTIMIZER = "optimizer/"


def save_model(
    model: Any, filepath: str | os.PathLike[str], overwrite: bool = True, include_optimizer: bool = True
) -> None:
    """Writes the model. include_optimizer=False leaves out the optimizer's state."""
    from linnet import __version__

    check_target(filepath, overwrite)
    weights = named_weights(model)
    tensors = {WEIGHTS + name: variable._array for name, variable in weights.items()}
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and include_optimizer:
        names = {id(variable): name for name, variable in weights.items()}
        state = optimizer.named_state(names)
        tensors |= {OPTIMIZER + name: variable._array for name, variable in state.items()}
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "kind": "model",
        "linnet_version": __version__,
        "config": _to_json(serialize_keras_object(model), "the architecture"),
        "compile_config": _to_json(_compile_config(model), "the arguments of compile"),
        "build_config": _to_json(model.get_build_config(), "the input shapes"),
    }
    files.write(filepath, tensors, metadata)


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model of a file written by `model.save`.

    custom_objects: the user's classes and functions by name. compile=False leaves it uncompiled. safe_mode is accepted
    as in Keras: loading never executes code.
    """
    path = os.fspath(filepath)
    tensors, metadata = files.read(path)
    check_format(path, metadata)
    if metadata.get("kind") == "graph":
        raise ValueError(f"{path} was written by model.export, for programs without Python; load a file by model.save")
    if metadata.get("kind") != "model":
        raise ValueError(f"{path} holds weights only; make the model and use model.load_weights")
    # A model may have metrics inside, whose few numbers are not in the file.
    token = allowance.set([sum(tensor.size for tensor in tensors.values()) + 1024])
    with registry.custom_object_scope(custom_objects or {}):
        try:
            model = _make(metadata, custom_objects)
            allowance.set(None)
            if compile:
                _compile(model, metadata)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError) as error:
            text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
            raise ValueError(f"{path}: the model cannot be made from its configuration: {text}") from error
        except MemoryError as error:
            raise ValueError(f"{path}: the model of its configuration does not fit into memory") from error
        finally:
            allowance.reset(token)
    weights = named_weights(model)
    assign(weights, strip(tensors, WEIGHTS), path, "weight")
    state = strip(tensors, OPTIMIZER)
    optimizer = getattr(model, "optimizer", None)
    if compile and optimizer is not None and state:
        if any("/" in name for name in state) and not optimizer.built:
            optimizer.build(model.trainable_variables)
        names = {id(variable): name for name, variable in weights.items()}
        assign(optimizer.named_state(names), state, path, "optimizer state")
    return model


def _make(metadata: Mapping[str, str], custom_objects: Mapping[str, Any] | None) -> Any:
    from linnet.layers.layer import Layer

    model = deserialize_keras_object(_from_json(metadata, "config"), custom_objects)
    if not isinstance(model, Layer):
        raise ValueError(f"it describes {type(model).__name__}, not a model")
    build_config = _from_json(metadata, "build_config")
    if not model.built and build_config:
        model.build_from_config(build_config)
    return model


def _compile_config(model: Any) -> Any:
    get = getattr(model, "get_compile_config", None)
    return get() if get is not None else None


def _compile(model: Any, metadata: Mapping[str, str]) -> None:
    config = _from_json(metadata, "compile_config")
    if config:
        model.compile_from_config(config)


def _to_json(value: Any, what: str) -> str:
    try:
        return json.dumps(value, allow_nan=True)
    except (TypeError, ValueError) as error:
        raise TypeError(f"the model cannot be saved: {what} cannot be written as JSON ({error})") from error


def _from_json(metadata: Mapping[str, str], key: str) -> Any:
    text = metadata.get(key)
    if text is None:
        raise ValueError(f'the file has no "{key}"')
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f'its "{key}" is not valid JSON ({error})') from error
