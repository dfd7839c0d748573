"""The learning-rate finder: what it records, when it stops, what it leaves behind, what it suggests."""

import numpy as np
import pytest
from support import samples

import linnet
from linnet.callbacks import LearningRateFinder
from linnet.optimizers.schedules import CosineDecay

X = samples((256, 5), 1)
Y = X @ samples((5, 1), 2)


def make(rate=0.01):
    linnet.utils.set_random_seed(2)
    model = linnet.Sequential([linnet.Input((5,)), linnet.layers.Dense(1)])
    model.compile(linnet.optimizers.SGD(rate, momentum=0.5), "mse", metrics=["mae"])
    return model


def find(model, **arguments):
    finder = LearningRateFinder(**arguments)
    model.fit(X, Y, batch_size=16, epochs=20, verbose=0, callbacks=[finder])
    return finder


def test_rates_grow_and_the_run_ends_when_the_loss_explodes():
    finder = find(make(), min_rate=1e-4, max_rate=100.0, steps=80)
    ratios = np.array(finder.rates[1:]) / finder.rates[:-1]
    np.testing.assert_allclose(ratios, 1e6 ** (1 / 79), rtol=1e-6)
    assert len(finder.rates) == len(finder.losses) == len(finder.smoothed) < 80
    assert finder.smoothed[-1] > 4 * min(finder.smoothed)
    assert finder.smoothed[0] == pytest.approx(finder.losses[0])


def test_the_suggestion_trains_well():
    finder = find(make(), min_rate=1e-5)
    assert 2e-3 < finder.suggestion < 0.2 < finder.best_rate
    model = make(finder.suggestion)
    losses = model.fit(X, Y, batch_size=16, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < 0.2 * losses[0]


def test_losses_are_those_of_single_batches():
    model = make()
    finder = find(model, min_rate=1e-12, max_rate=2e-12, steps=16)
    p = model.predict(X, verbose=0)
    assert np.mean(finder.losses) == pytest.approx(np.mean((p - Y) ** 2), rel=1e-4)
    assert np.std(finder.losses) > 0.01
    assert len(finder.losses) == 16


def test_everything_is_as_before():
    model = make(0.03)
    model.fit(X, Y, batch_size=64, epochs=1, verbose=0)
    state = [v.numpy() for v in [*model.variables, *model.optimizer.variables]]
    find(model)
    for got, want in zip([*model.variables, *model.optimizer.variables], state, strict=True):
        np.testing.assert_array_equal(got.numpy(), want)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.03)


def test_a_loss_that_is_no_number_ends_the_run():
    finder = find(make(), min_rate=1.0, max_rate=1e30, steps=30, smoothing=0.0, stop_factor=1e30)
    assert len(finder.losses) < 30


def test_errors():
    with pytest.raises(ValueError, match="rates must be positive and growing"):
        LearningRateFinder(1.0, 0.1)
    for arguments in ({"steps": 1}, {"smoothing": 1.0}, {"stop_factor": 1.0}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            LearningRateFinder(**arguments)
    with pytest.raises(ValueError, match="has seen no finite loss yet"):
        LearningRateFinder().suggestion  # noqa: B018
    model = make(CosineDecay(0.1, 10))
    with pytest.raises(ValueError, match="compile with a number instead of a schedule"):
        find(model)
