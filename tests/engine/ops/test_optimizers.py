"""assign and update: in place, on whole variables, on parts and on views, several steps in a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine.check_op import add_sgd, restored

from linnet import _engine as E

CHECKED = ("assign", "update")  # test_registry.py counts them
SIZES = [(1,), (17,), (3, 5), (0,), (4099,), ()]
SLOTS = {"sgd": 0, "momentum": 1, "nesterov": 1, "adam": 2, "rmsprop": 1, "adagrad": 1}
STEPS = 4


def expected(rule: str, state: list, u: np.ndarray, lr: float, t: int, k: dict[str, Any]) -> list:
    """The weights and slots after one update by the rule, in float64."""
    w, s = state[0], state[1:]
    if rule == "sgd":
        return [w - lr * u]
    if rule in ("momentum", "nesterov"):
        velocity = k["momentum"] * s[0] - lr * u
        return [w + (k["momentum"] * velocity - lr * u if rule == "nesterov" else velocity), velocity]
    if rule == "adam":
        m, v = s[0] + (u - s[0]) * (1 - k["beta_1"]), s[1] + (u * u - s[1]) * (1 - k["beta_2"])
        rate = lr * np.sqrt(1 - k["beta_2"] ** t) / (1 - k["beta_1"] ** t)
        return [w - rate * m / (np.sqrt(v) + k["epsilon"]), m, v]
    if rule == "rmsprop":
        v = k["beta_1"] * s[0] + (1 - k["beta_1"]) * u * u
        return [w - lr * u / np.sqrt(v + k["epsilon"]), v]
    return [w - lr * u / np.sqrt(s[0] + u * u + k["epsilon"]), s[0] + u * u]


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("rule", SLOTS)
@pytest.mark.parametrize("extras", [False, True])
def test_update(rule: str, shape: tuple[int, ...], extras: bool) -> None:
    numbers: dict[str, Any] = {"momentum": 0.8, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-3}
    own = {"weight_decay": 0.3, "clipvalue": 0.7, "loss_scale_factor": 4.0} if extras else {}
    own |= {"ema_momentum": 0.6, "overwrite_frequency": 2, "accumulation": 2} if extras else {}
    rng = np.random.default_rng(4)
    start = [np.asarray(np.abs(rng.normal(size=shape)), np.float32) for _ in range(1 + SLOTS[rule])]
    start += [np.zeros(shape, np.float32)] * 2  # average and accumulator
    gradients = [np.asarray(4 * rng.normal(size=shape), np.float32) for _ in range(STEPS)]
    exact = [s.astype(np.float64) for s in start]
    for call, gradient in enumerate(gradients):
        state, (average, total) = exact[:-2], exact[-2:]
        if not extras:
            exact[:-2] = expected(rule, state, gradient.astype(float), 0.1, call + 1, numbers)
            continue
        total = total + gradient / 4.0
        done = call // 2
        if call % 2:
            u = np.clip(total / 2, -0.7, 0.7)
            state = expected(rule, [state[0] * (1 - 0.3 * 0.1), *state[1:]], u, 0.1, done + 1, numbers)
            total = total * 0
        average = state[0] if done == 0 else 0.6 * average + 0.4 * state[0]
        if (done + 1) % 2 == 0:
            state[0] = average
        exact = [*state, average, total]
    with restored():
        for isa in E.available_isas():
            results = []
            for threads in (1, 2, 3, 5):
                E.set_isa(isa)
                E.set_num_threads(threads)
                graph = E.Graph()
                variables = [graph.variable(f"v{i}", shape) for i in range(len(start))]
                g, calls = graph.input("g", shape, "float32"), graph.input("calls", (), "int32")
                w, slots, last = variables[0], variables[1:-2], variables[-2:] if extras else [variables[0]] * 2
                operands = [w, *slots, *[w] * (3 - len(slots)), *last, graph.constant(np.float32(0.1)), calls, g]
                graph.add("update", operands, {"rule": rule, **numbers, **own}, "opt")
                executable = E.Executable(graph, [], 1)
                arrays = [s.copy() for s in start]
                for variable, array in zip(variables, arrays, strict=True):
                    if extras or variable not in variables[-2:]:
                        executable.bind_variable(variable, array)
                for call, gradient in enumerate(gradients):
                    executable.run(1, [gradient, np.array(call, np.int32)])
                for got, want in zip(arrays, exact, strict=True):
                    np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-6, err_msg=f"{rule} on {isa}")
                results.append(arrays)
            for other in results[1:]:
                for a, b in zip(results[0], other, strict=True):
                    np.testing.assert_array_equal(a, b, err_msg=f"{rule} on {isa}: threads changed the result")


@pytest.mark.parametrize("global_norm", [False, True])
def test_parts_norms_and_weights_without_decay(global_norm: bool) -> None:
    rng = np.random.default_rng(2)
    shapes, offsets = [(2, 3), (5,), (1,)], [1, 8, 20]
    gradients = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    graph = E.Graph()
    flat = graph.variable("flat", (24,))
    inputs = [graph.input(f"g{i}", shape, "float32") for i, shape in enumerate(shapes)]
    numbers = [graph.constant(np.float32(0.1)), graph.constant(np.int32(0))]
    attributes = {"rule": "sgd", "offsets": offsets, "undecayed": [1], "weight_decay": 0.5}
    attributes |= {"clipnorm": 1.5, "global_norm": global_norm}
    graph.add("update", [flat] * 6 + numbers + inputs, attributes)
    executable = E.Executable(graph, [], 1)
    memory = rng.normal(size=24).astype(np.float32)
    want = memory.astype(np.float64)
    whole = np.sqrt(sum(np.sum(g.astype(float) ** 2) for g in gradients))
    for i, (g, offset) in enumerate(zip(gradients, offsets, strict=True)):
        norm = whole if global_norm else np.linalg.norm(g)
        part = want[offset : offset + g.size]
        part *= 1.0 if i == 1 else 1 - 0.05
        part -= 0.1 * g.ravel() * min(1.0, 1.5 / norm)
    executable.bind_variable(flat, memory)
    executable.run(1, gradients)
    np.testing.assert_allclose(memory, want, rtol=1e-5, atol=1e-6)


def product_graph(rows: int, columns: int) -> tuple[Any, list[int], int]:
    """Adam on [bias, kernel, bias]: the kernel's gradient is x^T dy over the rows of a run."""
    graph = E.Graph()
    x, dy = graph.input("x", (-1, rows), "float32"), graph.input("dy", (-1, columns), "float32")
    size = 5 + rows * columns + 3
    variables = [graph.variable(f"v{i}", (size,)) for i in range(4)]
    kernel = graph.add("matmul", [x, dy], {"trans_a": True})[0]
    small = [
        graph.add("broadcast_to", [graph.constant(np.float32(v))], {"shape": [n]})[0] for v, n in ((0.5, 5), (2, 3))
    ]
    operands = [*variables[:3], variables[0], variables[3], variables[0]]
    operands += [graph.constant(np.float32(0.1)), graph.constant(np.int32(3)), small[0], kernel, small[1]]
    attributes = {"rule": "adam", "offsets": [0, 5, 5 + rows * columns], "undecayed": [0, 2], "weight_decay": 0.2}
    graph.add("update", operands, {**attributes, "clipvalue": 3.0, "ema_momentum": 0.5, "epsilon": 1e-3}, "opt")
    return graph, variables, kernel


