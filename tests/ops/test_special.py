"""Gradients of the special functions and of what joins and takes apart; their values are held against Keras's."""

import math

import numpy as np
import pytest
from support import check_function, samples

import linnet
from linnet import ops

X, Y = samples((3, 4)), samples((3, 4), 1)


@pytest.mark.parametrize(
    ("function", "oracle", "count"),
    [
        (ops.hypot, np.hypot, 2),
        (ops.cbrt, np.cbrt, 1),
        (ops.sinc, np.sinc, 1),
        (ops.logaddexp2, np.logaddexp2, 2),
        (ops.fmax, np.fmax, 2),
        (ops.fmod, np.fmod, 2),
        (ops.erfc, np.vectorize(math.erfc), 1),
        (ops.deg2rad, np.deg2rad, 1),
        (lambda x: ops.ptp(x, axis=1), lambda x: np.ptp(x, axis=1), 1),
        (ops.kron, np.kron, 2),
        (ops.inner, np.inner, 2),
        (lambda x: ops.rot90(x, 3), lambda x: np.rot90(x, 3), 1),
        (lambda x: ops.array_split(x, 3, axis=1)[0], lambda x: np.array_split(x, 3, axis=1)[0], 1),
        (lambda x, y: ops.append(x, y, axis=0), lambda x, y: np.append(x, y, axis=0), 2),
        (lambda x, y: ops.cross(x[:, :3], y[:, :3]), lambda x, y: np.cross(x[:, :3], y[:, :3]), 2),
        (ops.corrcoef, np.corrcoef, 1),
        (lambda x: ops.vander(x[0], 3), lambda x: np.vander(x[0], 3), 1),
        (lambda x, y: ops.select([x > 1, x > 0], [x, y]), lambda x, y: np.select([x > 1, x > 0], [x, y]), 2),
    ],
)
def test_values_and_gradients(function, oracle, count):
    check_function(function, oracle, [X, Y][:count], rtol=1e-4, atol=1e-5)


def test_erfinv():
    x = np.array([-1, -0.999, -0.5, 0, 1e-4, 0.3, 0.97, 1], np.float32)
    y = ops.erfinv(x)
    assert (y[0], y[-1]) == (-np.inf, np.inf)
    np.testing.assert_allclose([math.erf(float(v)) for v in y[1:-1]], x[1:-1], rtol=1e-5)


def test_hypot_does_not_overflow():
    np.testing.assert_allclose(ops.hypot(np.float32(3e30), np.float32(4e30)), 5e30, rtol=1e-6)


def test_blocks_of_pixels():
    source = linnet.Input((4, 6, 3))
    model = linnet.Model(source, ops.depth_to_space(ops.space_to_depth(source, 2), 2))
    x = samples((2, 4, 6, 3))
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)
    with pytest.raises(ValueError, match="must be multiples of 5"):
        ops.space_to_depth(x, 5)
