"""Rows or columns at right angles."""

import numpy as np
import pytest

from linnet import initializers


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (2, 3, 4)])
def test_orthonormal(shape):
    x = initializers.Orthogonal(gain=2.0, seed=1)(shape).reshape(-1, shape[-1]).astype(float)
    smaller = x @ x.T if x.shape[0] < x.shape[1] else x.T @ x
    np.testing.assert_allclose(smaller, 4 * np.eye(len(smaller)), atol=1e-5)


def test_needs_two_axes():
    with pytest.raises(ValueError, match="at least two axes"):
        initializers.Orthogonal()((3,))
