"""Solving and factorising: on arrays as NumPy does; inside a model refused."""

import numpy as np
import pytest
from support import samples

import linnet
from linnet import ops

A = samples((2, 4, 4))
SPD = A @ A.transpose(0, 2, 1) + 2 * np.eye(4, dtype=np.float32)
B = samples((2, 4, 3), 1)


def test_values():
    np.testing.assert_allclose(ops.solve(SPD, B), np.linalg.solve(SPD, B), rtol=1e-3, atol=1e-4)
    lower = ops.cholesky(SPD)
    np.testing.assert_allclose(lower @ lower.transpose(0, 2, 1), SPD, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ops.inv(SPD) @ SPD, np.broadcast_to(np.eye(4), (2, 4, 4)), atol=1e-4)
    q, r = ops.qr(A)
    np.testing.assert_allclose(q @ r, A, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        ops.solve_triangular(SPD, B, lower=True), np.linalg.solve(np.tril(SPD), B), rtol=1e-3, atol=1e-4
    )
    assert ops.linalg.det(SPD).shape == (2,)
    assert ops.matrix_rank(np.ones((3, 3), np.float32)) == 1


def test_not_inside_a_model():
    with pytest.raises(NotImplementedError, match="inv works on arrays only"):
        ops.inv(linnet.Input((4, 4)))
