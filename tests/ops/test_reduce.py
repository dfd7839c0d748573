"""Reductions over any axes, neighbouring or not, the batch among them."""

import numpy as np
import pytest
from support import check_op, samples

from linnet import ops
from linnet.backend.trace import Trace

REDUCTIONS = {
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "prod": np.prod,
    "var": np.var,
    "std": np.std,
}
AXES = [None, 0, 1, -1, (0, 1), (1, 2), (0, 2), (0, 1, 2)]


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions(name, axis, keepdims):
    x = samples((3, 4, 5)) + 1.5
    oracle = REDUCTIONS[name]
    check_op(
        lambda x: getattr(ops, name)(x, axis=axis, keepdims=keepdims),
        lambda x: oracle(x, axis=axis, keepdims=keepdims),
        [x],
        rtol=1e-4,
        atol=1e-5,
        gradient_rtol=5e-3,
        gradient_atol=1e-3,
    )


@pytest.mark.parametrize("name", ["sum", "mean", "max"])
@pytest.mark.parametrize("axis", [None, 0, (0, 2), (0, 1), 2])
def test_over_a_batch(name, axis):
    x = samples((7, 3, 4))
    function, oracle = getattr(ops, name), REDUCTIONS[name]
    check_op(
        lambda x: function(x, axis=axis, keepdims=True) * x,
        lambda x: oracle(x, axis=axis, keepdims=True) * x,
        [x],
        batched=True,
    )


@pytest.mark.parametrize("shape", [(1, 1), (2, 16), (2, 17), (129, 3), (1, 1000), (64, 64), (5, 1)])
def test_sizes(shape):
    x = samples(shape)
    for axis in (0, 1, None):
        check_op(lambda x: ops.sum(x, axis=axis), lambda x: np.sum(x, axis=axis), [x], rtol=1e-4, atol=1e-4)  # noqa: B023


def test_logical_reductions():
    x = np.array([[0, 2, 0], [1, 3, 5]])
    for axis in (None, 0, 1):
        np.testing.assert_array_equal(ops.any(x, axis), np.any(x, axis))
        np.testing.assert_array_equal(ops.all(x, axis), np.all(x, axis))
        np.testing.assert_array_equal(ops.count_nonzero(x, axis), np.count_nonzero(x, axis))
    assert ops.any(x).dtype == bool
    assert ops.sum(x).dtype == np.int32
    assert ops.mean(x).dtype == np.float32


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_positions_of_extremes(name, axis):
    x = np.round(samples((6, 9)) * 2)  # with ties: the first counts
    check_op(lambda x: getattr(ops, name)(x, axis), lambda x: getattr(np, name)(x, axis), [x], differentiable=False)
    assert getattr(ops, name)(x, axis).dtype == np.int32
    if axis is not None:
        assert getattr(ops, name)(x, axis, keepdims=True).shape == getattr(np, name)(x, axis, keepdims=True).shape


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_logsumexp(axis):
    def oracle(x):
        return np.log(np.sum(np.exp(x), axis=axis))

    check_op(lambda x: ops.logsumexp(x, axis), oracle, [samples((4, 6))])
    assert ops.logsumexp(np.array([1000.0, 1000.0])) == pytest.approx(1000 + np.log(2))


def test_average_and_norm():
    x, w = samples((4, 5)), np.abs(samples((4, 5), 2)) + np.float32(0.1)
    check_op(lambda x, w: ops.average(x, 1, w), lambda x, w: np.average(x, 1, w), [x, w])
    np.testing.assert_allclose(ops.average(x, 0, w[:, 0]), np.average(x, 0, w[:, 0]), rtol=1e-5)
    for order in (None, 1, 2, 3, np.inf, -np.inf):
        np.testing.assert_allclose(ops.norm(x, order, axis=1), np.linalg.norm(x, order, axis=1), rtol=1e-5)
    with pytest.raises(ValueError, match=r"ord=2 of a matrix is not available; .* svd\(x, compute_uv=False\)"):
        ops.norm(x, 2)
    with pytest.raises(ValueError, match="ord=3 does not fit 3 axes"):
        ops.norm(np.zeros((2, 3, 4)), 3)
    for order in (1, -1, np.inf, -np.inf, "fro"):
        np.testing.assert_allclose(ops.norm(x, order), np.linalg.norm(x, order), rtol=1e-6)


@pytest.mark.parametrize(("axis", "message"), [(2, "axis 2 does not exist"), ((0, 0), "twice"), ((0, -2), "twice")])
def test_wrong_axes(axis, message):
    with pytest.raises(ValueError, match=message):
        ops.sum(np.zeros((2, 3)), axis=axis)


def test_row_numbers_follow_the_rows_of_the_run():
    trace = Trace()
    with trace:
        numbers = trace.add("row_numbers", [trace.input("x", (-1, 3))])
    program = trace.compile([numbers], 5)
    for rows in (5, 2, 1):
        np.testing.assert_array_equal(program.run(rows, [np.ones((rows, 3), np.float32)])[0], np.arange(rows))
