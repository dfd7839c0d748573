"""A loss that is not a number: an error by default, an end with this callback."""

import numpy as np
import pytest
from support import samples

import linnet
from linnet.callbacks import TerminateOnNaN


def fit(**kwargs):
    model = linnet.Sequential([linnet.Input((3,)), linnet.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = samples((40, 3))
    x[17] = np.nan
    return model.fit(x, samples((40, 1)), batch_size=10, epochs=3, shuffle=False, verbose=0, **kwargs)


def test_ends(capsys):
    history = fit(callbacks=[TerminateOnNaN()])
    assert history.epoch == [0]
    assert "Batch 1: Invalid loss" in capsys.readouterr().out


def test_is_an_error_without():
    with pytest.raises(linnet.NonFiniteError):
        fit()
