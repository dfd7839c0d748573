"""Arrays cut in two."""

import numpy as np
import pytest

from linnet.utils import split_dataset

X, Y = np.arange(20).reshape(10, 2), np.arange(10)


def test_sizes():
    for sizes in ({"left_size": 0.7}, {"left_size": 7}, {"right_size": 0.3}, {"left_size": 7, "right_size": 3}):
        left, right = split_dataset((X, {"y": Y}), **sizes)
        np.testing.assert_array_equal(left[0], X[:7])
        np.testing.assert_array_equal(right[1]["y"], Y[7:])
    left, right = split_dataset(Y, 2, 3)
    np.testing.assert_array_equal(left, [0, 1])
    np.testing.assert_array_equal(right, [7, 8, 9])


def test_shuffled_together():
    (xa, ya), (xb, yb) = split_dataset((X, Y), 0.5, shuffle=True, seed=3)
    np.testing.assert_array_equal(xa, X[ya])
    np.testing.assert_array_equal(xb, X[yb])
    assert sorted([*ya, *yb]) == list(range(10))
    assert list(ya) != list(range(5))
    np.testing.assert_array_equal(split_dataset(Y, 0.5, shuffle=True, seed=3)[0], ya)


def test_errors():
    for sizes, message in (
        ({}, "must be given"),
        ({"left_size": 0}, "left_size must be"),
        ({"left_size": 10}, "left_size must be"),
        ({"right_size": 1.0}, "right_size must be"),
        ({"left_size": 6, "right_size": 5}, "cannot cut 10 samples into 6 and 5"),
        ({"left_size": 0.01}, "cannot cut 10 samples into 0 and 10"),
    ):
        with pytest.raises(ValueError, match=message):
            split_dataset(Y, **sizes)
    with pytest.raises(ValueError, match="as many samples"):
        split_dataset((X, Y[:3]), 0.5)
