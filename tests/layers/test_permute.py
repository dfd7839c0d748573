"""Permute."""

import numpy as np
import pytest
from support import check_layer, gradients, samples

from linnet.layers import Permute


@pytest.mark.parametrize(("dims", "shape"), [((2, 1), (3, 4)), ((1,), (3,)), ((3, 1, 2), (3, 4, 2)), ([1, 2], (3, 4))])
def test_layer(dims, shape):
    out = tuple(shape[axis - 1] for axis in dims)
    check_layer(Permute, {"dims": dims}, shape, out, 0)
    x = samples((2, *shape))
    np.testing.assert_array_equal(Permute(dims)(x), x.transpose(0, *dims))
    weights = samples((2, *out), 1)
    got = gradients(lambda x: Permute(dims)(x), [x], weights)[0]
    np.testing.assert_array_equal(got, weights.transpose(np.argsort((0, *dims))))


@pytest.mark.parametrize("dims", [(0, 1), (1, 1), (1, 3), (2,)])
def test_wrong_dims(dims):
    with pytest.raises(ValueError, match="dims must name the axes"):
        Permute(dims)


def test_wrong_rank():
    with pytest.raises(ValueError, match="rank 3"):
        Permute((2, 1))(np.zeros((1, 2, 3, 4)))
