"""Reductions over every run of axes, the batch included; extrema with ties; products with zeros; NaN."""

from __future__ import annotations

import numpy as np
import pytest
from engine.check_op import Case, check_op, choice, floats, normal, restored

from linnet import _engine as E

REDUCTIONS = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "prod": np.prod}


def reduced(op: str, axes: tuple[int, ...], keepdims: bool = False):
    """NumPy's reduction, with linnet's answer for nothing: 0, NaN, -inf, inf, 1."""
    if op in ("max", "min"):
        empty = -np.inf if op == "max" else np.inf
        return lambda x: REDUCTIONS[op](x, axis=axes, keepdims=keepdims, initial=empty)
    return lambda x: REDUCTIONS[op](x, axis=axes, keepdims=keepdims)


SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((1,), (0,)),
    ((-1, 5), (1,)),
    ((-1, 5), (0,)),
    ((-1, 5), (0, 1)),
    ((-1, 3, 37), (2,)),
    ((-1, 3, 37), (1,)),
    ((-1, 3, 17), (0, 1)),
    ((-3, 4), (0,)),
    ((2, -1, 3), (1,)),
    ((2, 3, 5, 7), (1, 2)),
    ((-1, 1, 1), (1, 2)),
    ((3, 0, 2), (2,)),
    ((-1, 1031), (1,)),
    ((-1, -1), (1,)),
    ((-1, -1, -1), (2,)),
    ((-1, -1), (0, 1)),
    ((2, 3), ()),
    ((), ()),
]


