"""Cross-entropy metrics agree with the losses of that name."""

import numpy as np
import pytest
from support import samples

from linnet import losses, metrics

LOGITS = samples((20, 4))
P = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
LABELS = np.random.default_rng(0).integers(0, 4, 20)
ONE_HOT = np.eye(4)[LABELS]


@pytest.mark.parametrize(
    ("metric", "loss", "y", "p"),
    [
        (
            metrics.SparseCategoricalCrossentropy(from_logits=True),
            losses.SparseCategoricalCrossentropy(from_logits=True),
            LABELS,
            LOGITS,
        ),
        (
            metrics.CategoricalCrossentropy(label_smoothing=0.1),
            losses.CategoricalCrossentropy(label_smoothing=0.1),
            ONE_HOT,
            P,
        ),
        (metrics.BinaryCrossentropy(), losses.BinaryCrossentropy(), ONE_HOT, P),
        (metrics.KLDivergence(), losses.KLDivergence(), P[::-1].copy(), P),
        (metrics.Poisson(), losses.Poisson(), ONE_HOT, P),
    ],
)
def test_agrees_with_the_loss(metric, loss, y, p):
    metric.update_state(y[:7], p[:7])
    metric.update_state(y[7:], p[7:])
    assert metric.result() == pytest.approx(float(loss(y, p)), rel=1e-5)


def test_known_value():
    metric = metrics.SparseCategoricalCrossentropy()
    metric.update_state(LABELS, P)
    assert metric.result() == pytest.approx(-np.mean(np.log(P[np.arange(20), LABELS])), rel=1e-5)
