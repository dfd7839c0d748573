"""Other shapes of the same memory: reshape, stop_gradient, view; and pack, which gathers gradients into one array."""

from __future__ import annotations

import numpy as np
import pytest
from engine.check_op import Case, check_op, launches, normal, restored

from linnet import _engine as E

CASES = [
    Case("reshape", (normal(*a),), lambda n, x, b=b: x.reshape([n * -d if d < 0 else d for d in b]),
         {"shape": list(b)}, name=f"to{b}", with_n=True)
    for a, b in [
        ((-1, 4, 3), (-1, 12)),
        ((-1, 4, 3), (-4, 3)),
        ((-12,), (-3, 2, 2)),
        ((2, -1, 3), (-6,)),
        ((6,), (2, 1, 3)),
        ((1, 1), ()),
        ((), (1,)),
        ((-1, 0), (0, 5)),
        ((-1,), (-1, 1)),
    ]
]  # fmt: skip
CASES += [
    Case("stop_gradient", (normal(-1, 5),), lambda x: x, differentiable=False, rowwise=True),
    Case("view", (normal(17),), lambda x: x[3:9].reshape(2, 3), {"offset": 3, "shape": [2, 3]}, differentiable=False),
    Case("view", (normal(3),), lambda x: x[3:], {"offset": 3, "shape": [0]}, name="empty", differentiable=False),
    Case("view", (normal(3),), lambda x: x[1], {"offset": 1, "shape": []}, name="scalar", differentiable=False),
]


def packed(offsets: list[int], size: int):
    def oracle(*parts: np.ndarray) -> np.ndarray:
        y = np.zeros(size)
        for part, offset in zip(parts, offsets, strict=True):
            y[offset : offset + part.size] = part.ravel()
        return y

    return oracle


CASES += [
    Case("pack", tuple(normal(*s) for s in shapes), packed(offsets, size), {"offsets": offsets, "size": size},
         differentiable=False, name=str(size))
    for shapes, offsets, size in [
        ([(3,)], [0], 3),
        ([(2, 3), (), (5,)], [0, 16, 32], 48),
        ([(4,), (0,), (1, 1)], [1, 5, 5], 7),
        ([], [], 4),
    ]
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reshape(case: Case) -> None:
    check_op(case)


def test_aliases_launch_nothing() -> None:
    graph = E.Graph()
    flat = graph.variable("flat", (12,))
    x = graph.add("view", [flat], {"offset": 2, "shape": [2, 4]})[0]
    y = graph.add("stop_gradient", graph.add("reshape", [x], {"shape": [8]}), {})[0]
    executable = E.Executable(graph, [y], 1)
    assert launches(executable) == []
    memory = np.arange(12, dtype=np.float32)
    executable.bind_variable(flat, memory)
    np.testing.assert_array_equal(executable.run(1, [])[0], memory[2:10])


@pytest.mark.parametrize("square", [False, True])
def test_a_result_that_returns_through_stop_gradient(square: bool) -> None:
    """v * stop_gradient(v): the second factor is no register of the program that computes v."""
    graph = E.Graph()
    x = graph.input("x", (-1, 17), "float32")
    v = graph.add("sigmoid", [x], {})[0]
    stopped = graph.add("reshape", [v], {"shape": [-1, 17]})[0] if square else graph.add("stop_gradient", [v], {})[0]
    y = graph.add("multiply", [v, stopped], {})[0]
    loss = graph.add("sum", [y], {"axes": [0, 1]})[0]
    gradient = graph.gradients(loss, [x])[0]
    data = np.random.default_rng(0).normal(size=(3, 17)).astype(np.float32)
    s = 1 / (1 + np.exp(-data.astype(np.float64)))
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            got = E.Executable(graph, [y, gradient], 3).run(3, [data])
            np.testing.assert_allclose(got[0], s * s, rtol=1e-5)
            np.testing.assert_allclose(got[1], s * s * (1 - s) * (2 if square else 1), rtol=1e-5)


def test_packed_values_are_computed_in_place() -> None:
    graph = E.Graph()
    x = graph.input("x", (-1, 3), "float32")
    w = [graph.variable("a", (3, 4)), graph.variable("b", (4,)), graph.variable("c", (4, 2))]
    h = graph.add("add", [graph.add("matmul", [x, w[0]], {})[0], w[1]], {})[0]
    y = graph.add("matmul", [h, w[2]], {})[0]
    gradients = graph.gradients(graph.add("sum", [y], {"axes": [0, 1]})[0], w)
    pack = graph.add("pack", gradients, {"offsets": [0, 16, 32], "size": 48})[0]
    planned, unplanned = E.Executable(graph, [pack, *gradients], 5), E.Executable(graph, [pack], 5, "noplan")
    places = [line for line in planned.dump().splitlines() if "persistent+" in line]
    assert len(places) == 4, planned.dump()  # three gradients and the pack
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=s).astype(np.float32) for s in ((3, 4), (4,), (4, 2))]
    data = rng.normal(size=(5, 3)).astype(np.float32)
    for executable in (planned, unplanned):
        for variable, array in zip(w, arrays, strict=True):
            executable.bind_variable(variable, array)
    for n in (5, 2):  # gaps stay zero, whatever ran before
        got = planned.run(n, [data[:n]])
        np.testing.assert_array_equal(got[0], unplanned.run(n, [data[:n]])[0])
        np.testing.assert_array_equal(got[0], packed([0, 16, 32], 48)(*got[1:]))