def case(op: str, shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> Case:
    over_batch = any(shape[a] < 0 for a in axes)
    return Case(
        op,
        (normal(*shape) if op != "prod" else floats(*shape, low=0.5, high=1.5),),
        reduced(op, axes, keepdims),
        {"axes": list(axes), "keepdims": keepdims},
        name=f"over{''.join(map(str, axes))}{'-keep' * keepdims}",
        rowwise=not over_batch and bool(shape) and shape[0] == -1,
        empty=not (over_batch and op in ("mean", "max", "min")),  # checked below: NaN and infinities
        covers=("count",) if op == "mean" and over_batch else (),
        grad_rtol=1e-3 if op == "prod" else 1e-4,
    )


CASES = [
    case(op, shape, axes, keepdims)
    for op in REDUCTIONS
    for shape, axes in SHAPES
    for keepdims in ((False, True) if len(shape) == 3 else (False,))
    if not (op == "prod" and shape == (-1, 1031))
]
CASES += [
    Case(op, (normal(*shape),), lambda x, a=axis, f=function: f(x, axis=a), {"axis": axis}, differentiable=False)
    for op, function in (("argmax", np.argmax), ("argmin", np.argmin))
    for shape, axis in [((-1, 37), 1), ((5, -1), 0), ((-1, 3, 17), 1), ((4, 3, 1), 2), ((19,), 0)]
]
CASES += [
    Case("count", (normal(-3, 5),), lambda x: np.array(x.size), {"axes": [0, 1]}, differentiable=False),
    Case("count", (normal(-1, 5),), lambda x: np.array(5.0), {"axes": [1]}, differentiable=False),
    Case("row_numbers", (normal(-2, 3),), lambda x: np.arange(len(x)), {}, differentiable=False, rowwise=False),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reduce(case: Case) -> None:
    check_op(case)


def values_of(op: str, data: np.ndarray, attributes: dict, n: int = 1) -> tuple[np.ndarray, np.ndarray | None]:
    graph = E.Graph()
    x = graph.input("x", (-1, *data.shape[1:]), "float32")
    y = graph.add(op, [x], attributes)[0]
    if graph.dtype(y) == "int32":
        return E.Executable(graph, [y], 4).run(n, [data])[0], None
    loss = y
    while graph.shape(loss):
        loss = graph.add("sum", [loss], {"axes": [0]})[0]
    y, gradient = E.Executable(graph, [y, graph.gradients(loss, [x])[0]], 4).run(n, [data])
    return y, gradient


def test_the_empty_batch_gives_the_neutral_element() -> None:
    empty = np.zeros((0, 3), np.float32)
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            for op, neutral in {"sum": 0.0, "mean": np.nan, "max": -np.inf, "min": np.inf, "prod": 1.0}.items():
                got, gradient = values_of(op, empty, {"axes": [0]}, 0)
                np.testing.assert_array_equal(got, np.full(3, neutral, np.float32), err_msg=f"{op} on {isa}")
                assert gradient is not None
                assert gradient.shape == (0, 3)


def test_equal_extrema_share_the_gradient() -> None:
    data = np.array([[1, 3, 3, -1]], np.float32)
    _, gradient = values_of("max", data, {"axes": [1]})
    np.testing.assert_array_equal(gradient, [[0, 0.5, 0.5, 0]])
    _, gradient = values_of("min", np.array([[2, 2, 2, 2]], np.float32), {"axes": [1]})
    np.testing.assert_array_equal(gradient, [[0.25] * 4])


@pytest.mark.parametrize("op", ["max", "min"])
@pytest.mark.parametrize("keepdims", [False, True], ids=["", "keep"])
@pytest.mark.parametrize(
    ("shape", "axes"), [((-1, 9, 8, 5), (1, 2)), ((-1, 300), (1,)), ((-1, 17, 19), (0, 1))], ids=str
)
def test_relu_before_an_extremum_keeps_its_gradient(
    op: str, keepdims: bool, shape: tuple[int, ...], axes: tuple[int, ...]
) -> None:
    """The rewrite that moves relu_grad to the reduced side, also where elements are equal or none is positive."""
    graph = E.Graph()
    x = graph.input("x", shape, "float32")
    relu = graph.add("relu", [x], {})[0]
    y = graph.add(op, [relu], {"axes": list(axes), "keepdims": keepdims})[0]
    loss = graph.add("sum", [graph.add("sin", [y], {})[0]], {"axes": list(range(len(graph.shape(y))))})[0]
    gradient, before_relu = graph.gradients(loss, [x, relu])
    rng = np.random.default_rng(3)
    data = (rng.integers(-9, 9, (3, *shape[1:])) + 1.5).astype(np.float32) / 2
    data[..., ::3] = -np.abs(data[..., ::3])  # dead
    data[..., 1::3] = np.abs(rng.normal(size=data[..., 1::3].shape)) + 0.1  # no ties
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            for outputs in ([gradient], [gradient, relu], [gradient, y], [gradient, before_relu]):
                fused, plain = (E.Executable(graph, outputs, 3, d).run(3, [data]) for d in ("", "nofuse,noplan"))
                for a, b in zip(fused, plain, strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("row", "expected"),
    [((2, 3, 4), (12, 8, 6)), ((0, 3, 4), (12, 0, 0)), ((0, 0, 4), (0, 0, 0)), ((-1, 0.5, -2), (-1, 2, -0.5))],
)
def test_gradient_of_a_product_with_zeros(row: tuple[float, ...], expected: tuple[float, ...]) -> None:
    _, gradient = values_of("prod", np.array([row], np.float32), {"axes": [1]})
    np.testing.assert_allclose(gradient, [expected], rtol=1e-6)


def test_nan_and_ties_in_arg_reductions() -> None:
    data = np.array([[1, np.nan, 3, np.nan], [3, 1, 3, 1], [-0.0, 0.0, -0.0, 0.0]], np.float32)
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            assert values_of("argmax", data, {"axis": 1}, 3)[0].tolist() == np.argmax(data, 1).tolist()
            assert values_of("argmin", data, {"axis": 1}, 3)[0].tolist() == np.argmin(data, 1).tolist()
            for op in ("max", "min", "sum", "mean", "prod"):
                assert np.isnan(values_of(op, data, {"axes": [1]}, 3)[0]).tolist() == [True, False, False], (op, isa)


def test_sums_do_not_lose_small_numbers() -> None:
    """A float32 sum of 2**20 ones and a tenth each stays exact to the last digits; adding one by one does not."""
    data = np.full((1, 1 << 20), 1.1, np.float32)
    exact = float(data.astype(np.float64).sum())
    with restored():
        for isa in E.available_isas():
            if isa == "reference":  # naive on purpose, but in double
                continue
            E.set_isa(isa)
            assert abs(float(values_of("sum", data, {"axes": [1]})[0][0]) - exact) < 1e-5 * exact, isa


@pytest.mark.parametrize("axes", [[0, 2], [3], [-1], [1, 0], [1, 1]], ids=str)
def test_bad_axes(axes: list[int]) -> None:
    graph = E.Graph()
    x = graph.input("x", (-1, 4, 5), "float32")
    with pytest.raises(E.ShapeError, match=r'sum "s": axes .* are not adjacent axes of \(n, 4, 5\)'):
        graph.add("sum", [x], {"axes": axes}, "s")


def test_bad_axis_of_argmax() -> None:
    graph = E.Graph()
    with pytest.raises(E.ShapeError, match=r"axis 2 is not an axis of \(n, 4\)"):
        graph.add("argmax", [graph.input("x", (-1, 4), "float32")], {"axis": 2})
    with pytest.raises(E.ShapeError, match=r"axis 1 of \(n, 0\) is empty"):
        graph.add("argmax", [graph.input("x", (-1, 0), "float32")], {"axis": 1})


def test_ties_in_the_draw_are_covered() -> None:
    """argmax among many equal numbers takes the first, also past one vector."""
    check_op(
        Case(
            "argmax",
            (choice(-1, 67, values=(0, 1)),),
            lambda x: np.argmax(x, 1),
            {"axis": 1},
            differentiable=False,
            rowwise=True,
        )
    )
