"""The order of values, and values picked by number."""

from __future__ import annotations

import numpy as np
import pytest
from engine.check_op import Case, check_op, choice, integers, normal

from linnet import _engine as E


def order(x: np.ndarray) -> np.ndarray:
    return np.argsort(x, axis=-1, kind="stable")


CASES = [
    Case("argsort", (choice(*shape, values=(-1.0, 0.0, -0.0, 0.5, 3.0)),), order, rowwise=True, differentiable=False)
    for shape in [(-1, 1), (-1, 5), (-1, 3, 37), (-2, 19)]
]
CASES += [
    Case("argsort", (normal(7),), order, differentiable=False, name="no batch"),
    Case(
        "argsort",
        (choice(-1, 9, values=(1.0, 2.0, 2.5)),),
        lambda x: order(-x)[..., :4],
        {"descending": True, "k": 4},
        differentiable=False,
    ),
    Case("argsort", (integers(-1, 30, below=9),), order, differentiable=False, name="integers"),
]
CASES += [
    Case(
        "take_along",
        (normal(*shape, n), integers(*shape, k, below=n)),
        lambda x, ids: np.take_along_axis(x, ids, -1),
        covers=("take_along_grad",),
    )
    for shape, n, k in [((-1,), 5, 3), ((-1, 4), 3, 7), ((), 6, 9), ((-3,), 1, 2)]
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_sort(case: Case) -> None:
    check_op(case)


def test_an_index_outside_is_named() -> None:
    graph = E.Graph()
    x, ids = graph.input("x", (-1, 2, 3), "float32"), graph.input("ids", (-1, 2, 2), "int32")
    executable = E.Executable(graph, graph.add("take_along", [x, ids], {}, "pick"), 4)
    numbers = np.zeros((4, 2, 2), np.int32)
    numbers[2, 1, 0] = 3
    numbers[3, 0, 0] = -4
    with pytest.raises(ValueError, match="outside") as error:
        executable.run(4, [np.zeros((4, 2, 3), np.float32), numbers])
    assert str(error.value) == 'take_along "pick": index 3 is outside of an axis of size 3 (row 2 of the batch)'


def test_bad_shapes_and_types() -> None:
    graph = E.Graph()
    x, ids = graph.input("x", (-1, 4), "float32"), graph.input("ids", (-1, 4), "int32")
    with pytest.raises(E.ShapeError, match=r"needs a last axis of fixed size, got \(4, n\)"):
        graph.add("argsort", [graph.input("y", (4, -1), "float32")], {})
    with pytest.raises(E.ShapeError, match="k must lie in 1 to the size of the last axis, 4, or be 0 for all; got 5"):
        graph.add("argsort", [x], {"k": 5})
    with pytest.raises(E.ShapeError, match="must agree in all axes but the last"):
        graph.add("take_along", [graph.input("z", (-1, 2, 4), "float32"), ids], {})
    with pytest.raises(E.ShapeError, match="input 1 must be int32, got float32"):
        graph.add("take_along", [x, x], {})
    with pytest.raises(E.ShapeError, match="does not belong to ids"):
        graph.add("take_along_grad", [ids, graph.input("g", (-1, 5), "float32")], {"entries": 3})
    with pytest.raises(E.ShapeError, match="entries must not be negative"):
        graph.add("take_along_grad", [ids, x], {"entries": -3})
