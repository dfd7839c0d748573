"""Normalisation of samples in linnet.ops: over any axes, in groups, without the mean."""

import numpy as np
import pytest
from support import check_op, samples

from linnet import ops


def normalized(x, axes, epsilon, rms=False):
    mean = 0 if rms else x.mean(axes, keepdims=True)
    return (x - mean) / np.sqrt(np.square(x - mean).mean(axes, keepdims=True) + epsilon)


@pytest.mark.parametrize(
    ("shape", "axis"),
    [((4, 6), -1), ((3, 4, 5), 2), ((3, 4, 5), (1, 2)), ((3, 4, 5), 1), ((2, 3, 2, 4), (1, 3)), ((3, 4), (0, 1))],
)
def test_layer_normalization(shape, axis):
    axes = tuple(sorted(a % len(shape) for a in ((axis,) if isinstance(axis, int) else axis)))
    weights = [shape[a] for a in axes]
    spread = [shape[a] if a in axes else 1 for a in range(len(shape))]
    check_op(
        lambda x, gamma, beta: ops.layer_normalization(x, gamma, beta, axis=axis, epsilon=1e-2),
        lambda x, gamma, beta: normalized(x, axes, 1e-2) * gamma.reshape(spread) + beta.reshape(spread),
        [samples(shape), samples(weights, 1), samples(weights, 2)],
        rtol=1e-4,
        atol=1e-5,
    )


def test_of_a_batch_and_without_weights():
    check_op(
        lambda x: ops.layer_normalization(x, epsilon=1e-2),
        lambda x: normalized(x, 2, 1e-2),
        [samples((3, 4, 5))],
        rtol=1e-4,
        atol=1e-5,
        batched=True,
    )


def test_the_default_epsilon_is_that_of_keras():
    x = np.array([[1e-3, -1e-3]], np.float32)
    np.testing.assert_allclose(ops.layer_normalization(x), normalized(x.astype(np.float64), 1, 1e-7), rtol=1e-5)
    np.testing.assert_allclose(ops.rms_normalization(x), normalized(x.astype(np.float64), 1, 1e-7, True), rtol=1e-5)


@pytest.mark.parametrize("axis", [-1, (1, 2)])
def test_rms_normalization(axis):
    x = samples((3, 4, 5))
    weights = x.shape[-1:] if axis == -1 else x.shape[1:]
    check_op(
        lambda x, scale: ops.rms_normalization(x, scale, axis=axis, epsilon=1e-3),
        lambda x, scale: normalized(x, axis, 1e-3, rms=True) * scale,
        [x, samples(weights, 1)],
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize(("shape", "groups", "axis"), [((2, 4, 6), 3, -1), ((2, 3, 2, 8), 2, 3), ((2, 6, 4), 2, 1)])
def test_group_normalization(shape, groups, axis):
    def oracle(x, gamma, beta):
        moved = np.moveaxis(x, axis, -1)
        parts = moved.reshape(x.shape[0], -1, groups, gamma.size // groups)
        y = normalized(parts, (1, 3), 1e-2).reshape(moved.shape) * gamma + beta
        return np.moveaxis(y, -1, axis)

    channels = (shape[axis],)
    check_op(
        lambda x, gamma, beta: ops.group_normalization(x, gamma, beta, groups=groups, axis=axis, epsilon=1e-2),
        oracle,
        [samples(shape), samples(channels, 1), samples(channels, 2)],
        rtol=1e-4,
        atol=1e-5,
    )
