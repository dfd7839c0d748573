"""LearningRateScheduler."""

import numpy as np
import pytest
from support import samples

import linnet
from linnet.callbacks import LearningRateScheduler

X, Y = samples((8, 3), 1), samples((8, 1), 2)


def fit(schedule, epochs=3):
    model = linnet.Sequential([linnet.Input((3,)), linnet.layers.Dense(1)])
    model.compile(linnet.optimizers.SGD(0.1), "mse")
    return model.fit(X, Y, epochs=epochs, verbose=0, callbacks=[LearningRateScheduler(schedule)]).history


def test_rates():
    np.testing.assert_allclose(fit(lambda epoch, rate: rate / 2)["learning_rate"], [0.05, 0.025, 0.0125], rtol=1e-6)
    np.testing.assert_allclose(fit(lambda epoch: 0.1 / (epoch + 1))["learning_rate"], [0.1, 0.05, 0.1 / 3], rtol=1e-6)


def test_the_rate_is_used():
    frozen = fit(lambda epoch: 0.0)["loss"]
    np.testing.assert_allclose(frozen, frozen[0], rtol=1e-6)


def test_must_return_a_number():
    with pytest.raises(ValueError, match="must return a number, not 'fast'"):
        fit(lambda epoch: "fast")
