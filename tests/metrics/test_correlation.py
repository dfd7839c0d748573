"""Correlations against NumPy."""

import numpy as np
import pytest
from support import check_function, samples

from linnet import metrics

Y, P = samples((4, 30), 1), samples((4, 30), 1) + 0.7 * samples((4, 30), 2)


def lin(y, p):
    covariance = ((y - y.mean(-1, keepdims=True)) * (p - p.mean(-1, keepdims=True))).mean(-1)
    return 2 * covariance / (y.var(-1) + p.var(-1) + (y.mean(-1) - p.mean(-1)) ** 2 + 1e-7)


def test_pearson():
    each = np.array([np.corrcoef(y, p)[0, 1] for y, p in zip(Y, P, strict=True)])
    np.testing.assert_allclose(metrics.pearson_correlation(Y, P), each, rtol=1e-4)
    assert metrics.PearsonCorrelation()(Y, P) == pytest.approx(each.mean(), rel=1e-4)
    assert metrics.PearsonCorrelation(axis=0)(Y.T, P.T) == pytest.approx(each.mean(), rel=1e-4)
    assert metrics.PearsonCorrelation()(Y, 3 * Y + 5) == pytest.approx(1, rel=1e-5)


def test_concordance():
    check_function(metrics.concordance_correlation, lin, [Y, P], rtol=1e-4)
    assert metrics.ConcordanceCorrelation()(Y, P) == pytest.approx(lin(Y, P).mean(), rel=1e-4)
    assert metrics.ConcordanceCorrelation()(Y, Y) == pytest.approx(1, rel=1e-5)
    assert metrics.ConcordanceCorrelation()(Y, Y + 3) < 0.5
