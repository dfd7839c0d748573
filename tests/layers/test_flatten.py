"""Flatten."""

import numpy as np
import pytest
from support import check_layer, samples

import linnet
from linnet.layers import Flatten


@pytest.mark.parametrize(("in_shape", "out_shape"), [((2, 3, 4), (24,)), ((5,), (5,)), ((3, 1), (3,))])
def test_layer(in_shape, out_shape):
    check_layer(Flatten, {}, in_shape, out_shape, 0)


def test_values():
    x = samples((2, 3, 4))
    np.testing.assert_array_equal(Flatten()(x), x.reshape(2, 12))
    np.testing.assert_array_equal(Flatten()(x[:, 0, 0]), x[:, :1, 0])
    assert Flatten()(linnet.Input(())).shape == (None, 1)
