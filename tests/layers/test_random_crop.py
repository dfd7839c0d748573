"""Windows of images."""

import numpy as np
import pytest
from support_images import augmented, check_augmentation, pixels

from linnet.layers import RandomCrop, Resizing


def test_layer():
    check_augmentation(RandomCrop, {"height": 4, "width": 5, "seed": 2}, (7, 9, 3), (4, 5, 3))


def test_every_place_is_as_likely():
    # The value of a pixel says where it is.
    x = np.broadcast_to(np.arange(6 * 8, dtype=np.float32).reshape(1, 6, 8, 1), (800, 6, 8, 1))
    y = augmented(RandomCrop(4, 6), x)
    first = y[:, 0, 0, 0].astype(int)
    window = (np.arange(4)[:, None] * 8 + np.arange(6))[None, :, :, None]
    np.testing.assert_array_equal(y, first[:, None, None, None] + window)
    top, left = np.divmod(first, 8)
    counts = np.zeros((3, 3))
    np.add.at(counts, (top, left), 1)
    assert counts.sum() == 800
    assert counts.min() > 60
    assert counts.max() < 120


def test_the_middle_outside_of_training_and_in_small_images():
    x = pixels(2, 6, 10, 3)
    middle = Resizing(3, 3)(x[:, :, 2:8])
    np.testing.assert_allclose(RandomCrop(3, 3)(x, training=False), middle, rtol=1e-6)
    np.testing.assert_allclose(RandomCrop(8, 8)(x, training=True), Resizing(8, 8)(x[:, :, 2:8]), rtol=1e-6)
    np.testing.assert_array_equal(RandomCrop(6, 4)(x, training=True), x[:, :, 3:7])


def test_wrong_size():
    with pytest.raises(ValueError, match="height must be a positive integer"):
        RandomCrop(0, 3)
