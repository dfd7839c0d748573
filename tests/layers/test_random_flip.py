"""Mirrored images."""

import numpy as np
import pytest
from support_images import augmented, check_augmentation, pixels

from linnet.layers import RandomFlip

FLIPPED = {
    "horizontal": lambda x: x[:, ::-1],
    "vertical": lambda x: x[::-1],
    "horizontal_and_vertical": lambda x: x[::-1, ::-1],
}


@pytest.mark.parametrize("mode", FLIPPED)
def test_half_are_flipped_exactly(mode):
    x = pixels(400, 5, 4, 3)
    y = augmented(RandomFlip(mode), x)
    flipped = [np.array_equal(after, FLIPPED[mode](before)) for before, after in zip(x, y, strict=True)]
    kept = [np.array_equal(after, before) for before, after in zip(x, y, strict=True)]
    assert sum(flipped) + sum(kept) == 400
    assert 160 < sum(flipped) < 240
    check_augmentation(RandomFlip, {"mode": mode, "seed": 3}, (5, 4, 3), (5, 4, 3))


def test_unknown_mode():
    with pytest.raises(ValueError, match='unknown mode "sideways"'):
        RandomFlip("sideways")
