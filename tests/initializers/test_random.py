"""Distributions: mean, spread and bounds of many numbers."""

import numpy as np

from linnet import initializers

SHAPE = (400, 500)  # 200,000 numbers: means are exact to about stddev / 450


def test_normal():
    x = initializers.RandomNormal(1.0, 2.0, seed=1)(SHAPE)
    assert abs(x.mean() - 1) < 0.02
    assert abs(x.std() - 2) < 0.02
    assert np.abs(x - 1).max() > 6  # it does have tails


def test_truncated_normal():
    x = initializers.TruncatedNormal(1.0, 2.0, seed=1)(SHAPE)
    assert abs(x.mean() - 1) < 0.02
    assert np.abs(x - 1).max() <= 4
    assert abs(x.std() - 2 * 0.8796) < 0.02


def test_uniform():
    x = initializers.RandomUniform(-1.0, 3.0, seed=1)(SHAPE)
    assert -1 <= x.min() < -0.99
    assert 2.99 < x.max() < 3
    assert abs(x.mean() - 1) < 0.02
