"""Images sampled at transformed places: every fill and interpolation against an oracle that goes pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine.check_op import Arg, Case, check_op, normal

from linnet import _engine as E


def index(i: np.ndarray, n: int, fill: str) -> np.ndarray:
    """The pixel that stands for position i; for the constant, any."""
    if fill == "wrap":
        return i % n
    if fill == "mirror":
        r = i % max(2 * n - 2, 1)
        return np.where(r < n, r, 2 * n - 2 - r)
    if fill == "reflect":
        r = i % (2 * n)
        return np.where(r < n, r, 2 * n - 1 - r)
    return np.clip(i, 0, n - 1)


def taps(t: np.ndarray, x: tuple[int, ...], a: dict[str, Any]):
    """(y, x, weight, inside) of the pixels that make up each pixel of output."""
    h, w = x[1:3]
    oy, ox = np.meshgrid(*(np.arange(s) for s in a.get("size") or (h, w)), indexing="ij")
    k = t[6] * ox + t[7] * oy + 1
    sx, sy = (t[0] * ox + t[1] * oy + t[2]) / k, (t[3] * ox + t[4] * oy + t[5]) / k
    if a.get("interpolation") == "nearest":
        corners = [(np.floor(np.abs(s) + 0.5) * np.sign(s), 1.0) for s in (sy, sx)]
        found = [(*corners[0], *corners[1])]
    else:
        fy, fx = np.floor(sy), np.floor(sx)
        found = [
            (fy + j, sy - fy if j else 1 - (sy - fy), fx + i, sx - fx if i else 1 - (sx - fx))
            for j in (0, 1)
            for i in (0, 1)
        ]
    fill = a.get("fill_mode", "constant")
    for py, wy, px, wx in found:
        inside = (py >= 0) & (py < h) & (px >= 0) & (px < w) if fill == "constant" else np.ones(py.shape, bool)
        yield index(py.astype(int), h, fill), index(px.astype(int), w, fill), wy * wx, inside


def sampled(a: dict[str, Any]):
    def oracle(x: np.ndarray, t: np.ndarray) -> np.ndarray:
        size = tuple(a.get("size") or x.shape[1:3])
        y = np.zeros((len(x), *size, x.shape[3]))
        for i in range(len(x)):
            for py, px, weight, inside in taps(t[i % len(t)], x.shape, a):
                value = np.where(inside[..., None], x[i, py, px], a.get("fill_value", 0.0))
                y[i] += np.broadcast_to(weight, inside.shape)[..., None] * value
        return y

    return oracle


def given_back(a: dict[str, Any]):
    def oracle(dy: np.ndarray, t: np.ndarray) -> np.ndarray:
        dx = np.zeros((len(dy), *a["shape"][1:]))
        for i in range(len(dy)):
            for py, px, weight, inside in taps(t[i % len(t)], dx.shape, a):
                np.add.at(dx[i], (py, px), (weight * inside)[..., None] * dy[i])
        return dx

    return oracle


def turns(*shape: int) -> Arg:
    """Transforms that turn, stretch and shift by some pixels; flat ones, for the last two would tilt."""

    def draw(rng: np.random.Generator, s: tuple[int, ...]) -> np.ndarray:
        t = rng.uniform(-1.2, 1.2, s) * np.array([1, 1, 8, 1, 1, 8, 0, 0])
        t[..., 6:] = rng.uniform(-0.02, 0.02, t[..., 6:].shape) * (rng.random() < 0.5)
        return t

    return Arg(shape, draw)


SETTINGS: list[tuple[tuple[int, ...], tuple[int, int], dict[str, Any]]] = [
    ((-1, 5, 6, 3), (-1, 8), {}),
    ((-1, 5, 6, 3), (-1, 8), {"fill_value": 0.5}),
    ((-1, 4, 7, 1), (-1, 8), {"fill_mode": "reflect"}),
    ((-1, 4, 7, 2), (-1, 8), {"fill_mode": "mirror"}),
    ((-1, 6, 5, 4), (-1, 8), {"fill_mode": "wrap"}),
    ((-1, 3, 3, 17), (-1, 8), {"fill_mode": "nearest"}),
    ((-1, 5, 6, 3), (1, 8), {"fill_mode": "reflect", "interpolation": "nearest"}),
    ((-1, 5, 6, 2), (-1, 8), {"interpolation": "nearest", "fill_value": -1.0}),
    ((-1, 7, 7, 3), (-1, 8), {"size": [3, 9], "fill_mode": "wrap"}),
    ((2, 1, 1, 3), (2, 8), {"size": [2, 2], "fill_mode": "mirror"}),
    ((-1, 4, 4, 3), (1, 8), {"size": [0, 3]}),
]
CASES = [
    Case(
        "affine_transform",
        (normal(*x), turns(*t)),
        sampled(a),
        a,
        name="_".join(str(v) for v in a.values()),
        wrt=(0,),
        rowwise=x[0] == t[0] == -1,
        rtol=5e-5,
        grad_rtol=2e-4,
    )
    for x, t, a in SETTINGS
]
for x, t, a in SETTINGS[2:8]:
    own = {**a, "shape": list(x)}
    CASES.append(
        Case(
            "affine_transform_grad", (normal(*x), turns(*t)), given_back(own), own, wrt=(0,), rtol=5e-5, grad_rtol=2e-4
        )
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_affine_transform(case: Case) -> None:
    check_op(case)


@pytest.mark.parametrize(
    ("x", "t", "attributes", "message"),
    [
        ((-1, 4, 4), (-1, 8), {}, r'affine_transform "a1": images must have 4 dimensions .*; images \(n, 4, 4\)'),
        ((-1, 0, 4, 1), (-1, 8), {}, "there must be a pixel"),
        ((3, 4, -1, 1), (3, 8), {}, "only the batch may be open"),
        ((-1, 4, 4, 1), (-1, 6), {}, r"transforms must be 8 numbers for each image, or for all, got \(n, 6\)"),
        ((-1, 4, 4, 1), (3, 8), {}, r"transforms must be 8 numbers for each image, or for all, got \(3, 8\)"),
        ((-1, 4, 4, 1), (1, 8), {"size": [3]}, r"size must be \(height, width\), got \(3,\)"),
        ((-1, 4, 4, 1), (1, 8), {"size": [3, -1]}, "size must be"),
        ((1, 70000, 70000, 1), (1, 8), {}, "less than 2"),
    ],
)
def test_bad_shapes(x: tuple[int, ...], t: tuple[int, ...], attributes: dict[str, Any], message: str) -> None:
    graph = E.Graph()
    values = [graph.input("x", x, "float32"), graph.input("t", t, "float32")]
    with pytest.raises(E.ShapeError, match=message):
        graph.add("affine_transform", values, attributes, "a1")


def test_bad_words_and_gradients() -> None:
    graph = E.Graph()
    x, t = graph.input("x", (-1, 4, 4, 1), "float32"), graph.input("t", (1, 8), "float32")
    with pytest.raises(ValueError, match="unknown fill_mode 'edge'"):
        graph.add("affine_transform", [x, t], {"fill_mode": "edge"}, "")
    with pytest.raises(ValueError, match="unknown interpolation 'cubic'"):
        graph.add("affine_transform", [x, t], {"interpolation": "cubic"}, "")
    with pytest.raises(E.ShapeError, match="the gradient has shape"):
        graph.add("affine_transform_grad", [x, t], {"shape": [-1, 5, 4, 1]}, "")
