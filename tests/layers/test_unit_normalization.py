"""UnitNormalization: vectors of length 1, and zeros that stay."""

import numpy as np
import pytest
from support import check_function, check_layer, samples

from linnet.layers import UnitNormalization


@pytest.mark.parametrize("axis", [-1, 1, [1, 2]])
def test_layer(axis):
    check_layer(UnitNormalization, {"axis": axis}, (4, 6), (4, 6), 0)
    axes = tuple(axis) if isinstance(axis, list) else axis
    check_function(
        lambda x: UnitNormalization(axis)(x),
        lambda x: x / np.sqrt(np.square(x).sum(axes, keepdims=True)),
        [samples((2, 3, 4))],
    )


def test_zeros_and_wrong_arguments():
    np.testing.assert_array_equal(UnitNormalization()(np.zeros((2, 3))), np.zeros((2, 3)))
    with pytest.raises(TypeError, match="axis must be an integer or a list"):
        UnitNormalization(axis=1.5)
