"""Larger and smaller images."""

import numpy as np
import pytest
from support import check_layer
from support_images import augmented, check_augmentation, pixels

from linnet.layers import RandomZoom


def test_layer():
    check_augmentation(RandomZoom, {"height_factor": 0.4, "seed": 1}, (6, 8, 3), (6, 8, 3))
    check_augmentation(RandomZoom, {"height_factor": 0.4, "width_factor": (0.1, 0.5)}, (6, 8, 3), (6, 8, 3))
    kwargs = {"height_factor": (0.3, 0.3), "width_factor": (-0.2, -0.2), "fill_mode": "constant", "fill_value": 1.5}
    check_layer(RandomZoom, kwargs, (5, 6, 2), (5, 6, 2), 0)


def test_half_the_size():
    x = pixels(1, 9, 9, 1)
    y = RandomZoom((1.0, 1.0), fill_mode="constant", interpolation="nearest")(x)
    np.testing.assert_array_equal(y[:, 2:7, 2:7], x[:, ::2, ::2])
    y[:, 2:7, 2:7] = 0
    assert not y.any()


def sizes(**kwargs):
    """Rows and columns that a bright square of 20 covers."""
    x = np.zeros((300, 61, 61, 1), np.float32)
    x[:, 20:41, 20:41] = 1
    y = augmented(RandomZoom(fill_mode="constant", **kwargs), x)[..., 0]
    return y[:, :, 30].sum(1), y[:, 30].sum(1)


def test_factors_are_spread_evenly():
    down, across = sizes(height_factor=(-0.3, 0.4))
    np.testing.assert_allclose(down, across, rtol=1e-4)
    zoom = 21 / down
    assert 0.69 < zoom.min() < 0.73
    assert 1.35 < zoom.max() < 1.42
    assert abs(zoom.mean() - 1.05) < 0.04
    down, across = sizes(height_factor=(-0.3, 0.0), width_factor=(0.0, 0.4))
    assert down.min() > 20.5
    assert across.max() < 21.5
    assert abs(np.corrcoef(down, across)[0, 1]) < 0.2


def test_wrong_factor():
    for bad in (-1, 1.5, (0, 2), "a"):
        with pytest.raises(ValueError, match="height_factor must be"):
            RandomZoom(bad)
    with pytest.raises(ValueError, match="width_factor must be"):
        RandomZoom(0.1, (0, 2))
