"""Paler and stronger colours."""

import numpy as np
import pytest
from support_images import augmented, check_augmentation, pixels

from linnet.layers import RandomSaturation
from linnet.ops.image import rgb_to_hsv


def test_layer():
    check_augmentation(RandomSaturation, {"factor": (0.2, 0.5), "seed": 2}, (4, 5, 3), (4, 5, 3))


def test_factors():
    x = pixels(300, 3, 3, 3) / 255
    y = augmented(RandomSaturation((0.0, 0.5), value_range=(0, 1)), x)
    before, after = rgb_to_hsv(x), rgb_to_hsv(y)
    np.testing.assert_allclose(after[..., 2], before[..., 2], rtol=1e-4)
    ratio = after[:, 0, 0, 1] / before[:, 0, 0, 1]
    drawn = ratio / (1 + ratio)
    assert drawn.min() < 0.02
    assert 0.48 < drawn.max() < 0.501
    assert abs(drawn.mean() - 0.25) < 0.03
    gray = RandomSaturation((0.0, 0.0))(x)
    np.testing.assert_allclose(gray, np.broadcast_to(x.max(-1, keepdims=True), x.shape), rtol=1e-5)


def test_errors():
    for bad in ({"factor": 2}, {"factor": 0.1, "value_range": 3}):
        with pytest.raises(ValueError, match="must be"):
            RandomSaturation(**bad)
