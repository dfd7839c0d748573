"""The loss of all data as a function of one vector: values, gradients, parts, and restored memory."""

import numpy as np
import pytest
from support import samples

import linnet
from linnet.models.full_batch import FullBatchObjective

X, Y = samples((23, 3), 1), samples((23, 2), 2)


def make(**arguments):
    model = linnet.Sequential([linnet.layers.Dense(4, activation="tanh"), linnet.layers.Dense(2, **arguments)])
    model.compile(loss="mse")
    return model


@pytest.mark.parametrize("batch_size", [None, 5, 100])
def test_value_and_gradient(batch_size):
    model = make(kernel_regularizer="l2")
    objective = FullBatchObjective(model, X, Y, batch_size=batch_size)
    start = objective.start
    value, gradient = objective(start)
    assert value == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)
    direction = np.where(gradient != 0, samples(gradient.shape, 3), 0)
    above, below = (objective(start + h * direction)[0] for h in (1e-2, -1e-2))
    assert (above - below) / 2e-2 == pytest.approx(gradient @ direction, rel=1e-2)


def test_the_weights_are_those_of_the_last_evaluation():
    model = make()
    objective = FullBatchObjective(model, X, Y)
    before = model.predict(X, verbose=0)
    objective(0 * objective.start)
    assert np.abs(model.predict(X, verbose=0)).max() == 0
    assert np.abs(before).max() > 0


def test_without_a_loss():
    model = linnet.Sequential([linnet.layers.Dense(2)])
    model.compile("sgd")
    with pytest.raises(ValueError, match="no loss to minimise"):
        FullBatchObjective(model, X, Y)
