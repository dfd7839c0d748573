"""lstm, gru and simple_rnn: outputs against a float64 loop over steps, gradients against central differences of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine.check_op import Arg, Case, check_op, choice, floats, normal

from linnet import _engine as E

ACTIVATIONS: dict[str, Any] = {
    "none": lambda v: v,
    "relu": lambda v: np.maximum(v, 0),
    "tanh": np.tanh,
    "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
}


def step(op: str, z: np.ndarray, u: Any, state: list[np.ndarray], bias: Any, attributes: Any) -> list[np.ndarray]:
    """The state after one step; z = x . kernel, u(h, columns) = h . recurrent in some columns."""
    outer = ACTIVATIONS[attributes.get("activation", "tanh")]
    gate = ACTIVATIONS[attributes.get("recurrent_activation", "sigmoid")]
    h = state[0]
    units = h.shape[1]
    part = [slice(k * units, (k + 1) * units) for k in range(4)]
    if op == "simple_rnn":
        return [outer(z + bias + u(h, slice(None)))]
    if op == "lstm":
        i, f, g, o = ((z + bias + u(h, slice(None)))[:, p] for p in part)
        c = gate(f) * state[1] + gate(i) * outer(g)
        return [gate(o) * outer(c), c]
    if attributes.get("reset_after", True):
        first, second = bias
        update, reset = (gate(z[:, p] + first[p] + u(h, p) + second[p]) for p in part[:2])
        candidate = outer(z[:, part[2]] + first[part[2]] + reset * (u(h, part[2]) + second[part[2]]))
    else:
        update, reset = (gate(z[:, p] + bias[p] + u(h, p)) for p in part[:2])
        candidate = outer(z[:, part[2]] + bias[part[2]] + u(reset * h, part[2]))
    return [update * h + (1 - update) * candidate]


def oracle(op: str, attributes: dict[str, Any]) -> Any:
    def run(x: np.ndarray, kernel: np.ndarray, recurrent: np.ndarray, *more: np.ndarray) -> tuple[np.ndarray, ...]:
        rest = list(more)
        n, steps, _ = x.shape
        units = len(recurrent)
        after = op == "gru" and attributes.get("reset_after", True)
        bias = rest.pop(0) if attributes.get("bias") else np.zeros((2, kernel.shape[1]) if after else kernel.shape[1])
        count = 2 if op == "lstm" else 1
        state = [rest.pop(0) for _ in range(count)] if attributes.get("state") else [np.zeros((n, units))] * count
        mask = rest.pop(0) if attributes.get("mask") else np.ones((n, steps))
        factors = rest.pop(0) if attributes.get("recurrent_mask") else 1.0
        outputs = []
        for s in range(steps):
            at = steps - 1 - s if attributes.get("reverse") else s

            def product(h: np.ndarray, columns: slice) -> np.ndarray:
                return (h * factors) @ recurrent[:, columns]

            new = step(op, x[:, at] @ kernel, product, state, bias, attributes)
            live = mask[:, at : at + 1] != 0
            state = [np.where(live, a, b) for a, b in zip(new, state, strict=True)]
            outputs.append(state[0])
        return (np.stack(outputs, 1) if outputs else np.zeros((n, 0, units)), *state)

    return run


def case(op: str, n: int, steps: int, size: int, units: int, name: str = "", **attributes: Any) -> Case:
    columns = {"lstm": 4, "gru": 3, "simple_rnn": 1}[op] * units
    args: list[Arg] = [
        normal(n, steps, size),
        floats(size, columns, low=-1, high=1),
        floats(units, columns, low=-1, high=1),
    ]
    if attributes.get("bias"):
        args.append(normal(2, columns) if op == "gru" and attributes.get("reset_after", True) else normal(columns))
    if attributes.get("state"):
        args += [normal(n, units)] * (2 if op == "lstm" else 1)
    wrt = tuple(range(len(args)))
    if attributes.get("mask"):
        args.append(choice(n, steps, values=(0.0, 1.0)))
    if attributes.get("recurrent_mask"):
        args.append(choice(n, units, values=(0.0, 1.5)))
    return Case(
        op,
        tuple(args),
        oracle(op, attributes),
        attributes,
        name=name or "-".join(sorted(k for k, v in attributes.items() if v is True)),
        wrt=wrt,
        rowwise=n == -1,
        rtol=3e-5,
        grad_rtol=1e-3,
        covers=(op + "_grad",),
    )


CASES = []
for operation in ("lstm", "gru", "simple_rnn"):
    CASES += [
        case(operation, -1, 4, 3, 5),
        case(operation, -1, 3, 17, 20, bias=True),
        case(operation, 2, 2, 1, 1, bias=True, state=True),
        case(operation, -2, 5, 2, 4, bias=True, state=True, mask=True),
        case(operation, -1, 5, 2, 4, bias=True, state=True, mask=True, recurrent_mask=True, reverse=True),
        case(operation, -1, 3, 2, 3, "relu", activation="relu"),
        case(operation, -1, 3, 2, 3, "none", activation="none"),
    ]
CASES += [
    case("gru", -1, 4, 3, 5, "reset_before", reset_after=False, bias=True, state=True),
    case("gru", -1, 4, 3, 18, "reset_before_mask", reset_after=False, bias=True, mask=True, recurrent_mask=True),
    case("lstm", -1, 4, 3, 5, "tanh_gates", recurrent_activation="tanh", activation="sigmoid", bias=True),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_recurrent(case: Case) -> None:
    check_op(case)


@pytest.mark.parametrize("operation", ["lstm", "gru", "simple_rnn"])
def test_gradients_come_through_the_last_states_alone(operation: str) -> None:
    graph = E.Graph()
    gates = {"lstm": 4, "gru": 3, "simple_rnn": 1}[operation]
    shapes = [(-1, 5, 3), (3, gates * 4), (4, gates * 4)]
    values = [graph.input(f"x{i}", shape, "float32") for i, shape in enumerate(shapes)]
    outputs = graph.add(operation, values, {})
    last = outputs[2] if operation == "lstm" else outputs[1]
    loss = graph.add("sum", [graph.add("sin", [last], {})[0]], {"axes": [0, 1]})[0]
    gradients = graph.gradients(loss, values)
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=[3 if d == -1 else d for d in s]).astype(np.float32) for s in shapes]
    got = E.Executable(graph, [loss, *gradients], 3).run(3, arrays)
    wide = [a.astype(np.float64) for a in arrays]

    def loss_of() -> float:
        return float(np.sin(oracle(operation, {})(*wide)[-1]).sum())

    for i, gradient in enumerate(got[1:]):
        for at in range(0, wide[i].size, 5):
            kept = wide[i].flat[at]
            wide[i].flat[at] = kept + 1e-5
            above = loss_of()
            wide[i].flat[at] = kept - 1e-5
            expected = (above - loss_of()) / 2e-5
            wide[i].flat[at] = kept
            assert abs(gradient.flat[at] - expected) < 1e-3


def test_what_is_not_read_has_no_memory() -> None:
    def arena(wanted: tuple[int, ...]) -> int:
        graph = E.Graph()
        values = [graph.input(n, s, "float32") for n, s in (("x", (-1, 50, 8)), ("w", (8, 64)), ("u", (16, 64)))]
        outputs = graph.add("lstm", values, {})
        return E.Executable(graph, [outputs[i] for i in wanted], 100).memory()["arena"]

    y = 100 * 50 * 16 * 4
    assert arena((1,)) < y <= arena((0,)) < 2 * y
    assert arena((0, 3)) > 6 * y


@pytest.mark.parametrize("operation", ["lstm", "gru", "simple_rnn"])
@pytest.mark.parametrize("steps", [1, 7])
def test_a_prediction_keeps_packed_weights(operation: str, steps: int) -> None:
    gates = {"lstm": 4, "gru": 3, "simple_rnn": 1}[operation]
    bias = (2, gates * 18) if operation == "gru" else (gates * 18,)
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=s).astype(np.float32) for s in ((3, gates * 18), (18, gates * 18), bias)]
    states = ["h", "c"] if operation == "lstm" else ["h"]
    for given in ((), (2,), (1,), (3,)):  # weights that are inputs, which may change every time
        graph = E.Graph()
        values = [graph.input("x", (-1, steps, 3), "float32")]
        inputs = [rng.normal(size=(2, steps, 3)).astype(np.float32)]
        for i, w in enumerate(weights, 1):
            make = graph.input if i in given else graph.variable
            values.append(make(f"w{i}", w.shape, "float32"))
            inputs += [w] if i in given else []
        values += [graph.input(name, (-1, 18), "float32") for name in states]
        inputs += [rng.normal(size=(2, 18)).astype(np.float32) for _ in states]
        outputs = graph.add(operation, values, {"bias": True, "state": True})[:2]
        found = []
        for prepare in (False, True):
            program = E.Executable(graph, outputs, 2, prepare=prepare)
            kept = E.isa() != "reference" and prepare and not given
            assert (f"{operation}_packed " in program.dump()) == kept
            for i, w in enumerate(weights, 1):
                if i not in given:
                    program.bind_variable(values[i], w)
            found.append(program.run(2, inputs))
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=2e-6)


def test_bad_shapes() -> None:
    graph = E.Graph()
    x, w, u, b, h, m = (
        graph.input(n, s, "float32")
        for n, s in (("x", (-1, 5, 3)), ("w", (3, 16)), ("u", (4, 16)), ("b", (16,)), ("h", (-1, 4)), ("m", (-1, 5)))
    )
    with pytest.raises(E.ShapeError, match=r'lstm "l": input has 3 features, the kernel expects 4'):
        graph.add("lstm", [x, u, u], {}, "l")
    with pytest.raises(E.ShapeError, match="need 3 gates of 4 units each"):
        graph.add("gru", [x, w, u], {})
    with pytest.raises(E.ShapeError, match=r"the mask has shape \(n, 4\), expected \(n, 5\)"):
        graph.add("lstm", [x, w, u, h], {"mask": True})
    with pytest.raises(E.ShapeError, match=r"the initial state c has shape \(n, 5\), expected \(n, 4\)"):
        graph.add("lstm", [x, w, u, h, m], {"state": True})
    with pytest.raises(E.ShapeError, match=r"bias has shape \(n, 4\), expected \(16,\)"):
        graph.add("lstm", [x, w, u, h], {"bias": True})
    with pytest.raises(ValueError, match="unknown activation 'elu'"):
        graph.add("lstm", [x, w, u, b], {"bias": True, "activation": "elu"})
