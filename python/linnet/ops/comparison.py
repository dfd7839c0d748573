"""Comparisons and logic. Results are "bool": inside a trace float32 zeros and ones, outside NumPy bools."""

from __future__ import annotations

from typing import Any

from linnet.backend.function import op
from linnet.backend.tensor import Tensor
from linnet.ops.common import as_bool, as_float, trace_of


def _compare(name: str, x1: Any, x2: Any) -> Tensor:
    return trace_of().add(name, [as_float(x1), as_float(x2)], "bool")


@op("x1", "x2")
def equal(x1: Any, x2: Any) -> Any:
    """x1 == x2. Integers beyond 2**24 are compared after rounding to float32."""
    return _compare("equal", x1, x2)


@op("x1", "x2")
def not_equal(x1: Any, x2: Any) -> Any:
    """x1 != x2."""
    return _compare("not_equal", x1, x2)


@op("x1", "x2")
def less(x1: Any, x2: Any) -> Any:
    """x1 < x2."""
    return _compare("less", x1, x2)


@op("x1", "x2")
def less_equal(x1: Any, x2: Any) -> Any:
    """x1 <= x2."""
    return _compare("less_equal", x1, x2)


@op("x1", "x2")
def greater(x1: Any, x2: Any) -> Any:
    """x1 > x2."""
    return _compare("greater", x1, x2)


@op("x1", "x2")
def greater_equal(x1: Any, x2: Any) -> Any:
    """x1 >= x2."""
    return _compare("greater_equal", x1, x2)


@op("x1", "x2")
def logical_and(x1: Any, x2: Any) -> Any:
    """Whether both are nonzero."""
    return trace_of().add("logical_and", [as_bool(x1), as_bool(x2)], "bool")


@op("x1", "x2")
def logical_or(x1: Any, x2: Any) -> Any:
    """Whether at least one is nonzero."""
    return trace_of().add("logical_or", [as_bool(x1), as_bool(x2)], "bool")


@op("x1", "x2")
def logical_xor(x1: Any, x2: Any) -> Any:
    """Whether exactly one is nonzero."""
    return trace_of().add("not_equal", [as_bool(x1), as_bool(x2)], "bool")


@op("x")
def logical_not(x: Any) -> Any:
    """Whether it is zero."""
    return trace_of().add("logical_not", [as_bool(x)], "bool")


@op("x")
def isnan(x: Any) -> Any:
    """Whether it is not a number."""
    return trace_of().add("is_nan", [as_float(x)], "bool")


@op("x")
def isfinite(x: Any) -> Any:
    """Whether it is neither infinite nor NaN."""
    return trace_of().add("is_finite", [as_float(x)], "bool")


@op("x")
def isinf(x: Any) -> Any:
    """Whether it is plus or minus infinity."""
    return logical_not(logical_or(isnan(x), isfinite(x)))


@op("x1", "x2")
def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """|x1 - x2| <= atol + rtol * |x2|."""
    from linnet.ops.arithmetic import absolute, add, multiply, subtract

    a, b = as_float(x1), as_float(x2)
    # Equal infinities are close although their difference is NaN.
    near = less_equal(absolute(subtract(a, b)), add(atol, multiply(rtol, absolute(b))))
    near = logical_or(equal(a, b), logical_and(near, isfinite(b)))
    return logical_or(near, logical_and(isnan(a), isnan(b))) if equal_nan else near
