"""Lighter and darker images."""

import numpy as np
import pytest
from support import check_layer
from support_images import augmented, check_augmentation

from linnet.layers import RandomBrightness


def test_layer():
    check_augmentation(RandomBrightness, {"factor": 0.2, "seed": 2}, (4, 5, 3), (4, 5, 3))
    check_layer(RandomBrightness, {"factor": (0.3, 0.3), "value_range": [-9, 9]}, (4, 5, 3), (4, 5, 3), 0)


def test_amounts():
    y = augmented(RandomBrightness((-0.1, 0.3)), np.full((500, 2, 2, 3), 100, np.float32))
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1, :1], y.shape))
    change = (y[:, 0, 0, 0] - 100) / 255
    assert -0.1 <= change.min() < -0.09
    assert 0.29 < change.max() <= 0.3
    assert abs(change.mean() - 0.1) < 0.02


def test_cut_off():
    x = np.array([-3.0, 0.2, 0.9, 5.0], np.float32).reshape(1, 2, 2, 1)
    y = RandomBrightness((0.5, 0.5), value_range=(1, 0))(x)
    np.testing.assert_allclose(y.ravel(), [0, 0.7, 1, 1], rtol=1e-6)
    for bad in ({"factor": 2}, {"factor": 0.1, "value_range": 3}):
        with pytest.raises(ValueError, match="must be"):
            RandomBrightness(**bad)
