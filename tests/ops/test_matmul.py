"""Matrix products in all their forms, at sizes around the kernel's tiles."""

import numpy as np
import pytest
from support import check_op, samples

from linnet import ops


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((3, 4), (4, 5)),
        ((1, 1), (1, 1)),
        ((13, 17), (17, 31)),
        ((15, 33), (33, 1)),
        ((4,), (4, 5)),
        ((3, 4), (4,)),
        ((4,), (4,)),
        ((2, 3, 4), (4, 5)),
        ((2, 3, 4), (2, 4, 5)),
        ((2, 1, 3, 4), (5, 4, 2)),
        ((3, 4), (2, 4, 5)),
        ((0, 4), (4, 5)),
        ((2, 3, 4), (4,)),
    ],
)
def test_matmul(first, second):
    check_op(ops.matmul, np.matmul, [samples(first, 1), samples(second, 2)], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("m", "k", "n"), [(64, 65, 33), (129, 7, 16), (7, 300, 15), (1, 64, 257)])
def test_larger_products(m, k, n):
    a, b = samples((m, k), 1), samples((k, n), 2)
    check_op(ops.matmul, np.matmul, [a, b], rtol=1e-4, atol=1e-4, differentiable=False)


def test_matmul_over_a_batch():
    w = samples((4, 6), 8)
    check_op(lambda x: ops.matmul(x, w), lambda x: x @ w, [samples((5, 4))], batched=True)
    check_op(lambda x: ops.matmul(x, w), lambda x: x @ w, [samples((5, 3, 4))], batched=True)
    check_op(ops.matmul, np.matmul, [samples((5, 3, 4), 1), samples((5, 4, 2), 2)], batched=True)
    check_op(lambda x: ops.matmul(w[:3, :4].T.copy(), x), lambda x: w[:3, :4].T @ x, [samples((5, 3, 2))], batched=True)


@pytest.mark.parametrize("axes", [0, 1, 2, ([2], [1]), ([1, 2], [0, 1]), ([0, 2], [2, 1])])
def test_tensordot(axes):
    a = samples((2, 3, 4), 1)
    b = samples({0: (2, 3), 1: (4, 5), 2: (3, 4, 2)}.get(axes if isinstance(axes, int) else -1, (3, 4, 2)), 2)
    check_op(lambda a, b: ops.tensordot(a, b, axes), lambda a, b: np.tensordot(a, b, axes), [a, b], rtol=1e-4)


@pytest.mark.parametrize(("first", "second"), [((3,), (3,)), ((2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((), (3, 2))])
def test_dot(first, second):
    check_op(ops.dot, np.dot, [np.asarray(samples(first, 1)), samples(second, 2)], rtol=1e-4, atol=1e-5)


def test_outer_and_vdot():
    a, b = samples((2, 3), 1), samples((3, 2), 2)
    check_op(ops.outer, np.outer, [a, b])
    check_op(ops.vdot, np.vdot, [a, b])


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
        ("ij->ji", [(2, 3)]),
        ("ijk->i", [(2, 3, 4)]),
        ("i,j->ij", [(2,), (3,)]),
        ("bhqd,bhkd->bhqk", [(2, 3, 4, 5), (2, 3, 6, 5)]),
        ("ij,ij->", [(3, 4), (3, 4)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
        ("abc,bd->acd", [(2, 3, 4), (3, 5)]),
        ("ab,bc", [(2, 3), (3, 4)]),
        ("ia,jb->ij", [(2, 3), (4, 5)]),
    ],
)
def test_einsum(subscripts, shapes):
    arrays = [samples(shape, i) for i, shape in enumerate(shapes)]
    check_op(
        lambda *xs: ops.einsum(subscripts, *xs), lambda *xs: np.einsum(subscripts, *xs), arrays, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: ops.matmul(np.zeros((2, 3)), np.zeros((4, 2))), "inner sizes differ"),
        (lambda: ops.matmul(1.0, np.zeros((4, 2))), "no matrix product"),
        (lambda: ops.tensordot(np.zeros((2, 3)), np.zeros((4, 2)), 1), "differ"),
        (lambda: ops.einsum("ii->ii", np.zeros((2, 2))), "stands twice"),
        (lambda: ops.einsum("ij,jk->ik", np.zeros((2, 2))), "names 2 operands"),
        (lambda: ops.einsum("ij,jk->ik", np.zeros((2, 3)), np.zeros((4, 2))), "sizes 3 and 4"),
        (lambda: ops.einsum("...i->i", np.zeros((2, 3))), "ellipsis"),
    ],
)
def test_errors(function, message):
    with pytest.raises(ValueError, match=message):
        function()
