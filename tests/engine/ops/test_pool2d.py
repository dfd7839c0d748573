"""Max, average and sum pooling: overlapping and gapped windows, padding that takes no part, ties, NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine.check_op import Case, check_op, normal, restored

from linnet import _engine as E


def pooled(kind: str, attributes: dict[str, Any]):
    (kh, kw), (sh, sw) = attributes["pool"], attributes["strides"]
    top, bottom, left, right = attributes.get("padding", (0, 0, 0, 0))

    def oracle(x: np.ndarray) -> np.ndarray:
        # Positions outside are NaN and left out of the maximum and the mean.
        wide = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=np.nan)
        oh, ow = (wide.shape[1] - kh) // sh + 1, (wide.shape[2] - kw) // sw + 1
        y = np.empty((x.shape[0], oh, ow, x.shape[3]))
        for i in range(oh):
            for j in range(ow):
                window = wide[:, i * sh : i * sh + kh, j * sw : j * sw + kw]
                mean = np.nanmean if attributes.get("mean", True) else np.nansum
                y[:, i, j] = (np.nanmax if kind == "max" else mean)(window, axis=(1, 2))
        return y

    return oracle


def spread(attributes: dict[str, Any], shape: tuple[int, ...]):
    """The gradient of the average: each dy, divided by the positions inside, to all of them."""
    (kh, kw), (sh, sw) = attributes["pool"], attributes["strides"]
    top, _, left, _ = attributes.get("padding", (0, 0, 0, 0))

    def oracle(dy: np.ndarray) -> np.ndarray:
        dx = np.zeros((dy.shape[0], *shape[1:]))
        for i in range(dy.shape[1]):
            for j in range(dy.shape[2]):
                rows = slice(max(0, i * sh - top), max(0, i * sh - top + kh))
                columns = slice(max(0, j * sw - left), max(0, j * sw - left + kw))
                part = dx[:, rows, columns]
                count = part.shape[1] * part.shape[2] if attributes.get("mean", True) else 1
                part += dy[:, i : i + 1, j : j + 1] / count
        return dx

    return oracle


def window(pool: int, stride: int, *padding: int) -> dict[str, Any]:
    return {"pool": [pool, pool], "strides": [stride, stride], "padding": list(padding or (0, 0, 0, 0))}


SHAPES: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((-1, 1, 1, 1), window(1, 1)),
    ((-1, 4, 6, 3), window(2, 2)),
    ((-1, 5, 7, 17), window(2, 2)),
    ((-1, 7, 7, 2), window(3, 2, 1, 1, 1, 1)),
    ((-1, 6, 5, 5), window(3, 1, 0, 2, 1, 1)),
    ((-1, 9, 8, 1), window(2, 3)),
    ((-1, 5, 4, 33), {"pool": [5, 4], "strides": [5, 4], "padding": [0, 0, 0, 0]}),
    ((-2, 4, 3, 2), {"pool": [2, 3], "strides": [1, 2], "padding": [1, 0, 0, 2]}),
    ((3, 4, 4, 2), window(2, 2)),
]
CASES = [
    Case("max_pool2d", (normal(*x),), pooled("max", a), a, rowwise=x[0] == -1, covers=("max_pool2d_grad",))
    for x, a in SHAPES
]
CASES += [Case("average_pool2d", (normal(*x),), pooled("average", a), a, rowwise=x[0] == -1) for x, a in SHAPES]
SUMS = [(x, {**a, "mean": False}) for x, a in SHAPES]
CASES += [Case("average_pool2d", (normal(*x),), pooled("average", a), a, name="sum") for x, a in SUMS]
for x, a in SHAPES + SUMS:
    (kh, kw), (sh, sw), (top, bottom, left, right) = a["pool"], a["strides"], a["padding"]
    y = (x[0], (x[1] + top + bottom - kh) // sh + 1, (x[2] + left + right - kw) // sw + 1, x[3])
    name = "" if a.get("mean", True) else "sum"
    CASES.append(Case("average_pool2d_grad", (normal(*y),), spread(a, x), {**a, "shape": list(x)}, name=name))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pool2d(case: Case) -> None:
    check_op(case)


@pytest.mark.parametrize("pool", [(1, 1, 1), (3, 2, 0)], ids=str)
@pytest.mark.parametrize("shape", [1, 2, 3, 4], ids=str)
def test_relu_before_max_pooling_keeps_its_gradient(shape: int, pool: tuple[int, ...]) -> None:
    """The rewrite that moves relu_grad to the pooled side, also where windows overlap or nothing is positive."""
    x_shape, attributes = SHAPES[shape]
    graph = E.Graph()
    x = graph.input("x", x_shape, "float32")
    y = graph.add("relu", [x], {})[0]
    p = graph.add("max_pool2d", [y], attributes)[0]
    loss = graph.add("sum", [graph.add("sin", [p], {})[0]], {"axes": [0, 1, 2, 3]})[0]
    gradient, before_relu = graph.gradients(loss, [x, y])
    rng = np.random.default_rng(pool[0])
    data = (rng.integers(-3, 3, (3, *x_shape[1:])) - pool[1]).astype(np.float32) / 2  # ties, zeros, negatives
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            for outputs in ([gradient], [gradient, y], [gradient, p], [gradient, before_relu]):
                fused, plain = (E.Executable(graph, outputs, 3, d).run(3, [data]) for d in ("", "nofuse,noplan"))
                for a, b in zip(fused, plain, strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_the_first_of_equal_maxima_gets_the_gradient_and_nan_wins() -> None:
    graph = E.Graph()
    x = graph.input("x", (1, 2, 4, 1), "float32")
    y = graph.add("max_pool2d", [x], window(2, 2))[0]
    gradient = graph.gradients(graph.add("sum", [y], {"axes": [0, 1, 2, 3]})[0], [x])[0]
    data = np.array([[1, 3, 0, np.nan], [3, 3, 5, 1]], np.float32).reshape(1, 2, 4, 1)
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            got = E.Executable(graph, [y, gradient], 1).run(1, [data])
            np.testing.assert_array_equal(got[0].ravel(), [3, np.nan])
            np.testing.assert_array_equal(got[1].reshape(2, 4), [[0, 1, 0, 1], [0, 0, 0, 0]])


@pytest.mark.parametrize(
    ("x", "attributes", "message"),
    [
        ((-1, 4, 4), window(2, 2), r'max_pool2d "p1": input must have 4 dimensions .*, got \(n, 4, 4\)'),
        ((-1, 1, 4, 2), window(2, 2), r"the window \(2, 2\) is larger than the input \(n, 1, 4, 2\)"),
        ((-1, 4, 4, 2), window(2, 0), "strides must be 2 integers of at least 1"),
        ((-1, 4, 4, 2), window(2, 1, 2, 0, 0, 0), "must be smaller than the window"),
        ((-1, 20, 20, 2), window(17, 1), "a window of 289 positions is more than 256"),
        ((4, -1, 4, 2), window(2, 1), "only the first axis may carry the batch"),
    ],
)
def test_bad_shapes(x: tuple[int, ...], attributes: dict[str, Any], message: str) -> None:
    graph = E.Graph()
    value = graph.input("x", x, "float32")
    with pytest.raises(E.ShapeError, match=message):
        graph.add("max_pool2d", [value], attributes, "p1")


def test_bad_gradient_nodes() -> None:
    graph = E.Graph()
    dy = graph.input("dy", (-1, 2, 2, 1), "float32")
    attributes = {**window(2, 2), "shape": [-1, 4, 4, 1]}
    with pytest.raises(E.ShapeError, match="takes 1 inputs, got 0"):
        graph.add("average_pool2d_grad", [], attributes)
    with pytest.raises(E.ShapeError, match="input 1 must be the second output of max_pool2d"):
        graph.add("max_pool2d_grad", [dy, dy], attributes)
    with pytest.raises(E.ShapeError, match="the gradient has shape"):
        graph.add("average_pool2d_grad", [dy], {**attributes, "shape": [-1, 8, 4, 1]})
