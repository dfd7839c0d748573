"""Solving and factorising matrices: on arrays, with NumPy in float64, rounded to float32 at the end.

The engine has no kernels for these, so they cannot be part of a compiled model or of a gradient (an error says so);
preparing data, initial weights or an analysis of weights is what they are for. Leading axes are a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from linnet.backend.errors import UnsupportedError
from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.tensor import Tensor
from linnet.backend.tree import flatten


def _run(name: str, compute: Callable[..., Any], *arrays: Any) -> Any:
    if any(isinstance(x, (Tensor, KerasTensor)) for x in flatten(arrays)):
        raise UnsupportedError(f"{name} works on arrays only: it cannot be part of a compiled model or of a gradient")
    found = compute(*(np.asarray(x, np.float64) for x in arrays))
    return tuple(_single(x) for x in found) if isinstance(found, tuple) else _single(found)


def _single(x: Any) -> Any:
    x = np.asarray(x)
    return x.astype(np.float32 if x.dtype.kind == "f" else np.int32)


def cholesky(x: Any, upper: bool = False) -> Any:
    """The lower triangular L with L LT = x (upper: the upper U with UT U = x)."""
    factor = _run("cholesky", np.linalg.cholesky, x)
    return np.swapaxes(factor, -1, -2) if upper else factor


def det(x: Any) -> Any:
    """The determinant."""
    return _run("det", np.linalg.det, x)


def slogdet(x: Any) -> Any:
    """The sign of the determinant and the logarithm of its size."""
    return _run("slogdet", lambda m: tuple(np.linalg.slogdet(m)), x)


def logdet(x: Any) -> Any:
    """The logarithm of the determinant of a positive definite matrix."""
    return _run("logdet", lambda m: np.linalg.slogdet(m)[1], x)


def inv(x: Any) -> Any:
    """The inverse."""
    return _run("inv", np.linalg.inv, x)


def pinv(x: Any, rcond: float | None = None) -> Any:
    """The pseudo-inverse of Moore and Penrose."""
    return _run("pinv", lambda m: np.linalg.pinv(m, 1e-6 if rcond is None else rcond), x)


def matrix_rank(x: Any, tol: float | None = None) -> Any:
    """The number of singular values above tol."""
    return _run("matrix_rank", lambda m: np.linalg.matrix_rank(m.astype(np.float32), tol), x)


def solve(a: Any, b: Any) -> Any:
    """x with a x = b; b is a vector or a matrix of columns."""

    def compute(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        vector = b.ndim == a.ndim - 1
        x: np.ndarray = np.linalg.solve(a, b[..., None] if vector else b)
        return x[..., 0] if vector else x

    return _run("solve", compute, a, b)


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """x with a x = b for a triangular a; what lies on its other side is not read."""
    half = np.tril if lower else np.triu
    return _run("solve_triangular", lambda a, b: solve(half(a), b), a, b)


def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The x of least |a x - b|."""
    return _run("lstsq", lambda a, b: np.linalg.lstsq(a, b, rcond)[0], a, b)


def qr(x: Any, mode: str = "reduced") -> Any:
    """(q, r) with q r = x, q orthogonal and r upper triangular."""
    if mode not in ("reduced", "complete"):
        raise ValueError(f'qr: mode must be "reduced" or "complete", not {mode!r}')
    return _run("qr", lambda m: tuple(np.linalg.qr(m, mode)), x)  # type: ignore[call-overload]


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """(u, s, vh) with u diag(s) vh = x, or s alone."""
    if not compute_uv:
        return _run("svd", lambda m: np.linalg.svd(m, compute_uv=False), x)
    return _run("svd", lambda m: tuple(np.linalg.svd(m, full_matrices)), x)


def eigh(x: Any) -> Any:
    """(values, vectors) of a symmetric matrix, the values ascending."""
    return _run("eigh", lambda m: tuple(np.linalg.eigh(m)), x)


__all__ = [
    "cholesky",
    "det",
    "eigh",
    "inv",
    "logdet",
    "lstsq",
    "matrix_rank",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
]
