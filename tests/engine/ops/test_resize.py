"""Resizing: every interpolation as the product with two dense matrices of weights, which is what it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine.check_op import Case, check_op, normal

from linnet import _engine as E

FILTERS = {
    "bilinear": lambda x: np.maximum(0, 1 - x),
    "bicubic": lambda x: np.where(
        x < 1, (1.5 * x - 2.5) * x**2 + 1, np.where(x < 2, ((-0.5 * x + 2.5) * x - 4) * x + 2, 0)
    ),
    "lanczos3": lambda x: np.where(x < 3, np.sinc(x) * np.sinc(x / 3), 0),
    "lanczos5": lambda x: np.where(x < 5, np.sinc(x) * np.sinc(x / 5), 0),
}


def matrix(n: int, m: int, interpolation: str, antialias: bool) -> np.ndarray:
    """(m, n): what each of n pixels is worth in each of m."""
    if n == m:
        return np.eye(n)
    if interpolation == "nearest":
        return np.eye(n)[np.floor((np.arange(m) + 0.5) * n / m).astype(int)]
    stretch = max(n / m, 1) if antialias else 1
    centre = (np.arange(m) + 0.5) * n / m - 0.5
    weights = FILTERS[interpolation](np.abs(centre[:, None] - np.arange(n)) / stretch)
    return weights / weights.sum(1, keepdims=True)


def matrices(a: dict[str, Any], x: tuple[int, ...]) -> list[np.ndarray]:
    given = (a.get("interpolation", "bilinear"), a.get("antialias", False))
    return [matrix(n, m, *given) for n, m in zip(x[1:3], a["size"], strict=True)]


def resized(a: dict[str, Any], shape: tuple[int, ...]):
    return lambda x: np.einsum("yh,xw,nhwc->nyxc", *matrices(a, shape), x)


def given_back(a: dict[str, Any]):
    return lambda dy: np.einsum("yh,xw,nyxc->nhwc", *matrices(a, a["shape"]), dy)


SETTINGS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((-1, 6, 5, 3), {"size": [9, 4]}),
    ((-1, 6, 5, 1), {"size": [3, 11], "interpolation": "nearest"}),
    ((-1, 4, 7, 2), {"size": [9, 3], "interpolation": "bicubic"}),
    ((-1, 4, 7, 4), {"size": [5, 17], "interpolation": "lanczos3"}),
    ((-1, 13, 7, 5), {"size": [4, 9], "interpolation": "lanczos5"}),
    ((-1, 9, 8, 3), {"size": [2, 3], "antialias": True}),
    ((-1, 9, 8, 17), {"size": [4, 16], "interpolation": "bicubic", "antialias": True}),
    ((-1, 9, 8, 3), {"size": [4, 3], "interpolation": "lanczos3", "antialias": True}),
    ((-1, 5, 4, 3), {"size": [5, 4], "interpolation": "bicubic"}),
    ((-1, 5, 4, 3), {"size": [5, 8]}),
    ((-1, 5, 4, 3), {"size": [10, 4], "interpolation": "nearest"}),
    ((-1, 1, 1, 3), {"size": [3, 2], "interpolation": "bicubic"}),
    ((2, 5, 6, 2), {"size": [1, 1], "antialias": True}),
]
CASES = [
    Case("resize", (normal(*x),), resized(a, x), a, rowwise=x[0] == -1, name="_".join(str(v) for v in a.values()))
    for x, a in SETTINGS
]
for x, a in SETTINGS[:6]:
    own = {**a, "shape": list(x)}
    CASES.append(Case("resize_grad", (normal(x[0], *a["size"], x[3]),), given_back(own), own))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_resize(case: Case) -> None:
    check_op(case)


@pytest.mark.parametrize(
    ("x", "attributes", "message"),
    [
        ((-1, 4, 4), {"size": [2, 2]}, r'resize "r1": images must have 4 dimensions .*; images \(n, 4, 4\)'),
        ((-1, 4, 4, 1), {"size": [2]}, r"size must be \(height, width\), got \(2,\)"),
        ((-1, 4, 4, 1), {"size": [2, 0]}, "size must be"),
        ((-1, 0, 4, 1), {"size": [2, 2]}, "there must be a pixel"),
        ((3, 4, -1, 1), {"size": [2, 2]}, "only the batch may be open"),
        ((-1, 2, 1000000, 3), {"size": [2, 1], "antialias": True}, "resize in several steps"),
    ],
)
def test_bad_shapes(x: tuple[int, ...], attributes: dict[str, Any], message: str) -> None:
    graph = E.Graph()
    value = graph.input("x", x, "float32")
    with pytest.raises(E.ShapeError, match=message):
        graph.add("resize", [value], attributes, "r1")


def test_bad_words_and_gradients() -> None:
    graph = E.Graph()
    x = graph.input("x", (-1, 4, 4, 1), "float32")
    with pytest.raises(ValueError, match="unknown interpolation 'cubic'"):
        graph.add("resize", [x], {"size": [2, 2], "interpolation": "cubic"}, "")
    with pytest.raises(E.ShapeError, match="the gradient has shape"):
        graph.add("resize_grad", [x], {"size": [2, 2], "shape": [-1, 5, 4, 1]}, "")
