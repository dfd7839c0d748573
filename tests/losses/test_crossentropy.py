"""Cross-entropies against float64 formulas; the shortcut through the logits; bad labels and shapes."""

import numpy as np
import pytest
from support import check_function, gradients, run_traced, samples

from linnet import activations, losses
from linnet.backend.errors import ShapeError

EPSILON = 1e-7


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def from_probabilities(p, axis=-1):
    return np.log(np.clip(p / p.sum(axis, keepdims=True), EPSILON, 1 - EPSILON))


LOGITS = samples((6, 4))
PROBABILITIES = softmax(LOGITS)
LABELS = np.array([0, 3, 1, 2, 3, 0])
ONE_HOT = np.eye(4, dtype=np.float32)[LABELS]
SOFT = softmax(samples((6, 4), 8))


def test_categorical():
    check_function(
        lambda t, z: losses.categorical_crossentropy(t, z, from_logits=True),
        lambda t, z: -np.sum(t * log_softmax(z), -1),
        [SOFT, LOGITS],
        differentiable=False,
    )
    check_function(
        losses.categorical_crossentropy,
        lambda t, p: -np.sum(t * from_probabilities(p), -1),
        [SOFT, 1.7 * PROBABILITIES],
    )


def test_categorical_gradient_in_the_logits():
    weights = samples((6,), 3)
    got = gradients(lambda z: losses.categorical_crossentropy(SOFT, z, from_logits=True), [LOGITS], weights)[0]
    np.testing.assert_allclose(got, weights[:, None] * (PROBABILITIES - SOFT), rtol=1e-4, atol=1e-6)


def test_sparse():
    picked = np.arange(6), LABELS
    check_function(
        lambda t, z: losses.sparse_categorical_crossentropy(t, z, from_logits=True),
        lambda t, z: -log_softmax(z)[np.arange(6), t],
        [LABELS, LOGITS],
    )
    check_function(
        losses.sparse_categorical_crossentropy,
        lambda t, p: -from_probabilities(p)[np.arange(6), t],
        [LABELS, 0.3 * PROBABILITIES],
    )
    column = losses.sparse_categorical_crossentropy(LABELS[:, None].astype(np.float32), PROBABILITIES)
    np.testing.assert_allclose(column, -np.log(PROBABILITIES[picked]), rtol=1e-5)


def test_sparse_over_time_steps():
    logits, labels = samples((2, 3, 5)), np.array([[0, 4, 2], [1, 1, 3]])
    got = losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    expected = -np.take_along_axis(log_softmax(logits.astype(float)), labels[..., None], -1)[..., 0]
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_binary():
    logits, labels = 3 * samples((4, 3)), (samples((4, 3), 1) > 0).astype(np.float32)

    def oracle(t, z):
        return np.mean(np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z))), -1)

    check_function(lambda t, z: losses.binary_crossentropy(t, z, from_logits=True), oracle, [labels, logits])
    p = (1 / (1 + np.exp(-logits))).astype(np.float32)
    check_function(
        losses.binary_crossentropy,
        lambda t, p: -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p), -1),
        [labels, p],
    )
    assert losses.BinaryCrossentropy()([[1.0]], [[0.0]]) == pytest.approx(-np.log(EPSILON), rel=1e-4)


def test_label_smoothing():
    smooth = ONE_HOT * 0.8 + 0.2 / 4
    expected = -np.mean(np.sum(smooth * log_softmax(LOGITS.astype(float)), -1))
    loss = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)
    assert loss(ONE_HOT, LOGITS) == pytest.approx(expected, rel=1e-5)
    loss = losses.BinaryCrossentropy(label_smoothing=0.2)
    expected = -(0.9 * np.log(0.7) + 0.1 * np.log(0.3))
    assert loss([[1.0]], [[0.7]]) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match=r"label_smoothing must lie in \[0, 1\], not 1.5"):
        losses.CategoricalCrossentropy(label_smoothing=1.5)


