"""What every family of operations needs: turning arguments into tensors, types, axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet.backend.dtypes import promote
from linnet.backend.tensor import Tensor
from linnet.backend.trace import Trace, current_trace


def trace_of() -> Trace:
    """The running trace. Operations are only entered inside one (the `op` decorator opens it)."""
    trace = current_trace()
    assert trace is not None
    return trace


def tensor(value: Any) -> Tensor:
    """`value` as a tensor of the running trace."""
    return trace_of().tensor(value)


def as_float(x: Any) -> Tensor:
    """As float32; ints are converted, bools are 0.0 and 1.0 already."""
    x = tensor(float(x)) if isinstance(x, int) else tensor(x)
    if x.dtype == "float32":
        return x
    if x.dtype == "int32":
        return _cast(x, "float32")
    return Tensor(x.trace, x.value, x.dims, "float32")


def as_int(x: Any) -> Tensor:
    """As int32; floats are cut off towards zero."""
    x = tensor(x)
    return x if x.dtype == "int32" else _cast(x, "int32")


def as_bool(x: Any) -> Tensor:
    """As 0.0 and 1.0: whether the value differs from zero."""
    x = tensor(x)
    if x.dtype == "bool":
        return x
    return x.trace.add("not_equal", [as_float(x), tensor(0.0)], "bool")


def as_dtype(x: Any, dtype: str) -> Tensor:
    """As "float32", "int32" or "bool"."""
    return {"float32": as_float, "int32": as_int, "bool": as_bool}[dtype](x)


def _cast(x: Tensor, dtype: str) -> Tensor:
    value = x.trace.graph.add("cast", [x.value], {"dtype": dtype}, "")[0]
    return Tensor(x.trace, value, x.dims, dtype)


def engine_kind(x: Tensor) -> str:
    """What the engine holds: "int32" or "float32"."""
    return "int32" if x.dtype == "int32" else "float32"


def promoted(*values: Any) -> tuple[list[Tensor], str]:
    """The values as tensors of one type, and that type."""
    tensors = [tensor(value) for value in values]
    dtype = promote(*(t.dtype for t in tensors))
    # The value itself, not its tensor, so that a Python int beside floats becomes a float constant and no cast.
    return [as_dtype(v if isinstance(v, int) else t, dtype) for v, t in zip(values, tensors, strict=True)], dtype


def one_axis(axis: int, ndim: int, what: str) -> int:
    """The axis counted from the front."""
    if not isinstance(axis, int) or isinstance(axis, bool):
        raise TypeError(f"{what}: axis must be an int, got {axis!r}")
    if not -ndim <= axis < ndim:
        raise ValueError(f"{what}: axis {axis} does not exist in a tensor of rank {ndim}")
    return axis % ndim


def many_axes(axis: int | Sequence[int] | None, ndim: int, what: str) -> list[int]:
    """The axes counted from the front, ascending; None means all."""
    if axis is None:
        return list(range(ndim))
    axes = [axis] if isinstance(axis, int) else list(axis)
    found = sorted(one_axis(a, ndim, what) for a in axes)
    if len(set(found)) != len(found):
        raise ValueError(f"{what}: axes {tuple(axes)} name an axis twice")
    return found
