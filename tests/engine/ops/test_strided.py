"""Copies into another arrangement: transpose, broadcast_to, slice, pad, concatenate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine.check_op import Case, check_op, integers, normal, sized

from linnet import _engine as E

CASES = [
    Case("transpose", (normal(*shape),), lambda x, a=axes: x.transpose(a), {"axes": list(axes)}, name=str(axes))
    for shape, axes in [
        ((), ()),
        ((-1, 5), (1, 0)),
        ((-1, 17, 3), (0, 2, 1)),
        ((-1, 2, 3, 5), (3, 1, 0, 2)),
        ((-2, 3), (1, 0)),
        ((7, 1, 37), (2, 1, 0)),
        ((2, 1, 3, 1, 2, 1, 2, 3), (7, 6, 5, 4, 3, 2, 1, 0)),
    ]
]
CASES += [
    Case("transpose", (integers(-1, 3, below=9),), lambda x: x.T, {"axes": [1, 0]}, name="int", differentiable=False)
]
CASES += [
    Case("broadcast_to", (normal(*a),), lambda n, x, b=b: np.broadcast_to(x, sized(b, n)), {"shape": list(b)},
         name=f"to{b}", with_n=True)
    for a, b in [
        ((), (-1, 3)),
        ((1,), (17,)),
        ((3,), (-1, 3)),
        ((-1, 1), (-1, 5)),
        ((1, 4, 1), (-1, 4, 37)),
        ((-1, 1, 3), (-1, 2, 3)),
        ((-2, 1), (-2, 2)),
        ((2, 1, 3), (5, 2, 4, 3)),
        ((1,), (0,)),
    ]
]  # fmt: skip


def cut(begin: list[int], end: list[int], step: list[int]) -> tuple[slice, ...]:
    """A negative end (before the first element) is None in Python; the batch (end < 0, step 1) is taken whole."""
    return tuple(
        slice(None) if e < 0 and s == 1 else slice(b, e if e >= 0 else None, s)
        for b, e, s in zip(begin, end, step, strict=True)
    )


SLICES: list[tuple[tuple[int, ...], list[int], list[int], list[int]]] = [
    ((-1, 7), [0, 2], [-1, 5], [1, 1]),
    ((-1, 7), [0, 6], [-1, -1], [1, -1]),
    ((-1, 17, 3), [0, 1, 2], [-1, 16, -1], [1, 4, -2]),
    ((-2, 5), [0, 4], [-2, 4], [1, 1]),
    ((9,), [8], [0], [-3]),
    ((4, 1, 37), [3, 0, 5], [0, 1, 30], [-1, 1, 2]),
    ((3, -1, 4), [1, 0, 0], [2, -1, 4], [1, 1, 3]),
    ((5,), [4], [5], [1]),
]
for shape, begin, end, step in SLICES:
    attributes = {"begin": begin, "end": end, "step": step}
    where = cut(begin, end, step)
    part = tuple(d if d < 0 else len(range(d)[w]) for d, w in zip(shape, where, strict=True))

    def spread(n: int, dy: np.ndarray, shape=shape, where=where) -> np.ndarray:
        dx = np.zeros(sized(shape, n))
        dx[where] = dy
        return dx

    CASES += [
        Case("slice", (normal(*shape),), lambda x, w=where: x[w], attributes, name=str(where)),
        Case("slice_grad", (normal(*part),), spread, {**attributes, "shape": list(shape)}, with_n=True),
    ]
CASES += [
    Case("pad", (normal(*shape),),
         lambda x, b=before, a=after, v=value: np.pad(x, np.array([b, a], int).T, constant_values=v) if x.ndim else x,
         {"before": before, "after": after, "value": value}, name=f"{before}{after}")
    for shape, before, after, value in [
        ((), [], [], 0.0),
        ((-1, 5), [0, 2], [0, 0], 0.0),
        ((-1, 3, 17), [0, 0, 1], [0, 2, 0], -1.5),
        ((-2, 3), [0, 0], [0, 0], 7.0),
        ((2, 3, -1), [1, 0, 0], [3, 1, 0], 2.5),
        ((0, 3), [1, 0], [1, 2], 0.5),
    ]
]  # fmt: skip
CASES += [
    Case("concatenate", tuple(normal(*s) for s in shapes), lambda *xs, a=axis: np.concatenate(xs, a), {"axis": axis})
    for shapes, axis in [
        ([(-1, 3), (-1, 5)], 1),
        ([(4,)], 0),
        ([(2, 3), (1, 3), (5, 3)], 0),
        ([(-1, 1, 17), (-1, 2, 17), (-1, 0, 17)], 1),
        ([(-2, 3, 2), (-2, 3, 1)], 2),
        ([(3, -1), (4, -1)], 0),
        ([(-1, 4)], 0),
    ]
]
CASES += [
    Case("concatenate", (integers(-1, 2, below=5), integers(-1, 3, below=5)),
         lambda a, b: np.concatenate([a, b], 1), {"axis": 1}, name="int", differentiable=False)
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_strided(case: Case) -> None:
    check_op(case)


def test_a_value_concatenated_with_itself_gets_both_gradients() -> None:
    graph = E.Graph()
    x = graph.input("x", (2,), "float32")
    y = graph.add("concatenate", [x, x, x], {"axis": 0})[0]
    weights = graph.constant(np.array([1, 2, 10, 20, 100, 200], np.float32))
    loss = graph.add("sum", [graph.add("multiply", [y, weights], {})[0]], {"axes": [0]})[0]
    got = E.Executable(graph, graph.gradients(loss, [x]), 1).run(1, [np.zeros(2, np.float32)])[0]
    np.testing.assert_array_equal(got, [111, 222])


@pytest.mark.parametrize(
    ("op", "shapes", "attributes", "message"),
    [
        ("transpose", [(-1, 3)], {"axes": [0, 0]}, r'transpose "t": axes \(0, 0\) are not a permutation'),
        ("transpose", [(-1, 3)], {"axes": [0]}, "are not a permutation"),
        ("broadcast_to", [(3,)], {"shape": [4]}, r"cannot broadcast \(3,\) to \(4,\)"),
        ("broadcast_to", [(2, 3)], {"shape": [3]}, r"cannot broadcast \(2, 3\) to \(3,\)"),
        ("broadcast_to", [(-1, 3)], {"shape": [1, 3]}, r"cannot broadcast \(n, 3\) to \(1, 3\)"),
        ("slice", [(-1, 3)], {"begin": [0, 1], "end": [-1, 5], "step": [1, 1]}, "lie outside of axis 1"),
        ("slice", [(3,)], {"begin": [0], "end": [3], "step": [0]}, "the step of axis 0 is 0"),
        ("slice", [(-1, 3)], {"begin": [1, 0], "end": [-1, 3], "step": [1, 1]}, "cannot be cut"),
        ("slice", [(-1, 3)], {"begin": [0], "end": [-1], "step": [1]}, "need one entry for each axis of"),
        ("pad", [(-1, 3)], {"before": [1, 0], "after": [0, 0]}, "axis 0 carries the batch and cannot be padded"),
        ("pad", [(3,)], {"before": [-1], "after": [0]}, "padding must not be negative"),
        ("pad", [(3,)], {"before": [], "after": [0]}, "before and after need one entry for each axis"),
        ("concatenate", [(-1, 3), (-1, 4)], {"axis": 0}, "differ outside of axis 0"),
        ("concatenate", [(-1, 3), (-1, 3)], {"axis": 0}, "the batch axis cannot be concatenated"),
        ("concatenate", [(3,), (3, 1)], {"axis": 0}, "do not join"),
        ("concatenate", [(3,)], {"axis": 1}, r"axis 1 is not an axis of \(3,\)"),
        ("concatenate", [], {"axis": 0}, "needs at least one input"),
    ],
)
def test_bad_arguments(op: str, shapes: list[tuple[int, ...]], attributes: dict[str, Any], message: str) -> None:
    graph = E.Graph()
    values = [graph.input(f"x{i}", shape, "float32") for i, shape in enumerate(shapes)]
    with pytest.raises(E.ShapeError, match=message):
        graph.add(op, values, attributes, "t")
