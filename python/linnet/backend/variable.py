"""`Variable`: an array that lives between runs. Weights, optimizer slots, metric counters and moving averages.

Outside a trace it is a NumPy array with a name: `assign` writes at once and operators return arrays. Inside a trace,
operators and `value` read the value at that point of the recording, and `assign` records an assignment.

The array may move: all trainable weights of a model are laid into one flat array (`flat.py`), and each variable's array
becomes a view of it. `storage.epoch` counts such moves, so that compiled programs know when to bind their memory again.
Assigning never moves the array; it writes into it.

Programs keep what they compute from weights alone, folded and packed kernels for instance, until a weight changes. So
nothing but this class and the engine may write the array: `_write` reports to the engine, and what leaves this class
(`value`) is read-only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from linnet import _engine
from linnet.backend.dtypes import engine_array, standardize_dtype
from linnet.backend.naming import auto_name, scoped_path
from linnet.backend.tensor import Arithmetic, Tensor
from linnet.backend.trace import current_trace, eager


class _Storage:
    epoch = 0  # grows whenever any variable's array is replaced


storage = _Storage()


# How many numbers new variables may still hold together, or None for any: set while a model is made from a file, whose
# configuration could ask for more memory than there is.
allowance: ContextVar[list[int] | None] = ContextVar("linnet_allowance", default=None)


def _take_allowance(shape: Sequence[int]) -> None:
    left = allowance.get()
    if left is not None:
        left[0] -= math.prod(shape)
        if left[0] < 0:
            raise ValueError(f"the file has fewer numbers than its model needs for a weight of shape {tuple(shape)}")


def aligned_zeros(shape: Sequence[int], dtype: Any = np.float32) -> np.ndarray:
    """Zeros whose first element lies on a 64-byte boundary: a cache line and a full vector of every processor."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(tuple(shape))


class Variable(Arithmetic):
    """An array with a name that operations can read and `assign` can change.

    initializer: an array (its shape is taken), or a callable `initializer(shape, dtype)` as those of
        `linnet.initializers`, or the name of one.
    shape: the shape when the initializer is a callable or a name.
    dtype: "float32" (default), "int32" or "bool" (kept as 0.0 and 1.0).
    trainable: whether `fit` changes it.
    regularizer, constraint: callables on the variable, or None.
    """

    def __init__(
        self,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
        regularizer: Callable[[Any], Any] | None = None,
        constraint: Callable[[Any], Any] | None = None,
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.path = scoped_path(self.name)
        self.trainable = trainable
        self.regularizer = regularizer
        self.constraint = constraint
        if isinstance(initializer, str):
            from linnet import initializers

            initializer = initializers.get(initializer)
        if callable(initializer):
            if shape is None:
                raise ValueError(f'variable "{self.path}": a shape is needed together with an initializer')
            self.dtype = standardize_dtype(dtype)
            _take_allowance(shape)
            with eager():
                value = initializer(tuple(shape), dtype=self.dtype)
        else:
            value = np.asarray(initializer)
            self.dtype = standardize_dtype(value.dtype if dtype is None else dtype)
        value = engine_array(value, self.dtype, f'variable "{self.path}"')
        if shape is not None and value.shape != tuple(shape):
            raise ValueError(
                f'variable "{self.path}": expected shape {tuple(shape)}, the initializer gave {value.shape}'
            )
        self._array = aligned_zeros(value.shape, value.dtype)
        # Memory that nobody has written takes no room: the slots of an optimizer need none before they are laid out.
        if value.any():
            self._array[...] = value

    def _as_variable(self) -> Variable:
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def size(self) -> int:
        return self._array.size

    @property
    def value(self) -> Any:
        """The value: a tensor inside a trace, else a read-only view of the array: use assign to change it."""
        trace = current_trace()
        return trace.read(self) if trace is not None else self._public()

    def _public(self) -> np.ndarray:
        if self.dtype == "bool":
            return self._array.astype(bool)
        view = self._array.view()
        view.flags.writeable = False
        return view

    def _write(self, value: Any) -> None:
        self._array[...] = value
        _engine.memory_written(self._array)

    def numpy(self) -> np.ndarray:
        """A copy of the current value. ValueError inside a trace, where the value is not known yet."""
        if current_trace() is not None:
            raise ValueError(f'variable "{self.path}": its numbers are not known inside a model; use linnet.ops on it')
        return self._public().copy()

    def assign(self, value: Any) -> Any:
        """Writes a value of the same shape (or one that broadcasts to it: 0 clears). Returns the value."""
        trace = current_trace()
        if trace is not None:
            return trace.assign(self, value)
        if isinstance(value, Tensor):
            raise ValueError(f'variable "{self.path}": cannot take the value of a trace that has ended')
        if hasattr(value, "_as_variable"):
            value = value._as_variable()._array
        array = engine_array(value, self.dtype, f'variable "{self.path}"')
        if array.shape != self.shape and array.ndim:
            raise ValueError(
                f'variable "{self.path}" has shape {self.shape} and cannot take a value of shape {array.shape}'
            )
        self._write(array)
        return self._public()

    def assign_add(self, value: Any) -> Any:
        """value += given."""
        return self.assign(self + value)

    def assign_sub(self, value: Any) -> Any:
        """value -= given."""
        return self.assign(self - value)

    def move_to(self, array: np.ndarray) -> None:
        """Copies the value into `array` (same shape and type, C-contiguous) and lives there from now on."""
        old, self._array = self._array, array
        self._write(old)
        storage.epoch += 1

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if current_trace() is not None:
            raise TypeError(f'variable "{self.path}": use linnet.ops instead of numpy functions inside a model')
        array = self._public()
        return np.array(array, dtype=dtype) if copy or copy is None else np.asarray(array, dtype=dtype)

    def __len__(self) -> int:
        return len(self._array)

    def __bool__(self) -> bool:
        return bool(self._array)

    def __float__(self) -> float:
        return float(self._array)

    def __int__(self) -> int:
        return int(self._array)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, value={self._public()}>"
