"""ReduceLROnPlateau on given sequences of values."""

from types import SimpleNamespace

import numpy as np
import pytest

from linnet.callbacks import ReduceLROnPlateau
from linnet.optimizers import SGD


def rates(values, **kwargs):
    callback = ReduceLROnPlateau("loss", **kwargs)
    model = SimpleNamespace(optimizer=SGD(1.0), metrics=[])
    callback.set_model(model)
    callback.on_train_begin()
    found = []
    for epoch, value in enumerate(values):
        logs = {"loss": value}
        callback.on_epoch_end(epoch, logs)
        assert "learning_rate" in logs
        found.append(float(model.optimizer.learning_rate))
    return found


@pytest.mark.parametrize(
    ("kwargs", "values", "expected"),
    [
        ({"patience": 2, "factor": 0.5}, [3, 2, 2, 2, 2, 2], [1, 1, 1, 0.5, 0.5, 0.25]),
        ({"patience": 1, "factor": 0.1, "min_lr": 0.05}, [1, 1, 1, 1], [1, 0.1, 0.05, 0.05]),
        ({"patience": 1, "factor": 0.5, "cooldown": 2}, [1, 1, 1, 1, 1], [1, 0.5, 0.5, 0.25, 0.25]),
        ({"patience": 1, "factor": 0.5, "min_delta": 0.5}, [3, 2.8, 2.0], [1, 0.5, 0.5]),
        ({"patience": 1, "factor": 0.5, "mode": "max"}, [1, 2, 1.5], [1, 1, 0.5]),
    ],
)
def test_rates(kwargs, values, expected):
    np.testing.assert_allclose(rates(values, **kwargs), expected, rtol=1e-6)


def test_factor():
    with pytest.raises(ValueError, match="factor must be below 1"):
        ReduceLROnPlateau(factor=1.0)
