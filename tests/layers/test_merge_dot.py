"""Dot: scalar products along an axis."""

import numpy as np
import pytest
from support import check_layer, gradients, samples

from linnet.layers import Dot, dot


def oracle(a, b, axes):
    i, j = axes[0] % a.ndim, axes[1] % b.ndim
    rows = [np.tensordot(x, y, axes=(i - 1, j - 1)) for x, y in zip(a, b, strict=True)]
    y = np.stack(rows)
    return y if y.ndim > 1 else y[:, None]


@pytest.mark.parametrize(
    ("axes", "first", "second", "out"),
    [
        (1, (4,), (4,), (1,)),
        (-1, (3, 4), (5, 4), (3, 5)),
        ((2, 1), (3, 4), (4, 5), (3, 5)),
        ((1, 2), (4, 3), (5, 4), (3, 5)),
        ((1, 1), (4,), (4, 5), (5,)),
        ((2, 1), (3, 4), (4,), (3,)),
        ((2, 3), (2, 4, 3), (2, 3, 4), (2, 3, 2, 3)),
    ],
)
def test_layer(axes, first, second, out):
    check_layer(Dot, {"axes": axes}, [first, second], out, 0)
    a, b = samples((6, *first)), samples((6, *second), 1)
    both = (axes, axes) if isinstance(axes, int) else axes
    np.testing.assert_allclose(Dot(axes)([a, b]), oracle(a, b, both), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(dot([a, b], axes), Dot(axes)([a, b]))


def test_cosine():
    a, b = samples((5, 4)), samples((5, 4), 1)
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    np.testing.assert_allclose(Dot(1, normalize=True)([a, b])[:, 0], cosine, rtol=1e-5)
    check_layer(Dot, {"axes": 1, "normalize": True}, [(4,), (4,)], (1,), 0)


def test_gradient():
    a, b, weights = samples((3, 4, 2)), samples((3, 5, 2), 1), samples((3, 4, 5), 2)
    da, db = gradients(lambda a, b: Dot(2)([a, b]), [a, b], weights)
    np.testing.assert_allclose(da, np.einsum("nij,njk->nik", weights, b), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(db, np.einsum("nij,nik->njk", weights, a), rtol=1e-5, atol=1e-5)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="axes must be"):
        Dot("1")
    with pytest.raises(ValueError, match="axes must be"):
        Dot((1, 2, 3))
    with pytest.raises(ValueError, match='dot "d": needs a list of two inputs'):
        Dot(1, name="d")([np.zeros((2, 3))] * 3)
    with pytest.raises(ValueError, match="are 4 and 5 long"):
        Dot(1)([np.zeros((2, 4)), np.zeros((2, 5))])
    with pytest.raises(ValueError, match="are not axes behind the batch"):
        Dot((0, 1))([np.zeros((2, 4)), np.zeros((2, 4))])
