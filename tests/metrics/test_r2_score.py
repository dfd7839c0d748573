"""R squared against its definition, over batches, weighted and adjusted."""

import numpy as np
import pytest
from support import samples

from linnet import metrics
from linnet.backend.errors import ShapeError

Y = samples((30, 2), 1) * np.array([1.0, 3.0], np.float32)
P = Y + 0.5 * samples((30, 2), 2)
W = np.abs(samples((30,), 3))


def r2(y, p, w=None):
    w = np.ones(len(y)) if w is None else w
    mean = np.average(y, axis=0, weights=w)
    return 1 - (w[:, None] * (y - p) ** 2).sum(0) / (w[:, None] * (y - mean) ** 2).sum(0)


def test_values():
    each = r2(Y.astype(float), P)
    for how, value in ((None, each), ("uniform_average", each.mean())):
        metric = metrics.R2Score(how)
        metric.update_state(Y[:7], P[:7])
        metric.update_state(Y[7:], P[7:])
        np.testing.assert_allclose(metric.result(), value, rtol=1e-4)
    by_variance = np.average(each, weights=Y.var(0))
    assert metrics.R2Score("variance_weighted_average")(Y, P) == pytest.approx(by_variance, rel=1e-4)
    assert metrics.R2Score()(Y, P, W) == pytest.approx(r2(Y.astype(float), P, W).mean(), rel=1e-4)
    assert metrics.R2Score().result() == 0


def test_adjusted():
    each = r2(Y[:, :1].astype(float), P[:, :1])[0]
    assert metrics.R2Score(num_regressors=4)(Y[:, :1], P[:, :1]) == pytest.approx(1 - (1 - each) * 29 / 25, rel=1e-4)
    with pytest.warns(UserWarning, match="40 regressors leave no degree of freedom in 30 values"):
        assert metrics.R2Score(num_regressors=40)(Y[:, :1], P[:, :1]) == pytest.approx(each, rel=1e-4)


def test_errors():
    with pytest.raises(ValueError, match="unknown class_aggregation"):
        metrics.R2Score("average")
    with pytest.raises(ValueError, match="num_regressors must not be negative"):
        metrics.R2Score(num_regressors=-1)
    with pytest.raises(ShapeError, match=r"r2_score: expected labels and predictions \(n, outputs\), got \(30,\)"):
        metrics.R2Score()(Y[:, 0], P[:, 0])
