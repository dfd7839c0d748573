"""static_batch: one array under its two shapes, for one number of rows only; no gradient."""

from __future__ import annotations

import numpy as np
import pytest
from engine.check_op import Case, normal

from linnet import _engine as E

CASES = [
    Case("static_batch", (normal(3, 4),), lambda x: x, {"batch": 3}, differentiable=False, empty=False),
    Case("static_batch", (normal(-1, 2, 2),), lambda x: x, {"batch": 3}, differentiable=False, empty=False),
]


def test_it_is_the_same_array() -> None:
    graph = E.Graph()
    fixed = graph.add("static_batch", [graph.input("x", (-1, 2), "float32")], {"batch": 3})[0]
    moving = graph.add("static_batch", [fixed], {"batch": 3})[0]
    assert (graph.shape(fixed), graph.shape(moving)) == ((3, 2), (-1, 2))
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    for got in E.Executable(graph, [fixed, moving], 5).run(3, [x]):
        np.testing.assert_array_equal(got, x)


def test_no_gradient_passes() -> None:
    for case in CASES:
        graph = E.Graph()
        x = graph.input("x", case.args[0].shape, "float32")
        y = graph.add("static_batch", [x], {"batch": 3})[0]
        for _ in case.args[0].shape:
            y = graph.add("sum", [y], {"axes": [0]})[0]
        assert graph.gradients(y, [x]) == [-1]


@pytest.mark.parametrize("rows", [0, 2, 4])
def test_another_number_of_rows(rows: int) -> None:
    graph = E.Graph()
    y = graph.add("static_batch", [graph.input("x", (-1, 2), "float32")], {"batch": 3}, "state")[0]
    with pytest.raises(E.ShapeError, match=rf'stateful layer "state": .*batches of 3 rows, this one has {rows}'):
        E.Executable(graph, [y], 5).run(rows, [np.zeros((rows, 2), np.float32)])


def test_bad_shapes() -> None:
    graph = E.Graph()
    x = graph.input("x", (4, 2), "float32")
    with pytest.raises(E.ShapeError, match=r"expected \(n, ...\) or \(3, ...\), got \(4, 2\)"):
        graph.add("static_batch", [x], {"batch": 3})
