"""Sums by segment, scatter and updates of parts, with their gradients."""

import numpy as np
import pytest
from support import check_function, samples

from linnet import ops

IDS = np.array([0, 2, 2, 1, 0, 2], np.int32)
ROWS = samples((6, 3))


def test_segments():
    def sums(x):
        found = np.zeros((4, 3))
        np.add.at(found, IDS, x)
        return found

    check_function(lambda x: ops.segment_sum(x, IDS, num_segments=4), sums, [ROWS])
    check_function(
        lambda x: ops.segment_max(x, IDS, num_segments=3),
        lambda x: np.stack([x[i == IDS].max(0) for i in range(3)]),
        [ROWS],
    )
    outside = np.array([0, 9, -1, 1, 0, 2], np.int32)
    np.testing.assert_allclose(ops.segment_sum(ROWS, outside, num_segments=3)[0], ROWS[0] + ROWS[4], rtol=1e-6)
    with pytest.raises(NotImplementedError, match="give num_segments"):
        ops.segment_sum(ROWS, IDS)
    with pytest.raises(ValueError, match="must name a segment for each row"):
        ops.segment_sum(ROWS, IDS[:3], num_segments=4)


def test_scatter_and_updates():
    places = np.array([[0, 1], [3, 2]], np.int32)

    def put(x, updates):
        y = x.copy()
        y[0, 1], y[3, 2] = updates
        return y

    check_function(lambda x, u: ops.scatter_update(x, places, u), put, [samples((4, 3)), samples((2,), 1)])

    def block(x, updates):
        y = x.copy()
        y[1:3, 1:] = updates
        return y

    check_function(lambda x, u: ops.slice_update(x, (1, 1), u), block, [samples((4, 3)), samples((2, 2), 1)])
    with pytest.raises(ValueError, match="does not fit into"):
        ops.slice_update(ROWS, (5, 0), ROWS[:2])


def test_take_along_axis_and_its_gradient():
    picks = np.array([[0, 2, 2, -1]] * 6, np.int32)
    check_function(lambda x: ops.take_along_axis(x, picks, axis=1), lambda x: np.take_along_axis(x, picks, 1), [ROWS])
    with pytest.raises(ValueError, match="index 3 is outside of an axis of size 3"):
        ops.take_along_axis(ROWS, picks + 1, axis=1)
    np.testing.assert_array_equal(ops.take(ROWS, [-1, 0], axis=1), ROWS[:, [-1, 0]])
