"""Many steps: Python threads side by side, the same bits on any number of threads, memory that does not grow."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine.check_op import restored

from linnet import _engine as E

# ---- threads --------------------------------------------------------------------------------------------------------


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Runs work(i) in `count` threads at once and raises what any of them raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(count)

    def body(i: int) -> None:
        try:
            barrier.wait()
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=body, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def wide(capacity: int) -> tuple[E.Graph, int]:
    graph = E.Graph()
    x = graph.input("x", (-1, 64), "float32")
    weights = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32) / 8
    for _ in range(3):
        x = graph.add("relu", [graph.add("matmul", [x, graph.constant(weights)], {})[0]], {})[0]
    return graph, x


@pytest.mark.parametrize("shared", [False, True], ids=["two executables", "the same executable"])
def test_python_threads(shared: bool) -> None:
    graph, y = wide(32)
    executables = [E.Executable(graph, [y], 32)] * 3 if shared else [E.Executable(graph, [y], 32) for _ in range(3)]
    inputs = [np.random.default_rng(i).normal(size=(8 + 8 * i, 64)).astype(np.float32) for i in range(3)]
    expected = [E.Executable(graph, [y], 32).run(len(x), [x])[0] for x in inputs]

    def work(i: int) -> None:
        for _ in range(300):
            got = executables[i].run(len(inputs[i]), [inputs[i]])[0]
            np.testing.assert_array_equal(got, expected[i])

    with restored():
        for threads in (1, 3):
            E.set_num_threads(threads)
            in_threads(3, work)


def network() -> tuple[E.Graph, list[int], list[tuple[int, np.ndarray]], int]:
    """A small convolutional network with dropout, batch normalisation and adam on a flat parameter array."""
    graph = E.Graph()
    x, labels = graph.input("x", (-1, 12, 12, 3), "float32"), graph.input("y", (-1,), "int32")
    shapes = [(3, 3, 3, 8), (8,), (8,), (8,), (3, 3, 8, 16), (16,), (144, 10), (10,)]
    offsets = np.concatenate([[0], np.cumsum([-(-int(np.prod(s)) // 16) * 16 for s in shapes])])
    size = int(offsets[-1])
    rng = np.random.default_rng(0)
    flat, m, v = (graph.variable(name, (size,)) for name in ("flat", "m", "v"))
    steps, moving = graph.variable("steps", (), "int32"), graph.variable("moving", (8,))
    start = (rng.normal(size=size) * 0.1).astype(np.float32)
    memory = [(flat, start), (m, np.zeros(size, np.float32)), (v, np.zeros(size, np.float32))]
    memory += [(steps, np.zeros((), np.int32)), (moving, np.zeros(8, np.float32))]

    def add(op: str, inputs: list[int], **attributes: Any) -> int:
        return graph.add(op, inputs, attributes, op)[0]

    w = [add("view", [flat], offset=int(o), shape=list(s)) for o, s in zip(offsets[:-1], shapes, strict=True)]
    h = add("conv2d", [x, w[0]], padding=[1, 1, 1, 1])
    h = add("add", [h, w[1]])
    normed, mean, _ = graph.add("batch_norm", [h, w[2], w[3]], {"epsilon": 1e-3}, "norm")
    decay = add("multiply", [add("subtract", [mean, moving]), graph.constant(np.float32(0.1))])
    graph.assign(moving, add("add", [moving, decay]))
    h = add("max_pool2d", [add("relu", [normed])], pool=[2, 2], strides=[2, 2])
    h = add("relu", [add("add", [add("conv2d", [h, w[4]], padding=[1, 1, 1, 1]), w[5]])])
    h = add("average_pool2d", [h], pool=[2, 2], strides=[2, 2])
    h = add("dropout", [add("reshape", [h], shape=[-1, 144])], rate=0.3, stream=0)
    logits = add("add", [add("matmul", [h, w[6]]), w[7]])
    loss = add("mean", [add("sparse_cross_entropy", [logits, labels])], axes=[0])
    numbers = [graph.constant(np.float32(1e-3)), steps]
    gradients = graph.gradients(loss, w)
    attributes = {"rule": "adam", "offsets": [int(o) for o in offsets[:-1]], "clipnorm": 10.0, "global_norm": True}
    graph.add("update", [flat, m, v, flat, flat, flat, *numbers, *gradients], attributes)
    one = graph.constant(np.float32(1))
    graph.assign(steps, add("cast", [add("add", [add("cast", [steps], dtype="float32"), one])], dtype="int32"))
    return graph, [loss, logits], memory, x


@pytest.mark.parametrize("isa", E.available_isas())
def test_training_gives_the_same_bits_on_any_number_of_threads(isa: str) -> None:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (100, 12, 12, 3)).astype(np.uint8)
    labels = rng.integers(0, 10, 100)
    order = E.shuffle(100, 0, 0)
    results = []
    with restored():
        E.set_isa(isa)
        for threads in (1, 2, 3, 5):
            E.set_num_threads(threads)
            graph, outputs, memory, x = network()
            executable = E.Executable(graph, outputs, 32)
            arrays = [(value, array.copy()) for value, array in memory]
            for value, array in arrays:
                executable.bind_variable(value, array)
            executable.bind_rows(x, images)
            executable.bind_rows(x + 1, labels)
            losses = []
            for step in range(20):
                n = 32 if step % 3 else 17
                executable.run_rows(order, (step * 13) % (100 - n), n, seed=5, step=step)
                losses.append(executable.scalar(0))
            results.append([np.array(losses), *(array for _, array in arrays)])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
    assert np.isfinite(results[0][0]).all()
    assert results[0][4] == 20.0


# ---- memory ---------------------------------------------------------------------------------------------------------


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_memory_does_not_grow_with_the_steps() -> None:
    graph, outputs, memory, x = network()
    executable = E.Executable(graph, outputs, 4)
    for value, array in memory:
        executable.bind_variable(value, array)
    rows, labels = np.ones((64, 12, 12, 3), np.float32), np.zeros(64, np.int32)
    executable.bind_rows(x, rows)
    executable.bind_rows(x + 1, labels)
    order = E.shuffle(64, 0, 0)
    inputs = [rows[:4].copy(), labels[:4].copy()]

    def steps(count: int) -> None:
        for step in range(count):
            executable.run_rows(order, step % 48, 4, step=step)
            executable.scalar(0)
            executable.run(4, inputs, step=step)

    steps(500)
    gc.collect()
    before = resident()
    steps(5_000)  # of each
    gc.collect()
    assert resident() - before < 1 << 20


def test_executables_give_their_memory_back() -> None:
    def once() -> None:
        graph, outputs, memory, _ = network()
        executable = E.Executable(graph, outputs, 16)
        for value, array in memory:
            executable.bind_variable(value, array)

    for _ in range(20):
        once()
    gc.collect()
    before = resident()
    for _ in range(200):
        once()
    gc.collect()
    assert resident() - before < 4 << 20


# ---- the order of samples -------------------------------------------------------------------------------------------


def test_shuffle() -> None:
    base = E.shuffle(1000, 1, 2)
    assert base.dtype == np.int64
    np.testing.assert_array_equal(np.sort(base), np.arange(1000))
    np.testing.assert_array_equal(base, E.shuffle(1000, 1, 2))
    for other in (E.shuffle(1000, 2, 2), E.shuffle(1000, 1, 3)):
        assert np.mean(base == other) < 0.02
    assert np.mean(base == np.arange(1000)) < 0.02
    assert E.shuffle(0, 0, 0).shape == (0,)
    assert E.shuffle(1, 0, 0).tolist() == [0]
    with pytest.raises(ValueError, match="n must not be negative, got -1"):
        E.shuffle(-1, 0, 0)
