"""Ends cut off sequences, images and volumes."""

import numpy as np
import pytest
from support import check_layer, gradients, samples

from linnet import layers
from linnet.layers import Cropping1D, Cropping2D, Cropping3D


@pytest.mark.parametrize(
    ("rank", "cropping", "amounts"),
    [
        (1, 1, ((1, 1),)),
        (1, (0, 3), ((0, 3),)),
        (2, 1, ((1, 1), (1, 1))),
        (2, (2, 0), ((2, 2), (0, 0))),
        (2, ((1, 2), (3, 0)), ((1, 2), (3, 0))),
        (3, 1, ((1, 1), (1, 1), (1, 1))),
        (3, (2, 0, 1), ((2, 2), (0, 0), (1, 1))),
        (3, ((1, 2), (3, 0), (0, 1)), ((1, 2), (3, 0), (0, 1))),
    ],
)
def test_values(rank, cropping, amounts):
    cls = getattr(layers, f"Cropping{rank}D")
    shape = (5, 6, 4)[:rank]
    x = samples((2, *shape, 2))
    kept = tuple(slice(before, size - after) for size, (before, after) in zip(shape, amounts, strict=True))
    expected = x[(slice(None), *kept)]
    np.testing.assert_array_equal(cls(cropping)(x), expected)
    check_layer(cls, {"cropping": cropping}, (*shape, 2), expected.shape[1:], 0)
    weights = samples(expected.shape, 3)
    got = gradients(lambda x: cls(cropping)(x), [x], weights)[0]
    np.testing.assert_array_equal(got, np.pad(weights, ((0, 0), *amounts, (0, 0))))


def test_defaults():
    assert Cropping1D().cropping == (1, 1)
    assert Cropping2D().cropping == ((0, 0), (0, 0))
    assert Cropping3D().cropping == ((1, 1), (1, 1), (1, 1))


def test_wrong_arguments():
    with pytest.raises(ValueError, match="cropping must be"):
        Cropping2D(-1)
    with pytest.raises(ValueError, match="two numbers or two pairs"):
        Cropping2D((1, 2, 3))
    with pytest.raises(ValueError, match='cropping1d "c": cropping \\(2, 2\\) leaves nothing of an input of shape'):
        Cropping1D(2, name="c")(np.zeros((1, 4, 3)))
    with pytest.raises(NotImplementedError, match="channels_first"):
        Cropping3D(data_format="channels_first")
