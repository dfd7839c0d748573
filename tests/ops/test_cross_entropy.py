"""Cross-entropies from scores and from probabilities; labels outside the classes."""

import numpy as np
import pytest
from support import check_op, run_traced, samples

from linnet import ops

LABELS = np.array([0, 3, 2, 1, 3])


def log_softmax(x):
    return x - x.max(-1, keepdims=True) - np.log(np.exp(x - x.max(-1, keepdims=True)).sum(-1, keepdims=True))


def probabilities(shape, seed=1):
    p = np.exp(samples(shape, seed))
    return (p / p.sum(-1, keepdims=True)).astype(np.float32)


def test_sparse_from_scores():
    def oracle(x):
        return -log_softmax(x)[np.arange(5), LABELS]

    function = lambda x: ops.sparse_categorical_crossentropy(LABELS, x, from_logits=True)  # noqa: E731
    check_op(function, oracle, [samples((5, 4))])


def test_sparse_from_probabilities():
    def oracle(p):
        return -np.log((p / p.sum(-1, keepdims=True))[np.arange(5), LABELS])

    check_op(lambda p: ops.sparse_categorical_crossentropy(LABELS, p), oracle, [probabilities((5, 4))])


def test_sparse_after_softmax_uses_the_scores():
    x = np.array([[200.0, 0.0]], np.float32)
    found = run_traced(lambda x: ops.sparse_categorical_crossentropy([1], ops.softmax(x)), [x])
    assert found[0] == pytest.approx([200])


def test_sparse_for_every_step_and_another_axis():
    labels = np.array([[0, 1], [2, 0], [1, 1]])
    x = samples((3, 2, 4))
    expected = -np.take_along_axis(log_softmax(x.astype(float)), labels[..., None], -1)[..., 0]
    found = ops.sparse_categorical_crossentropy(labels, x, from_logits=True)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    found = ops.sparse_categorical_crossentropy(labels, x.transpose(0, 2, 1), from_logits=True, axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("classes", [1, 2, 10, 17, 1000])
def test_categorical_from_scores(classes):
    target = probabilities((6, classes), 2)
    check_op(
        lambda x: ops.categorical_crossentropy(target, x, from_logits=True),
        lambda x: -(target * log_softmax(x)).sum(-1),
        [samples((6, classes))],
        rtol=1e-4,
        atol=1e-5,
        differentiable=classes < 100,
    )


def test_categorical_from_probabilities():
    target = probabilities((5, 4), 2)
    check_op(
        lambda p: ops.categorical_crossentropy(target, p),
        lambda p: -(target * np.log(p / p.sum(-1, keepdims=True))).sum(-1),
        [probabilities((5, 4))],
    )


def test_binary():
    target = (samples((5, 3), 2) > 0).astype(np.float32)

    def from_scores(x):
        return np.maximum(x, 0) - x * target + np.log1p(np.exp(-np.abs(x)))

    check_op(lambda x: ops.binary_crossentropy(target, x, from_logits=True), from_scores, [samples((5, 3))])
    check_op(lambda x: ops.binary_crossentropy(target, ops.sigmoid(x)), from_scores, [samples((5, 3))], rtol=1e-4)
    extreme = np.array([300.0, -300.0], np.float32)
    found = run_traced(lambda x: ops.binary_crossentropy(np.array([0.0, 1.0]), ops.sigmoid(x)), [extreme])
    np.testing.assert_allclose(found[0], [300, 300])


@pytest.mark.parametrize("label", [-1, 4, 1000])
def test_label_outside_the_classes_names_the_row(label):
    labels = LABELS.copy()
    labels[2] = label
    with pytest.raises(ValueError, match=rf"{label}.*row 2"):
        ops.sparse_categorical_crossentropy(labels, samples((5, 4)), from_logits=True)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: ops.categorical_crossentropy(np.zeros((2, 3)), np.zeros((2, 4))), "must have the same shape"),
        (lambda: ops.sparse_categorical_crossentropy(np.zeros(3), np.zeros((2, 4))), "must have the shape of output"),
        (lambda: ops.binary_crossentropy(np.zeros(3), np.zeros((3, 1))), "must have the same shape"),
    ],
)
def test_errors(function, message):
    with pytest.raises(ValueError, match=message):
        function()
