"""Confusion counts against a table of all comparisons; thresholds, buckets, selections, and what is no number."""

import numpy as np
import pytest
from support import samples

from linnet.backend.errors import ShapeError
from linnet.metrics.counts import NOTHING, confusion_counts, evenly_spaced, parse_thresholds, top_k_only, totals_by_id

Y = (samples((9, 4), 1) > 0.3).astype(np.float32)
P = (1 / (1 + np.exp(-samples((9, 4), 2)))).astype(np.float32)
W = np.abs(samples((9,), 3))


def table(y, p, thresholds, w):
    above = p[None].astype(float) > np.asarray(thresholds)[:, None, None]
    w = np.broadcast_to(w[:, None], p.shape)
    return [np.sum(w * hit * is_it, axis=(1, 2)) for hit in (above, ~above) for is_it in (y, 1 - y)]


@pytest.mark.parametrize(
    "thresholds", [[0.5], [0.1, 0.7], [0.0, 0.5, 1.0], list(np.arange(50) / 49), [-1e-7, 0.25, 0.5, 0.75, 1 + 1e-7]]
)
def test_counts_at_thresholds(thresholds):
    p = P.copy()
    p[0], p[1] = [0.0, 0.25, 0.5, 1.0], [0.3, 0.5, 1.0, 0.0]  # on the thresholds
    counts = confusion_counts("m", Y, p, thresholds, W)
    tp, fp, fn, tn = table(Y, p, thresholds, W)
    for got, want in zip(counts, (tp, fp, tn, fn), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("thresholds", [[0.2, 0.6], list(np.arange(11) / 10)])
def test_labels_apart(thresholds):
    counts = confusion_counts("m", Y, P, thresholds, W, multi_label=True)
    for label in range(4):
        one = confusion_counts("m", Y[:, label], P[:, label], thresholds, W)
        for got, want in zip(counts, one, strict=True):
            np.testing.assert_allclose(got[:, label], want, rtol=1e-5, atol=1e-5)


def test_predictions_outside_of_0_to_1_and_nan_touch_nothing_else():
    y, p = np.ones(4, np.float32), np.array([-3.0, 7.0, np.nan, 0.5], np.float32)
    counts = confusion_counts("m", y, p, list(np.arange(5) / 4))
    np.testing.assert_array_equal(counts.true_positives, [2, 2, 1, 1, 0])
    np.testing.assert_array_equal(counts.false_negatives, [2, 2, 3, 3, 4])


def test_one_class_and_the_top_k():
    only = confusion_counts("m", Y, P, [0.5], class_id=2)
    np.testing.assert_array_equal(only.true_positives, [np.sum(Y[:, 2] * (P[:, 2] > 0.5))])
    kept = top_k_only(np.array([[0.1, 0.5, 0.5, 0.5], [4.0, 3.0, 2.0, 1.0]], np.float32), 2)
    np.testing.assert_array_equal(kept, np.array([[NOTHING, 0.5, 0.5, NOTHING], [4, 3, NOTHING, NOTHING]], np.float32))


def test_totals_by_id():
    totals = totals_by_id(np.array([2, 0, 2]), np.array([[1.0], [2.0], [4.0]]), count=4)
    np.testing.assert_array_equal(totals, [[2], [0], [5], [0]])


def test_evenly_spaced():
    assert evenly_spaced([0, 0.5, 1])
    assert evenly_spaced([-1e-7, 0.25, 0.5, 0.75, 1 + 1e-7])
    assert not evenly_spaced([0, 1])
    assert not evenly_spaced([0, 0.4, 1])


def test_errors():
    assert parse_thresholds(None, 0.5) == [0.5]
    with pytest.raises(ValueError, match=r"thresholds must lie in \[0, 1\], got \[1.5\]"):
        parse_thresholds([0.5, 1.5], 0.5)
    with pytest.raises(ValueError, match=r"top_k must lie in \[1, 4\]"):
        top_k_only(P, 5)
    with pytest.raises(ShapeError, match="class_id 4 is not a class"):
        confusion_counts("m", Y, P, [0.5], class_id=4)
    with pytest.raises(ShapeError, match=r"with multi_label, predictions must be \(n, labels\)"):
        confusion_counts("m", Y[:, 0], P[:, 0], [0.5], multi_label=True)
    with pytest.raises(ShapeError, match="m: y_true and y_pred must have the same shape"):
        confusion_counts("m", Y[:, :3], P, [0.5])
