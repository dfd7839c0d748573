"""Focal and generalised cross-entropies against float64 formulas, values and gradients."""

import numpy as np
import pytest
from support import check_function, samples

from linnet import losses

E = 1e-7
BITS = (samples((5, 3), 1) > 0).astype(np.float32)
P = (1 / (1 + np.exp(-samples((5, 3), 2)))).astype(np.float32)
IDS = np.array([0, 2, 1, 1, 2], np.int32)
ONE_HOT = np.eye(3, dtype=np.float32)[IDS]


def binary(y, p, gamma=2.0, alpha=None):
    right = y * p + (1 - y) * (1 - p)
    values = (1 - right) ** gamma * -(y * np.log(p) + (1 - y) * np.log(1 - p))
    if alpha is not None:
        values = values * (y * alpha + (1 - y) * (1 - alpha))
    return values.mean(-1)


def categorical(y, p, gamma=2.0, alpha=0.25):
    p = p / p.sum(-1, keepdims=True)
    return -(alpha * (1 - p) ** gamma * y * np.log(p)).sum(-1)


def test_binary():
    check_function(lambda p: losses.binary_focal_crossentropy(BITS, p), lambda p: binary(BITS, p), [P])
    check_function(
        lambda p: losses.binary_focal_crossentropy(BITS, p, apply_class_balancing=True, alpha=0.4, gamma=1.5),
        lambda p: binary(BITS, p, 1.5, 0.4),
        [P],
    )


def test_binary_logits_are_the_probabilities_of_a_sigmoid():
    logits = 3 * samples((5, 3), 4)
    check_function(
        lambda x: losses.binary_focal_crossentropy(BITS, x, from_logits=True),
        lambda x: binary(BITS, 1 / (1 + np.exp(-x))),
        [logits],
    )


def test_categorical():
    check_function(lambda p: losses.categorical_focal_crossentropy(ONE_HOT, p), lambda p: categorical(ONE_HOT, p), [P])
    alphas = [0.2, 0.3, 0.5]
    check_function(
        lambda p: losses.categorical_focal_crossentropy(ONE_HOT, p, alpha=alphas, gamma=3.0),
        lambda p: categorical(ONE_HOT, p, 3.0, np.array(alphas)),
        [P],
    )


def test_gamma_0_is_the_plain_cross_entropy():
    plain = losses.BinaryCrossentropy()(BITS, P)
    assert losses.BinaryFocalCrossentropy(gamma=0.0)(BITS, P) == pytest.approx(plain, rel=1e-5)
    plain = losses.CategoricalCrossentropy()(ONE_HOT, P)
    assert losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=0.0)(ONE_HOT, P) == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("labels", [IDS, IDS[:, None]])
def test_generalized(labels):
    own = [[0, 1, 2, 3, 4], IDS]
    check_function(
        lambda p: losses.categorical_generalized_cross_entropy(labels, p, 0.7),
        lambda p: (1 - p[own[0], own[1]] ** 0.7) / 0.7,
        [P],
    )


def test_arguments():
    with pytest.raises(ValueError, match=r"q must lie in \(0, 1\), not 1"):
        losses.CategoricalGeneralizedCrossEntropy(q=1)
    with pytest.raises(ValueError, match="label_smoothing"):
        losses.BinaryFocalCrossentropy(label_smoothing=2.0)
