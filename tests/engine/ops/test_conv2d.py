"""Convolution and its two gradients against sums over the window, on odd shapes, strides, paddings and groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from engine.check_op import Case, check_epilogues, check_op, launches, normal

from linnet import _engine as E


def windows(x: tuple[int, ...], k: tuple[int, ...], attributes: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """(ky, kx, group, rows and columns of the padded x, input channels, filters) for every tap of every group."""
    (sh, sw), (dh, dw) = attributes.get("strides", (1, 1)), attributes.get("dilation", (1, 1))
    groups = attributes.get("groups", 1)
    oh, ow = output_size(x, k, attributes)
    inner, outer = x[3] // groups, k[3] // groups
    for ky in range(k[0]):
        for kx in range(k[1]):
            rows = slice(ky * dh, ky * dh + (oh - 1) * sh + 1, sh)
            columns = slice(kx * dw, kx * dw + (ow - 1) * sw + 1, sw)
            for g in range(groups):
                yield ky, kx, rows, columns, slice(g * inner, (g + 1) * inner), slice(g * outer, (g + 1) * outer)


def output_size(x: tuple[int, ...], k: tuple[int, ...], attributes: dict[str, Any]) -> tuple[int, int]:
    (sh, sw), (dh, dw) = attributes.get("strides", (1, 1)), attributes.get("dilation", (1, 1))
    top, bottom, left, right = attributes.get("padding", (0, 0, 0, 0))
    return (x[1] + top + bottom - (k[0] - 1) * dh - 1) // sh + 1, (x[2] + left + right - (k[1] - 1) * dw - 1) // sw + 1


def padded(x: np.ndarray, attributes: dict[str, Any]) -> np.ndarray:
    top, bottom, left, right = attributes.get("padding", (0, 0, 0, 0))
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))


def forward(attributes: dict[str, Any]):
    def oracle(x: np.ndarray, k: np.ndarray) -> np.ndarray:
        y = np.zeros((x.shape[0], *output_size(x.shape, k.shape, attributes), k.shape[3]))
        from_x = padded(x, attributes)
        for ky, kx, rows, columns, inner, outer in windows(x.shape, k.shape, attributes):
            y[..., outer] += from_x[:, rows, columns, inner] @ k[ky, kx, :, outer]
        return y

    return oracle


def input_gradient(attributes: dict[str, Any], shape: tuple[int, ...]):
    def oracle(dy: np.ndarray, k: np.ndarray) -> np.ndarray:
        dx = padded(np.zeros((dy.shape[0], *shape[1:])), attributes)
        for ky, kx, rows, columns, inner, outer in windows(shape, k.shape, attributes):
            dx[:, rows, columns, inner] += dy[..., outer] @ k[ky, kx, :, outer].T
        top, _, left, _ = attributes.get("padding", (0, 0, 0, 0))
        return dx[:, top : top + shape[1], left : left + shape[2]]

    return oracle


def weight_gradient(attributes: dict[str, Any], shape: tuple[int, ...]):
    def oracle(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        dk = np.zeros(shape)
        from_x = padded(x, attributes)
        for ky, kx, rows, columns, inner, outer in windows(x.shape, shape, attributes):
            dk[ky, kx, :, outer] += np.einsum("nhwi,nhwo->io", from_x[:, rows, columns, inner], dy[..., outer])
        return dk

    return oracle


SHAPES: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((-1, 1, 1, 1), (1, 1, 1, 1), {}),
    ((-1, 5, 7, 3), (3, 3, 3, 17), {}),
    ((-1, 6, 5, 1), (5, 5, 1, 6), {"padding": [2, 2, 2, 2]}),
    ((-1, 7, 6, 2), (2, 3, 2, 5), {"padding": [0, 1, 2, 0], "strides": [2, 1]}),
    ((-1, 9, 8, 3), (3, 3, 3, 4), {"strides": [3, 2]}),
    ((-1, 9, 9, 2), (3, 2, 2, 3), {"dilation": [2, 3], "padding": [1, 2, 0, 3]}),
    ((-1, 5, 5, 6), (3, 3, 1, 6), {"groups": 6, "padding": [1, 1, 1, 1]}),
    ((-1, 5, 4, 3), (3, 3, 1, 6), {"groups": 3, "strides": [2, 2], "padding": [0, 1, 0, 1]}),
    ((-1, 4, 4, 6), (2, 2, 3, 4), {"groups": 2}),
    ((-1, 4, 5, 19), (1, 1, 19, 13), {}),
    ((-2, 3, 4, 2), (2, 2, 2, 3), {"strides": [1, 2]}),
    ((2, 3, 3, 2), (3, 3, 2, 2), {}),
    ((-1, 2, 2, 1), (2, 2, 1, 33), {"padding": [3, 3, 3, 3]}),
]

CASES: list[Case] = []
for x, k, attributes in SHAPES:
    y = (x[0], *output_size(x, k, attributes), k[3])
    CASES += [
        Case("conv2d", (normal(*x), normal(*k)), forward(attributes), attributes, rowwise=x[0] == -1),
        Case(
            "conv2d_grad_input",
            (normal(*y), normal(*k)),
            input_gradient(attributes, x),
            {**attributes, "shape": list(x)},
            rowwise=x[0] == -1,
        ),
        Case(
            "conv2d_grad_weight",
            (normal(*x), normal(*y)),
            weight_gradient(attributes, k),
            {**attributes, "shape": list(k)},
        ),
    ]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv2d(case: Case) -> None:
    check_op(case)


@pytest.mark.parametrize("shape", [0, 1, 3, 6, 9], ids=str)
def test_epilogues(shape: int) -> None:
    x, k, attributes = SHAPES[shape]
    check_epilogues("conv2d", normal(*x), normal(*k), attributes, forward(attributes))


def test_the_bias_gradient_comes_out_of_the_weight_gradient() -> None:
    graph = E.Graph()
    x, k, b = graph.input("x", (-1, 5, 5, 2), "float32"), graph.variable("k", (3, 3, 2, 4)), graph.variable("b", (4,))
    y = graph.add("add", [graph.add("conv2d", [x, k], {})[0], b], {})[0]
    loss = graph.add("sum", [graph.add("square", [y], {})[0]], {"axes": [0, 1, 2, 3]})[0]
    outputs = [loss, *graph.gradients(loss, [k, b])]
    rng = np.random.default_rng(3)
    arrays = [rng.normal(size=s).astype(np.float32) for s in ((3, 3, 2, 4), (4,))]
    data = rng.normal(size=(3, 5, 5, 2)).astype(np.float32)
    results = []
    for debug in ("", "nofuse"):
        executable = E.Executable(graph, outputs, 3, debug)
        executable.bind_variable(k, arrays[0])
        executable.bind_variable(b, arrays[1])
        results.append((executable.run(3, [data]), launches(executable)))
    (fused, plan), (plain, plain_plan) = results
    assert plan.count("sum") == plain_plan.count("sum") - 1
    for a, b_ in zip(fused, plain, strict=True):
        np.testing.assert_allclose(a, b_, rtol=2e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("x", "k", "attributes", "message"),
    [
        (
            (-1, 8, 8, 3),
            (3, 3, 4, 16),
            {},
            r'conv2d "c1": input has 3 channels, the kernel expects 4; x \(n, 8, 8, 3\)',
        ),
        ((-1, 8, 8), (3, 3, 4, 16), {}, r"input must have 4 dimensions .*, got \(n, 8, 8\)"),
        ((-1, 8, 8, 3), (3, 3, 3), {}, "kernel must have 4 dimensions"),
        ((-1, 2, 8, 3), (3, 3, 3, 1), {}, "the window is larger than the padded input"),
        ((-1, 8, 8, 3), (3, 3, 3, 1), {"strides": [0, 1]}, "strides must be 2 integers of at least 1"),
        ((-1, 8, 8, 3), (3, 3, 3, 1), {"padding": [1, 1]}, "padding must be 4 integers of at least 0"),
        ((-1, 8, 8, 3), (3, 3, 3, 1), {"dilation": [1]}, "dilation must be 2 integers"),
        ((-1, 8, 8, 3), (3, 3, 1, 4), {"groups": 3}, "groups = 3 must divide the channels and the filters"),
        ((-1, 8, 8, 3), (3, 3, 3, 1), {"groups": 0}, "groups = 0"),
        ((-1, 8, -8, 3), (3, 3, 3, 1), {}, "only the first axis may carry the batch"),
    ],
)
def test_bad_shapes(x: tuple[int, ...], k: tuple[int, ...], attributes: dict[str, Any], message: str) -> None:
    graph = E.Graph()
    values = [graph.input("x", x, "float32"), graph.input("k", k, "float32")]
    with pytest.raises(E.ShapeError, match=message):
        graph.add("conv2d", values, attributes, "c1")


def test_the_gradient_of_a_node_with_an_epilogue_is_refused() -> None:
    graph = E.Graph()
    x, k, b = (graph.input(n, s, "float32") for n, s in (("x", (1, 3, 3, 1)), ("k", (1, 1, 1, 2)), ("b", (2,))))
    for inputs, attributes in (([x, k, b], {"bias": True}), ([x, k], {"activation": "relu"})):
        y = graph.add("conv2d", inputs, attributes, "c1")[0]
        loss = graph.add("sum", [y], {"axes": [0, 1, 2, 3]})[0]
        with pytest.raises(E.UnsupportedError, match=r'conv2d "c1": no gradient with the attribute'):
            graph.gradients(loss, [k])
    with pytest.raises(ValueError, match="unknown activation 'selu'"):
        graph.add("conv2d", [x, k], {"activation": "selu"})
