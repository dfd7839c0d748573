"""EarlyStopping on given sequences of values, and in fit."""

from types import SimpleNamespace

import numpy as np
import pytest
from support import samples

import linnet
from linnet.callbacks import EarlyStopping


class FakeModel(SimpleNamespace):
    """Counts epochs as its only weight."""

    metrics = ()

    def get_weights(self):
        return [self.epoch]

    def set_weights(self, weights):
        self.restored = weights


def feed(callback, values, name="val_loss"):
    """Runs epochs until the callback stops; returns the number run, and the model."""
    model = FakeModel(stop_training=False, epoch=0, restored=None)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.epoch = epoch
        callback.on_epoch_end(epoch, {name: value})
        if model.stop_training:
            break
    callback.on_train_end()
    return epoch + 1, model


@pytest.mark.parametrize(
    ("kwargs", "values", "epochs"),
    [
        ({}, [3, 2, 1, 1.5, 0], 4),
        ({"patience": 2}, [3, 2, 2.5, 2.5, 0], 4),
        ({"patience": 2}, [3, 2, 2.5, 1, 1.5, 1.5, 0], 6),
        ({"patience": 1, "min_delta": 0.5}, [3, 2.8, 2.7, 0], 2),
        ({"mode": "max"}, [1, 2, 3, 2.5, 9], 4),
        ({"monitor": "val_accuracy"}, [0.1, 0.5, 0.4, 0.9], 3),
        ({"patience": 2, "baseline": 1.0}, [3, 2.5, 2.6, 0], 3),
        ({"patience": 1, "baseline": 1.0}, [0.9, 0.8, 0.7, 0.75, 0.1], 4),
        ({"start_from_epoch": 3}, [1, 2, 3, 4, 5, 6], 5),
        ({}, [float("nan"), 2, 1, 0.5], 4),
    ],
)
def test_when_it_stops(kwargs, values, epochs):
    callback = EarlyStopping(**kwargs)
    assert feed(callback, values, callback.monitor)[0] == epochs


def test_best_weights_come_back(capsys):
    callback = EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    _, model = feed(callback, [3, 1, 2, 2])
    assert model.restored == [1]
    assert callback.best_epoch == 1
    assert callback.stopped_epoch == 3
    out = capsys.readouterr().out
    assert "Epoch 4: early stopping" in out
    assert "best epoch: 2" in out
    # Also when the training has come to its end without stopping.
    assert feed(EarlyStopping(patience=9, restore_best_weights=True), [3, 1, 2])[1].restored == [1]


def test_in_fit():
    linnet.utils.set_random_seed(0)
    model = linnet.Sequential([linnet.Input((4,)), linnet.layers.Dense(1)])
    model.compile(linnet.optimizers.SGD(0.1), "mse")
    x = samples((64, 4))
    y = x @ samples((4, 1), 1)
    callback = EarlyStopping("loss", min_delta=1e-3, patience=1, restore_best_weights=True)
    history = model.fit(x, y, epochs=500, verbose=0, callbacks=[callback])
    assert 5 < len(history.epoch) < 500
    assert np.min(history.history["loss"]) < 0.01


def test_missing_metric_warns_and_goes_on():
    callback = EarlyStopping("val_los")
    with pytest.warns(UserWarning, match="watches 'val_los', which is not available; there are: loss"):
        feed(callback, [1], "loss")


def test_unclear_direction_asks_for_the_mode():
    with pytest.raises(ValueError, match="cannot tell whether 'val_score' should rise or fall; pass mode"):
        feed(EarlyStopping("val_score"), [1, 2], "val_score")
    with pytest.raises(ValueError, match='unknown mode "up"'):
        EarlyStopping(mode="up")
