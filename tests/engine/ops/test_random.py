"""Random numbers: their statistics, and that they depend on seed, step, stream and element, and on nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from engine.check_op import restored

from linnet import _engine as E

CHECKED = ("random_uniform", "random_normal", "dropout")  # test_registry.py counts them
ROWS, WIDTH = 400, 257


def draw(op: str, shape: Sequence[int], n: int = 1, stream: int = 0, seed: int = 0, step: int = 0, **more: Any):
    graph = E.Graph()
    y = graph.add(op, [], {"shape": list(shape), "stream": stream}, "random")
    return E.Executable(graph, y, max(n, 1), **more).run(n, [], seed=seed, step=step)[0]


def test_uniform_numbers() -> None:
    u = draw("random_uniform", (-1, WIDTH), ROWS)
    assert u.min() >= 0.0
    assert u.max() < 1.0
    n = u.size
    assert abs(u.mean() - 0.5) < 4 / np.sqrt(12 * n)
    counts = np.histogram(u, 64, (0, 1))[0]
    chi = ((counts - n / 64) ** 2 / (n / 64)).sum()
    assert abs(chi - 63) < 5 * np.sqrt(2 * 63)  # a chi-square of 63 degrees of freedom
    neighbours = np.corrcoef(u.ravel()[:-1], u.ravel()[1:])[0, 1]
    assert abs(neighbours) < 5 / np.sqrt(n)


def test_normal_numbers() -> None:
    z = draw("random_normal", (-1, WIDTH), ROWS).astype(np.float64)
    n = z.size
    assert np.isfinite(z).all()
    assert abs(z.mean()) < 4 / np.sqrt(n)
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs((z**3).mean()) < 5 * np.sqrt(15 / n)
    assert abs((z**4).mean() - 3) < 5 * np.sqrt(96 / n)
    assert abs(z).max() > 3.5
    neighbours = np.corrcoef(z.ravel()[:-1], z.ravel()[1:])[0, 1]
    assert abs(neighbours) < 5 / np.sqrt(n)


@pytest.mark.parametrize("op", ["random_uniform", "random_normal"])
def test_numbers_depend_on_seed_step_stream_and_element_only(op: str) -> None:
    base = draw(op, (-1, 37), 20, seed=1, step=2, stream=3)
    np.testing.assert_array_equal(base, draw(op, (-1, 37), 20, seed=1, step=2, stream=3))
    for other in ({"seed": 2}, {"step": 3}, {"stream": 4}, {"seed": 1 << 40}, {"step": 1 << 40}):
        again = draw(op, (-1, 37), 20, **{"seed": 1, "step": 2, "stream": 3, **other})
        assert np.mean(base == again) < 0.01, other
    # Another batch size, another shape with as many elements, no plan: the numbers follow the element.
    np.testing.assert_array_equal(base[:7], draw(op, (-1, 37), 7, seed=1, step=2, stream=3))
    np.testing.assert_array_equal(base.ravel(), draw(op, (740,), seed=1, step=2, stream=3))
    np.testing.assert_array_equal(base, draw(op, (-1, 37), 20, seed=1, step=2, stream=3, debug="nofuse,noplan"))
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            got = [draw(op, (-1, 37), 20, seed=1, step=2, stream=3)]
            E.set_num_threads(3)
            got.append(draw(op, (-1, 37), 20, seed=1, step=2, stream=3))
            np.testing.assert_array_equal(got[0], got[1], err_msg=f"threads on {isa}")
            if op == "random_uniform":
                np.testing.assert_array_equal(got[0], base, err_msg=isa)
            else:
                np.testing.assert_allclose(got[0], base, rtol=1e-4, atol=1e-5, err_msg=isa)


def test_numbers_inside_a_fused_program_are_those_alone() -> None:
    """Fused with broadcasting neighbours, the program runs over several axes instead of one: same elements."""
    graph = E.Graph()
    row, column = graph.input("row", (37,), "float32"), graph.input("column", (-1, 1), "float32")
    u = graph.add("random_uniform", [], {"shape": [-1, 37], "stream": 5})[0]
    y = graph.add("add", [graph.add("multiply", [u, row], {})[0], column], {})[0]
    arrays = [np.linspace(1, 2, 37, dtype=np.float32), np.arange(20, dtype=np.float32)[:, None]]
    fused, plain = (E.Executable(graph, [y], 20, d).run(20, arrays, seed=9)[0] for d in ("", "nofuse"))
    expected = draw("random_uniform", (-1, 37), 20, stream=5, seed=9) * arrays[0] + arrays[1]
    np.testing.assert_allclose(fused, expected, rtol=1e-6)
    np.testing.assert_allclose(plain, expected, rtol=1e-6)


def dropout(rate: float, shape: Sequence[int] = (-1, WIDTH)) -> tuple[E.Graph, list[int]]:
    graph = E.Graph()
    x = graph.input("x", shape, "float32")
    y = graph.add("dropout", [x], {"rate": rate, "stream": 2})[0]
    loss = y
    while graph.shape(loss):
        loss = graph.add("sum", [loss], {"axes": [0]})[0]
    return graph, [y, graph.gradients(loss, [x])[0]]


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_dropout(rate: float) -> None:
    graph, outputs = dropout(rate)
    ones = np.ones((ROWS, WIDTH), np.float32)
    with restored():
        kept_by_isa = []
        for isa in E.available_isas():
            E.set_isa(isa)
            for debug in ("", "nofuse"):
                y, gradient = E.Executable(graph, outputs, ROWS, debug).run(ROWS, [ones], seed=3, step=4)
                np.testing.assert_array_equal(gradient, y, err_msg="the gradient drops other elements")
                kept = y != 0
                n = y.size
                assert abs(kept.mean() - (1 - rate)) <= 4 * np.sqrt(rate * (1 - rate) / n)
                if kept.any():
                    np.testing.assert_allclose(y[kept], 1 / (1 - rate), rtol=1e-6)
                kept_by_isa.append(kept)
        assert all(np.array_equal(kept_by_isa[0], other) for other in kept_by_isa)


def test_dropout_drops_other_elements_at_every_step_and_the_same_again() -> None:
    graph, outputs = dropout(0.5)
    executable = E.Executable(graph, outputs[:1], ROWS)
    ones = np.ones((ROWS, WIDTH), np.float32)
    first, second, again = (executable.run(ROWS, [ones], seed=1, step=s)[0] for s in (0, 1, 0))
    np.testing.assert_array_equal(first, again)
    assert abs(np.mean((first != 0) == (second != 0)) - 0.5) < 0.01


def test_dropped_infinities_do_not_become_nan() -> None:
    graph, outputs = dropout(0.5, (-1, 64))
    got = E.Executable(graph, outputs[:1], 1).run(1, [np.full((1, 64), np.inf, np.float32)])[0]
    assert set(np.unique(got)) == {0.0, np.inf}


def test_no_rows() -> None:
    graph, outputs = dropout(0.5)
    assert E.Executable(graph, outputs, 4).run(0, [np.zeros((0, WIDTH), np.float32)])[0].shape == (0, WIDTH)
    assert draw("random_normal", (-1, 3), 0).shape == (0, 3)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_bad_rate(rate: float) -> None:
    graph = E.Graph()
    x = graph.input("x", (3,), "float32")
    with pytest.raises(E.ShapeError, match=r'dropout "d": rate must be in \[0, 1\], got'):
        graph.add("dropout", [x], {"rate": rate, "stream": 0}, "d")


def test_random_numbers_have_no_gradient() -> None:
    graph = E.Graph()
    x = graph.input("x", (3,), "float32")
    u = graph.add("random_uniform", [], {"shape": [3], "stream": 0})[0]
    loss = graph.add("sum", [u], {"axes": [0]})[0]
    assert graph.gradients(loss, [x]) == [-1]
