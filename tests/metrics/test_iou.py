"""IoU metrics against the sets of pixels themselves."""

import numpy as np
import pytest
from support import samples

from linnet import metrics

RNG = np.random.default_rng(3)
Y, P = RNG.integers(0, 4, (5, 6, 6)), RNG.integers(0, 4, (5, 6, 6))


def shares(y, p, classes, keep=True):
    found = []
    for c in range(classes):
        either = np.sum(((y == c) | (p == c)) & keep)
        found.append(np.sum((y == c) & (p == c) & keep) / either if either else np.nan)
    return np.array(found)


def test_over_batches():
    for metric, value in (
        (metrics.MeanIoU(4), np.mean(shares(Y, P, 4))),
        (metrics.MeanIoU(7), np.nanmean(shares(Y, P, 7))),
        (metrics.IoU(4, [1, 3]), np.mean(shares(Y, P, 4)[[1, 3]])),
        (metrics.MeanIoU(4, ignore_class=2), np.mean(shares(Y, P, 4, Y != 2))),
        (metrics.MeanIoU(3), np.mean(shares(Y, P, 3, (Y < 3) & (P < 3)))),
    ):
        metric.update_state(Y[:2], P[:2])
        metric.update_state(Y[2:], P[2:])
        assert metric.result() == pytest.approx(value, rel=1e-5)


def test_scores_and_one_hot_labels():
    value, hot, scores = metrics.MeanIoU(4)(Y, P), np.eye(4)[Y], np.eye(4)[P] + 0.1 * samples((5, 6, 6, 4))
    assert metrics.OneHotMeanIoU(4)(hot, scores) == pytest.approx(value)
    assert metrics.OneHotMeanIoU(4, sparse_y_pred=True)(hot, P) == pytest.approx(value)
    assert metrics.MeanIoU(4, sparse_y_pred=False)(Y, scores) == pytest.approx(value)
    assert metrics.OneHotIoU(4, [2])(hot, scores) == pytest.approx(metrics.IoU(4, [2])(Y, P))


def test_binary():
    y, p = (Y > 1).astype(np.float32), RNG.random(Y.shape).astype(np.float32)
    value = np.mean(shares(y, p >= 0.5, 2))
    assert metrics.BinaryIoU()(y, p) == pytest.approx(value, rel=1e-5)
    assert metrics.BinaryIoU([1], threshold=0.2)(y, p) == pytest.approx(shares(y, p >= 0.2, 2)[1], rel=1e-5)
    assert metrics.BinaryIoU()(y[..., None], p[..., None]) == pytest.approx(value, rel=1e-5)


def test_weights():
    y, p, w = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([0.3, 0.3, 0.3, 0.1], np.float32)
    assert metrics.MeanIoU(2, dtype="float32")(y, p, w) == pytest.approx((0.3 / 0.9 + 0.1 / 0.7) / 2, rel=1e-5)
    with pytest.warns(UserWarning, match="float sample weights are cut off to integers"):
        assert metrics.MeanIoU(2)(y, p, 10 * w) == pytest.approx((3 / 9 + 1 / 7) / 2, rel=1e-5)


def test_arguments():
    with pytest.raises(ValueError, match=r"target_class_ids must lie in \[0, 3\), got \[3\]"):
        metrics.IoU(3, [3])
