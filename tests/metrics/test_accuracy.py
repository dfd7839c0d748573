"""Accuracies against counting by hand."""

import numpy as np
import pytest
from support import run_traced, samples

from linnet import activations, metrics
from linnet.backend.errors import ShapeError

SCORES = samples((50, 7))
LABELS = np.random.default_rng(3).integers(0, 7, 50)
ONE_HOT = np.eye(7)[LABELS]
RIGHT = SCORES.argmax(-1) == LABELS


def test_sparse_and_categorical():
    weights = np.random.default_rng(1).uniform(size=50)
    for cls, y in (
        (metrics.SparseCategoricalAccuracy, LABELS),
        (metrics.SparseCategoricalAccuracy, LABELS[:, None].astype(float)),
        (metrics.CategoricalAccuracy, ONE_HOT),
    ):
        metric = cls()
        metric.update_state(y[:20], SCORES[:20])
        metric.update_state(y[20:], SCORES[20:])
        assert metric.result() == pytest.approx(RIGHT.mean())
        metric.reset_state()
        metric.update_state(y, SCORES, sample_weight=weights)
        assert metric.result() == pytest.approx(np.average(RIGHT, weights=weights), rel=1e-5)


def test_a_softmax_changes_nothing():
    got = run_traced(lambda y, z: metrics.sparse_categorical_accuracy(y, activations.softmax(z)), [LABELS, SCORES])[0]
    np.testing.assert_array_equal(got, RIGHT)


@pytest.mark.parametrize("k", [1, 2, 5, 7])
def test_top_k(k):
    best = np.argsort(-SCORES, -1)[:, :k]
    expected = (best == LABELS[:, None]).any(-1)
    np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy(LABELS, SCORES, k=k), expected)
    metric = metrics.TopKCategoricalAccuracy(k=k)
    metric.update_state(ONE_HOT, SCORES)
    assert metric.result() == pytest.approx(expected.mean())


def test_binary():
    metric = metrics.BinaryAccuracy(threshold=0.3)
    p = np.array([[0.2], [0.4], [0.3], [0.9]])
    metric.update_state([[0], [1], [1], [0]], p)
    assert metric.result() == pytest.approx(0.5)  # 0.3 is not above the threshold
    metric.reset_state()
    metric.update_state([0, 1, 1, 0], p)
    assert metric.result() == pytest.approx(0.5)
    np.testing.assert_array_equal(metrics.binary_accuracy([[1, 0, 1]], [[0.9, 0.8, 0.7]]), [[1, 0, 1]])
    with pytest.raises(ValueError, match="threshold must lie in"):
        metrics.BinaryAccuracy(threshold=1.0)


def test_accuracy():
    metric = metrics.Accuracy()
    metric.update_state([[1], [2], [3], [4]], [[0], [2], [3], [4]])
    assert metric.result() == pytest.approx(0.75)


def test_over_time_steps():
    scores, labels = samples((2, 5, 3)), np.random.default_rng(0).integers(0, 3, (2, 5))
    right = scores.argmax(-1) == labels
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state(labels, scores)
    assert metric.result() == pytest.approx(right.mean())
    metric.reset_state()
    weights = np.array([[1.0, 0, 0, 1, 1], [0, 0, 2, 0, 0]])
    metric.update_state(labels, scores, sample_weight=weights)
    assert metric.result() == pytest.approx(np.average(right, weights=weights), rel=1e-5)


def test_shapes_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"must have shape \(50,\); they have \(50, 7\)"):
        metrics.SparseCategoricalAccuracy().update_state(ONE_HOT, SCORES)
    with pytest.raises(ShapeError, match="categorical_accuracy"):
        metrics.CategoricalAccuracy().update_state(LABELS, SCORES)
