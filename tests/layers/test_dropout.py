"""Dropout: the share that is dropped, the mean that stays, the seed that repeats."""

import numpy as np
import pytest
from support import check_layer

import linnet
from linnet.layers import Dropout

ONES = np.ones((400, 500), np.float32)


@pytest.mark.parametrize(
    "kwargs", [{"rate": 0.0}, {"rate": 0.2, "seed": 3}, {"rate": 0.2, "noise_shape": (None, 1, 4)}]
)
def test_layer(kwargs):
    check_layer(Dropout, kwargs, (3, 4), (3, 4), 0)


def test_only_in_training():
    layer = Dropout(0.3)
    np.testing.assert_array_equal(layer(ONES), ONES)
    np.testing.assert_array_equal(layer(ONES, training=False), ONES)
    y = layer(ONES, training=True)
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7], rtol=1e-6)
    assert abs((y == 0).mean() - 0.3) < 0.005
    assert abs(y.mean() - 1) < 0.01
    assert not np.array_equal(layer(ONES, training=True), y)


def test_seed_repeats():
    results = []
    for _ in range(2):
        linnet.utils.set_random_seed(5)
        results.append(Dropout(0.5)(ONES, training=True))
    np.testing.assert_array_equal(*results)


def test_noise_shape_shares_the_mask():
    y = Dropout(0.5, noise_shape=(None, 1))(ONES, training=True)
    assert np.all(y == y[:, :1])
    assert 0.3 < (y[:, 0] == 0).mean() < 0.7
    with pytest.raises(ValueError, match="does not fit an input"):
        Dropout(0.5, noise_shape=(None, 1, 1))(ONES, training=True)


def test_rates():
    assert np.all(Dropout(1.0)(ONES, training=True) == 0)
    np.testing.assert_array_equal(Dropout(0)(ONES, training=True), ONES)
    for rate in (-0.1, 1.1, "a", None):
        with pytest.raises(ValueError, match="rate must be a number in"):
            Dropout(rate)
