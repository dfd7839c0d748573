"""ModelCheckpoint: names, the best only, weights only, every so many batches."""

import numpy as np
import pytest
from support import samples

import linnet
from linnet.callbacks import ModelCheckpoint

X, Y = samples((30, 4), 1), samples((30, 1), 2)


def trained(callback, epochs=3, rate=0.01):
    linnet.utils.set_random_seed(2)
    model = linnet.Sequential([linnet.Input((4,)), linnet.layers.Dense(1)])
    model.compile(linnet.optimizers.SGD(rate), "mse")
    history = model.fit(X, Y, batch_size=10, epochs=epochs, validation_data=(X, Y), verbose=0, callbacks=[callback])
    return model, history.history


def test_a_file_per_epoch(tmp_path):
    callback = ModelCheckpoint(tmp_path / "deep" / "at-{epoch:02d}-{val_loss:.3f}.linnet")
    model, history = trained(callback)
    names = sorted(path.name for path in (tmp_path / "deep").iterdir())
    assert names == [f"at-{i + 1:02d}-{loss:.3f}.linnet" for i, loss in enumerate(history["val_loss"])]
    loaded = linnet.saving.load_model(tmp_path / "deep" / names[-1])
    np.testing.assert_array_equal(loaded(X), model(X))


def test_the_best_only(tmp_path, capsys):
    path = tmp_path / "best.linnet"
    # A rate at which the loss grows: the first epoch stays the best.
    callback = ModelCheckpoint(path, save_best_only=True, verbose=1)
    _, history = trained(callback, rate=2.0)
    assert history["val_loss"][0] < history["val_loss"][-1]
    assert linnet.saving.load_model(path).evaluate(X, Y, verbose=0) == pytest.approx(history["val_loss"][0], rel=1e-4)
    assert capsys.readouterr().out.count("saving to") == 1
    # Nothing is better than 0.
    other = tmp_path / "none.linnet"
    trained(ModelCheckpoint(other, save_best_only=True, initial_value_threshold=0.0))
    assert not other.exists()


def test_weights_only(tmp_path):
    path = tmp_path / "w.safetensors"
    model, _ = trained(ModelCheckpoint(path, save_weights_only=True))
    other = linnet.Sequential([linnet.Input((4,)), linnet.layers.Dense(1)])
    other.load_weights(path)
    np.testing.assert_array_equal(other(X), model(X))


def test_every_few_batches(tmp_path):
    callback = ModelCheckpoint(tmp_path / "e{epoch}-b{batch}.linnet", save_freq=2)
    trained(callback, epochs=2)  # 3 batches an epoch
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e1-b2.linnet", "e2-b1.linnet", "e2-b3.linnet"]


def test_unknown_name_in_the_path(tmp_path):
    with pytest.raises(KeyError, match="asks for 'val_acc', which is not available; there are: epoch, loss"):
        trained(ModelCheckpoint(tmp_path / "{val_acc}.linnet"))
    with pytest.raises(ValueError, match="save_freq must be"):
        ModelCheckpoint("a", save_freq="batch")