def test_a_part_of_something_larger_is_packed() -> None:
    graph = E.Graph()
    y = graph.add("negative", [graph.input("x", (10,), "float32")], {})[0]
    part = graph.add("view", [y], {"offset": 3, "shape": [2, 2]})[0]
    pack = graph.add("pack", [part, y], {"offsets": [1, 5], "size": 16})[0]
    got = E.Executable(graph, [pack], 1).run(1, [np.arange(10, dtype=np.float32)])[0]
    np.testing.assert_array_equal(got, [0, -3, -4, -5, -6, *-np.arange(10), 0])


def test_one_value_packed_twice() -> None:
    graph = E.Graph()
    x = graph.input("x", (3,), "float32")
    y = graph.add("negative", [x], {})[0]
    again = graph.add("reshape", [y], {"shape": [1, 3]})[0]
    pack = graph.add("pack", [y, again, y], {"offsets": [0, 4, 8], "size": 12})[0]
    other = graph.add("pack", [y], {"offsets": [2], "size": 6})[0]
    got = E.Executable(graph, [pack, other], 1).run(1, [np.array([1, 2, 3], np.float32)])
    np.testing.assert_array_equal(got[0], [-1, -2, -3, 0] * 3)
    np.testing.assert_array_equal(got[1], [0, 0, -1, -2, -3, 0])


def test_bad_shapes() -> None:
    graph = E.Graph()
    x, flat = graph.input("x", (-1, 6), "float32"), graph.variable("flat", (10,))
    with pytest.raises(E.ShapeError, match=r'reshape "r": cannot reshape \(n, 6\) to \(n, 7\): the numbers of'):
        graph.add("reshape", [x], {"shape": [-1, 7]}, "r")
    with pytest.raises(E.ShapeError, match=r"cannot reshape \(n, 6\) to \(6,\)"):
        graph.add("reshape", [x], {"shape": [6]})
    with pytest.raises(E.ShapeError, match=r"elements 8 to 11 lie outside of \(10,\)"):
        graph.add("view", [flat], {"offset": 8, "shape": [3]})
    with pytest.raises(E.ShapeError, match="elements -1 to 2 lie outside"):
        graph.add("view", [flat], {"offset": -1, "shape": [3]})
    with pytest.raises(E.ShapeError, match="views look into a flat array"):
        graph.add("view", [x], {"offset": 0, "shape": [3]})
    with pytest.raises(E.ShapeError, match="a view cannot have the batch size"):
        graph.add("view", [flat], {"offset": 0, "shape": [-1]})
    with pytest.raises(E.ShapeError, match="input 0 depends on the batch size"):
        graph.add("pack", [x], {"offsets": [0], "size": 6})
    with pytest.raises(E.ShapeError, match="offsets must ascend without overlap"):
        graph.add("pack", [flat, flat], {"offsets": [0, 9], "size": 30})
    with pytest.raises(E.ShapeError, match="need 10 elements, size is 9"):
        graph.add("pack", [flat], {"offsets": [0], "size": 9})
    with pytest.raises(E.ShapeError, match="1 inputs but 2 offsets"):
        graph.add("pack", [flat], {"offsets": [0, 1], "size": 30})
