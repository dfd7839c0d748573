"""einsum against NumPy's, with its gradient; diagonals."""

import numpy as np
import pytest
from support import check_function, samples

import linnet
from linnet import ops


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
        ("abc,cde->abde", [(2, 3, 4), (4, 2, 3)]),
        ("...ij,...jk->...ik", [(2, 3, 3, 4), (1, 3, 4, 5)]),
        ("a...,b...->ab...", [(2, 3, 4), (3, 3, 4)]),
        ("...a->...", [(2, 3, 4)]),
        ("ii->i", [(4, 4)]),
        ("ii", [(4, 4)]),
        ("aibi->ab", [(2, 3, 4, 3)]),
        ("iij,j->i", [(3, 3, 4), (4,)]),
        ("ab,bc,cd", [(2, 3), (3, 4), (4, 5)]),
        ("aecd,abcd->acbe", [(2, 3, 4, 5), (2, 6, 4, 5)]),
        ("i,j->ji", [(3,), (4,)]),
        ("ij,ij->i", [(3, 4), (3, 4)]),
    ],
)
def test_values_and_gradients(equation, shapes):
    arrays = [samples(shape, seed=i) for i, shape in enumerate(shapes)]
    check_function(
        lambda *xs: ops.einsum(equation, *xs), lambda *xs: np.einsum(equation, *xs), arrays, rtol=1e-4, atol=1e-5
    )


def test_with_a_batch():
    source = linnet.Input((3, 4))
    model = linnet.Model(source, ops.einsum("nij,nkj->nik", source, source))
    x = samples((5, 3, 4))
    np.testing.assert_allclose(model.predict(x, verbose=0), x @ x.transpose(0, 2, 1), rtol=1e-4, atol=1e-5)


def test_diagonals():
    x = samples((4, 5))
    for k in range(-5, 7):
        np.testing.assert_array_equal(ops.diagonal(x, k), np.diagonal(x, k))
        np.testing.assert_array_equal(ops.diag(x[0], k), np.diag(x[0], k))
    check_function(lambda y: ops.diagonal(y, 1, 0, 2), lambda y: np.diagonal(y, 1, 0, 2), [samples((3, 2, 4))])
    check_function(lambda y: ops.diag(y, -1), lambda y: np.diag(y, -1), [samples((3,))])
    with pytest.raises(ValueError, match="are the same axis"):
        ops.diagonal(x, 0, 1, -1)
    with pytest.raises(ValueError, match="must be a vector or a matrix"):
        ops.diag(samples((2, 2, 2)))


def test_what_does_not_fit():
    x = np.zeros((2, 3), np.float32)
    for equation, match in [
        ("ij->ik", '"k" of the result is in no operand'),
        ("ij,jk->ik", "names 2 operands, got 1"),
        ("ijk->i", '"ijk" names 3 axes of a tensor of 2 axes'),
        ("...i->i", "the ellipsis stands for 1 axes and must be in the result"),
        ("ii->i", "has sizes 2 and 3"),
    ]:
        with pytest.raises(ValueError, match=match):
            ops.einsum(equation, x)
