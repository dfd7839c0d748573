"""Types. The engine knows float32 and int32; "bool" is float32 holding 0 and 1, and remembers in Python that it is one.

Wider or narrower types come in through NumPy arrays and are converted at the door: all floats to float32, all integers
to int32, both in `engine_array`.
"""

from typing import Any

import numpy as np

FLOATS = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def standardize_dtype(dtype: Any) -> str:
    """One of "float32", "int32", "bool" for any spelling of a type: "float64", np.uint8, float, None (float32)."""
    if dtype is None:
        return "float32"
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    if name in FLOATS or name == "float":
        return "float32"
    if name in INTEGERS or name == "int":
        return "int32"
    if name == "bool":
        return "bool"
    raise ValueError(f"dtype {dtype!r} is not supported; use float32, int32 or bool")


def promote(*dtypes: str) -> str:
    """The type of a result of operands of these types: float32 beats int32 beats bool."""
    if "float32" in dtypes:
        return "float32"
    return "int32" if "int32" in dtypes else "bool"


def array_dtype(array: np.ndarray, what: str = "array") -> str:
    """The linnet type of a NumPy array. Objects, strings and complex numbers raise TypeError naming `what`."""
    kind = array.dtype.kind
    if kind == "f":
        return "float32"
    if kind in "iu":
        return "int32"
    if kind == "b":
        return "bool"
    way_out = {
        "O": "; are the rows of different length? Pad them to one length, or convert with np.asarray(..., 'float32')",
        "c": "; take the real part, the magnitude, or stack real and imaginary parts",
        "U": "; encode the strings as numbers first",
        "S": "; encode the strings as numbers first",
    }.get(kind, "")
    raise TypeError(f"{what}: expected numbers, got dtype {array.dtype} of shape {array.shape}{way_out}")


def check_fits_int32(array: np.ndarray, what: str) -> None:
    """ValueError when integers of a wider type would wrap around in the engine's int32."""
    if array.dtype.kind not in "iu" or np.can_cast(array.dtype, np.int32) or not array.size:
        return
    low, high = array.min(), array.max()
    if low < -(2**31) or high >= 2**31:
        raise ValueError(f"{what}: integers from {low} to {high} do not fit into int32; convert to float32")


def engine_array(value: Any, dtype: str | None = None, what: str = "array") -> np.ndarray:
    """A C-contiguous float32 or int32 array of `value`; copied only where needed. dtype None: by the kind of value."""
    array = np.asarray(value)
    own = array_dtype(array, what)
    target = np.int32 if (dtype or own) == "int32" else np.float32
    if target is np.int32:
        check_fits_int32(array, what)
    # asarray with order "C" keeps 0-d arrays 0-d, which np.ascontiguousarray does not.
    return np.asarray(array, dtype=target, order="C")
