"""RepeatVector."""

import numpy as np
import pytest
from support import check_layer, gradients, samples

from linnet.layers import RepeatVector


@pytest.mark.parametrize("n", [1, 3, np.int64(2)])
def test_layer(n):
    check_layer(RepeatVector, {"n": n}, (4,), (n, 4), 0)
    x, weights = samples((2, 4)), samples((2, n, 4), 1)
    np.testing.assert_array_equal(RepeatVector(n)(x), np.repeat(x[:, None], n, axis=1))
    got = gradients(lambda x: RepeatVector(n)(x), [x], weights)[0]
    np.testing.assert_allclose(got, weights.sum(1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n", [0, -1, 2.0, "2", None, True])
def test_wrong_arguments(n):
    with pytest.raises(TypeError, match="n must be a positive integer"):
        RepeatVector(n)


def test_wrong_rank():
    with pytest.raises(ValueError, match="rank 2"):
        RepeatVector(2)(np.zeros((1, 2, 3)))
