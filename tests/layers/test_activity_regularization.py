"""ActivityRegularization: its input, and a penalty."""

import numpy as np
import pytest
from support import check_layer, samples

import linnet
from linnet.layers import ActivityRegularization


def test_layer():
    check_layer(ActivityRegularization, {"l1": 0.01, "l2": 0.02}, (3, 4), (3, 4), 0)
    assert "activity_regularizer" not in ActivityRegularization().get_config()


def test_penalty_and_its_gradient():
    x = samples((4, 3))
    layer = ActivityRegularization(l1=0.1, l2=0.2)
    np.testing.assert_array_equal(layer(x), x)
    penalty = (0.1 * np.abs(x).sum() + 0.2 * np.square(x).sum()) / len(x)  # per sample, as in Keras
    assert float(np.asarray(layer.losses[0])) == pytest.approx(penalty, rel=1e-5)
    model = linnet.Sequential([linnet.Input((3,)), linnet.layers.Dense(3, use_bias=False), layer])
    model.set_weights([np.eye(3)])
    model.compile(linnet.optimizers.SGD(1.0), "mse")
    model.train_on_batch(x, x)  # the squared error is 0: only the penalty pulls
    step = x.T @ (0.1 * np.sign(x) + 0.4 * x) / len(x)
    np.testing.assert_allclose(model.get_weights()[0], np.eye(3) - step, rtol=1e-4, atol=1e-5)
