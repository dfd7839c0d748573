"""The arrays given to fit, evaluate and predict: checked once, and described so that programs can be compiled for them.

A `Data` is a structure of inputs x, targets y and sample weights w whose leaves are C-contiguous NumPy arrays with one
row per sample, of any type that the engine's gather can read; it converts the rows of a batch to float32 or int32 when
it copies them. `Data.signature` says what the compiled program must know: structures, row shapes and types.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from linnet.backend.dtypes import array_dtype, check_fits_int32
from linnet.backend.tensor import Tensor
from linnet.backend.trace import Trace
from linnet.backend.tree import flatten, freeze, map_structure

# What the engine's gather reads; everything else is converted when the data is taken in.
_GATHERED = frozenset(["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])


class Leaf:
    """Where an array goes in a structure, and what is known about it at compile time."""

    __slots__ = ("dtype", "name", "row_shape")

    def __init__(self, name: str, row_shape: tuple[int, ...], dtype: str) -> None:
        self.name = name
        self.row_shape = row_shape
        self.dtype = dtype

    def key(self) -> Hashable:
        return (self.row_shape, self.dtype)


class Data:
    """x, y, w: structures of arrays; y and w may be None."""

    def __init__(self, x: Any, y: Any = None, w: Any = None) -> None:
        x, y = numpy_leaves(x, "x"), numpy_leaves(y, "y")
        w = numpy_leaves(w, "sample_weight")
        self.structure = (x, y, w)
        self.arrays: list[np.ndarray] = [leaf for leaf in flatten(self.structure) if leaf is not None]
        names = _names("x", x) + _names("y", y) + _names("sample_weight", w)
        self.n = _common_length(names, self.arrays)
        self.leaves = [
            Leaf(name, array.shape[1:], "float32" if name.startswith("sample_weight") else array_dtype(array, name))
            for name, array in zip(names, self.arrays, strict=True)
        ]

    @property
    def signature(self) -> Hashable:
        """What a program must be compiled anew for."""
        shape = freeze(map_structure(lambda leaf: leaf is not None, self.structure))
        return (shape, tuple(leaf.key() for leaf in self.leaves))

    def placeholders(self, trace: Trace) -> tuple[Any, Any, Any]:
        """(x, y, w) with a tensor of the trace, made as its next input, for each array."""
        tensors = iter([trace.input(leaf.name, (-1, *leaf.row_shape), leaf.dtype) for leaf in self.leaves])
        return map_structure(lambda leaf: None if leaf is None else next(tensors), self.structure)

    def check_integers(self) -> None:
        """ValueError for integers (labels, ids) that the engine's int32 cannot hold: the gather would wrap them."""
        for leaf, array in zip(self.leaves, self.arrays, strict=True):
            if leaf.dtype == "int32":
                check_fits_int32(array, leaf.name)

    def rows(self, first: int, last: int) -> Data:
        """Samples first to last, without copying."""
        arrays = iter(self.arrays)
        return Data(*map_structure(lambda leaf: None if leaf is None else next(arrays)[first:last], self.structure))


def _names(prefix: str, structure: Any) -> list[str]:
    if isinstance(structure, dict):
        return [n for key in sorted(structure) for n in _names(f"{prefix}[{key!r}]", structure[key])]
    if isinstance(structure, (list, tuple)):
        return [n for i, item in enumerate(structure) for n in _names(f"{prefix}[{i}]", item)]
    return [] if structure is None else [prefix]


def _common_length(names: list[str], arrays: list[np.ndarray]) -> int:
    lengths = {name: len(array) for name, array in zip(names, arrays, strict=True)}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"all data must have the same number of samples (rows): {listed}")
    n = next(iter(lengths.values()), 0)
    if n == 0:
        raise ValueError(f"the data is empty: {names[0] if names else 'x'} has no samples")
    return n


def numpy_leaves(structure: Any, name: str) -> Any:
    """The structure with every leaf an array that the engine can read. TypeError for anything but real numbers."""
    if structure is None:
        return None
    if isinstance(structure, dict):
        return {key: numpy_leaves(value, f"{name}[{key!r}]") for key, value in structure.items()}
    if isinstance(structure, (list, tuple)) and _is_structure(structure):
        return tuple(numpy_leaves(value, f"{name}[{i}]") for i, value in enumerate(structure))
    return numpy_array(structure, name)


def _is_structure(value: Any) -> bool:
    """Whether a list is a list of arrays (several inputs) rather than an array written as a list."""
    if any(item is None or isinstance(item, dict) for item in value):
        return True
    return len(value) > 0 and all(getattr(item, "ndim", 0) > 0 for item in value)


def numpy_array(value: Any, name: str) -> np.ndarray:
    """One array with a first axis of samples, C-contiguous, of a type that the engine's gather reads."""
    if isinstance(value, Tensor):
        raise TypeError(f"{name}: expected an array, got a tensor of a running trace")
    if not hasattr(value, "__array__") and not isinstance(value, (list, tuple, int, float, bool)):
        raise TypeError(
            f"{name}: expected a NumPy array, something that converts to one, or a list or dict of those; "
            f"got {type(value).__name__}"
        )
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"{name}: cannot make an array of this list: {error}") from None
    array_dtype(array, name)  # raises for anything but numbers
    if array.ndim == 0:
        raise ValueError(f"{name}: expected an array with one row per sample, got the single value {array}")
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    elif array.dtype.name not in _GATHERED or not array.dtype.isnative:
        array = array.astype(np.float32 if array.dtype.kind == "f" else array.dtype.newbyteorder("="))
    return np.ascontiguousarray(array)


def split_validation(data: Data, fraction: float) -> tuple[Data, Data]:
    """(training, validation): the last `fraction` of the samples is held back, as they lie, before any shuffling."""
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"validation_split must lie between 0 and 1, got {fraction}")
    at = int(np.floor(data.n * (1.0 - fraction)))
    if at == 0 or at == data.n:
        raise ValueError(
            f"validation_split={fraction} of {data.n} samples leaves none for {'training' if at == 0 else 'validation'}"
        )
    return data.rows(0, at), data.rows(at, data.n)


def with_class_weights(y: Any, w: Any, class_weight: Any, names: list[str] | None = None) -> Any:
    """Sample weights (n,) from class_weight {class: weight} and the labels y; multiplied into w if there is one."""
    if class_weight is None:
        return w
    if isinstance(y, (list, tuple, dict)) and len(flatten(y)) > 1:
        raise ValueError("class_weight works with one output only; give sample_weight for several")
    if y is None:
        raise ValueError("class_weight needs targets y")
    labels = np.asarray(flatten(numpy_leaves(y, "y"))[0])
    if labels.ndim > 1 and labels.shape[-1] > 1:
        labels = labels.argmax(-1)
    labels = labels.reshape(labels.shape[0], -1)[:, 0] if labels.ndim > 1 and labels.shape[-1] == 1 else labels
    if labels.ndim > 1:
        raise ValueError(f"class_weight: expected one label per sample, got targets of shape {np.shape(y)}")
    labels = labels.astype(np.int64)
    weights = np.ones(max(int(labels.max(initial=0)), *(int(key) for key in class_weight), 0) + 1, np.float32)
    for key, value in class_weight.items():
        weights[int(key)] = value
    if labels.min(initial=0) < 0:
        raise ValueError(f"class_weight: label {labels.min()} at sample {labels.argmin()} is negative")
    found = weights[labels]
    return found if w is None else found * np.asarray(w, np.float32).reshape(-1)
