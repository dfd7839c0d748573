"""Zeros around sequences, images and volumes."""

import numpy as np
import pytest
from support import check_layer, gradients, samples

from linnet import layers
from linnet.layers import ZeroPadding1D, ZeroPadding2D, ZeroPadding3D


@pytest.mark.parametrize(
    ("rank", "padding", "amounts"),
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
def test_values(rank, padding, amounts):
    cls = getattr(layers, f"ZeroPadding{rank}D")
    shape = (3, 4, 2)[:rank]
    x = samples((2, *shape, 2))
    np.testing.assert_array_equal(cls(padding)(x), np.pad(x, ((0, 0), *amounts, (0, 0))))
    padded = tuple(size + before + after for size, (before, after) in zip(shape, amounts, strict=True))
    check_layer(cls, {"padding": padding}, (*shape, 2), (*padded, 2), 0)
    weights = samples((2, *padded, 2), 3)
    inside = tuple(slice(before, before + size) for size, (before, _) in zip(shape, amounts, strict=True))
    np.testing.assert_array_equal(
        gradients(lambda x: cls(padding)(x), [x], weights)[0], weights[(slice(None), *inside)]
    )


def test_defaults_are_one_on_every_side():
    assert ZeroPadding1D().padding == (1, 1)
    assert ZeroPadding2D().padding == ((1, 1), (1, 1))
    assert ZeroPadding3D().padding == ((1, 1), (1, 1), (1, 1))


def test_wrong_arguments():
    with pytest.raises(ValueError, match="padding must be"):
        ZeroPadding2D(-1)
    with pytest.raises(ValueError, match="two numbers or two pairs"):
        ZeroPadding2D((1, 2, 3))
    with pytest.raises(ValueError, match="three numbers or three pairs"):
        ZeroPadding3D((1, 2))
    with pytest.raises(ValueError, match="a pair of them, not \\(1, 2, 3\\)"):
        ZeroPadding1D((1, 2, 3))
    with pytest.raises(ValueError, match="rank 3"):
        ZeroPadding1D()(np.zeros((1, 2)))
