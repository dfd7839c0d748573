"""Softmax along one axis, several, and with a mask."""

import numpy as np
import pytest
from support import check_layer, samples

from linnet.layers import Softmax


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@pytest.mark.parametrize("axis", [-1, 1, (1, 2)])
def test_layer(axis):
    check_layer(Softmax, {"axis": axis}, (3, 4), (3, 4), 0)


@pytest.mark.parametrize("axis", [-1, 1, (1, 2), [2]])
def test_values(axis):
    x = samples((2, 3, 4))
    along = tuple(axis) if isinstance(axis, list) else axis
    np.testing.assert_allclose(Softmax(axis=axis)(x), softmax(x, along), rtol=1e-5)


def test_mask():
    x = samples((2, 4))
    mask = np.array([[True, True, False, True], [False, False, False, False]])
    y = Softmax()(x, mask=mask)
    np.testing.assert_allclose(y[0, [0, 1, 3]], softmax(x[0, [0, 1, 3]]), rtol=1e-5)
    assert y[0, 2] == 0
    assert np.isfinite(y).all()