@pytest.mark.parametrize("ignored", [-1, 2, 255])
def test_ignore_class(ignored):
    labels = LABELS.copy()
    labels[[1, 4]] = ignored
    kept = labels != ignored
    each = np.where(kept, -log_softmax(LOGITS.astype(float))[np.arange(6), np.where(kept, labels, 0)], 0)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignored)
    assert loss(labels, LOGITS) == pytest.approx(each.sum() / kept.sum(), rel=1e-5)  # the mean of those that count
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignored, reduction="none")
    np.testing.assert_allclose(loss(labels, LOGITS), each, rtol=1e-5, atol=1e-7)
    got = gradients(
        lambda z: losses.sparse_categorical_crossentropy(labels, z, from_logits=True, ignore_class=ignored),
        [LOGITS],
        np.ones(6),
    )[0]
    assert np.all(got[~kept] == 0)
    assert np.all(got[kept] != 0)


@pytest.mark.parametrize("kind", ["sparse", "categorical"])
def test_softmax_output_uses_its_logits(kind):
    """A probability that rounds to 0 has an exact loss and gradient, as if from_logits had been given."""
    logits = np.array([[60.0, 0.0, -60.0], [0.0, 1.0, 2.0]], np.float32)
    labels = np.array([2, 0])
    targets = labels if kind == "sparse" else np.eye(3, dtype=np.float32)[labels]
    function = losses.sparse_categorical_crossentropy if kind == "sparse" else losses.categorical_crossentropy

    def call(z):
        return function(targets, activations.softmax(z))

    expected = -log_softmax(logits.astype(float))[np.arange(2), labels]
    np.testing.assert_allclose(run_traced(call, [logits])[0], expected, rtol=1e-6)
    gradient = gradients(call, [logits], np.ones(2))[0]
    np.testing.assert_allclose(gradient, softmax(logits) - np.eye(3)[labels], rtol=1e-5, atol=1e-7)


def test_sigmoid_output_uses_its_logits():
    logits, labels = np.array([[40.0], [-40.0]], np.float32), np.array([[0.0], [1.0]], np.float32)

    def call(z):
        return losses.binary_crossentropy(labels, activations.sigmoid(z))

    np.testing.assert_allclose(run_traced(call, [logits])[0], [40.0, 40.0], rtol=1e-6)
    np.testing.assert_allclose(gradients(call, [logits], np.ones(2))[0], [[1.0], [-1.0]], rtol=1e-6)


def test_label_outside_the_classes_is_an_error_with_its_row():
    labels = LABELS.copy()
    labels[3] = 4
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    with pytest.raises(ValueError, match=r"(?s)(?=.*\b4\b)(?=.*\b3\b)"):
        loss(labels, LOGITS)
    with pytest.raises(ValueError, match=r"-7"):
        loss(np.array([0, 1, -7, 0, 0, 0]), LOGITS)


def test_wrong_shapes_say_what_to_use():
    with pytest.raises(ShapeError, match="one-hot labels need categorical_crossentropy"):
        losses.SparseCategoricalCrossentropy()(ONE_HOT, PROBABILITIES)
    with pytest.raises(ShapeError, match="sparse_categorical_crossentropy, or linnet"):
        losses.CategoricalCrossentropy()(LABELS, PROBABILITIES)
    with pytest.raises(ShapeError, match="sparse_categorical_crossentropy"):
        losses.CategoricalCrossentropy()(LABELS[:, None], PROBABILITIES)


def test_other_axis():
    logits = samples((2, 4, 3))
    labels = np.array([[0, 1, 2], [3, 2, 1]])
    got = losses.sparse_categorical_crossentropy(labels, logits, from_logits=True, axis=1)
    expected = -np.take_along_axis(log_softmax(logits.transpose(0, 2, 1)), labels[..., None], -1)[..., 0]
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    p = softmax(logits, 1)
    got = losses.categorical_crossentropy(p, p, axis=1)
    np.testing.assert_allclose(got, -np.sum(p * np.log(p), 1), rtol=1e-5)
