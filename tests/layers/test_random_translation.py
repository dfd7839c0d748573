"""Shifted images."""

import numpy as np
import pytest
from support import check_layer
from support_images import augmented, check_augmentation, pixels

from linnet.layers import RandomTranslation


def test_layer():
    check_augmentation(RandomTranslation, {"height_factor": 0.4, "width_factor": 0.3}, (6, 8, 3), (6, 8, 3))
    kwargs = {"height_factor": (0.3, 0.3), "width_factor": (-0.2, -0.2), "fill_mode": "wrap"}
    check_layer(RandomTranslation, kwargs, (5, 6, 2), (5, 6, 2), 0)


@pytest.mark.parametrize(("fill", "mode"), [("reflect", "symmetric"), ("nearest", "edge"), ("wrap", "wrap")])
def test_whole_pixels(fill, mode):
    x = pixels(2, 4, 8, 3)
    y = RandomTranslation((0.25, 0.25), (-0.375, -0.375), fill_mode=fill)(x)
    padded = np.pad(x, ((0, 0), (1, 0), (0, 3), (0, 0)), mode=mode)
    np.testing.assert_allclose(y, padded[:, :4, 3:], rtol=1e-6)


def test_shifts_are_spread_evenly():
    x = np.zeros((500, 40, 50, 1), np.float32)
    x[:, 20, 25] = 1
    y = augmented(RandomTranslation((-0.1, 0.3), 0.2, fill_mode="constant"), x)[..., 0]
    down, across = np.einsum("nyx,ayx->an", y, np.mgrid[-20:20, -25:25])
    for shift, low, high in ((down, -4, 12), (across, -10, 10)):
        assert low - 0.01 < shift.min() < low + 0.5
        assert high - 0.5 < shift.max() < high + 0.01
        assert abs(shift.mean() - (low + high) / 2) < 1
    assert abs(np.corrcoef(down, across)[0, 1]) < 0.15


def test_wrong_factor():
    with pytest.raises(ValueError, match="height_factor must be"):
        RandomTranslation(2, 0)
    with pytest.raises(ValueError, match="width_factor must be"):
        RandomTranslation(0, (-1.5, 0))
