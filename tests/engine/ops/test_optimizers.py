"""assign, adam and sgd: in place, on whole variables and on views, several steps in a row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from engine.check_op import restored

from linnet import _engine as E

CHECKED = ("assign", "adam", "sgd", "sgd_momentum")  # test_registry.py counts them
SIZES = [(1,), (17,), (3, 5), (0,), (4099,), ()]


def run_steps(
    op: str, shape: tuple[int, ...], states: int, attributes: dict, update: Callable, scalars: dict[str, float]
) -> None:
    """Three steps of `op` on w and its states, against `update(w, g, states, scalars, step)` in float64."""
    rng = np.random.default_rng(4)
    start = [np.asarray(rng.normal(size=shape), np.float32) for _ in range(1 + states)]
    start[1:] = [np.asarray(np.abs(s)) for s in start[1:]]  # a second moment is positive
    gradients = [np.asarray(rng.normal(size=shape), np.float32) for _ in range(3)]
    for isa in E.available_isas():
        results = []
        for threads in (1, 3):
            E.set_isa(isa)
            E.set_num_threads(threads)
            graph = E.Graph()
            variables = [graph.variable(f"v{i}", shape) for i in range(1 + states)]
            g = graph.input("g", shape, "float32")
            numbers = [graph.input(name, (), "float32") for name in scalars]
            graph.add(op, [variables[0], g, *variables[1:], *numbers], attributes, "opt")
            executable = E.Executable(graph, [], 1)
            arrays = [s.copy() for s in start]
            for variable, array in zip(variables, arrays, strict=True):
                executable.bind_variable(variable, array)
            exact = [s.astype(np.float64) for s in start]
            for step, gradient in enumerate(gradients):
                values = {**scalars, **({"iterations": float(step)} if "iterations" in scalars else {})}
                executable.run(1, [gradient, *(np.array(v, np.float32) for v in values.values())])
                exact = update(exact, gradient.astype(np.float64), values, step)
            for got, want in zip(arrays, exact, strict=True):
                np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6, err_msg=f"{op} on {isa}")
            results.append(arrays)
        for a, b in zip(*results, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=f"{op} on {isa}: threads changed the result")


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize(("beta_1", "beta_2", "epsilon"), [(0.9, 0.999, 1e-7), (0.0, 0.5, 0.1)])
def test_adam(shape: tuple[int, ...], beta_1: float, beta_2: float, epsilon: float) -> None:
    def update(state, g, scalars, step):
        w, m, v = state
        t = step + 1
        rate = scalars["learning_rate"] * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        m = m + (g - m) * (1 - beta_1)
        v = v + (g * g - v) * (1 - beta_2)
        return [w - rate * m / (np.sqrt(v) + epsilon), m, v]

    attributes = {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon}
    with restored():
        run_steps("adam", shape, 2, attributes, update, {"learning_rate": 0.01, "iterations": 0.0})


@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_sgd(shape: tuple[int, ...]) -> None:
    with restored():
        run_steps("sgd", shape, 0, {}, lambda s, g, k, _: [s[0] - k["learning_rate"] * g], {"learning_rate": 0.1})


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_momentum(shape: tuple[int, ...], nesterov: bool) -> None:
    def update(state, g, scalars, _):
        rate = scalars["learning_rate"]
        velocity = 0.8 * state[1] - rate * g
        return [state[0] + (0.8 * velocity - rate * g if nesterov else velocity), velocity]

    with restored():
        run_steps("sgd_momentum", shape, 1, {"momentum": 0.8, "nesterov": nesterov}, update, {"learning_rate": 0.1})


def test_a_step_on_a_view_leaves_its_neighbours() -> None:
    graph = E.Graph()
    flat = graph.variable("flat", (10,))
    part = graph.add("view", [flat], {"offset": 3, "shape": [2, 2]})[0]
    g, rate = graph.input("g", (2, 2), "float32"), graph.constant(np.float32(1))
    graph.add("sgd", [part, g, rate], {})
    after = graph.add("copy", [part], {})[0]
    executable = E.Executable(graph, [after], 1)
    memory = np.zeros(10, np.float32)
    executable.bind_variable(flat, memory)
    got = executable.run(1, [np.arange(1, 5, dtype=np.float32).reshape(2, 2)])[0]
    np.testing.assert_array_equal(memory, [0, 0, 0, -1, -2, -3, -4, 0, 0, 0])
    np.testing.assert_array_equal(got, [[-1, -2], [-3, -4]])


@pytest.mark.parametrize("dtype", ["float32", "int32"])
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_assign(dtype: str, shape: tuple[int, ...]) -> None:
    graph = E.Graph()
    variable, value = graph.variable("v", shape, dtype), graph.input("x", shape, dtype)
    graph.assign(variable, value)
    executable = E.Executable(graph, [], 1)
    memory = np.zeros(shape, dtype)
    executable.bind_variable(variable, memory)
    given = np.asarray(np.random.default_rng(0).integers(-9, 9, shape), dtype)
    executable.run(1, [given])
    np.testing.assert_array_equal(memory, given)


def test_bad_arguments() -> None:
    graph = E.Graph()
    w, g, x = graph.variable("w", (3,)), graph.input("g", (4,), "float32"), graph.input("x", (3,), "float32")
    rate = graph.constant(np.float32(0.1))
    with pytest.raises(E.ShapeError, match=r'sgd "s": input 1 has shape \(4,\), expected \(3,\)'):
        graph.add("sgd", [w, g, rate], {}, "s")
    with pytest.raises(E.ShapeError, match="input 0 is written and must be a variable"):
        graph.add("sgd", [x, x, rate], {})
    with pytest.raises(E.ShapeError, match=r"input 2 must be a scalar, got \(3,\)"):
        graph.add("sgd", [w, x, w], {})
    with pytest.raises(E.ShapeError, match=r"a variable of float32\(3,\) cannot take float32\(4,\)"):
        graph.assign(w, g)
    with pytest.raises(E.ShapeError, match="must be a variable"):
        graph.assign(x, w)
    with pytest.raises(E.ShapeError, match="input 3 is written and must be a variable"):
        graph.add("adam", [w, x, w, x, rate, rate], {})
