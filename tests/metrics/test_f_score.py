"""F scores against their definition."""

import numpy as np
import pytest
from support import samples

from linnet import metrics
from linnet.backend.errors import ShapeError

IDS = np.random.default_rng(1).integers(0, 3, 30)
Y = np.eye(3, dtype=np.float32)[IDS]
P = samples((30, 3), 2) + Y
HOT = np.eye(3)[P.argmax(1)]


def scores(y, hot, beta):
    tp, fp, fn = (y * hot).sum(0), ((1 - y) * hot).sum(0), (y * (1 - hot)).sum(0)
    return (1 + beta**2) * tp / ((1 + beta**2) * tp + beta**2 * fn + fp)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_averages(beta):
    each = scores(Y, HOT, beta)
    all_together = scores(Y.reshape(-1, 1), HOT.reshape(-1, 1), beta)[0]
    wanted = {None: each, "macro": each.mean(), "weighted": np.average(each, weights=Y.sum(0)), "micro": all_together}
    for average, value in wanted.items():
        metric = metrics.FBetaScore(average=average, beta=beta)
        metric.update_state(Y[:13], P[:13])
        metric.update_state(Y[13:], P[13:])
        np.testing.assert_allclose(metric.result(), value, rtol=1e-5)


def test_threshold_and_rows_of_zeros():
    np.testing.assert_allclose(metrics.F1Score(threshold=0.5)(Y, P), scores(Y, (P > 0.5).astype(float), 1.0), rtol=1e-5)
    metric = metrics.F1Score()
    metric.update_state(Y, 0 * P)
    np.testing.assert_array_equal(metric.result(), [0, 0, 0])
    np.testing.assert_array_equal(metric.false_positives.numpy(), [0, 0, 0])


def test_arguments():
    for arguments in ({"beta": 1}, {"beta": 0.0}, {"threshold": 1.5}, {"threshold": 1}):
        with pytest.raises(ValueError, match=r"must be"):
            metrics.FBetaScore(**arguments)
    with pytest.raises(ValueError, match='did you mean "macro"'):
        metrics.F1Score(average="makro")
    with pytest.raises(ShapeError, match=r"f1_score: expected labels and predictions \(n, classes\)"):
        metrics.F1Score()(Y[0], P[0])
