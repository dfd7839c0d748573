"""The base of metrics: state, nesting, own metrics, names and configurations."""

import numpy as np
import pytest
from support import samples

import linnet
from linnet import metrics, ops
from linnet.backend.trace import Trace


class Largest(metrics.Metric):
    """A metric as a user writes one."""

    def __init__(self, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.value = self.add_weight(shape=(), initializer="zeros", name="value")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.value.assign(ops.maximum(self.value, ops.max(ops.absolute(y_true - y_pred))))

    def result(self):
        return self.value


def test_own_metric_at_once_and_traced():
    y, p = samples((6, 2), 1), samples((6, 2), 2)
    metric = Largest()
    assert float(metric(y[:3], p[:3])) == pytest.approx(np.abs(y - p)[:3].max())
    assert float(metric(y[3:], p[3:])) == pytest.approx(np.abs(y - p).max())
    metric.reset_state()
    assert float(metric.result()) == 0

    trace = Trace()
    with trace:
        metric.update_state(trace.input("y", (-1, 2)), trace.input("p", (-1, 2)))
    program = trace.compile([], 4)
    program.run(4, [y[:4], p[:4]])
    program.run(2, [y[4:], p[4:]])
    assert float(metric.result()) == pytest.approx(np.abs(y - p).max())


def test_traced_mean_counts_batches_of_different_size():
    metric = metrics.MeanSquaredError()
    y, p = samples((7, 3), 1), samples((7, 3), 2)
    trace = Trace()
    with trace:
        metric.update_state(trace.input("y", (-1, 3)), trace.input("p", (-1, 3)))
    program = trace.compile([], 5)
    program.run(5, [y[:5], p[:5]])
    program.run(2, [y[5:], p[5:]])
    assert metric.result() == pytest.approx(np.mean((y - p) ** 2), rel=1e-5)
    assert float(metric.count.numpy()) == 7


def test_variables_of_nested_metrics():
    class Both(metrics.Metric):
        def __init__(self):
            super().__init__(name="both")
            self.parts = [metrics.Mean(name="a"), metrics.Sum(name="b")]
            self.other = metrics.Mean(name="c")

    both = Both()
    assert [v.path for v in both.variables] == ["a/total", "a/count", "b/total", "c/total", "c/count"]
    both.parts[1].update_state([1.0, 2.0])
    both.reset_state()
    assert both.parts[1].result() == 0


ARGUMENTS = {
    "IoU": {"num_classes": 3, "target_class_ids": [1]},
    "MeanIoU": {"num_classes": 3},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [1]},
    "OneHotMeanIoU": {"num_classes": 3},
    "PrecisionAtRecall": {"recall": 0.4},
    "RecallAtPrecision": {"precision": 0.4},
    "SensitivityAtSpecificity": {"specificity": 0.4},
    "SpecificityAtSensitivity": {"sensitivity": 0.4},
}


def test_every_public_class_can_be_made_from_its_name_and_configuration():
    for name in metrics.__all__:
        cls = getattr(metrics, name)
        if isinstance(cls, type) and name not in ("Metric", "MeanMetricWrapper"):
            metric = cls(**ARGUMENTS[name]) if name in ARGUMENTS else metrics.get(name)
            assert type(metric) is cls
            assert metrics.deserialize(metrics.serialize(metric)).get_config() == metric.get_config()
    wrapper = metrics.MeanMetricWrapper(metrics.mean_squared_error, name="mine")
    assert metrics.deserialize(metrics.serialize(wrapper)).get_config() == wrapper.get_config()
    assert linnet.Metric is metrics.Metric


def test_names():
    assert type(metrics.get("mae")) is metrics.MeanAbsoluteError
    assert metrics.get(None) is None
    with pytest.raises(ValueError, match='unknown metric "acuracy"; did you mean "accuracy"'):
        metrics.get("acuracy")