@pytest.mark.parametrize(("rows", "columns"), [(700, 601), (262144, 1), (1, 262144), (3, 600_011)])
def test_the_gradient_of_a_large_product_is_never_whole(rows: int, columns: int) -> None:
    rng = np.random.default_rng(3)
    n, size = 3, 5 + rows * columns + 3
    start = [np.abs(rng.normal(size=size)).astype(np.float32) for _ in range(4)]
    data = [rng.normal(size=(n, width)).astype(np.float32) for width in (rows, columns)]
    results, memories = {}, {}
    with restored():
        for debug, threads in (("nofuse", 1), ("", 1), ("", 2), ("", 3)):
            E.set_num_threads(threads)
            graph, variables, _ = product_graph(rows, columns)
            executable = E.Executable(graph, [], 4, debug)
            arrays = [array.copy() for array in start]
            for variable, array in zip(variables, arrays, strict=True):
                executable.bind_variable(variable, array)
            executable.run(n, data)
            results[debug, threads] = arrays
            memories[debug] = sum(executable.memory().values())
    for key, arrays in results.items():
        for got, want in zip(arrays, results["nofuse", 1], strict=True):
            np.testing.assert_array_equal(got, want, err_msg=str(key))
    if rows * columns > 2**20:
        assert memories[""] < memories["nofuse"]


def test_a_product_that_is_small_or_read_elsewhere_stays_a_launch() -> None:
    graph, _, kernel = product_graph(700, 601)
    assert "matmul" not in E.Executable(graph, [], 4).dump()
    assert "matmul" in E.Executable(graph, [kernel], 4).dump()
    graph, _, _ = product_graph(7, 601)
    assert "matmul" in E.Executable(graph, [], 4).dump()


def test_a_step_on_a_view_leaves_its_neighbours() -> None:
    graph = E.Graph()
    flat = graph.variable("flat", (10,))
    part = graph.add("view", [flat], {"offset": 3, "shape": [2, 2]})[0]
    add_sgd(graph, part, graph.input("g", (2, 2), "float32"), 1.0)
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
    rate, calls = graph.constant(np.float32(0.1)), graph.constant(np.int32(0))
    rows = graph.input("rows", (-1, 3), "float32")

    def fails(message: str, inputs: list[int], **attributes: Any) -> None:
        with pytest.raises(ValueError, match=message):
            graph.add("update", inputs, {"rule": "sgd", **attributes}, "s")

    good = [w] * 6 + [rate, calls]
    fails(r'update "s": input 8 has shape \(4,\), expected \(3,\)', [*good, g])
    fails("input 0 is written and must be a variable", [x] * 6 + [rate, calls, x])
    fails("input 1 is written and must be a variable", [w, x, w, w, w, w, rate, calls, x])
    fails(r"input 6 must be a scalar, got \(3,\)", [w] * 7 + [calls, x])
    fails("input 7", [w] * 6 + [rate, rate, x])
    fails("takes weights, slots", [w] * 6 + [rate, calls])
    fails("unknown rule 'adan'", [*good, x], rule="adan")
    fails("several gradients need offsets", [*good, x, x])
    fails("2 gradients but 1 offsets", [*good, x, x], offsets=[0])
    fails("offsets must ascend", [*good, x, x], offsets=[0, 2])
    fails(r"reach element 4 of weights \(3,\)", [*good, x], offsets=[1])
    fails("depends on the batch size", [*good, rows], offsets=[0])
    fails("undecayed must list gradients", [*good, x], offsets=[0], undecayed=[1])
    fails("accumulation must not be negative", [*good, x], accumulation=-1)
    with pytest.raises(E.ShapeError, match=r"a variable of float32\(3,\) cannot take float32\(4,\)"):
        graph.assign(w, g)
    with pytest.raises(E.ShapeError, match="must be a variable"):
        graph.assign(x, w)
    graph.add("update", [*good, x], {"rule": "adam"}, "s")
    with pytest.raises(ValueError, match='update "s": the rule adam needs 2 slots'):
        E.Executable(graph, [], 1)
