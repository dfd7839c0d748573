"""Which hooks are called when, and that nobody pays for hooks that nobody overrides."""

import numpy as np
import pytest
from support import samples

import linnet
from linnet.callbacks import Callback, CallbackList, History, LambdaCallback, TerminateOnNaN
from linnet.callbacks.callback import HOOKS, overrides


def compiled():
    linnet.utils.set_random_seed(1)
    model = linnet.Sequential([linnet.Input((4,)), linnet.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


X, Y = samples((20, 4), 1), samples((20, 2), 2)


class Recorder(Callback):
    """Writes down every call."""

    def __init__(self):
        self.calls = []


def _recording(hook):
    def method(self, *args):
        self.calls.append((hook, *args[:-1]))
        assert isinstance(args[-1], dict)

    return method


for _hook in HOOKS:
    setattr(Recorder, _hook, _recording(_hook))


def test_order_in_fit():
    recorder = Recorder()
    compiled().fit(X, Y, batch_size=10, epochs=2, validation_data=(X[:5], Y[:5]), callbacks=[recorder], verbose=0)
    epoch = [
        ("on_train_batch_begin", 0),
        ("on_train_batch_end", 0),
        ("on_train_batch_begin", 1),
        ("on_train_batch_end", 1),
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0),
        ("on_test_end",),
    ]
    assert recorder.calls == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        *epoch,
        ("on_epoch_end", 0),
        ("on_epoch_begin", 1),
        *epoch,
        ("on_epoch_end", 1),
        ("on_train_end",),
    ]
    assert recorder.params["epochs"] == 2
    assert recorder.params["steps"] == 2


def test_order_in_evaluate_and_predict():
    recorder, model = Recorder(), compiled()
    model.evaluate(X, Y, batch_size=20, callbacks=[recorder], verbose=0)
    model.predict(X, batch_size=20, callbacks=[recorder], verbose=0)
    names = [call[0] for call in recorder.calls]
    assert names == [
        *("on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end"),
        *("on_predict_begin", "on_predict_batch_begin", "on_predict_batch_end", "on_predict_end"),
    ]
    assert recorder.model is model


def test_only_overridden_hooks_are_wanted():
    assert not any(CallbackList([Callback(), History()]).wants(hook) for hook in HOOKS if "batch" in hook)
    assert CallbackList([LambdaCallback(on_train_batch_end=print)]).wants("on_train_batch_end")
    assert CallbackList([TerminateOnNaN()]).wants("on_train_batch_end")  # through its alias on_batch_end
    assert not CallbackList([TerminateOnNaN()]).wants("on_train_batch_begin")
    assert CallbackList([TerminateOnNaN()]).terminates_on_nan
    assert not CallbackList([]).terminates_on_nan
    callbacks = CallbackList([])
    callbacks.append(Recorder())
    assert all(callbacks.wants(hook) for hook in HOOKS)
    assert overrides(Recorder(), "on_epoch_end")
    assert not overrides(Callback(), "on_epoch_end")


def test_logs_after_a_batch_hold_loss_and_metrics():
    seen = []
    compiled().fit(
        X, Y, batch_size=10, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=lambda b, logs: seen.append(logs))]
    )
    assert [set(logs) for logs in seen] == [{"loss", "mae"}] * 2


def test_stop_training_ends_after_the_batch():
    model, batches = compiled(), []

    def stop(batch, logs):
        batches.append(batch)
        model.stop_training = batch == 1

    history = model.fit(X, Y, batch_size=5, epochs=3, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=stop)])
    assert batches == [0, 1]
    assert history.epoch == [0]


def test_nested_lists_and_wrong_objects():
    assert len(CallbackList([Callback(), [Callback(), (Callback(),)]]).callbacks) == 3
    with pytest.raises(TypeError, match=r"must be linnet\.callbacks\.Callback"):
        CallbackList([lambda: None])


def test_own_callback_may_add_to_the_logs():
    class Extra(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["extra"] = epoch * 10

    history = compiled().fit(X, Y, epochs=3, verbose=0, callbacks=Extra())
    assert history.history["extra"] == [0, 10, 20]
    assert np.isfinite(history.history["loss"]).all()
