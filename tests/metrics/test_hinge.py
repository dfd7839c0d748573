"""Hinge metrics against formulas."""

import numpy as np
import pytest
from support import samples

from linnet import metrics

Y, P = np.sign(samples((10, 3), 1)), samples((10, 3), 2)
ONE_HOT = np.eye(3)[np.arange(10) % 3]


@pytest.mark.parametrize(
    ("metric", "y", "each"),
    [
        (metrics.Hinge(), Y, np.maximum(1 - Y * P, 0).mean(-1)),
        (metrics.SquaredHinge(), Y, (np.maximum(1 - Y * P, 0) ** 2).mean(-1)),
        (
            metrics.CategoricalHinge(),
            ONE_HOT,
            np.maximum(np.max((1 - ONE_HOT) * P, -1) - np.sum(ONE_HOT * P, -1) + 1, 0),
        ),
    ],
)
def test_values(metric, y, each):
    metric.update_state(y[:4], P[:4])
    metric.update_state(y[4:], P[4:])
    assert metric.result() == pytest.approx(each.mean(), rel=1e-5)
