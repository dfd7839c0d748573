"""What fit prints."""

from __future__ import annotations

import numpy as np
import pytest

import linnet
from linnet import layers


def small_model() -> linnet.Sequential:
    model = linnet.Sequential([linnet.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


X, Y = np.ones((10, 3), np.float32), np.zeros((10, 1), np.float32)


@pytest.mark.parametrize("verbose", [1, 2])
def test_every_epoch_leaves_one_whole_line(verbose: int, capsys: pytest.CaptureFixture[str]) -> None:
    small_model().fit(X, Y, epochs=2, batch_size=5, verbose=verbose, validation_data=(X, Y))
    lines = [line.rpartition("\r")[2] for line in capsys.readouterr().out.split("\n")]
    assert len(lines) == 3
    assert not lines[2].strip()
    for number, line in enumerate(lines[:2], start=1):
        assert line.startswith(f"Epoch {number}/2 2/2 - ")
        for name in ("loss", "mae", "val_loss", "val_mae"):
            assert f" {name}: " in line


def test_silent(capsys: pytest.CaptureFixture[str]) -> None:
    small_model().fit(X, Y, verbose=0)
    assert capsys.readouterr().out == ""


def test_auto_draws_no_bar_into_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    small_model().fit(X, Y, verbose="auto")
    assert "\r" not in capsys.readouterr().out
