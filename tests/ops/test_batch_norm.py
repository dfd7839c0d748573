"""Normalisations against their formulas."""

import numpy as np
import pytest
from support import check_op, run_traced, samples

from linnet import ops


@pytest.mark.parametrize("shape", [(8, 3), (4, 3, 5), (2, 4, 3, 17), (6, 1)])
def test_with_statistics_of_the_batch(shape):
    c = shape[-1]
    axes = tuple(range(len(shape) - 1))

    def oracle(x, gamma, beta):
        return (x - x.mean(axes)) / np.sqrt(x.var(axes) + 1e-3) * gamma + beta

    arrays = [samples(shape, 1), samples((c,), 2), samples((c,), 3)]
    check_op(
        lambda x, g, b: ops.batch_normalization_training(x, g, b, 1e-3)[0],
        oracle,
        arrays,
        rtol=1e-4,
        atol=1e-5,
        gradient_rtol=5e-3,
        gradient_atol=1e-3,
    )
    _, mean, variance = ops.batch_normalization_training(*arrays)
    np.testing.assert_allclose(mean, arrays[0].mean(axes), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(variance, arrays[0].var(axes), rtol=1e-4, atol=1e-5)


def test_variance_of_a_large_mean_is_exact():
    x = samples((64, 4)) + 1000
    _, _, variance = ops.batch_normalization_training(x, np.ones(4), np.zeros(4))
    np.testing.assert_allclose(variance, x.astype(np.float64).var(0), rtol=1e-3)


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("affine", [True, False])
def test_with_given_statistics(axis, affine):
    x = samples((4, 3, 3))
    mean, variance, offset, scale = samples((3,), 1), np.abs(samples((3,), 2)), samples((3,), 3), samples((3,), 4)

    def oracle(x):
        shape = (1, 1, 3) if axis == -1 else (1, 3, 1)
        y = (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + 1e-3)
        return y * scale.reshape(shape) + offset.reshape(shape) if affine else y

    given = {"offset": offset, "scale": scale} if affine else {}
    check_op(lambda x: ops.batch_normalization(x, mean, variance, axis, **given), oracle, [x], rtol=1e-4, atol=1e-5)


def test_moments():
    x = samples((4, 5, 3))
    mean, variance = ops.moments(x, (0, 2), keepdims=True)
    np.testing.assert_allclose(mean, x.mean((0, 2), keepdims=True), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance, x.var((0, 2), keepdims=True), rtol=1e-5)
    check_op(lambda x: ops.moments(x, 0)[1], lambda x: x.var(0), [x])


def test_normalize():
    x = samples((4, 6))
    check_op(lambda x: ops.normalize(x), lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True), [x])
    np.testing.assert_allclose(ops.normalize(x, 0, 1), x / np.abs(x).sum(0), rtol=1e-5)
    np.testing.assert_array_equal(run_traced(ops.normalize, [np.zeros((1, 3), np.float32)])[0], [[0, 0, 0]])
