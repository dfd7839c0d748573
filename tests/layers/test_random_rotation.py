"""Turned images."""

import numpy as np
import pytest
from support import check_layer
from support_images import augmented, check_augmentation, pixels

from linnet.layers import RandomRotation


def test_layer():
    check_augmentation(RandomRotation, {"factor": 0.2, "seed": 1}, (6, 8, 3), (6, 8, 3))
    check_augmentation(
        RandomRotation, {"factor": (0.1, 0.3), "fill_mode": "constant", "fill_value": 0.5}, (7, 5, 1), (7, 5, 1)
    )
    for fill in ("wrap", "nearest"):
        kwargs = {"factor": (0.1, 0.1), "fill_mode": fill, "interpolation": "nearest"}
        check_layer(RandomRotation, kwargs, (5, 6, 2), (5, 6, 2), 0)


def test_quarter_turns():
    x = pixels(2, 6, 6, 3)
    for turns in (1, 2, 3):
        y = RandomRotation((turns / 4, turns / 4))(x)
        np.testing.assert_allclose(y, np.rot90(x, turns, axes=(1, 2)), rtol=1e-4, atol=1e-2)


def test_angles_are_spread_evenly():
    # A bright bar from the middle to the right; where its end lands is the angle.
    x = np.zeros((600, 41, 41, 1), np.float32)
    x[:, 20, 36:39] = 1
    y = augmented(RandomRotation((-0.25, 0.125), fill_mode="constant"), x)[..., 0]
    down, across = np.mgrid[-20:21, -20:21]
    mass = y.sum((1, 2))
    angle = -np.arctan2((y * down).sum((1, 2)) / mass, (y * across).sum((1, 2)) / mass) / (2 * np.pi)
    assert -0.251 < angle.min() < -0.245
    assert 0.12 < angle.max() < 0.126
    assert abs(angle.mean() + 0.0625) < 0.015
    assert abs(angle.std() - 0.375 / np.sqrt(12)) < 0.01


def test_wrong_factor():
    with pytest.raises(ValueError, match="factor must be a number"):
        RandomRotation(2)
