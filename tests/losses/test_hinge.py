"""Margin losses against formulas."""

import numpy as np
import pytest
from support import check_function, samples

from linnet import losses

SIGNS = np.sign(samples((5, 3), 4))
SCORES = 2 * samples((5, 3), 5)


def test_values_and_gradients():
    check_function(losses.hinge, lambda t, p: np.mean(np.maximum(1 - t * p, 0), -1), [SIGNS.astype(int), SCORES])
    check_function(
        losses.squared_hinge, lambda t, p: np.mean(np.maximum(1 - t * p, 0) ** 2, -1), [SIGNS.astype(int), SCORES]
    )
    one_hot = np.eye(3, dtype=int)[[0, 2, 1, 1, 0]]
    check_function(
        losses.categorical_hinge,
        lambda t, p: np.maximum(np.max((1 - t) * p, -1) - np.sum(t * p, -1) + 1, 0),
        [one_hot, SCORES],
    )


@pytest.mark.parametrize("cls", [losses.Hinge, losses.SquaredHinge])
def test_labels_zero_and_one_mean_minus_one_and_one(cls):
    bits = (SIGNS > 0).astype(np.float32)
    assert cls()(bits, SCORES) == cls()(SIGNS, SCORES)
    # A zero among other labels stays a zero.
    mixed = SIGNS.copy()
    mixed[0, 0] = 0
    assert losses.hinge(mixed, SCORES)[0] == pytest.approx(np.mean(np.maximum(1 - mixed[0] * SCORES[0], 0)), rel=1e-5)


def test_known_value():
    assert losses.CategoricalHinge()([[0, 1, 0]], [[0.2, 0.5, 0.9]]) == pytest.approx(0.9 - 0.5 + 1)
