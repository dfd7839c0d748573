"""Running sums along an axis."""

from __future__ import annotations

import numpy as np
import pytest
from engine.check_op import Case, check_op, normal

from linnet import _engine as E

CASES = [
    Case(
        "cumulative_sum",
        (normal(*shape),),
        lambda x, axis=axis: np.cumsum(x, axis),
        {"axis": axis},
        name=str(axis),
        rowwise=shape[0] == -1,
    )
    for shape, axis in [((-1, 5), 1), ((-1, 1), 1), ((-1, 7, 3), 1), ((-1, 4, 65), 2), ((9,), 0), ((3, -1), 0)]
]
CASES += [
    Case(
        "cumulative_sum",
        (normal(-1, 6),),
        lambda x: np.cumsum(x[:, ::-1], 1)[:, ::-1],
        {"axis": 1, "reverse": True},
        name="reverse",
    )
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cumulative_sum(case: Case) -> None:
    check_op(case)


def test_bad_axes() -> None:
    graph = E.Graph()
    x = graph.input("x", (-1, 4), "float32")
    with pytest.raises(E.ShapeError, match="axis 2 does not exist in a tensor of rank 2"):
        graph.add("cumulative_sum", [x], {"axis": 2})
    with pytest.raises(E.ShapeError, match="cannot sum along the batch axis"):
        graph.add("cumulative_sum", [x], {"axis": 0})
