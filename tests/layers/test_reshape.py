"""Reshape."""

import numpy as np
import pytest
from support import check_layer, samples

from linnet.layers import Reshape


@pytest.mark.parametrize(
    ("target", "out_shape"),
    [((4, 3), (4, 3)), ((-1,), (12,)), ((2, -1, 2), (2, 3, 2)), ([12, 1], (12, 1)), (12, (12,))],
)
def test_layer(target, out_shape):
    check_layer(Reshape, {"target_shape": target}, (6, 2), out_shape, 0)


def test_values():
    x = samples((2, 6, 2))
    np.testing.assert_array_equal(Reshape((3, -1))(x), x.reshape(2, 3, 4))


def test_what_does_not_fit():
    with pytest.raises(ValueError, match=r'reshape "grid": a sample of shape \(6, 2\) has 12 elements and cannot'):
        Reshape((5, 2), name="grid")(samples((2, 6, 2)))
    with pytest.raises(ValueError, match=r"cannot be reshaped to \(5, -1\)"):
        Reshape((5, -1))(samples((2, 6, 2)))
    with pytest.raises(ValueError, match="at most one of them -1"):
        Reshape((-1, -1))
