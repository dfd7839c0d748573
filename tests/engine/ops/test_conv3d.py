"""conv3d and its two gradients against sums over the window, on odd shapes, strides, paddings and groups."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from engine.check_op import Case, check_epilogues, check_op, normal

from linnet import _engine as E


def output_size(x: tuple[int, ...], k: tuple[int, ...], a: dict[str, Any]) -> tuple[int, ...]:
    strides, dilation = a.get("strides", (1, 1, 1)), a.get("dilation", (1, 1, 1))
    padding = a.get("padding", (0,) * 6)
    return tuple(
        (x[i + 1] + padding[2 * i] + padding[2 * i + 1] - (k[i] - 1) * dilation[i] - 1) // strides[i] + 1
        for i in range(3)
    )


def padded(x: np.ndarray, a: dict[str, Any]) -> np.ndarray:
    p = a.get("padding", (0,) * 6)
    return np.pad(x, ((0, 0), (p[0], p[1]), (p[2], p[3]), (p[4], p[5]), (0, 0)))


def taps(x: tuple[int, ...], k: tuple[int, ...], a: dict[str, Any]):
    """(tap of the kernel, places of the padded x, input channels, filters) for every tap of every group."""
    strides, dilation, groups = a.get("strides", (1, 1, 1)), a.get("dilation", (1, 1, 1)), a.get("groups", 1)
    out, inner, outer = output_size(x, k, a), k[3], k[4] // groups
    for tap in itertools.product(*map(range, k[:3])):
        places = tuple(
            slice(t * r, t * r + (o - 1) * s + 1, s) for t, r, o, s in zip(tap, dilation, out, strides, strict=True)
        )
        for g in range(groups):
            yield tap, (slice(None), *places), slice(g * inner, (g + 1) * inner), slice(g * outer, (g + 1) * outer)


def forward(a: dict[str, Any]):
    def oracle(x: np.ndarray, k: np.ndarray) -> np.ndarray:
        y = np.zeros((x.shape[0], *output_size(x.shape, k.shape, a), k.shape[4]))
        wide = padded(x, a)
        for tap, places, inner, outer in taps(x.shape, k.shape, a):
            y[..., outer] += wide[places][..., inner] @ k[tap][:, outer]
        return y

    return oracle


def input_gradient(a: dict[str, Any], shape: tuple[int, ...]):
    def oracle(dy: np.ndarray, k: np.ndarray) -> np.ndarray:
        wide = padded(np.zeros((dy.shape[0], *shape[1:])), a)
        for tap, places, inner, outer in taps(shape, k.shape, a):
            wide[(*places, inner)] += dy[..., outer] @ k[tap][:, outer].T
        p = a.get("padding", (0,) * 6)
        return wide[:, p[0] : p[0] + shape[1], p[2] : p[2] + shape[2], p[4] : p[4] + shape[3]]

    return oracle


def weight_gradient(a: dict[str, Any], shape: tuple[int, ...]):
    def oracle(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        dk = np.zeros(shape)
        wide = padded(x, a)
        for tap, places, inner, outer in taps(x.shape, shape, a):
            dk[(*tap, slice(None), outer)] += np.einsum("ndhwi,ndhwo->io", wide[places][..., inner], dy[..., outer])
        return dk

    return oracle


SHAPES: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((-1, 1, 1, 1, 1), (1, 1, 1, 1, 1), {}),
    ((-1, 4, 5, 6, 3), (3, 3, 3, 3, 17), {"padding": [1, 1, 1, 1, 1, 1]}),
    ((-1, 5, 4, 3, 2), (2, 3, 1, 2, 5), {"strides": [2, 1, 1], "padding": [0, 1, 1, 1, 0, 0]}),
    ((-1, 5, 4, 5, 2), (3, 1, 1, 2, 3), {"dilation": [2, 1, 1]}),
    ((-1, 3, 6, 5, 2), (1, 3, 3, 2, 4), {"strides": [1, 2, 2], "padding": [0, 0, 1, 0, 0, 1]}),
    ((-1, 4, 3, 3, 4), (1, 1, 1, 4, 3), {"strides": [2, 1, 1]}),
    ((-1, 4, 4, 4, 6), (3, 2, 2, 3, 4), {"groups": 2, "padding": [1, 1, 0, 1, 0, 1]}),
    ((-1, 3, 4, 4, 3), (2, 2, 3, 1, 6), {"groups": 3, "dilation": [1, 2, 1]}),
    ((-2, 3, 3, 4, 2), (2, 2, 2, 2, 3), {}),
    ((2, 3, 3, 3, 2), (3, 3, 3, 2, 2), {}),
    ((-1, 2, 2, 2, 1), (3, 2, 2, 1, 2), {"padding": [3, 3, 1, 0, 0, 1]}),
]

CASES: list[Case] = []
for x, k, attributes in SHAPES:
    y = (x[0], *output_size(x, k, attributes), k[4])
    CASES += [
        Case("conv3d", (normal(*x), normal(*k)), forward(attributes), attributes, rowwise=x[0] == -1),
        Case(
            "conv3d_grad_input",
            (normal(*y), normal(*k)),
            input_gradient(attributes, x),
            {**attributes, "shape": list(x)},
            rowwise=x[0] == -1,
        ),
        Case(
            "conv3d_grad_weight",
            (normal(*x), normal(*y)),
            weight_gradient(attributes, k),
            {**attributes, "shape": list(k)},
        ),
    ]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv3d(case: Case) -> None:
    check_op(case)


@pytest.mark.parametrize("shape", [0, 1, 2, 6], ids=str)
def test_epilogues(shape: int) -> None:
    x, k, attributes = SHAPES[shape]
    check_epilogues("conv3d", normal(*x), normal(*k), attributes, forward(attributes))


@pytest.mark.parametrize(
    ("x", "k", "attributes", "message"),
    [
        (
            (-1, 4, 8, 8, 3),
            (3, 3, 3, 4, 16),
            {},
            r'conv3d "c1": input has 3 channels, the kernel expects 4; x \(n, 4, 8, 8, 3\)',
        ),
        ((-1, 8, 8, 3), (3, 3, 3, 4, 16), {}, r"input must have 5 dimensions .*, got \(n, 8, 8, 3\)"),
        ((-1, 8, 8, 8, 3), (3, 3, 3, 3), {}, "kernel must have 5 dimensions"),
        ((-1, 2, 8, 8, 3), (3, 3, 3, 3, 1), {}, "the window is larger than the padded input"),
        ((-1, 8, 8, 8, 3), (3, 3, 3, 3, 1), {"strides": [0, 1, 1]}, "strides must be 3 integers of at least 1"),
        ((-1, 8, 8, 8, 3), (3, 3, 3, 3, 1), {"padding": [1, 1]}, "padding must be 6 integers of at least 0"),
        ((-1, 8, 8, 8, 3), (3, 3, 3, 3, 1), {"dilation": [1]}, "dilation must be 3 integers"),
        ((-1, 8, 8, 8, 3), (3, 3, 3, 1, 4), {"groups": 3}, "groups = 3 must divide the channels and the filters"),
        ((-1, 8, -8, 8, 3), (3, 3, 3, 3, 1), {}, "only the first axis may carry the batch"),
    ],
)
def test_bad_shapes(x: tuple[int, ...], k: tuple[int, ...], attributes: dict[str, Any], message: str) -> None:
    graph = E.Graph()
    values = [graph.input("x", x, "float32"), graph.input("k", k, "float32")]
    with pytest.raises(E.ShapeError, match=message):
        graph.add("conv3d", values, attributes, "c1")
