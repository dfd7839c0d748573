"""softmax and log_softmax: any number of leading axes, large logits, rows that sum to one."""

from __future__ import annotations

import numpy as np
import pytest
from engine.check_op import Case, check_op, floats, restored

from linnet import _engine as E


def log_softmax(x: np.ndarray) -> np.ndarray:
    shifted = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(log_softmax(x))


SHAPES = [(1,), (17,), (-1, 1), (-1, 10), (-1, 3, 37), (-5, 19), (2, 3, 1, 4), (-1, 1031)]
CASES = [
    Case(op, (floats(*shape, low=-9, high=9),), oracle, rowwise=shape[0] < 0, covers=(f"{op}_grad",))
    for op, oracle in (("softmax", softmax), ("log_softmax", log_softmax))
    for shape in SHAPES
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_softmax(case: Case) -> None:
    check_op(case)


def test_large_and_infinite_logits() -> None:
    data = np.array([[1e4, 0, -1e4], [-1e30, -1e30, -1e30], [-np.inf, 0, 0], [88, 89, -200]], np.float32)
    graph = E.Graph()
    x = graph.input("x", (-1, 3), "float32")
    outputs = [graph.add(op, [x], {})[0] for op in ("softmax", "log_softmax")]
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            plain, log = E.Executable(graph, outputs, 4).run(4, [data])
            np.testing.assert_allclose(plain, softmax(data.astype(np.float64)), rtol=1e-6, atol=1e-37, err_msg=isa)
            with np.errstate(divide="ignore"):
                want = log_softmax(data.astype(np.float64))
            np.testing.assert_allclose(log, want, rtol=1e-6, atol=1e-6, err_msg=isa)


def test_bad_shapes() -> None:
    graph = E.Graph()
    with pytest.raises(E.ShapeError, match=r'softmax "s": needs a last axis of fixed size, got \(3, n\)'):
        graph.add("softmax", [graph.input("x", (3, -1), "float32")], {}, "s")
    with pytest.raises(E.ShapeError, match=r"needs a last axis of fixed size, got \(\)"):
        graph.add("softmax", [graph.input("x", (), "float32")], {})
    a, b = graph.input("a", (-1, 3), "float32"), graph.input("b", (-1, 4), "float32")
    with pytest.raises(E.ShapeError, match="the gradient has shape"):
        graph.add("softmax_grad", [a, b], {})
