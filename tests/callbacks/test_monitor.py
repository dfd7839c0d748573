"""Which way is better: by the metric, else by its name."""

from types import SimpleNamespace

import pytest

from linnet import metrics
from linnet.callbacks import MonitorCallback


@pytest.mark.parametrize(
    ("name", "rising"),
    [
        ("loss", False),
        ("val_loss", False),
        ("val_mse", False),
        ("head_loss", False),
        ("val_acc", True),
        ("head_accuracy", True),
        ("auc", True),
        ("val_sparse_top_k_categorical_accuracy", True),
    ],
)
def test_by_name(name, rising):
    callback = MonitorCallback(name)
    callback.set_model(SimpleNamespace(metrics=[]))
    assert callback.is_improvement(2.0, 1.0) is rising
    assert callback.is_improvement(1.0, 2.0) is not rising
    assert callback.is_improvement(5.0, None)


def test_by_the_metric():
    callback = MonitorCallback("val_mine")
    callback.set_model(SimpleNamespace(metrics=[metrics.Mean(), metrics.BinaryAccuracy(name="mine")]))
    assert callback.is_improvement(2.0, 1.0)
    callback = MonitorCallback("mine", min_delta=-0.5)  # the sign does not matter
    callback.set_model(SimpleNamespace(metrics=[metrics.MeanSquaredError(name="mine")]))
    assert callback.is_improvement(1.0, 2.0)
    assert not callback.is_improvement(1.6, 2.0)
