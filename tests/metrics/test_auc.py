"""Areas under curves: against the rank statistic, by hand, and over batches of a compiled evaluation."""

import numpy as np
import pytest
from support import samples

from linnet import metrics

Y = (samples((60,), 1) > 0).astype(np.float32)
P = (1 / (1 + np.exp(-samples((60,), 2) - Y))).astype(np.float32)


def test_roc_is_the_chance_that_a_positive_is_above_a_negative():
    above = P[Y == 1][:, None] - P[Y == 0][None]
    chance = np.mean((above > 0) + 0.5 * (above == 0))
    metric = metrics.AUC(num_thresholds=5000)
    metric.update_state(Y[:11], P[:11])
    metric.update_state(Y[11:], P[11:])
    assert metric.result() == pytest.approx(chance, abs=2e-3)


def test_perfect_and_opposite():
    assert metrics.AUC()(Y, Y) == pytest.approx(1)
    assert metrics.AUC()(Y, 1 - Y) == pytest.approx(0, abs=1e-6)
    assert metrics.AUC(curve="pr")(Y, Y) == pytest.approx(1)


def test_four_predictions_by_hand():
    # The example of the class in Keras: thresholds 0, 0.5, 1 give recalls 1, 0.5, 0 and false positive rates 1, 0, 0.
    metric = metrics.AUC(num_thresholds=3)
    metric.update_state([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    assert metric.result() == pytest.approx(0.75)
    metric = metrics.AUC(num_thresholds=3, summation_method="majoring")
    assert metric([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]) == pytest.approx(1.0)


def test_labels_are_averaged():
    y, p = Y.reshape(20, 3), P.reshape(20, 3)
    each = [metrics.AUC()(y[:, i], p[:, i]) for i in range(3)]
    assert metrics.AUC(multi_label=True)(y, p) == pytest.approx(np.mean(each), rel=1e-5)
    weights = [3.0, 1.0, 0.0]
    got = metrics.AUC(multi_label=True, label_weights=weights)(y, p)
    assert got == pytest.approx(np.average(each, weights=weights), rel=1e-5)
    assert metrics.AUC(multi_label=True).result() == 0


def test_configuration():
    for metric in (metrics.AUC(), metrics.AUC(thresholds=[0.2, 0.7], curve="PR"), metrics.AUC(label_weights=[1, 2])):
        twin = metrics.deserialize(metrics.serialize(metric))
        assert twin.get_config() == metric.get_config()
        assert twin.thresholds == metric.thresholds


def test_arguments():
    with pytest.raises(ValueError, match='unknown AUC curve "RUC"; did you mean "ROC"'):
        metrics.AUC(curve="RUC")
    with pytest.raises(ValueError, match="unknown AUC summation_method"):
        metrics.AUC(summation_method="simpson")
    with pytest.raises(ValueError, match="num_labels needs multi_label"):
        metrics.AUC(num_labels=3)
    with pytest.raises(ValueError, match="num_thresholds must be an integer of at least 2"):
        metrics.AUC(num_thresholds=1)
