"""Colours turned round the wheel."""

import numpy as np
import pytest
from support_images import augmented, check_augmentation

from linnet.layers import RandomHue
from linnet.ops.image import hsv_to_rgb, rgb_to_hsv


def test_layer():
    check_augmentation(RandomHue, {"factor": (0.2, 0.5), "seed": 2}, (4, 5, 3), (4, 5, 3))


def test_angles():
    hsv = np.broadcast_to(np.array([0.5, 0.8, 0.9], np.float32), (400, 2, 2, 3))
    y = rgb_to_hsv(augmented(RandomHue((0.2, 0.6), value_range=(0, 1)), hsv_to_rgb(hsv)))
    np.testing.assert_allclose(y[..., 1:], hsv[..., 1:], rtol=1e-4)
    turn = y[:, 0, 0, 0] - 0.5
    assert 170 < (turn > 0).sum() < 230
    assert 0.099 < np.abs(turn).min() < 0.105
    assert 0.295 < np.abs(turn).max() < 0.301
    assert abs(np.abs(turn).mean() - 0.2) < 0.01


def test_errors():
    for bad in ({"factor": -1}, {"factor": 0.1, "value_range": 3}):
        with pytest.raises(ValueError, match="must be"):
            RandomHue(**bad)
