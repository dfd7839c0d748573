"""Blurred and sharpened images."""

import numpy as np
import pytest
from support import check_layer
from support_images import augmented, check_augmentation, pixels

from linnet.layers import RandomSharpness


def test_layer():
    check_augmentation(RandomSharpness, {"factor": (0.1, 0.8), "seed": 2}, (4, 5, 3), (4, 5, 3))
    check_layer(RandomSharpness, {"factor": (0.3, 0.3), "value_range": (-9, 9)}, (4, 5, 3), (4, 5, 3), 0)


def test_a_point():
    x = np.zeros((200, 5, 5, 1), np.float32)
    x[:, 2, 2] = 1
    y = augmented(RandomSharpness(1.0, value_range=(-5, 5)), x)
    middle, beside = y[:, 2, 2, 0], y[:, 1:4, 1:4, 0].sum((1, 2)) - y[:, 2, 2, 0]
    np.testing.assert_allclose(middle + beside, 1, rtol=1e-5)
    factor = (1 - beside * 13 / 8) / 2
    assert factor.min() < 0.05
    assert factor.max() > 0.95
    assert abs(factor.mean() - 0.5) < 0.06
    np.testing.assert_allclose(RandomSharpness((0.5, 0.5))(pixels(2, 4, 4, 2)), pixels(2, 4, 4, 2), rtol=1e-5)


def test_errors():
    for bad in ({"factor": 2}, {"factor": 0.1, "value_range": 3}):
        with pytest.raises(ValueError, match="must be"):
            RandomSharpness(**bad)
