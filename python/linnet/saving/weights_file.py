"""The weights of a layer or model in a file, and back into a model of the same structure.

Every weight has a name made of the layers around it, as in "encoder/conv2d_1/kernel". A layer that was given a name
keeps it; layers named automatically are counted within their parent, by class, so that the second model of a program
(whose layers are called dense_2 and dense_3) fits the file of the first.
"""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np

from linnet.backend.naming import to_snake_case
from linnet.backend.variable import Variable
from linnet.saving import files

WEIGHTS = "weights/"  # in front of the names of weights in a file
FORMAT = "linnet"
VERSION = "1"


def named_weights(model: Any) -> dict[str, Variable]:
    """All weights of a layer or model by name, in the order of `weights`."""
    found: dict[str, Variable] = {}
    seen: set[int] = set()

    def visit(layer: Any, prefix: str) -> None:
        if id(layer) in seen:
            return
        seen.add(id(layer))
        for variable in layer._own_variables():
            if id(variable) not in seen:
                seen.add(id(variable))
                found[_unused(prefix + variable.name, found)] = variable
        counts: dict[str, int] = {}
        taken: set[str] = set()
        for inner in layer._sublayers():
            base = to_snake_case(type(inner).__name__)
            name = inner.name
            if re.fullmatch(rf"{re.escape(base)}(_\d+)?", name):
                count = counts.get(base, 0)
                counts[base] = count + 1
                name = f"{base}_{count}" if count else base
            name = _unused(name, taken)
            taken.add(name)
            visit(inner, f"{prefix}{name}/")

    visit(model, "")
    return found


def _unused(name: str, taken: Any) -> str:
    count = 1
    candidate = name
    while candidate in taken:
        candidate = f"{name}_{count}"
        count += 1
    return candidate


def save_weights(model: Any, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Writes the weights of a built layer or model into a safetensors file."""
    check_target(filepath, overwrite)
    weights = named_weights(model)
    if not weights and not model.built:
        raise model.error("there are no weights to save yet; build the model or call it on data first")
    tensors = {WEIGHTS + name: variable._array for name, variable in weights.items()}
    files.write(filepath, tensors, {"format": FORMAT, "version": VERSION, "kind": "weights"})


def load_weights(model: Any, filepath: str | os.PathLike[str], skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Reads the weights of a file by save_weights or save into a built layer or model of the same structure.

    skip_mismatch: leave weights that the file lacks, or holds in another shape, as they are, instead of an error.
    """
    if kwargs:
        raise TypeError(f"load_weights: unknown arguments {', '.join(kwargs)}")
    tensors, metadata = files.read(filepath, lambda name: name.startswith(WEIGHTS))
    check_format(filepath, metadata)
    if not model.built:
        raise model.error("cannot load weights yet; build the model or call it on data first")
    assign(named_weights(model), strip(tensors, WEIGHTS), str(filepath), "weight", skip_mismatch)


def strip(tensors: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """The tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def assign(
    variables: dict[str, Variable], values: dict[str, np.ndarray], path: str, kind: str, skip_mismatch: bool = False
) -> None:
    """Gives every variable the value of its name. Nothing is changed when anything does not fit."""
    problems = []
    fitting = []
    for name, variable in variables.items():
        value = values.get(name)
        if value is None:
            problems.append(f'{kind} "{name}" {tuple(variable.shape)} is not in the file')
        elif value.shape != tuple(variable.shape):
            problems.append(f'{kind} "{name}" has shape {tuple(variable.shape)}, in the file {value.shape}')
        elif value.dtype.kind not in "fiu":
            problems.append(f'{kind} "{name}" has the type {value.dtype} in the file')
        else:
            fitting.append((variable, value))
    problems += [
        f'the file has {kind} "{name}" {value.shape}, the model has none of that name'
        for name, value in values.items()
        if name not in variables
    ]
    if problems and not skip_mismatch:
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise ValueError(f"{path} does not fit the model: {'; '.join(problems[:5])}{more}")
    for variable, value in fitting:
        variable.assign(value)


def check_format(path: str | os.PathLike[str], metadata: dict[str, str]) -> None:
    """Raises ValueError unless the file was written by linnet, in a format that this version reads."""
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{os.fspath(path)}: a safetensors file, but not written by linnet")
    if metadata.get("version") != VERSION:
        raise ValueError(
            f"{os.fspath(path)}: written in format version {metadata.get('version')!r}, this linnet reads version "
            f"{VERSION}; a newer linnet may be needed"
        )


def check_target(filepath: str | os.PathLike[str], overwrite: bool) -> None:
    """Raises FileExistsError when a file is there that must not be replaced."""
    if not overwrite and os.path.exists(filepath):
        raise FileExistsError(f"{os.fspath(filepath)} exists already; pass overwrite=True to replace it")
