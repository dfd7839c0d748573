"""Zeros around images."""

import numpy as np
import pytest
from support import check_layer, samples

from linnet.layers import ZeroPadding2D


@pytest.mark.parametrize(
    ("padding", "amounts"),
    [(1, ((1, 1), (1, 1))), ((2, 0), ((2, 2), (0, 0))), (((1, 2), (3, 0)), ((1, 2), (3, 0)))],
)
def test_values(padding, amounts):
    x = samples((2, 3, 4, 2))
    np.testing.assert_array_equal(ZeroPadding2D(padding)(x), np.pad(x, ((0, 0), *amounts, (0, 0))))
    (top, bottom), (left, right) = amounts
    check_layer(ZeroPadding2D, {"padding": padding}, (3, 4, 2), (3 + top + bottom, 4 + left + right, 2), 0)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="padding must be"):
        ZeroPadding2D(-1)
    with pytest.raises(ValueError, match="two numbers or two pairs"):
        ZeroPadding2D((1, 2, 3))
