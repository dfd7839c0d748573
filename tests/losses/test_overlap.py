"""Dice and Tversky against float64 formulas, values and gradients."""

import numpy as np
import pytest
from support import check_function, samples

from linnet import losses

E = 1e-7
SETS = (samples((2, 4, 3), 1) > 0).astype(np.float32)
P = (1 / (1 + np.exp(-samples((2, 4, 3), 2)))).astype(np.float32)


def dice(y, p, axis=None):
    return 1 - 2 * (y * p).sum(axis) / (y.sum(axis) + p.sum(axis) + E)


def tversky(y, p, alpha, beta, axis=None):
    both = (y * p).sum(axis)
    return 1 - both / (both + alpha * ((1 - p) * y).sum(axis) + beta * (p * (1 - y)).sum(axis) + E)


@pytest.mark.parametrize("axis", [None, (1, 2), -1])
def test_values_and_gradients(axis):
    check_function(lambda p: losses.dice(SETS, p, axis=axis), lambda p: dice(SETS, p, axis), [P])
    check_function(
        lambda p: losses.tversky(SETS, p, 0.3, 0.8, axis=axis), lambda p: tversky(SETS, p, 0.3, 0.8, axis), [P]
    )


def test_perfect_and_empty():
    assert losses.Dice()(SETS, SETS) == pytest.approx(0, abs=1e-6)
    assert losses.Tversky()(SETS, 1 - SETS) == pytest.approx(1, abs=1e-6)
    assert losses.Dice()(0 * SETS, 0 * SETS) == 1


def test_one_loss_of_the_batch_takes_weights():
    weights = np.array([1.0, 3.0])
    assert losses.Dice()(SETS, P, sample_weight=weights) == pytest.approx(2 * dice(SETS, P), rel=1e-5)
