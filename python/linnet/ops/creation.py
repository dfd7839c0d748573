"""New tensors: zeros, ones, ranges, and conversion. Outside a trace they are NumPy arrays, inside constants.

Inside a trace a shape may hold the batch: None or `ops.shape(x)[0]`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from linnet.backend.dtypes import standardize_dtype
from linnet.backend.function import op
from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.tensor import BatchSize, Tensor
from linnet.backend.trace import current_trace
from linnet.ops.common import as_dtype, tensor, trace_of

_NUMPY = {"float32": np.float32, "int32": np.int32, "bool": np.bool_}


def _array(values: Any, dtype: str) -> Any:
    found: np.ndarray = np.asarray(values, dtype=_NUMPY[dtype])
    trace = current_trace()
    return found if trace is None else trace.constant(found)


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """A tensor of this shape with the same value everywhere."""
    shape = (shape,) if isinstance(shape, (int, BatchSize)) or shape is None else tuple(shape)
    if dtype is None:
        dtype = np.asarray(fill_value).dtype if not isinstance(fill_value, Tensor) else fill_value.dtype
    dtype = standardize_dtype(dtype)
    trace = current_trace()
    if trace is None:
        return np.full(shape, fill_value, _NUMPY[dtype])
    from linnet.ops.shape import broadcast_to

    return broadcast_to(as_dtype(trace.tensor(fill_value), dtype), shape)


def zeros(shape: Any, dtype: Any = None) -> Any:
    """Zeros, float32 unless dtype says otherwise."""
    return full(shape, 0.0, dtype or "float32")


def ones(shape: Any, dtype: Any = None) -> Any:
    """Ones, float32 unless dtype says otherwise."""
    return full(shape, 1.0, dtype or "float32")


def empty(shape: Any, dtype: Any = None) -> Any:
    """The same as zeros."""
    return zeros(shape, dtype)


@op("x")
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """A tensor of x's shape, and x's type unless given, with the same value everywhere."""
    x = tensor(x)
    value = as_dtype(fill_value, standardize_dtype(dtype or x.dtype))
    if x.dims == value.dims:
        return value
    kept = "bool" if value.dtype == "bool" else None
    return trace_of().add("broadcast_to", [value], kept, shape=list(x.dims))


@op("x")
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros of x's shape and type."""
    return full_like(x, 0, dtype)


@op("x")
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones of x's shape and type."""
    return full_like(x, 1, dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    """start, start + step, ... up to but without stop."""
    low, high = (0, start) if stop is None else (start, stop)
    values = np.arange(low, high, step)
    return _array(values, standardize_dtype(dtype or values.dtype))


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """num evenly spaced numbers from start to stop along a new axis; with retstep also the step between them."""
    values, step = np.linspace(start, stop, num, endpoint, retstep=True, axis=axis)
    found = _array(values, standardize_dtype(dtype))
    return (found, step) if retstep else found


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on diagonal k of an N x M matrix."""
    return _array(np.eye(N, M, k), standardize_dtype(dtype))


def identity(n: int, dtype: Any = None) -> Any:
    """The n x n identity matrix."""
    return eye(n, dtype=dtype)


def array(x: Any, dtype: Any = None) -> Any:
    """The same as convert_to_tensor."""
    return convert_to_tensor(x, dtype)


def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None) -> Any:
    """Inside a trace a tensor, outside an array; of this type if given."""
    if isinstance(x, KerasTensor):
        return x if dtype is None else cast(x, dtype)
    trace = current_trace()
    if trace is not None:
        found = trace.tensor(x)
        return found if dtype is None else as_dtype(found, standardize_dtype(dtype))
    values = np.asarray(x)
    own = standardize_dtype(dtype if dtype is not None else values.dtype)
    return values.astype(_NUMPY[own], copy=False)


def convert_to_numpy(x: Any) -> np.ndarray:
    """The values as a NumPy array; not possible inside a trace."""
    return np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Whether x is a tensor of a trace or a NumPy array."""
    return isinstance(x, (Tensor, np.ndarray))


@op("x")
def cast(x: Any, dtype: Any) -> Any:
    """x as another type. All floats are float32, all integers int32; a float becomes True where it is not 0."""
    return as_dtype(tensor(x), standardize_dtype(dtype))


@op("variable")
def stop_gradient(variable: Any) -> Any:
    """variable itself; no gradient flows back through it."""
    variable = tensor(variable)
    if variable.dtype != "float32":
        return variable
    return trace_of().add("stop_gradient", [variable])


@op("x")
def copy(x: Any) -> Any:
    """x itself: tensors never change."""
    return tensor(x)


def meshgrid(*x: Any, indexing: Literal["xy", "ij"] = "xy") -> Any:
    """Coordinate matrices of these coordinate vectors (arrays)."""
    return [_array(grid, standardize_dtype(grid.dtype)) for grid in np.meshgrid(*x, indexing=indexing)]
