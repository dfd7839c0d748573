"""Elementwise functions beyond those of arithmetic.py: roots, parts of numbers, special functions, complex names.

linnet has no complex numbers: `real`, `conj`, `imag` and `angle` are what they are for real ones. No gradient passes
through what only tells numbers apart (signbit, isreal).
"""

from __future__ import annotations

import math
from typing import Any

from linnet.backend.function import op
from linnet.ops import arithmetic as a
from linnet.ops import reduction as r
from linnet.ops.common import as_bool, as_float, tensor
from linnet.ops.comparison import equal, greater, isclose, isnan, less, logical_and


@op("x1", "x2")
def hypot(x1: Any, x2: Any) -> Any:
    """sqrt(x1^2 + x2^2), without overflow."""
    x1, x2 = a.absolute(as_float(x1)), a.absolute(as_float(x2))
    large, small = a.maximum(x1, x2), a.minimum(x1, x2)
    ratio = a.divide_no_nan(small, large)
    return a.multiply(large, a.sqrt(a.add(a.square(ratio), 1.0)))


@op("x")
def cbrt(x: Any) -> Any:
    """The cube root, also of negative numbers."""
    x = as_float(x)
    return a.multiply(a.sign(x), a.power(a.absolute(x), 1.0 / 3.0))


@op("x")
def fabs(x: Any) -> Any:
    """|x| as float."""
    return a.absolute(as_float(x))


@op("x1", "x2")
def fmax(x1: Any, x2: Any) -> Any:
    """The larger value; a NaN counts only if both are."""
    x1, x2 = as_float(x1), as_float(x2)
    return a.where(isnan(x1), x2, a.where(isnan(x2), x1, a.maximum(x1, x2)))


@op("x1", "x2")
def fmin(x1: Any, x2: Any) -> Any:
    """The smaller value; a NaN counts only if both are."""
    x1, x2 = as_float(x1), as_float(x2)
    return a.where(isnan(x1), x2, a.where(isnan(x2), x1, a.minimum(x1, x2)))


@op("x1", "x2")
def fmod(x1: Any, x2: Any) -> Any:
    """The rest of x1 / x2, with the sign of x1, as in C."""
    x1, x2 = as_float(x1), as_float(x2)
    rest = a.mod(a.absolute(x1), a.absolute(x2))
    return a.where(less(x1, 0.0), a.negative(rest), rest)


@op("x")
def deg2rad(x: Any) -> Any:
    """Degrees as radians."""
    return a.multiply(as_float(x), math.pi / 180.0)


@op("x")
def rad2deg(x: Any) -> Any:
    """Radians as degrees."""
    return a.multiply(as_float(x), 180.0 / math.pi)


@op("x1", "x2")
def heaviside(x1: Any, x2: Any) -> Any:
    """0 below 0, 1 above, x2 at 0."""
    x1 = as_float(x1)
    return a.where(equal(x1, 0.0), as_float(x2), a.where(greater(x1, 0.0), 1.0, a.where(isnan(x1), x1, 0.0)))


@op("x1", "x2")
def logaddexp2(x1: Any, x2: Any) -> Any:
    """log2(2^x1 + 2^x2), without overflow."""
    scale = math.log(2.0)
    return a.multiply(a.logaddexp(a.multiply(as_float(x1), scale), a.multiply(as_float(x2), scale)), 1.0 / scale)


@op("x1", "x2")
def ldexp(x1: Any, x2: Any) -> Any:
    """x1 * 2^x2."""
    return a.multiply(as_float(x1), a.exp2(as_float(x2)))


@op("x")
def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x), 1 at 0."""
    x = a.multiply(as_float(x), math.pi)
    zero = equal(x, 0.0)
    safe = a.where(zero, 1.0, x)
    return a.where(zero, 1.0, a.divide(a.sin(safe), safe))


@op("x")
def erfc(x: Any) -> Any:
    """1 - erf(x), computed so: of large x little is left of it (below 1e-7 nothing)."""
    return a.subtract(1.0, a.erf(as_float(x)))


# Giles 2010, "Approximating the erfinv function", single precision.
_NEAR = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941)  # fmt: skip  # noqa: E501
_FAR = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682)  # fmt: skip  # noqa: E501


@op("x")
def erfinv(x: Any) -> Any:
    """The number whose erf is x; infinite at -1 and 1."""
    x = as_float(x)
    w = a.negative(a.log1p(a.negative(a.square(x))))
    near, far = a.subtract(w, 2.5), a.subtract(a.sqrt(a.maximum(w, 1e-30)), 3.0)

    def polynomial(at: Any, coefficients: tuple[float, ...]) -> Any:
        total: Any = coefficients[0]
        for c in coefficients[1:]:
            total = a.add(a.multiply(total, at), c)
        return total

    inner = a.multiply(a.where(less(w, 5.0), polynomial(near, _NEAR), polynomial(far, _FAR)), x)
    return a.where(equal(a.absolute(x), 1.0), a.multiply(x, float("inf")), inner)


@op("x")
def signbit(x: Any) -> Any:
    """Whether the sign of x is negative, also of -0."""
    x = as_float(x)
    return as_bool(a.where(equal(x, 0.0), less(a.reciprocal(x), 0.0), less(x, 0.0)))


@op("x")
def isposinf(x: Any) -> Any:
    """Whether x is infinity."""
    return equal(as_float(x), float("inf"))


@op("x")
def isneginf(x: Any) -> Any:
    """Whether x is minus infinity."""
    return equal(as_float(x), -float("inf"))


@op("x")
def isreal(x: Any) -> Any:
    """True: linnet has no complex numbers."""
    x = as_float(x)
    return logical_and(True, a.where(isnan(x), True, equal(x, x)))


@op("x1", "x2")
def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether |x1 - x2| <= atol + rtol |x2| everywhere."""
    return r.all(isclose(x1, x2, rtol, atol, equal_nan))


@op("x")
def real(x: Any) -> Any:
    """x: linnet has no complex numbers."""
    return tensor(x)


@op("x")
def conj(x: Any) -> Any:
    """x: linnet has no complex numbers."""
    return tensor(x)


@op("x")
def conjugate(x: Any) -> Any:
    """x: linnet has no complex numbers."""
    return tensor(x)


@op("x")
def imag(x: Any) -> Any:
    """0: linnet has no complex numbers."""
    return a.multiply(as_float(x), 0.0)


@op("x")
def angle(x: Any) -> Any:
    """pi for negative numbers, else 0."""
    return a.where(less(as_float(x), 0.0), math.pi, 0.0)


@op("x")
def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest value minus the smallest over the axes."""
    return a.subtract(r.max(x, axis, keepdims), r.min(x, axis, keepdims))


@op("x1", "x2")
def psnr(x1: Any, x2: Any, max_val: float) -> Any:
    """The peak signal-to-noise ratio in decibels: 10 log10(max_val^2 / mean((x1 - x2)^2))."""
    error = r.mean(a.square(a.subtract(as_float(x1), as_float(x2))))
    return a.subtract(20.0 * math.log10(max_val), a.multiply(a.log10(error), 10.0))


__all__ = [
    "allclose",
    "angle",
    "cbrt",
    "conj",
    "conjugate",
    "deg2rad",
    "erfc",
    "erfinv",
    "fabs",
    "fmax",
    "fmin",
    "fmod",
    "heaviside",
    "hypot",
    "imag",
    "isneginf",
    "isposinf",
    "isreal",
    "ldexp",
    "logaddexp2",
    "psnr",
    "ptp",
    "rad2deg",
    "real",
    "signbit",
    "sinc",
]
