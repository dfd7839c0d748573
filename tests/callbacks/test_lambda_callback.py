"""LambdaCallback."""

import pytest
from support import samples

import linnet
from linnet.callbacks import LambdaCallback


def test_functions_are_called():
    seen = []
    callback = LambdaCallback(
        on_train_begin=lambda logs: seen.append("begin"),
        on_epoch_end=lambda epoch, logs: seen.append((epoch, sorted(logs))),
        on_test_end=lambda logs: seen.append("tested"),
    )
    model = linnet.Sequential([linnet.Input((3,)), linnet.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = samples((4, 3)), samples((4, 1))
    model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
    model.evaluate(x, y, verbose=0, callbacks=[callback])
    assert seen == ["begin", (0, ["loss"]), (1, ["loss"]), "tested"]


def test_unknown_hook():
    with pytest.raises(ValueError, match='unknown hook "on_epoch_finish"; did you mean "on_epoch_'):
        LambdaCallback(on_epoch_finish=print)
