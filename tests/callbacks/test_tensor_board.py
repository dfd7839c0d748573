"""TensorBoard: which metrics of a training end up in which folder, under which names and steps."""

import numpy as np
import pytest
from callbacks.test_event_file import records, values

import linnet
from linnet import layers
from linnet.callbacks import TensorBoard

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = X[:, :1]


def written(folder):
    """{tag: [(step, value)]} of all files of a folder."""
    found = {}
    for path in sorted(folder.iterdir()):
        for event in records(path)[1:]:
            for tag, value in values(event).items():
                found.setdefault(tag, []).append((event.get(2, [0])[0], value))
    return found


def fit(callback, **options):
    model = linnet.Sequential([linnet.Input((3,)), layers.Dense(1, name="out")])
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(X, Y, batch_size=10, epochs=3, verbose=0, callbacks=[callback], **options)
    return model, history.history


def test_epochs(tmp_path):
    _, history = fit(TensorBoard(tmp_path), validation_data=(X, Y))
    train, held = written(tmp_path / "train"), written(tmp_path / "validation")
    assert set(train) == {"epoch_loss", "epoch_mae", "epoch_learning_rate"}
    assert [step for step, _ in train["epoch_loss"]] == [0, 1, 2]
    assert [value for _, value in train["epoch_loss"]] == pytest.approx(history["loss"])
    assert [value for _, value in held["epoch_mae"]] == pytest.approx(history["val_mae"])
    assert [step for step, _ in held["evaluation_loss_vs_iterations"]] == [4, 8, 12]


def test_batches_histograms_and_speed(tmp_path):
    board = TensorBoard(str(tmp_path), histogram_freq=2, update_freq=2, write_steps_per_second=True)
    model, _ = fit(board)
    train = written(tmp_path / "train")
    assert [step for step, _ in train["batch_loss"]] == [2, 4, 6, 8, 10, 12]
    assert all(value > 0 for _, value in train["epoch_steps_per_second"])
    assert [step for step, _ in train["out/kernel/histogram"]] == [0, 2]
    model.evaluate(X, Y, verbose=0, callbacks=[board])
    assert "evaluation_mae_vs_iterations" in written(tmp_path / "validation")


def test_bad_update_freq():
    with pytest.raises(ValueError, match="update_freq"):
        TensorBoard(update_freq="sometimes")
