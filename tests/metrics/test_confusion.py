"""Counts, precision and recall over batches, in fit and by hand."""

import numpy as np
import pytest
from support import samples

import linnet
from linnet import metrics

Y = (samples((20,), 1) > 0).astype(np.float32)
P = (1 / (1 + np.exp(-samples((20,), 2) - Y))).astype(np.float32)
TP, FP = np.sum(Y * (P > 0.5)), np.sum((1 - Y) * (P > 0.5))
FN, TN = np.sum(Y * (P <= 0.5)), np.sum((1 - Y) * (P <= 0.5))


@pytest.mark.parametrize(
    ("cls", "value"),
    [
        (metrics.TruePositives, TP),
        (metrics.FalsePositives, FP),
        (metrics.TrueNegatives, TN),
        (metrics.FalseNegatives, FN),
        (metrics.Precision, TP / (TP + FP)),
        (metrics.Recall, TP / (TP + FN)),
    ],
)
def test_values(cls, value):
    metric = cls()
    metric.update_state(Y[:7], P[:7])
    metric.update_state(Y[7:, None], P[7:, None])
    assert metric.result() == pytest.approx(value)
    metric.reset_state()
    assert metric.result() == 0


def test_several_thresholds():
    metric = metrics.Recall(thresholds=[0.2, 0.8])
    metric.update_state(Y, P)
    np.testing.assert_allclose(metric.result(), [Y[t < P].sum() / Y.sum() for t in (0.2, 0.8)], rtol=1e-6)


def test_in_fit_they_are_the_same_as_by_hand():
    x = samples((33, 4), 3)
    y = (x.sum(1) > 0).astype(np.float32)
    model = linnet.Sequential([linnet.Input((4,)), linnet.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=["precision", metrics.Recall(name="recall"), "auc"])
    found = model.evaluate(x, y, batch_size=10, verbose=0, return_dict=True)
    p = model.predict(x, verbose=0)
    for name, metric in (("precision", metrics.Precision()), ("recall", metrics.Recall()), ("auc", metrics.AUC())):
        assert found[name] == pytest.approx(float(metric(y[:, None], p)), rel=1e-6)
    history = model.fit(x, y, batch_size=10, epochs=2, verbose=0).history
    assert set(history) == {"loss", "precision", "recall", "auc"}
