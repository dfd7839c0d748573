"""Executable: rows up to the capacity, data sets and permutations, variables, modes. test_steps.py has many steps."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
from engine.check_op import add_sgd, launches, restored

from linnet import _engine as E


def small_model(capacity: int, debug: str = "") -> tuple[E.Executable, int, int, dict[str, np.ndarray]]:
    """softmax(x w + b) with a loss and an sgd step: inputs x, y; outputs logits, loss."""
    graph = E.Graph()
    x, y = graph.input("x", (-1, 3), "float32"), graph.input("y", (-1,), "int32")
    w, b = graph.variable("w", (3, 4)), graph.variable("b", (4,))
    logits = graph.add("add", [graph.add("matmul", [x, w], {}, "dense")[0], b], {}, "dense")[0]
    losses = graph.add("sparse_cross_entropy", [logits, y], {}, "loss")[0]
    loss = graph.add("mean", [losses], {"axes": [0]}, "loss")[0]
    for variable, gradient in zip((w, b), graph.gradients(loss, [w, b]), strict=True):
        add_sgd(graph, variable, gradient, 0.1, "sgd")
    executable = E.Executable(graph, [logits, loss], capacity, debug)
    rng = np.random.default_rng(0)
    arrays = {"w": rng.normal(size=(3, 4)).astype(np.float32), "b": np.zeros(4, np.float32)}
    executable.bind_variable(w, arrays["w"])
    executable.bind_variable(b, arrays["b"])
    return executable, x, y, arrays


def data(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, 3)).astype(np.float32), rng.integers(0, 4, n).astype(np.int32)


def double(shape: tuple[int, ...] = (-1, 3), dtype: str = "float32") -> tuple[E.Graph, int, int]:
    graph = E.Graph()
    x = graph.input("x", shape, dtype)
    y = x if dtype == "float32" else graph.add("cast", [x], {"dtype": "float32"})[0]
    return graph, x, graph.add("add", [y, y], {})[0]


# ---- rows -----------------------------------------------------------------------------------------------------------


def test_any_number_of_rows_up_to_the_capacity() -> None:
    x, y = data(8)
    alone = {n: small_model(n)[0].run(n, [x[:n], y[:n]]) for n in (1, 3, 8)}
    for order in ((8, 1, 3), (1, 8, 3)):
        for n in order:
            got = small_model(8)[0].run(n, [x[:n], y[:n]])
            for a, b in zip(got, alone[n], strict=True):
                np.testing.assert_array_equal(a, b)
    executable = small_model(8)[0]
    assert executable.capacity == 8
    executable.run(8, [x, y])
    assert executable.run(2, [x[:2], y[:2]])[0].shape == (2, 4)
    assert executable.output(0).shape == (2, 4)


def test_inputs_as_they_are() -> None:
    x, y = data(8)
    for n in (8, 1, 5):
        for inputs in ([x[:n], y[:n]], (x[:n], y[:n])):
            got, expected = small_model(8)[0].run_as_is(inputs), small_model(8)[0].run(n, [x[:n], y[:n]])
            assert got is not None
            for a, b in zip(got, expected, strict=True):
                np.testing.assert_array_equal(a, b)
    executable = small_model(8)[0]
    wide, (many, labels) = np.zeros((8, 4), np.float32), data(9)
    odd = np.frombuffer(b"\0" + x.tobytes(), np.float32, offset=1).reshape(x.shape)
    for wrong in (
        x,
        [x],
        [x, y, y],
        [x, y[:5]],
        [x[:0], y[:0]],
        [many, labels],
        [x.astype(float), y],
        [x.astype(">f4"), y],
        [x, y.astype(np.int64)],
        [wide, y],
        [wide[:, :3], y],
        [x[::-1], y],
        [odd, y],
        [x[:, :, None], y],
        [x.tolist(), y],
        [x.view(np.recarray), y],
        [x, None],
        {"x": x, "y": y},
        None,
    ):
        assert executable.run_as_is(wrong) is None
    graph, _, z = double()
    one = E.Executable(graph, [z], 4)
    found = one.run_as_is(x[:3])
    assert found is not None
    np.testing.assert_array_equal(found[0], 2 * x[:3])
    # What would hand out the caller's own memory goes the long way.
    graph, source, _ = double()
    assert E.Executable(graph, [source], 4).run_as_is(x[:3]) is None


def test_inputs_outlive_the_list_that_held_them() -> None:
    """Another thread replaces the arrays while the engine reads them."""
    graph, _, y = double((-1, 300000))
    executable = E.Executable(graph, [y], 1)
    inputs = [np.ones((1, 300000), np.float32)]
    stop = threading.Event()

    def replace() -> None:
        while not stop.is_set():
            inputs[0] = np.ones((1, 300000), np.float32)
            np.full((1, 300000), 7, np.float32)  # what would lie where the old one was

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        for _ in range(1500):
            found = executable.run_as_is(inputs)
            assert found is not None
            assert (found[0] == 2).all()
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("n", [-1, 9, 2**62])
def test_rows_beyond_the_capacity(n: int) -> None:
    executable, x, y, _ = small_model(8)
    with pytest.raises(ValueError, match=f"a run of {n} rows was asked of a plan for 8"):
        executable.run_rows(None, 0, n)
    executable.bind_rows(x, data(8)[0])
    executable.bind_rows(y, data(8)[1])
    with pytest.raises(ValueError, match=f"a run of {n} rows was asked of a plan for 8"):
        executable.run_rows(None, 0, n)
    with pytest.raises(ValueError):
        executable.run(n, list(data(3)))


def test_a_capacity_of_nothing() -> None:
    graph, _, y = double()
    assert E.Executable(graph, [y], 0).run(0, [np.zeros((0, 3), np.float32)])[0].shape == (0, 3)
    with pytest.raises(ValueError, match="the capacity must not be negative, got -1"):
        E.Executable(graph, [y], -1)


def test_outputs_before_the_first_run() -> None:
    executable = small_model(2)[0]
    for use in (lambda: executable.output(0), lambda: executable.scalar(1)):
        with pytest.raises(ValueError, match="no output before the first run"):
            use()
    executable.run(2, list(data(2)))
    with pytest.raises(IndexError, match="there is no output 2"):
        executable.output(2)
    with pytest.raises(E.ShapeError, match=r"output 0 is no scalar: \(n, 4\)"):
        executable.scalar(0)
    assert executable.scalar(1) == float(executable.output(1))


def test_outputs_are_copies() -> None:
    graph, _, y = double()
    executable = E.Executable(graph, [y, y], 2)
    first, second = executable.run(2, [np.ones((2, 3), np.float32)])
    executable.run(2, [np.zeros((2, 3), np.float32)])
    assert first.min() == second.min() == 2.0
    first[...] = 7
    assert second.max() == 2.0


def test_an_output_that_is_an_input_survives_its_array() -> None:
    graph = E.Graph()
    x = graph.input("x", (-1, 1000), "float32")
    y = graph.add("reshape", [x], {"shape": [-1000]})[0]
    executable = E.Executable(graph, [x, y], 4)
    executable.run(4, [np.full((4, 1000), 3.0, np.float32)])
    gc.collect()
    junk = [np.full((4, 1000), 9.0, np.float32) for _ in range(10)]
    assert len(junk) == 10
    assert executable.output(0).mean() == 3.0
    assert executable.output(1).mean() == 3.0


def test_bad_inputs() -> None:
    executable = small_model(4)[0]
    x, y = data(4)
    for inputs, message in [
        ([x], "the graph has 2 inputs, got 1"),
        ([x[:3], y], r"input 'x' must be float32\(n, 3\) with n = 4, got float32\(3, 3\)"),
        ([x.astype(np.float64), y], r"input 'x' must be float32\(n, 3\) with n = 4, got float64\(4, 3\)"),
        ([x, y.astype(np.uint32)], r"input 'y' must be int32\(n,\) with n = 4, got uint32\(4,\)"),
        ([x.astype(">f4"), y], "input 'x' must be float32"),
        ([np.asfortranarray(x), y], "input 'x' must be C-contiguous"),
        ([np.frombuffer(b"x" + x.tobytes(), np.float32, offset=1).reshape(4, 3), y], "input 'x' must be aligned"),
    ]:
        with pytest.raises(ValueError, match=message):
            executable.run(4, inputs)


# ---- data sets ------------------------------------------------------------------------------------------------------

DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "?"]


@pytest.mark.parametrize("to", ["float32", "int32"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_of_every_type(dtype: str, to: str) -> None:
    graph, x, y = double((-1, 5), to)
    source = np.random.default_rng(2).integers(0, 2 if dtype == "?" else 100, (20, 5)).astype(dtype)
    if dtype.startswith("f") and to == "float32":
        source = source / 8
    source = np.ascontiguousarray(source, dtype)
    order = np.random.default_rng(3).permutation(20)
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            executable = E.Executable(graph, [y], 6)
            executable.bind_rows(x, source)
            for indices, start, n in [
                (None, 0, 6),
                (None, 14, 6),
                (None, 7, 1),
                (order, 0, 6),
                (order, 15, 5),
                (order, 3, 0),
            ]:
                executable.run_rows(indices, start, n)
                rows = source[start : start + n] if indices is None else source[order[start : start + n]]
                want = 2 * rows.astype(to).astype(np.float32)
                np.testing.assert_array_equal(executable.output(0), want, err_msg=f"{isa} {start} {n}")


def test_rows_of_one_number_and_of_images() -> None:
    graph = E.Graph()
    x, y = graph.input("x", (-1, 2, 2, 1), "float32"), graph.input("y", (-1,), "int32")
    z = graph.add("cast", [y], {"dtype": "float32"})[0]
    total = graph.add("add", [graph.add("sum", [x], {"axes": [1, 2, 3]})[0], z], {})[0]
    executable = E.Executable(graph, [total], 3)
    executable.bind_rows(x, np.arange(20, dtype=np.uint8).reshape(5, 4))  # flat rows of four: the same numbers
    executable.bind_rows(y, np.array([100, 200, 300, 400, 500]))
    executable.run_rows(np.array([4, 0, 4]), 0, 3)
    np.testing.assert_array_equal(executable.output(0), [570, 106, 570])


def test_run_and_run_rows_in_turns() -> None:
    graph, x, y = double()
    executable = E.Executable(graph, [y], 3)
    rows = np.arange(30, dtype=np.float32).reshape(10, 3)
    executable.bind_rows(x, rows)
    for _ in range(2):
        executable.run_rows(None, 2, 3)
        np.testing.assert_array_equal(executable.output(0), 2 * rows[2:5])
        np.testing.assert_array_equal(executable.run(1, [rows[:1]])[0], 2 * rows[:1])
    rows[...] = 1  # the data is read where it lies
    executable.run_rows(None, 0, 1)
    assert executable.output(0).max() == 2.0


@pytest.mark.parametrize(
    ("indices", "start", "n", "message"),
    [
        (None, 8, 3, "3 rows from row 8 on were asked of 10"),
        (None, -1, 2, "2 rows from row -1 on were asked of 10"),
        (None, 2**63 - 1, 1, "were asked of 10"),
        ([0, 10, 1], 0, 3, "row 10 of 10 was asked for"),
        ([0, -1, 1], 0, 2, "row -1 of 10 was asked for"),
        ([0, 1], 0, 3, "3 indices from index 0 on were asked of 2"),
        ([0, 1], -1, 1, "1 indices from index -1 on were asked of 2"),
        ([0, 1], 2**63 - 1, 1, "were asked of 2"),
    ],
)
def test_rows_outside(indices: list[int] | None, start: int, n: int, message: str) -> None:
    graph, x, y = double()
    executable = E.Executable(graph, [y], 3)
    executable.bind_rows(x, np.zeros((10, 3), np.float32))
    with pytest.raises(IndexError, match=message):
        executable.run_rows(None if indices is None else np.array(indices), start, n)


def test_bad_data_sets() -> None:
    graph, x, y = double()
    executable = E.Executable(graph, [y], 3)
    with pytest.raises(ValueError, match="input 'x' has no data: call bind_rows"):
        executable.run_rows(None, 0, 1)
    for rows, message in [
        (np.zeros((5, 4), np.float32), r"input 'x' has shape \(n, 3\), got rows of 4 elements"),
        (np.zeros((5, 3), np.float32, order="F"), "input 'x': the data must be C-contiguous"),
        (np.array(1.0, np.float32), "input 'x': the data needs a first axis of samples"),
        (np.zeros((5, 3), np.complex64), "arrays of dtype complex64 are not supported"),
        (np.zeros((5, 3), np.float16), "arrays of dtype float16 are not supported"),
        (np.zeros((5, 3), ">f4"), "arrays of dtype >f4 are not supported"),
        (np.frombuffer(b"x" * 61, np.float32, offset=1).reshape(5, 3), "input 'x': the data must be aligned"),
    ]:
        with pytest.raises(ValueError, match=message):
            executable.bind_rows(x, rows)
    with pytest.raises(ValueError, match=f"value {y} is not an input"):
        executable.bind_rows(y, np.zeros((5, 3), np.float32))


# ---- variables ------------------------------------------------------------------------------------------------------


def test_bad_variables() -> None:
    graph = E.Graph()
    w, x = graph.variable("w", (3,)), graph.input("x", (3,), "float32")
    read = graph.add("negative", [w], {})[0]
    with pytest.raises(ValueError, match="variable 'w' has no memory yet: call bind_variable"):
        E.Executable(graph, [read], 1).run(1, [np.zeros(3, np.float32)])
    executable = E.Executable(graph, [read], 1)
    for array, message in [
        (np.zeros(4, np.float32), r"variable 'w' must be float32\(3,\)"),
        (np.zeros(3), r"variable 'w' must be float32\(3,\) .* got float64\(3,\)"),
        (np.zeros(6, np.float32)[::2], "variable 'w' must be C-contiguous"),
    ]:
        with pytest.raises(ValueError, match=message):
            executable.bind_variable(w, array)
    with pytest.raises(ValueError, match=f"value {x} is not a variable"):
        executable.bind_variable(x, np.zeros(3, np.float32))
    frozen = np.ones(3, np.float32)
    frozen.flags.writeable = False
    executable.bind_variable(w, frozen)  # only read: fine
    np.testing.assert_array_equal(executable.run(1, [np.zeros(3, np.float32)])[0], -frozen)
    graph.assign(w, x)
    with pytest.raises(ValueError, match="variable 'w' is assigned in the graph: its array must be writeable"):
        E.Executable(graph, [read], 1).bind_variable(w, frozen)


def test_a_variable_nobody_reads_needs_no_memory() -> None:
    graph, _, y = double()
    graph.variable("unused", (3,))
    E.Executable(graph, [y], 1).run(1, [np.zeros((1, 3), np.float32)])


@pytest.mark.parametrize("debug", ["", "nofuse", "noplan"])
def test_reads_see_the_assignments_before_them(debug: str) -> None:
    """Pointwise neighbours of an assignment must not be moved across it."""
    graph = E.Graph()
    x, v = graph.input("x", (3,), "float32"), graph.variable("v", (3,))
    one = graph.constant(np.float32(1))
    before = graph.add("add", [v, x], {})[0]  # reads the old value
    doubled = graph.add("add", [before, before], {})[0]
    graph.assign(v, before)
    between = graph.add("multiply", [graph.add("add", [v, one], {})[0], doubled], {})[0]  # the first new one
    graph.assign(v, graph.add("multiply", [v, v], {})[0])
    after = graph.add("add", [graph.add("add", [v, between], {})[0], before], {})[0]
    executable = E.Executable(graph, [before, doubled, between, after, v], 1, debug)
    memory, data = np.array([1, 2, 3], np.float32), np.array([10, 20, 30], np.float32)
    executable.bind_variable(v, memory)
    for _ in range(2):
        old = memory.copy()
        got = executable.run(1, [data])
        first = old + data
        between_want = (first + 1) * 2 * first
        want = [first, 2 * first, between_want, first * first + between_want + first, first * first]
        for a, b in zip(got, want, strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(memory, first * first)
        memory /= 100


def test_two_variables_trade_places_through_copies() -> None:
    graph = E.Graph()
    a, b = graph.variable("a", (2,)), graph.variable("b", (2,))
    old_a, old_b = (graph.add("copy", [v], {})[0] for v in (a, b))
    graph.assign(a, old_b)
    graph.assign(b, old_a)
    executable = E.Executable(graph, [], 1)
    first, second = np.array([1, 2], np.float32), np.array([3, 4], np.float32)
    executable.bind_variable(a, first)
    executable.bind_variable(b, second)
    executable.run(1, [])
    np.testing.assert_array_equal(first, [3, 4])
    np.testing.assert_array_equal(second, [1, 2])


def test_variables_may_be_bound_again() -> None:
    graph = E.Graph()
    flat = graph.variable("flat", (6,))
    view = graph.add("view", [flat], {"offset": 2, "shape": [3]})[0]
    executable = E.Executable(graph, [graph.add("negative", [view], {})[0], view], 1)
    for start in (0, 10):
        executable.bind_variable(flat, np.arange(start, start + 6, dtype=np.float32))  # kept alive by the executable
        gc.collect()
        got = executable.run(1, [])
        np.testing.assert_array_equal(got[1], np.arange(start + 2, start + 5))
        np.testing.assert_array_equal(got[0], -got[1])


# ---- modes ----------------------------------------------------------------------------------------------------------


def test_nan_mode_names_the_first_layer() -> None:
    graph = E.Graph()
    x = graph.input("x", (-1, 3), "float32")
    y = graph.add("matmul", [x, graph.constant(np.eye(3, dtype=np.float32))], {}, "fine")[0]
    z = graph.add("mean", [graph.add("log", [y], {}, "bad")[0]], {"axes": [1]}, "later")[0]
    ones, minus = np.ones((2, 3), np.float32), np.array([[1, 1, 1], [1, -1, 0]], np.float32)
    executable = E.Executable(graph, [z], 2, "nan,nofuse")
    executable.run(2, [ones])
    with pytest.raises(FloatingPointError, match=r'"bad": the first NaN of this step appears here, at element 4 of'):
        executable.run(2, [minus])
    with pytest.raises(E.NonFiniteError, match=r'"bad": the first infinity .* at element 2 of \(n, 3\), n = 1'):
        executable.run(1, [np.array([[1, 1, 0]], np.float32)])
    assert np.isnan(E.Executable(graph, [z], 2).run(2, [minus])[0][1])


def test_nan_mode_looks_at_assigned_variables() -> None:
    graph = E.Graph()
    w, g = graph.variable("w", (2,)), graph.input("g", (2,), "float32")
    add_sgd(graph, w, g, 1.0, "sgd")
    executable = E.Executable(graph, [], 1, "nan")
    executable.bind_variable(w, np.zeros(2, np.float32))
    with pytest.raises(E.NonFiniteError, match='update "sgd": the first infinity'):
        executable.run(1, [np.array([0, np.inf], np.float32)])


def test_trace_mode_writes_a_line_per_launch(capfd: pytest.CaptureFixture[str]) -> None:
    executable = small_model(2, "trace")[0]
    executable.run(2, list(data(2)))
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == len(launches(executable))
    assert all(line.startswith("linnet: ") for line in lines)
    assert 'linnet: matmul "dense" (n, 4) mean ' in lines[0]


def test_unknown_mode() -> None:
    graph, _, y = double()
    with pytest.raises(ValueError, match=r"unknown word 'fast'; known are nofuse, norecompute, noplan, .*, nan"):
        E.Executable(graph, [y], 1, "nofuse,fast")
    E.Executable(graph, [y], 1, ",nofuse,")


def test_dump_memory_and_profile() -> None:
    planned, unplanned = small_model(64)[0], small_model(64, "noplan")[0]
    assert "capacity 64" in planned.dump()
    assert E.isa() in planned.dump()
    assert "kernels reference" in small_model(1, "reference")[0].dump()
    memory = planned.memory()
    assert set(memory) == {"arena", "gradients", "prepared", "constants", "workspace"}
    assert 64 * 4 * 4 <= memory["arena"] <= unplanned.memory()["arena"]
    assert memory["constants"] >= 4
    timings = planned.profile(64, list(data(64)), 3)
    assert len(timings) == len(launches(planned))
    assert all(seconds >= 0 for _, _, seconds in timings)
    assert timings[0][:2] == ("matmul", "dense")


def test_the_graph_may_go_on_growing() -> None:
    graph, _, y = double()
    executable = E.Executable(graph, [y], 2)
    graph.add("negative", [y], {})
    before = graph.dump()
    del graph
    gc.collect()
    np.testing.assert_array_equal(executable.run(1, [np.ones((1, 3), np.float32)])[0], [[2, 2, 2]])
    assert "negative" in before
    assert "negative" not in executable.dump()


def test_making_an_executable_leaves_the_graph() -> None:
    graph, _, y = double()
    graph.add("relu", [graph.add("matmul", [y, graph.constant(np.eye(3, dtype=np.float32))], {})[0]], {})
    before = graph.dump()
    E.Executable(graph, [y], 2)
    assert graph.dump() == before
