"""Sum and Mean, with weights of every shape."""

import numpy as np
import pytest
from support import samples

from linnet import metrics


def test_mean_and_sum():
    mean, total = metrics.Mean(), metrics.Sum()
    for part in ([1.0, 3.0], [5.0, 7.0], 9.0):
        mean.update_state(part)
        total.update_state(part)
    assert mean.result() == pytest.approx(5.0)
    assert total.result() == pytest.approx(25.0)
    assert metrics.Mean().result() == 0  # nothing seen


def test_weights():
    mean = metrics.Mean()
    mean.update_state([1.0, 3.0], sample_weight=[1.0, 0.5])
    mean.update_state([10.0], sample_weight=[0.0])
    assert mean.result() == pytest.approx(2.5 / 1.5)
    total = metrics.Sum()
    total.update_state([[1.0, 2.0], [3.0, 4.0]], sample_weight=[1.0, 10.0])
    assert total.result() == pytest.approx(73.0)
    mean.reset_state()
    mean.update_state([[1.0, 2.0], [3.0, 4.0]], sample_weight=[[1.0, 0.0], [0.0, 1.0]])
    assert mean.result() == pytest.approx(2.5)
    mean.reset_state()
    mean.update_state([1.0, 3.0], sample_weight=0.5)
    assert mean.result() == pytest.approx(2.0)


def test_wrapper_and_mask():
    y, p = samples((4, 3), 1), samples((4, 3), 2)
    metric = metrics.MeanMetricWrapper(metrics.mean_absolute_error)
    assert metric.name == "mean_absolute_error"
    weights = np.array([1.0, 2.0, 0.0, 1.0])
    metric.update_state(y, p, sample_weight=weights)
    assert metric.result() == pytest.approx(np.average(np.abs(y - p).mean(-1), weights=weights), rel=1e-5)


def test_weights_that_do_not_fit():
    with pytest.raises(ValueError, match="does not fit"):
        metrics.Mean().update_state([1.0, 2.0, 3.0], sample_weight=[1.0, 2.0])
