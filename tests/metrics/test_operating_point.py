"""The best share under a constraint on another, against a search over all thresholds."""

import numpy as np
import pytest
from support import samples

from linnet import metrics

Y = (samples((40,), 1) > 0).astype(np.float32)
P = (1 / (1 + np.exp(-samples((40,), 2) - Y))).astype(np.float32)
T = np.arange(200) / 199
ABOVE = P[None] > T[:, None]
TP, FP = (ABOVE * Y).sum(1), (ABOVE * (1 - Y)).sum(1)
RECALL, SPECIFICITY = TP / Y.sum(), 1 - FP / (1 - Y).sum()
PRECISION = np.where(TP + FP > 0, TP / np.maximum(TP + FP, 1), 0)


@pytest.mark.parametrize("value", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize(
    ("cls", "dependent", "constrained"),
    [
        (metrics.SensitivityAtSpecificity, RECALL, SPECIFICITY),
        (metrics.SpecificityAtSensitivity, SPECIFICITY, RECALL),
        (metrics.PrecisionAtRecall, PRECISION, RECALL),
        (metrics.RecallAtPrecision, RECALL, PRECISION),
    ],
)
def test_values(cls, dependent, constrained, value):
    metric = cls(value)
    metric.update_state(Y[:15], P[:15])
    metric.update_state(Y[15:], P[15:])
    assert metric.result() == pytest.approx(np.max(np.where(constrained >= value, dependent, 0)), rel=1e-5)


def test_arguments():
    with pytest.raises(ValueError, match=r"specificity must lie in \[0, 1\], not 1.2"):
        metrics.SensitivityAtSpecificity(1.2)
    with pytest.raises(ValueError, match="num_thresholds must be a positive integer, got 0"):
        metrics.PrecisionAtRecall(0.5, num_thresholds=0)
    assert metrics.PrecisionAtRecall(0.5, num_thresholds=1).thresholds == [0.5]
