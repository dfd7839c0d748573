"""Regression metrics against formulas, over several batches and with weights."""

import numpy as np
import pytest
from support import samples

from linnet import metrics

Y, P = np.exp(samples((30, 3), 1)), np.exp(samples((30, 3), 2))
E = Y.astype(float) - P
CASES = [
    (metrics.MeanSquaredError, np.mean(E**2, -1)),
    (metrics.MeanAbsoluteError, np.mean(np.abs(E), -1)),
    (metrics.MeanAbsolutePercentageError, 100 * np.mean(np.abs(E / Y), -1)),
    (metrics.MeanSquaredLogarithmicError, np.mean((np.log1p(Y.astype(float)) - np.log1p(P)) ** 2, -1)),
    (metrics.LogCoshError, np.mean(np.log(np.cosh(E)), -1)),
    (metrics.CosineSimilarity, np.sum(Y * P, -1) / np.linalg.norm(Y, axis=-1) / np.linalg.norm(P, axis=-1)),
]


@pytest.mark.parametrize(("cls", "each"), CASES, ids=[case[0].__name__ for case in CASES])
def test_values(cls, each):
    metric = cls()
    metric.update_state(Y[:11], P[:11])
    metric.update_state(Y[11:], P[11:])
    assert metric.result() == pytest.approx(each.mean(), rel=1e-5)
    metric.reset_state()
    weights = np.arange(30.0)
    metric.update_state(Y, P, sample_weight=weights)
    assert metric.result() == pytest.approx(np.average(each, weights=weights), rel=1e-5)


def test_root_mean_squared_error_is_of_everything():
    metric = metrics.RootMeanSquaredError()
    metric.update_state(Y[:1], P[:1])
    metric.update_state(Y[1:], P[1:])
    assert metric.result() == pytest.approx(np.sqrt(np.mean(E**2)), rel=1e-5)
    metric.reset_state()
    metric.update_state(Y[:, 0], P[:, :1])
    assert metric.result() == pytest.approx(np.sqrt(np.mean(E[:, 0] ** 2)), rel=1e-5)
