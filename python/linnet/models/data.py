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

    def take(self, indices: np.ndarray) -> Data:
        """A copy of these samples."""
        return Data(*map_structure(lambda leaf: None if leaf is None else leaf[indices], self.structure))

    def shapes(self) -> str:
        """x (32, 28, 28), y (32,)"""
        pairs = zip(self.leaves, self.arrays, strict=True)
        return ", ".join(f"{leaf.name} {array.shape} {array.dtype}" for leaf, array in pairs)


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
    if hasattr(value, "to_numpy"):
        value = _table_array(value)
    elif not hasattr(value, "__array__") and hasattr(value, "__dlpack__"):
        value = np.from_dlpack(value)
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


def _table_array(table: Any) -> Any:
    """The numbers of a data frame (pandas, polars), or of one of its columns as (n, 1), as Keras takes them."""
    array = table.to_numpy()
    if array.dtype == object and hasattr(table, "dtypes"):
        # Columns of several types, or with missing values that have no number: floats hold all that can be a number.
        try:
            array = array.astype(np.float32)
        except (TypeError, ValueError):
            columns = getattr(table, "columns", ())
            words = [str(name) for name in columns if table[name].to_numpy().dtype.kind not in "biuf"]
            what = f"the columns {', '.join(words)} are not numbers: encode" if words else "values are missing: fill"
            raise TypeError(f"a data frame cannot be read: {what} or drop them first") from None
    return array[:, None] if array.ndim == 1 else array


def split_validation(data: Data, fraction: float, stratify: bool = False) -> tuple[Data, Data]:
    """(training, validation): the last `fraction` of the samples is held back, as they lie, before any shuffling.

    stratify: the last `fraction` of each class instead, by the labels y (class numbers, or one-hot rows).
    """
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"validation_split must lie between 0 and 1, got {fraction}")
    at = int(np.floor(data.n * (1.0 - fraction)))
    if at == 0 or at == data.n:
        raise ValueError(
            f"validation_split={fraction} of {data.n} samples leaves none for {'training' if at == 0 else 'validation'}"
        )
    if not stratify:
        return data.rows(0, at), data.rows(at, data.n)
    held = _last_of_each_class(data, fraction)
    return data.take(np.flatnonzero(~held)), data.take(np.flatnonzero(held))


def _last_of_each_class(data: Data, fraction: float) -> np.ndarray:
    """Which samples the last `fraction` of each class are."""
    targets = flatten(data.structure[1])
    if len(targets) != 1 or targets[0] is None:
        raise ValueError("stratify needs one target with class labels: y of shape (n,) or (n, 1), or one-hot rows")
    labels = targets[0]
    if labels.ndim == 2:
        labels = labels[:, 0] if labels.shape[1] == 1 else labels.argmax(1)
    if labels.ndim != 1:
        raise ValueError(f"stratify needs one label per sample, got targets of shape {labels.shape}")
    _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(classes, kind="stable")
    rank = np.empty(len(labels), np.int64)  # of a sample among those of its class
    rank[order] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = np.floor(counts * (1.0 - fraction)).astype(np.int64)
    held = rank >= np.maximum(kept, 1)[classes]  # a class of one sample stays in the training part
    if not held.any():
        raise ValueError(f"validation_split={fraction} with stratify: every class has one sample only")
    return np.asarray(held)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of what a batch or validation_data consists of: x, (x,), (x, y) or all three."""
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "data must be x, (x,), (x, y) or (x, y, sample_weight); got a tuple of "
            f"{len(data)}. Several inputs belong into a tuple or dict of their own: ((a, b), y)"
        )
    return (*data, None, None)[:3]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """What unpack_x_y_sample_weight takes apart: as much of (x, y, sample_weight) as there is."""
    if y is None and sample_weight is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)
