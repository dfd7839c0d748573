"""Follows the Keras guide "Writing your own callbacks": all hooks, the logs, and callbacks that act on the model."""

import numpy as np

import linnet as keras
from linnet import layers

RNG = np.random.default_rng(0)
X, Y = RNG.random((64, 10)).astype("float32"), RNG.random((64, 1)).astype("float32")


def get_model():
    model = keras.Sequential([layers.Dense(1)])
    model.compile(
        optimizer=keras.optimizers.RMSprop(learning_rate=0.1),
        loss="mean_squared_error",
        metrics=["mean_absolute_error"],
    )
    return model


class Recorder(keras.callbacks.Callback):
    """Every hook notes down that it was called, and the keys of its logs."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_begin(self, logs=None):
        self.seen.append(("train begin", list(logs.keys())))

    def on_train_end(self, logs=None):
        self.seen.append(("train end", sorted(logs.keys())))

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append((f"epoch {epoch} begin", list(logs.keys())))

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append((f"epoch {epoch} end", sorted(logs.keys())))

    def on_test_begin(self, logs=None):
        self.seen.append(("test begin", list(logs.keys())))

    def on_test_end(self, logs=None):
        self.seen.append(("test end", sorted(logs.keys())))

    def on_predict_begin(self, logs=None):
        self.seen.append(("predict begin", list(logs.keys())))

    def on_predict_end(self, logs=None):
        self.seen.append(("predict end", list(logs.keys())))

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append((f"train {batch} begin", list(logs.keys())))

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append((f"train {batch} end", sorted(logs.keys())))

    def on_test_batch_begin(self, batch, logs=None):
        self.seen.append((f"test {batch} begin", list(logs.keys())))

    def on_test_batch_end(self, batch, logs=None):
        self.seen.append((f"test {batch} end", sorted(logs.keys())))

    def on_predict_batch_begin(self, batch, logs=None):
        self.seen.append((f"predict {batch} begin", list(logs.keys())))

    def on_predict_batch_end(self, batch, logs=None):
        self.seen.append((f"predict {batch} end", list(logs.keys())))


NAMES = ["loss", "mean_absolute_error"]


def test_every_hook_in_its_order():
    model, record = get_model(), Recorder()
    model.fit(X, Y, batch_size=32, epochs=1, verbose=0, validation_split=0.5, callbacks=[record])
    held = [f"val_{name}" for name in NAMES]
    assert record.seen == [
        ("train begin", []),
        ("epoch 0 begin", []),
        ("train 0 begin", []),
        ("train 0 end", NAMES),
        ("test begin", []),
        ("test 0 begin", []),
        ("test 0 end", NAMES),
        ("test end", NAMES),
        ("epoch 0 end", NAMES + held),
        ("train end", NAMES + held),
    ]
    record.seen.clear()
    model.evaluate(X, Y, batch_size=64, verbose=0, callbacks=[record])
    model.predict(X, batch_size=64, verbose=0, callbacks=[record])
    assert record.seen[4:] == [
        ("predict begin", []),
        ("predict 0 begin", []),
        ("predict 0 end", ["outputs"]),
        ("predict end", []),
    ]


class EarlyStoppingAtMinLoss(keras.callbacks.Callback):
    def __init__(self, patience=0):
        super().__init__()
        self.patience = patience
        self.best_weights = None

    def on_train_begin(self, logs=None):
        self.wait = 0
        self.stopped_epoch = 0
        self.best = np.inf

    def on_epoch_end(self, epoch, logs=None):
        current = logs.get("loss")
        if np.less(current, self.best):
            self.best = current
            self.wait = 0
            self.best_weights = self.model.get_weights()
        else:
            self.wait += 1
            if self.wait >= self.patience:
                self.stopped_epoch = epoch
                self.model.stop_training = True
                self.model.set_weights(self.best_weights)


def test_a_callback_that_stops_the_training():
    keras.utils.set_random_seed(0)
    model, stop = get_model(), EarlyStoppingAtMinLoss()
    history = model.fit(X, Y, batch_size=64, epochs=300, verbose=0, callbacks=[stop])
    assert 1 < len(history.epoch) < 300
    assert stop.stopped_epoch == history.epoch[-1]
    np.testing.assert_array_equal(model.get_weights()[0], stop.best_weights[0])


class CustomLearningRateScheduler(keras.callbacks.Callback):
    def __init__(self, schedule):
        super().__init__()
        self.schedule = schedule
        self.rates = []

    def on_epoch_begin(self, epoch, logs=None):
        if not hasattr(self.model.optimizer, "learning_rate"):
            raise ValueError('the optimizer must have a "learning_rate" attribute')
        lr = self.model.optimizer.learning_rate
        scheduled_lr = self.schedule(epoch, lr)
        self.model.optimizer.learning_rate = scheduled_lr
        self.rates.append(float(np.array(self.model.optimizer.learning_rate)))


def test_a_callback_that_sets_the_learning_rate():
    steps = {3: 0.05, 6: 0.01, 9: 0.005}
    model, scheduler = get_model(), CustomLearningRateScheduler(lambda epoch, lr: steps.get(epoch, lr))
    model.fit(X, Y, epochs=12, verbose=0, callbacks=[scheduler])
    np.testing.assert_allclose(scheduler.rates, np.repeat([0.1, 0.05, 0.01, 0.005], 3), rtol=1e-6)
