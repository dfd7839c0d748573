"""One seed fixes everything."""

import random

import numpy as np
import pytest

import linnet


def draw():
    layer = linnet.layers.Dense(3)
    layer.build((None, 4))
    dropped = linnet.layers.Dropout(0.5)(np.ones((4, 5)), training=True)
    return [layer.kernel.numpy(), dropped, np.random.rand(3), random.random()]  # noqa: NPY002


def test_everything_repeats():
    linnet.utils.set_random_seed(4)
    first = draw()
    second = draw()
    linnet.utils.set_random_seed(4)
    for a, b, c in zip(first, draw(), second, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, None, True])
def test_wrong_seed(seed):
    with pytest.raises(ValueError, match="seed must be an integer"):
        linnet.utils.set_random_seed(seed)
