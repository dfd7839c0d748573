"""SwapEMAWeights: evaluation and checkpoints see the averages, training the weights. Numbers: tests/parity."""

import numpy as np
import pytest

import linnet
from linnet import layers
from linnet.callbacks import LambdaCallback, SwapEMAWeights

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = X[:, :1]


def model(**options):
    linnet.utils.set_random_seed(1)
    found = linnet.Sequential([linnet.Input((3,)), layers.Dense(1)])
    found.compile(linnet.optimizers.SGD(0.1, **options), "mse")
    return found


def test_evaluation_sees_the_averages_and_training_does_not():
    own, other = model(use_ema=True, ema_momentum=0.9), model()
    tested, trained = [], []
    look = LambdaCallback(on_test_batch_end=lambda batch, logs: tested.append(own.get_weights()[0]))
    after = LambdaCallback(on_epoch_end=lambda epoch, logs: trained.append(own.get_weights()[0]))
    own.fit(X, Y, batch_size=20, validation_data=(X, Y), verbose=0, callbacks=[SwapEMAWeights(), look, after])
    other.fit(X, Y, batch_size=20, verbose=0)
    np.testing.assert_array_equal(trained[0], other.get_weights()[0])
    assert not np.array_equal(tested[0], trained[0])
    np.testing.assert_array_equal(own.get_weights()[0], tested[0])  # fit ends with the averages


def test_prediction_sees_the_averages():
    own = model(use_ema=True, ema_momentum=0.9)
    own.fit(X, Y, verbose=0)
    own.set_weights([w + 1 for w in own.get_weights()])
    plain = own.predict(X, verbose=0)
    averaged = own.predict(X, verbose=0, callbacks=[SwapEMAWeights()])
    assert not np.array_equal(plain, averaged)
    np.testing.assert_array_equal(own.predict(X, verbose=0), plain)


def test_checkpoints_save_the_averages(tmp_path):
    own = model(use_ema=True, ema_momentum=0.9)
    save = linnet.callbacks.ModelCheckpoint(tmp_path / "w{epoch}.linnet", save_weights_only=True)
    own.fit(X, Y, epochs=2, verbose=0, callbacks=[SwapEMAWeights(swap_on_epoch=True), save])
    twin = model()
    twin.load_weights(tmp_path / "w2.linnet")
    np.testing.assert_array_equal(twin.get_weights()[0], own.get_weights()[0])


def test_needs_an_optimizer_that_averages():
    with pytest.raises(ValueError, match="use_ema=True"):
        model().evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights()])
