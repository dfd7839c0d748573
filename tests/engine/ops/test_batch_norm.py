"""Batch normalisation with batch statistics: outputs, all three gradients, means far from zero, folded activations."""

from __future__ import annotations

import numpy as np
import pytest
from engine.check_op import Case, assert_close, check_op, floats, launches, normal, restored

from linnet import _engine as E


def batch_norm(epsilon: float):
    def oracle(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, ...]:
        axes = tuple(range(x.ndim - 1))
        mean, variance = x.mean(axis=axes), x.var(axis=axes)
        return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta, mean, variance

    return oracle


CASES = [
    Case(
        "batch_norm",
        (normal(*shape), floats(shape[-1], low=0.5, high=2), normal(shape[-1])),
        batch_norm(epsilon),
        {"epsilon": epsilon},
        covers=("batch_norm_grad",),
        empty=False,  # checked below
        rtol=3e-5,
        grad_rtol=1e-3,
    )
    for shape, epsilon in [
        ((-1, 5), 1e-3),
        ((-1, 1), 1e-1),
        ((-1, 4, 5, 17), 1e-3),
        ((-6, 3), 1e-5),
        ((-1, 7, 1), 1e-3),
        ((2, 3, 33), 1e-3),
        ((-1, 11, 13, 2), 1e-3),
    ]
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_batch_norm(case: Case) -> None:
    check_op(case)


def test_a_mean_far_from_zero_keeps_the_variance() -> None:
    graph = E.Graph()
    x, gamma, beta = (graph.input(n, s, "float32") for n, s in (("x", (-1, 3)), ("gamma", (3,)), ("beta", (3,))))
    outputs = graph.add("batch_norm", [x, gamma, beta], {"epsilon": 1e-3})
    data = (1000 + np.random.default_rng(1).normal(size=(500, 3)) * [0.1, 1, 10]).astype(np.float32)
    one, zero = np.ones(3, np.float32), np.zeros(3, np.float32)
    want = batch_norm(1e-3)(data.astype(np.float64), one, zero)
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            got = E.Executable(graph, outputs, 500).run(500, [data, one, zero])
            np.testing.assert_allclose(got[2], want[2], rtol=1e-3, err_msg=isa)
            assert_close(got[0], want[0], 2e-3, isa)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_an_activation_is_folded_and_its_gradient_is_right(activation: str) -> None:
    graph = E.Graph()
    x, gamma, beta = (graph.input(n, s, "float32") for n, s in (("x", (-1, 4, 5)), ("gamma", (5,)), ("beta", (5,))))
    y = graph.add(activation, graph.add("batch_norm", [x, gamma, beta], {})[:1], {})[0]
    loss = graph.add("sum", [graph.add("sin", [y], {})[0]], {"axes": [0, 1, 2]})[0]
    outputs = [y, *graph.gradients(loss, [x, gamma, beta])]
    rng = np.random.default_rng(2)
    arrays = [rng.normal(size=s).astype(np.float32) for s in ((3, 4, 5), (5,), (5,))]
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            fused, plain = E.Executable(graph, outputs, 3), E.Executable(graph, outputs, 3, "nofuse")
            assert launches(fused)[0] == "batch_norm"
            assert len(launches(fused)) < len(launches(plain))
            for a, b in zip(fused.run(3, arrays), plain.run(3, arrays), strict=True):
                assert_close(a, b.astype(np.float64), 1e-4, isa)


def test_a_residual_and_a_relu_are_folded_and_the_gradients_are_right() -> None:
    graph = E.Graph()
    shapes = ((-1, 4, 5), (5,), (5,), (-1, 4, 5))
    x, gamma, beta, residual = (graph.input(n, s, "float32") for n, s in zip("xgbr", shapes, strict=True))
    normed = graph.add("batch_norm", [x, gamma, beta], {})[0]
    y = graph.add("relu", [graph.add("add", [residual, normed], {})[0]], {})[0]
    loss = graph.add("sum", [graph.add("sin", [y], {})[0]], {"axes": [0, 1, 2]})[0]
    outputs = [y, *graph.gradients(loss, [x, gamma, beta, residual])]
    rng = np.random.default_rng(2)
    arrays = [rng.normal(size=s).astype(np.float32) for s in ((3, 4, 5), (5,), (5,), (3, 4, 5))]

    def loss_of(values: list[np.ndarray]) -> float:
        return float(np.sin(np.maximum(batch_norm(1e-3)(*values[:3])[0] + values[3], 0)).sum())

    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            fused, plain = E.Executable(graph, outputs, 3), E.Executable(graph, outputs, 3, "nofuse")
            assert launches(fused) == ["batch_norm", "broadcast_to", "pointwise", "batch_norm_grad"], fused.dump()
            got = fused.run(3, arrays)
            for a, b in zip(got, plain.run(3, arrays), strict=True):
                assert_close(a, b.astype(np.float64), 1e-4, isa)
            for i, gradient in enumerate(got[1:]):
                exact, step = [a.astype(np.float64) for a in arrays], 1e-6
                for at in range(0, exact[i].size, 7):
                    kept = exact[i].flat[at]
                    exact[i].flat[at] = kept + step
                    above = loss_of(exact)
                    exact[i].flat[at] = kept - step
                    expected = (above - loss_of(exact)) / (2 * step)
                    exact[i].flat[at] = kept
                    assert abs(gradient.flat[at] - expected) < 1e-3, (isa, i, at)


def test_no_rows_do_not_crash() -> None:
    graph = E.Graph()
    x, gamma, beta = (graph.input(n, s, "float32") for n, s in (("x", (-1, 2)), ("gamma", (2,)), ("beta", (2,))))
    y = graph.add("batch_norm", [x, gamma, beta], {})[0]
    gradients = graph.gradients(graph.add("sum", [y], {"axes": [0, 1]})[0], [x, gamma, beta])
    ones = np.ones(2, np.float32)
    with restored():
        for isa in E.available_isas():
            E.set_isa(isa)
            got = E.Executable(graph, [y, *gradients], 3).run(0, [np.zeros((0, 2), np.float32), ones, ones])
            assert [g.shape for g in got] == [(0, 2), (0, 2), (2,), (2,)]
            np.testing.assert_array_equal(got[2:], np.zeros((2, 2)), err_msg=isa)


def test_bad_shapes() -> None:
    graph = E.Graph()
    x, c, d = (graph.input(n, s, "float32") for n, s in (("x", (-1, 2, 4)), ("c", (4,)), ("d", (3,))))
    with pytest.raises(E.ShapeError, match=r'batch_norm "bn": input has 4 channels, gamma has shape \(3,\)'):
        graph.add("batch_norm", [x, d, c], {}, "bn")
    with pytest.raises(E.ShapeError, match=r"beta has shape \(3,\)"):
        graph.add("batch_norm", [x, c, d], {})
    with pytest.raises(E.ShapeError, match=r"needs rows and a last axis of channels, got \(4,\)"):
        graph.add("batch_norm", [c, c, c], {})
    with pytest.raises(E.ShapeError, match=r"the residual has shape \(4,\), the input \(n, 2, 4\)"):
        graph.add("batch_norm", [x, c, c, c], {"residual": True})
    with pytest.raises(ValueError, match="relu is 'none', 'x' or 'y', not 'z'"):
        graph.add("batch_norm_grad", [x, x, c, c, c], {"relu": "z"})
    with pytest.raises(E.ShapeError, match="takes x, its gradient"):
        graph.add("batch_norm_grad", [x, c, c, c, c], {})
