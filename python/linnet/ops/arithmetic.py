"""Elementwise arithmetic, broadcasting as in NumPy.

The engine's pointwise nodes are float32. Where all operands are integers and Keras's result is one, the result is
cast back to int32, which is exact up to 2**24.
"""

from __future__ import annotations

import math
from typing import Any

from linnet.backend.function import op
from linnet.backend.tensor import Tensor
from linnet.ops.common import as_bool, as_float, as_int, promoted, tensor, trace_of


def _binary(name: str, x1: Any, x2: Any) -> Tensor:
    (a, b), dtype = promoted(x1, x2)
    result = trace_of().add(name, [as_float(a), as_float(b)])
    return result if dtype == "float32" else as_int(result)


def _float_binary(name: str, x1: Any, x2: Any) -> Tensor:
    return trace_of().add(name, [as_float(x1), as_float(x2)])


def _unary(name: str, x: Any) -> Tensor:
    return trace_of().add(name, [as_float(x)])


def _same_type(name: str, x: Any) -> Tensor:
    x = tensor(x)
    result = _unary(name, x)
    return result if x.dtype == "float32" else as_int(result)


@op("x1", "x2")
def add(x1: Any, x2: Any) -> Any:
    """x1 + x2."""
    return _binary("add", x1, x2)


@op("x1", "x2")
def subtract(x1: Any, x2: Any) -> Any:
    """x1 - x2."""
    return _binary("subtract", x1, x2)


@op("x1", "x2")
def multiply(x1: Any, x2: Any) -> Any:
    """x1 * x2."""
    return _binary("multiply", x1, x2)


@op("x1", "x2")
def divide(x1: Any, x2: Any) -> Any:
    """x1 / x2, always float."""
    return _float_binary("divide", x1, x2)


@op("x1", "x2")
def true_divide(x1: Any, x2: Any) -> Any:
    """x1 / x2, always float."""
    return _float_binary("divide", x1, x2)


@op("x1", "x2")
def divide_no_nan(x1: Any, x2: Any) -> Any:
    """x1 / x2, and 0 where x2 is 0."""
    return _float_binary("divide_no_nan", x1, x2)


@op("x1", "x2")
def floor_divide(x1: Any, x2: Any) -> Any:
    """The largest integer not above x1 / x2."""
    return _binary("floor_divide", x1, x2)


@op("x1", "x2")
def mod(x1: Any, x2: Any) -> Any:
    """The rest of x1 / x2, with the sign of x2, as in Python."""
    return _binary("mod", x1, x2)


@op("x1", "x2")
def power(x1: Any, x2: Any) -> Any:
    """x1 ** x2. Small whole constant exponents become products, which are exact and fast."""
    if isinstance(x2, (int, float)) and not isinstance(x2, bool):
        x = tensor(x1)
        if x2 == 2:
            return square(x)
        if x2 == 1:
            return x
        if x2 == 0.5:
            return sqrt(x)
        if x2 == -1 and isinstance(x2, float):
            return reciprocal(x)
        if x2 == 3:
            return multiply(square(x), x)
    return _binary("power", x1, x2)


@op("x1", "x2")
def maximum(x1: Any, x2: Any) -> Any:
    """The larger of x1 and x2, element by element."""
    return _binary("maximum", x1, x2)


@op("x1", "x2")
def minimum(x1: Any, x2: Any) -> Any:
    """The smaller of x1 and x2, element by element."""
    return _binary("minimum", x1, x2)


@op("x", "x_min", "x_max")
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """x limited to [x_min, x_max]."""
    return minimum(maximum(x, x_min), x_max)


@op("x1", "x2")
def arctan2(x1: Any, x2: Any) -> Any:
    """The angle of the point (x2, x1), in (-pi, pi]."""
    return _float_binary("arctan2", x1, x2)


@op("x")
def negative(x: Any) -> Any:
    """-x."""
    return _same_type("negative", x)


@op("x")
def absolute(x: Any) -> Any:
    """|x|."""
    return _same_type("absolute", x)


@op("x")
def abs(x: Any) -> Any:
    """|x|."""
    return _same_type("absolute", x)


@op("x")
def sign(x: Any) -> Any:
    """-1, 0 or 1."""
    return _same_type("sign", x)


@op("x")
def square(x: Any) -> Any:
    """x * x."""
    return _same_type("square", x)


@op("x")
def sqrt(x: Any) -> Any:
    """The square root."""
    return _unary("sqrt", x)


@op("x")
def rsqrt(x: Any) -> Any:
    """1 / sqrt(x)."""
    return _unary("rsqrt", x)


@op("x")
def reciprocal(x: Any) -> Any:
    """1 / x."""
    return _unary("reciprocal", x)


@op("x")
def exp(x: Any) -> Any:
    """e ** x."""
    return _unary("exp", x)


@op("x")
def exp2(x: Any) -> Any:
    """2 ** x."""
    return exp(multiply(as_float(x), math.log(2.0)))


@op("x")
def expm1(x: Any) -> Any:
    """exp(x) - 1, exact for small x."""
    return _unary("expm1", x)


@op("x")
def log(x: Any) -> Any:
    """The natural logarithm."""
    return _unary("log", x)


