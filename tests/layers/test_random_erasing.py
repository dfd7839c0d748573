"""Rectangles gone."""

import numpy as np
import pytest
from support import check_layer
from support_images import augmented, check_augmentation, pixels

from linnet.layers import RandomErasing


def test_layer():
    check_augmentation(RandomErasing, {"seed": 2}, (8, 9, 3), (8, 9, 3))
    check_augmentation(RandomErasing, {"factor": (0.8, 1.0), "fill_value": 0.5}, (8, 9, 3), (8, 9, 3))
    kwargs = {"factor": (0.0, 0.0), "fill_value": [1, 2, 3]}
    check_layer(RandomErasing, kwargs, (4, 5, 3), (4, 5, 3), 0)


def test_rectangles():
    x = np.ones((400, 30, 40, 3), np.float32)
    y = augmented(RandomErasing((1, 1), (0.04, 0.25), fill_value=0.0), x)
    gone = y[..., 0] == 0
    for channel in (1, 2):
        np.testing.assert_array_equal(y[..., channel] == 0, gone)
    rows, columns = gone.any(2), gone.any(1)
    np.testing.assert_array_equal(gone, rows[:, :, None] & columns[:, None])
    for covered, length in ((rows, 30), (columns, 40)):
        edges = np.abs(np.diff(covered.astype(int), axis=1)).sum(1)
        assert edges.max() <= 2  # one piece
        share = covered.sum(1) / length
        assert 0.2 - 1.01 / length <= share.min() < 0.25
        assert 0.45 < share.max() <= 0.5 + 1.01 / length
        # Its square is spread evenly from 0.04 to 0.25.
        assert abs(share.mean() - 2 / 3 * (0.5**3 - 0.2**3) / (0.25 - 0.04)) < 0.015
        start = covered.argmax(1) / length
        assert start.min() < 1.5 / length
        assert start.max() > 0.6


def test_how_often():
    x = pixels(600, 8, 8, 1) + 1
    for factor, share in (((0.3, 0.3), 0.3), (1.0, 0.5)):
        y = augmented(RandomErasing(factor, (0.5, 0.5), fill_value=0.0), x)
        assert abs((y == 0).any((1, 2, 3)).mean() - share) < 0.06


def test_fillings():
    y = augmented(RandomErasing((1, 1), (1, 1), value_range=(-3, 2)), np.zeros((40, 20, 20, 3), np.float32))
    assert y.min() == -3
    assert y.max() == 2
    assert abs((np.abs(y) < 1).mean() - 0.383) < 0.02  # half a deviation
    y = RandomErasing((1, 1), (1, 1), [1, 300, -3])(np.zeros((1, 2, 2, 3), np.float32))
    np.testing.assert_array_equal(y[0, 0, 0], [1, 255, 0])
    for bad in ({"fill_value": [1, 2]}, {"factor": 2}, {"scale": (2, 3)}, {"value_range": 1}):
        with pytest.raises(ValueError, match="must be"):
            RandomErasing(**bad)
