"""History."""

from types import SimpleNamespace

import pytest
from support import samples

import linnet
from linnet.callbacks import History


def test_records_every_epoch():
    model = linnet.Sequential([linnet.Input((4,)), linnet.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    x, y = samples((20, 4)), samples((20, 1))
    history = model.fit(x, y, epochs=3, validation_data=(x, y), verbose=0)
    assert model.history is history
    assert history.epoch == [0, 1, 2]
    assert {name: len(values) for name, values in history.history.items()} == {
        "loss": 3,
        "mae": 3,
        "val_loss": 3,
        "val_mae": 3,
    }
    assert history.history["val_loss"][-1] == pytest.approx(model.evaluate(x, y, verbose=0)[0], rel=1e-5)


def test_a_given_history_is_used():
    own = History()
    own.set_model(SimpleNamespace())
    own.on_train_begin()
    own.on_epoch_end(4, {"loss": 1.0})
    assert own.epoch == [4]
    assert own.history == {"loss": [1.0]}
