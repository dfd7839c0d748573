"""Stronger and weaker contrasts."""

import numpy as np
import pytest
from support import check_layer
from support_images import augmented, check_augmentation, pixels

from linnet.layers import RandomContrast


def test_layer():
    check_augmentation(RandomContrast, {"factor": (0.5, 0.2), "seed": 2}, (4, 5, 3), (4, 5, 3))
    check_layer(RandomContrast, {"factor": 0.0, "value_range": (-9, 9)}, (4, 5, 3), (4, 5, 3), 0)


@pytest.mark.parametrize(("factor", "low", "high"), [(0.4, 1, 1.4), ((0.2, 0.5), 0.8, 1.5)])
def test_factors(factor, low, high):
    x = pixels(300, 3, 4, 3)
    y = augmented(RandomContrast(factor, value_range=(-1000, 1000)), x)
    np.testing.assert_allclose(y.mean((1, 2)), x.mean((1, 2)), rtol=1e-4)
    ratio = y.std((1, 2)) / x.std((1, 2))
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1], ratio.shape), rtol=1e-4)
    assert low - 1e-3 < ratio.min() < low + 0.02
    assert high - 0.02 < ratio.max() < high + 1e-3
    assert abs(ratio.mean() - (low + high) / 2) < 0.03


def test_cut_off():
    y = augmented(RandomContrast((0.0, 1.0)), pixels(20, 4, 4, 1))
    assert y.min() == 0
    assert y.max() == 255
    for bad in ({"factor": -0.1}, {"factor": 2}, {"factor": 0.1, "value_range": None}):
        with pytest.raises(ValueError, match="must be"):
            RandomContrast(**bad)
