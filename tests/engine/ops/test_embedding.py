"""Rows of a table by id, one-hot rows, casts."""

from __future__ import annotations

import numpy as np
import pytest
from engine.check_op import Case, check_op, choice, integers, normal, restored

from linnet import _engine as E

CASES = [
    Case(
        "embedding",
        (normal(entries, width), integers(*ids, below=entries)),
        lambda table, ids: table[ids],
        covers=("embedding_grad",),
    )
    for entries, width, ids in [
        (7, 5, (-1,)),
        (1, 1, (-1,)),
        (13, 17, (-1, 4)),
        (3, 8, (-2, 3)),
        (5, 3, ()),
        (2, 33, (19,)),
    ]
]
CASES += [
    Case("one_hot", (integers(*ids, below=7),), lambda ids: np.eye(7)[ids], {"depth": 7}, differentiable=False)
    for ids in [(-1,), (-1, 3), (-4,), (), (17,)]
]
CASES += [
    Case(
        "cast", (integers(-1, 19, below=1000),), lambda x: x.astype(np.float64), {"dtype": "float32"}, rowwise=True,
        differentiable=False,
    ),
    Case(
        "cast", (choice(-1, 19, values=(0.0, -0.0, 0.9, -0.9, 2.5, -2.5, 1e6),),), np.trunc, {"dtype": "int32"},
        differentiable=False,
    ),
    Case("cast", (normal(-1, 19),), lambda x: x, {"dtype": "float32"}, name="same"),
    Case("cast", (integers(-2, 3, below=9),), lambda x: x, {"dtype": "int32"}, name="same", differentiable=False),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_embedding(case: Case) -> None:
    check_op(case)


def test_repeated_ids_add_up() -> None:
    graph = E.Graph()
    table, ids = graph.input("table", (4, 2), "float32"), graph.input("ids", (-1,), "int32")
    y = graph.add("embedding", [table, ids], {})[0]
    gradient = graph.gradients(graph.add("sum", [y], {"axes": [0, 1]})[0], [table])[0]
    arrays = [np.zeros((4, 2), np.float32), np.array([1, 3, 1, 1, 3], np.int32)]
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            got = E.Executable(graph, [gradient], 5).run(5, arrays)[0]
            np.testing.assert_array_equal(got, [[0, 0], [3, 3], [0, 0], [2, 2]], err_msg=isa)


@pytest.mark.parametrize(("shape", "n"), [((-1, 2), 4), ((-2,), 4)], ids=str)
def test_a_bad_id_is_named(shape: tuple[int, ...], n: int) -> None:
    graph = E.Graph()
    table, ids = graph.input("table", (3, 2), "float32"), graph.input("ids", shape, "int32")
    executable = E.Executable(graph, graph.add("embedding", [table, ids], {}, "words"), n)
    numbers = np.zeros((4, 2), np.int32)
    numbers[2, 1] = 3
    numbers[3, 0] = -9
    numbers = numbers.reshape((n, 2) if shape == (-1, 2) else (n * 2,))
    with pytest.raises(ValueError, match="outside") as error:
        executable.run(n, [np.zeros((3, 2), np.float32), numbers])
    assert str(error.value) == (
        'embedding "words": id 3 is outside of the table\'s 3 entries 0 to 2 (row 2 of the batch)'
    )


def test_one_hot_of_a_number_outside_is_a_row_of_zeros() -> None:
    graph = E.Graph()
    y = graph.add("one_hot", [graph.input("ids", (-1,), "int32")], {"depth": 3})
    got = E.Executable(graph, y, 4).run(4, [np.array([-1, 3, 2, 2**31 - 1], np.int32)])[0]
    np.testing.assert_array_equal(got, [[0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]])


def test_bad_shapes_and_types() -> None:
    graph = E.Graph()
    table, ids = graph.input("table", (4, 2), "float32"), graph.input("ids", (-1,), "int32")
    with pytest.raises(E.ShapeError, match=r'embedding "e": input 1 must be int32, got float32; cast it first'):
        graph.add("embedding", [table, table], {}, "e")
    with pytest.raises(E.ShapeError, match="table must have 2 dimensions, got 1"):
        graph.add("embedding", [graph.input("flat", (4,), "float32"), ids], {})
    with pytest.raises(E.ShapeError, match=r"the table cannot depend on the batch size: \(n, 2\)"):
        graph.add("embedding", [graph.input("rows", (-1, 2), "float32"), ids], {})
    with pytest.raises(E.ShapeError, match="depth must not be negative, got -1"):
        graph.add("one_hot", [ids], {"depth": -1})
    with pytest.raises(E.ShapeError, match='dtype must be "float32" or "int32", got "float64"'):
        graph.add("cast", [ids], {"dtype": "float64"})
    with pytest.raises(E.ShapeError, match="does not belong to ids"):
        graph.add("embedding_grad", [ids, table], {"entries": 3})
