"""The middle of images."""

import numpy as np
import pytest
from support import check_layer, samples

from linnet.layers import CenterCrop, Resizing


def test_layer():
    check_layer(CenterCrop, {"height": 3, "width": 4}, (6, 7, 2), (3, 4, 2), 0)
    check_layer(CenterCrop, {"height": 8, "width": 4}, (6, 7, 2), (8, 4, 2), 0)


def test_values():
    x = samples((2, 6, 9, 3))
    np.testing.assert_array_equal(CenterCrop(2, 4)(x), x[:, 2:4, 2:6])
    np.testing.assert_array_equal(CenterCrop(6, 9)(x), x)
    np.testing.assert_array_equal(CenterCrop(2, 4)(x[0]), x[0, 2:4, 2:6])
    np.testing.assert_allclose(CenterCrop(8, 8)(x), Resizing(8, 8)(x[:, :, 1:7]), rtol=1e-6)
    with pytest.raises(ValueError, match="width must be a positive integer"):
        CenterCrop(3, 2.5)
