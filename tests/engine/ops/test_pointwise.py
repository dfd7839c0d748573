"""Pointwise operations: every opcode, NumPy broadcasting of every kind, values at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from engine.check_op import Arg, Case, check_op, choice, erf, floats, restored

from linnet import _engine as E


def positive(*shape: int) -> Arg:
    return floats(*shape, low=0.2, high=3.0)


def away_from_zero(*shape: int) -> Arg:
    """Both signs, at least 0.2 from zero."""
    return Arg(shape, lambda rng, s: rng.uniform(0.2, 2.0, s) * rng.choice([-1.0, 1.0], s))


def truth(function):
    return lambda *xs: function(*xs).astype(np.float64)


def divide_no_nan(a, b):
    return np.where(b == 0, 0.0, a / np.where(b == 0, 1.0, b))


UNARY = {
    "negative": (np.negative, floats),
    "absolute": (np.abs, away_from_zero),
    "square": (np.square, floats),
    "sqrt": (np.sqrt, positive),
    "rsqrt": (lambda x: 1 / np.sqrt(x), positive),
    "reciprocal": (lambda x: 1 / x, away_from_zero),
    "exp": (np.exp, floats),
    "expm1": (np.expm1, floats),
    "log": (np.log, positive),
    "log1p": (np.log1p, positive),
    "sin": (np.sin, floats),
    "cos": (np.cos, floats),
    "tan": (np.tan, lambda *s: floats(*s, low=-1.2, high=1.2)),
    "tanh": (np.tanh, floats),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), floats),
    "softplus": (lambda x: np.logaddexp(x, 0), floats),
    "erf": (erf, floats),
    "relu": (lambda x: np.maximum(x, 0), away_from_zero),
    "copy": (lambda x: x, floats),
}
UNARY_FLAT = {
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
    "logical_not": truth(lambda x: x == 0),
    "is_nan": truth(np.isnan),
    "is_finite": truth(np.isfinite),
}
BINARY = {
    "add": (np.add, floats, floats),
    "subtract": (np.subtract, floats, floats),
    "multiply": (np.multiply, floats, floats),
    "divide": (np.divide, floats, away_from_zero),
    "maximum": (np.maximum, floats, floats),
    "minimum": (np.minimum, floats, floats),
    "power": (np.power, positive, floats),
    "mod": (np.mod, floats, away_from_zero),
    "arctan2": (np.arctan2, floats, away_from_zero),
    "divide_no_nan": (divide_no_nan, floats, away_from_zero),
}
BINARY_FLAT = {
    "floor_divide": np.floor_divide,
    "equal": truth(np.equal),
    "not_equal": truth(np.not_equal),
    "less": truth(np.less),
    "less_equal": truth(np.less_equal),
    "greater": truth(np.greater),
    "greater_equal": truth(np.greater_equal),
    "logical_and": truth(np.logical_and),
    "logical_or": truth(np.logical_or),
}
SPECIAL = (0.0, -0.0, 0.5, 1.5, -1.5, 2.5, -2.5, float("inf"), float("-inf"), float("nan"))

BROADCASTS = [
    ((), ()),
    ((17,), (17,)),
    ((1,), (-1, 5)),
    ((), (-1, 5)),
    ((-1, 5), (5,)),
    ((-1, 5), (-1, 1)),
    ((-1, 1), (1, 5)),
    ((1, 5), (-1, 5)),
    ((-1, 1, 7), (3, 1)),
    ((-1, 4, 1, 3), (1, 1, 5, 3)),
    ((2, 3), (-1, 2, 3)),
    ((-6, 5), (1, 5)),
    ((-2, 1), (-2, 37)),
    ((1, 1, 1), (-1, 19)),
    ((-1, 300), (-1, 300)),
    ((-1, 0), (1,)),
]
SOME = [((-1, 5), (5,)), ((3, 1), (-1, 1, 7))]

CASES = [
    Case(op, (draw(*shape),), oracle, rowwise=bool(shape) and shape[0] < 0)
    for op, (oracle, draw) in UNARY.items()
    for shape in [(-1, 37), (), (1,), (-3, 1, 5)]
]
CASES += [
    Case(op, (choice(-1, 41, values=SPECIAL),), oracle, differentiable=False) for op, oracle in UNARY_FLAT.items()
]
CASES += [
    Case(op, (left(*a), right(*b)), oracle)
    for op, (oracle, left, right) in BINARY.items()
    for a, b in (BROADCASTS if op in ("subtract", "multiply", "maximum", "power") else SOME)
]
CASES += [
    Case(op, (choice(*a, values=(0, 1, 2.5, -3)), choice(*b, values=(1, 2, -3, 0.5))), oracle, differentiable=False)
    for op, oracle in BINARY_FLAT.items()
    for a, b in SOME
]
CASES += [
    Case("relu_grad", (floats(-1, 37), away_from_zero(37)), lambda a, b: np.where(b > 0, a, 0.0), wrt=(0,)),
    *(
        Case(
            "where",
            (choice(*c, values=(0, 1, -2)), floats(*a), floats(*b)),
            lambda c, a, b: np.where(c != 0, a, b),
            wrt=(1, 2),
        )
        for c, a, b in [
            ((-1, 5), (-1, 5), (-1, 5)),
            ((5,), (-1, 1), ()),
            ((), (-1, 7), (7,)),
            ((-1, 1, 3), (2, 1), (1,)),
        ]
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pointwise(case: Case) -> None:
    check_op(case)


def gradient_at(op: str, *values: float) -> list[float]:
    graph = E.Graph()
    inputs = [graph.input(f"x{i}", (), "float32") for i in range(len(values))]
    gradients = graph.gradients(graph.add(op, inputs, {})[0], inputs)
    assert min(gradients) >= 0
    return [float(g) for g in E.Executable(graph, gradients, 1).run(1, [np.array(v, np.float32) for v in values])]


@pytest.mark.parametrize("op", ["maximum", "minimum"])
def test_a_tie_shares_the_gradient(op: str) -> None:
    assert gradient_at(op, 2.0, 2.0) == [0.5, 0.5]


@pytest.mark.parametrize(
    ("op", "values", "expected"),
    [
        ("power", (0.0, 0.0), [0.0, 0.0]),
        ("power", (0.0, 2.0), [0.0, 0.0]),
        ("power", (-2.0, 3.0), [12.0, 0.0]),
        ("divide_no_nan", (3.0, 0.0), [0.0, 0.0]),
        ("absolute", (0.0,), [0.0]),
        ("relu", (0.0,), [0.0]),
        ("sigmoid", (-200.0,), [0.0]),
        ("softplus", (200.0,), [1.0]),
        ("tanh", (50.0,), [0.0]),
    ],
)
def test_gradient_at_the_edge(op: str, values: tuple[float, ...], expected: list[float]) -> None:
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            assert gradient_at(op, *values) == expected, isa


def test_shape_error_names_the_layer_and_both_shapes() -> None:
    graph = E.Graph()
    a, b = graph.input("a", (-1, 3), "float32"), graph.input("b", (-1, 4), "float32")
    with pytest.raises(E.ShapeError, match=r'add "sum_1": shapes \(n, 3\) and \(n, 4\) do not broadcast together'):
        graph.add("add", [a, b], {}, "sum_1")
    with pytest.raises(E.ShapeError, match="takes 2 inputs, got 1"):
        graph.add("add", [a], {})


def test_integers_must_be_cast() -> None:
    graph = E.Graph()
    ids = graph.input("ids", (-1,), "int32")
    with pytest.raises(E.ShapeError, match="input 0 must be float32, got int32; cast it first"):
        graph.add("relu", [ids], {})


def test_more_than_eight_axes() -> None:
    graph = E.Graph()
    x = graph.input("x", (1,) * 9, "float32")
    with pytest.raises(E.ShapeError, match="more than 8 dimensions"):
        graph.add("relu", [x], {})