@op("x")
def log1p(x: Any) -> Any:
    """log(1 + x), exact for small x."""
    return _unary("log1p", x)


@op("x")
def log2(x: Any) -> Any:
    """The logarithm to base 2."""
    return multiply(log(x), 1.0 / math.log(2.0))


@op("x")
def log10(x: Any) -> Any:
    """The logarithm to base 10."""
    return multiply(log(x), 1.0 / math.log(10.0))


@op("x1", "x2")
def logaddexp(x1: Any, x2: Any) -> Any:
    """log(exp(x1) + exp(x2)) without overflow."""
    a, b = as_float(x1), as_float(x2)
    return add(maximum(a, b), trace_of().add("softplus", [negative(absolute(subtract(a, b)))]))


@op("x")
def sin(x: Any) -> Any:
    """The sine of an angle in radians."""
    return _unary("sin", x)


@op("x")
def cos(x: Any) -> Any:
    """The cosine of an angle in radians."""
    return _unary("cos", x)


@op("x")
def tan(x: Any) -> Any:
    """The tangent of an angle in radians."""
    return _unary("tan", x)


@op("x")
def arctan(x: Any) -> Any:
    """The angle in (-pi/2, pi/2) whose tangent is x."""
    return _float_binary("arctan2", x, 1.0)


@op("x")
def arcsin(x: Any) -> Any:
    """The angle in [-pi/2, pi/2] whose sine is x."""
    x = as_float(x)
    return arctan2(x, sqrt(multiply(subtract(1.0, x), add(1.0, x))))


@op("x")
def arccos(x: Any) -> Any:
    """The angle in [0, pi] whose cosine is x."""
    x = as_float(x)
    return arctan2(sqrt(multiply(subtract(1.0, x), add(1.0, x))), x)


@op("x")
def sinh(x: Any) -> Any:
    """The hyperbolic sine."""
    x = as_float(x)
    return multiply(0.5, subtract(expm1(x), expm1(negative(x))))


@op("x")
def cosh(x: Any) -> Any:
    """The hyperbolic cosine."""
    x = as_float(x)
    return multiply(0.5, add(exp(x), exp(negative(x))))


@op("x")
def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return _unary("tanh", x)


@op("x")
def arcsinh(x: Any) -> Any:
    """The inverse of sinh."""
    x = as_float(x)
    size = absolute(x)
    # log(|x| + sqrt(x*x + 1)) written with log1p, so that small x keep their digits.
    root = sqrt(add(square(x), 1.0))
    return multiply(sign(x), log1p(add(size, divide(square(x), add(1.0, root)))))


@op("x")
def arccosh(x: Any) -> Any:
    """The inverse of cosh, for x >= 1."""
    x = as_float(x)
    return log(add(x, multiply(sqrt(subtract(x, 1.0)), sqrt(add(x, 1.0)))))


@op("x")
def arctanh(x: Any) -> Any:
    """The inverse of tanh, for |x| < 1."""
    x = as_float(x)
    return multiply(0.5, subtract(log1p(x), log1p(negative(x))))


@op("x")
def erf(x: Any) -> Any:
    """The error function."""
    return _unary("erf", x)


@op("x")
def floor(x: Any) -> Any:
    """The largest integer not above x, as float."""
    return _unary("floor", x)


@op("x")
def ceil(x: Any) -> Any:
    """The smallest integer not below x, as float."""
    return _unary("ceil", x)


@op("x")
def trunc(x: Any) -> Any:
    """x without its fraction."""
    x = as_float(x)
    return multiply(sign(x), floor(absolute(x)))


@op("x")
def round(x: Any, decimals: int = 0) -> Any:
    """The nearest integer, halves to the even one; with `decimals`, the nearest multiple of 10**-decimals."""
    x = tensor(x)
    if x.dtype != "float32" and decimals >= 0:
        return x
    if decimals == 0:
        return _unary("round", x)
    scale = 10.0**decimals
    return divide(_unary("round", multiply(x, scale)), scale)


@op("x")
def degrees(x: Any) -> Any:
    """Radians to degrees."""
    return multiply(as_float(x), 180.0 / math.pi)


@op("x")
def radians(x: Any) -> Any:
    """Degrees to radians."""
    return multiply(as_float(x), math.pi / 180.0)


@op("condition", "x1", "x2")
def where(condition: Any, x1: Any, x2: Any) -> Any:
    """x1 where the condition holds (is not zero), else x2."""
    (a, b), dtype = promoted(x1, x2)
    result = trace_of().add("where", [as_bool(condition), as_float(a), as_float(b)])
    if dtype == "int32":
        return as_int(result)
    return Tensor(result.trace, result.value, result.dims, dtype)


@op("x")
def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """x with NaN and the infinities replaced (the infinities by the largest floats unless given)."""
    from linnet.ops.comparison import isnan

    largest = 3.4028235e38
    x = as_float(x)
    x = where(isnan(x), nan, x)
    x = where(trace_of().add("greater", [x, tensor(largest)], "bool"), largest if posinf is None else posinf, x)
    return where(trace_of().add("less", [x, tensor(-largest)], "bool"), -largest if neginf is None else neginf, x)
