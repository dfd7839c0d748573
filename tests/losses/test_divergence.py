"""Divergences against formulas."""

import numpy as np
import pytest
from support import check_function, samples

from linnet import losses


def distributions(seed):
    e = np.exp(samples((4, 3), seed))
    return (e / e.sum(-1, keepdims=True)).astype(np.float32)


def test_kl_divergence():
    check_function(
        losses.kl_divergence, lambda t, p: np.sum(t * np.log(t / p), -1), [distributions(1), distributions(2)]
    )
    assert losses.KLDivergence()([[0.0, 1.0]], [[0.5, 0.5]]) == pytest.approx(np.log(2), rel=1e-4)
    assert losses.KLDivergence()([[0.3, 0.7]], [[0.3, 0.7]]) == pytest.approx(0, abs=1e-6)


def test_poisson():
    rates = np.exp(samples((4, 3), 3))
    counts = np.random.default_rng(0).poisson(2.0, (4, 3))
    check_function(losses.poisson, lambda t, p: np.mean(p - t * np.log(p + 1e-7), -1), [counts, rates])
    assert losses.Poisson()(counts, rates) == pytest.approx(np.mean(rates - counts * np.log(rates)), rel=1e-5)
