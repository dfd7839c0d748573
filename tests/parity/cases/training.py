"""Whole trainings: fit's inputs and weights, histories, frozen and shared layers, several outputs, custom parts.

Every case trains without shuffling, from weights set by hand, and gives losses, metrics and the weights afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from parity.harness import ValueCase, integers, new_weights, numbers

X = numbers((30, 6))
Y = numbers((30, 2), 1)
LABELS = integers((30,), 3, 2)
ONEHOT = np.eye(3, dtype=np.float32)[LABELS]
BINARY = (LABELS > 0).astype(np.float32)[:, None]
W = np.abs(numbers((30,), 3)) + np.float32(0.1)
STEPS = numbers((12, 4, 6), 5)
STEP_LABELS = integers((12, 4), 3, 6)


def values(model: Any, logs: Any = None) -> dict[str, Any]:
    """A dict of arrays: the numbers of `logs` by sorted name, then the weights."""
    found = {f"log_{name}": np.asarray(logs[name], np.float64) for name in sorted(logs or {})}
    return found | {f"weight_{i:02d}": np.asarray(w) for i, w in enumerate(model.get_weights())}


def fit(model: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    history = model.fit(*args, **{"shuffle": False, "verbose": 0, "batch_size": 8, "epochs": 2, **kwargs})
    return values(model, history.history)


def mlp(k: Any, units: int = 2, activation: str | None = None, **options: Any) -> Any:
    model = k.Sequential(
        [k.Input((6,)), k.layers.Dense(4, activation="tanh"), k.layers.Dense(units, activation=activation)]
    )
    return ready(k, model, **options)


def ready(k: Any, model: Any, **options: Any) -> Any:
    model.set_weights(new_weights(model))
    model.compile(**{"optimizer": k.optimizers.SGD(0.1), "loss": "mse", **options})
    return model


def classifier(k: Any, loss: str = "sparse_categorical_crossentropy", **options: Any) -> Any:
    return mlp(k, 3, "softmax", loss=loss, metrics=["accuracy"], **options)


def case(function: Callable[[Any], dict[str, Any]]) -> ValueCase:
    return ValueCase(function.__name__, function, rtol=1e-4, atol=1e-5)


# ---- weights of classes and samples ----------------------------------------------------------------------------------

CLASS_WEIGHT = {0: 0.5, 1: 2.0, 2: 1.5}


def class_weight_numbers(k):
    return fit(classifier(k), X, LABELS, class_weight=CLASS_WEIGHT)


def class_weight_column(k):
    return fit(classifier(k), X, LABELS[:, None], class_weight={1: 3.0})


def class_weight_onehot(k):
    return fit(classifier(k, "categorical_crossentropy"), X, ONEHOT, class_weight=CLASS_WEIGHT)


def class_weight_binary(k):
    model = mlp(k, 1, "sigmoid", loss="binary_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"])
    return fit(model, X, BINARY, class_weight={0: 2.0, 1: 0.5})


def class_weight_on_batch(k):
    model = classifier(k)
    logs = model.train_on_batch(X, LABELS, class_weight=CLASS_WEIGHT, return_dict=True)
    return values(model, logs)


def sample_weight(k):
    return fit(mlp(k, metrics=["mae"], weighted_metrics=["mse"]), X, Y, sample_weight=W)


def sample_weight_column(k):
    return fit(mlp(k), X, Y, sample_weight=W[:, None])


def sample_weight_of_steps(k):
    model = ready(k, k.Sequential([k.Input((4, 6)), k.layers.Dense(3, activation="softmax")]))
    model.compile(k.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return fit(model, STEPS, STEP_LABELS, sample_weight=np.abs(numbers((12, 4), 8)))


def sample_weight_on_batch(k):
    model = mlp(k, weighted_metrics=["mae"])
    logs = model.train_on_batch(X, Y, sample_weight=W, return_dict=True)
    tested = model.test_on_batch(X, Y, sample_weight=W, return_dict=True)
    return values(model, logs | {f"test_{name}": value for name, value in tested.items()})


def sample_weight_evaluate(k):
    model = mlp(k, metrics=["mae"], weighted_metrics=["mae"])
    return values(model, model.evaluate(X, Y, sample_weight=W, batch_size=7, verbose=0, return_dict=True))


# ---- what is held back, and how far an epoch goes --------------------------------------------------------------------


def smaller_last_batch(k):
    return fit(mlp(k, metrics=["mae"]), X, Y, batch_size=7, epochs=3)


def validation_split(k):
    return fit(mlp(k, metrics=["mae"]), X, Y, validation_split=0.25)


def validation_split_weighted(k):
    return fit(mlp(k, weighted_metrics=["mae"]), X, Y, sample_weight=W, validation_split=0.3)


def validation_data(k):
    return fit(mlp(k), X, Y, validation_data=(X[:11], Y[:11], W[:11]), validation_batch_size=4)


def validation_freq(k):
    return fit(mlp(k), X, Y, epochs=4, validation_data=(X[:11], Y[:11]), validation_freq=2, validation_steps=1)


def validation_epochs(k):
    return fit(mlp(k), X, Y, epochs=4, validation_data=(X[:11], Y[:11]), validation_freq=[1, 4])


def steps_per_epoch(k):
    return fit(mlp(k, metrics=["mae"]), X, Y, batch_size=5, epochs=3, steps_per_epoch=2)


def initial_epoch(k):
    return fit(mlp(k), X, Y, epochs=3, initial_epoch=1)


def evaluate_steps(k):
    model = mlp(k, metrics=["mae"])
    return values(model, model.evaluate(X, Y, batch_size=8, steps=2, verbose=0, return_dict=True))


# ---- batches by hand and streams -------------------------------------------------------------------------------------


def train_on_batch(k):
    model = mlp(k, metrics=["mae"])
    logs = [model.train_on_batch(X[i : i + 9], Y[i : i + 9]) for i in (0, 9, 18, 27)]
    return values(model, {f"step_{i}": np.asarray(one) for i, one in enumerate(logs)})


def test_on_batch(k):
    model = mlp(k, metrics=["mae"])
    logs = [model.test_on_batch(X[i : i + 9], Y[i : i + 9]) for i in (0, 9)]
    return values(model, {f"step_{i}": np.asarray(one) for i, one in enumerate(logs)})


def generator(k):
    def endless():
        while True:
            for i in range(0, 30, 8):
                yield X[i : i + 8], Y[i : i + 8], W[i : i + 8]

    return fit(mlp(k, metrics=["mae"]), endless(), batch_size=None, steps_per_epoch=4)


def generator_predict(k):
    model = mlp(k)
    return {"p": model.predict(((X[i : i + 8],) for i in range(0, 30, 8)), verbose=0)}


def py_dataset(k):
    class Batches(k.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return X[8 * i : 8 * i + 8], Y[8 * i : 8 * i + 8]

    return fit(mlp(k), Batches(), batch_size=None, validation_data=Batches())


def dictionaries(k):
    a, b = k.Input((6,), name="a"), k.Input((2,), name="b")
    out = k.layers.Dense(2, name="out")(k.layers.Concatenate()([a, b]))
    model = ready(k, k.Model([a, b], {"out": out}), loss={"out": "mae"}, metrics={"out": ["mse"]})
    return fit(model, {"b": Y, "a": X}, {"out": Y})


# ---- several outputs -------------------------------------------------------------------------------------------------


def two_heads(k, **options):
    source = k.Input((6,))
    body = k.layers.Dense(4, activation="tanh")(source)
    heads = [k.layers.Dense(2, name="a")(body), k.layers.Dense(3, activation="softmax", name="b")(body)]
    if isinstance(options.get("loss"), dict):
        heads = dict(zip("ab", heads, strict=True))
    return ready(k, k.Model(source, heads), **{"loss": ["mse", "sparse_categorical_crossentropy"], **options})


def two_outputs(k):
    return fit(two_heads(k), X, [Y, LABELS])


def two_outputs_weighted(k):
    return fit(two_heads(k, loss_weights=[0.3, 2.0]), X, [Y, LABELS])


def two_outputs_by_name(k):
    loss = {"b": "sparse_categorical_crossentropy", "a": "mae"}
    model = two_heads(k, loss=loss, loss_weights={"a": 0.5, "b": 1.5})
    return fit(model, X, {"a": Y, "b": LABELS}, sample_weight={"a": W, "b": 2 * W})


def two_outputs_one_loss(k):
    return fit(two_heads(k, loss=[None, "sparse_categorical_crossentropy"]), X, [Y, LABELS])


def two_outputs_metrics(k):
    return fit(two_heads(k, metrics=[["mae"], ["accuracy"]]), X, [Y, LABELS], validation_split=0.2)


def two_outputs_evaluate(k):
    model = two_heads(k, metrics={"b": "accuracy"})
    return values(model, model.evaluate(X, [Y, LABELS], batch_size=7, verbose=0, return_dict=True))


# ---- frozen, shared and nested ---------------------------------------------------------------------------------------


def frozen_layer(k):
    model = mlp(k)
    model.layers[0].trainable = False
    model.compile(k.optimizers.SGD(0.1, momentum=0.9), "mse")
    return fit(model, X, Y)


def thawed_layer(k):
    model = mlp(k)
    model.layers[0].trainable = False
    model.compile(k.optimizers.SGD(0.1), "mse")
    fit(model, X, Y)
    model.trainable = True
    model.compile(k.optimizers.SGD(0.05), "mse")
    return fit(model, X, Y)


def normalised(k, frozen):
    layer = k.layers.BatchNormalization(momentum=0.8)
    model = k.Sequential([k.Input((6,)), k.layers.Dense(4), layer, k.layers.Dense(2)])
    model.set_weights(new_weights(model))
    layer.trainable = not frozen
    model.compile(k.optimizers.SGD(0.1), "mse")
    return fit(model, X, Y, validation_data=(X, Y))


def batch_normalization(k):
    return normalised(k, False)


def frozen_batch_normalization(k):
    return normalised(k, True)


def shared_layer(k):
    left, right = k.Input((6,)), k.Input((6,))
    shared = k.layers.Dense(3, activation="tanh")
    model = k.Model([left, right], k.layers.Dense(2)(k.layers.Subtract()([shared(left), shared(right)])))
    return fit(ready(k, model), [X, X[::-1].copy()], Y)


def nested_model(k):
    inner = k.Sequential([k.Input((6,)), k.layers.Dense(4, activation="relu"), k.layers.Dense(3)], name="inner")
    source = k.Input((6,))
    return fit(ready(k, k.Model(source, k.layers.Dense(2)(inner(source)))), X, Y)


def frozen_nested_model(k):
    inner = k.Sequential([k.Input((6,)), k.layers.Dense(3), k.layers.BatchNormalization(momentum=0.5)])
    inner.trainable = False
    source = k.Input((6,))
    model = k.Model(source, k.layers.Dense(2)(inner(source)))
    return fit(ready(k, model), X, Y)


def feature_extractor(k):
    model = mlp(k)
    features = k.Model(model.inputs, model.layers[0].output)
    fit(model, X, Y)
    return {"features": features.predict(X, verbose=0)}


def cloned_model(k):
    model = mlp(k)
    twin = k.models.clone_model(model)
    twin.set_weights(model.get_weights())
    twin.compile(k.optimizers.SGD(0.1), "mse")
    return fit(twin, X, Y)


# ---- additional losses and custom parts ------------------------------------------------------------------------------


def add_loss(k):
    class Penalty(k.layers.Layer):
        def call(self, x):
            self.add_loss(0.1 * k.ops.mean(k.ops.square(x)))
            return x

    model = k.Sequential([k.Input((6,)), k.layers.Dense(4), Penalty(), k.layers.Dense(2)])
    return fit(ready(k, model, metrics=["mae"]), X, Y)


def add_loss_and_regularizers(k):
    class Penalty(k.layers.Layer):
        def call(self, x):
            self.add_loss(0.1 * k.ops.sum(k.ops.abs(x)))
            return x

    dense = k.layers.Dense(2, kernel_regularizer="l2", bias_regularizer=k.regularizers.L1(0.1))
    return fit(ready(k, k.Sequential([k.Input((6,)), Penalty(), dense])), X, Y)


def activity_regularizer(k):
    model = k.Sequential([k.Input((6,)), k.layers.Dense(4, activity_regularizer="l1"), k.layers.Dense(2)])
    return fit(ready(k, model), X, Y)


def custom_layer(k):
    class Affine(k.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="zeros", trainable=True, name="w")
            self.fixed = self.add_weight(shape=(self.units,), initializer="ones", trainable=False, name="fixed")

        def call(self, x):
            return k.ops.matmul(x, self.w) * self.fixed

    return fit(ready(k, k.Sequential([k.Input((6,)), Affine(2)])), X, Y)


def custom_model(k):
    class Own(k.Model):
        def __init__(self):
            super().__init__()
            self.first = k.layers.Dense(4, activation="tanh")
            self.second = k.layers.Dense(2)

        def call(self, x, training=False):
            return self.second(self.first(x))

    model = Own()
    model(X)
    return fit(ready(k, model), X, Y)


def custom_compute_loss(k):
    class Own(k.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return k.ops.mean(k.ops.square(y - y_pred)) + 0.01 * k.ops.sum(k.ops.square(y_pred))

    model = Own([k.Input((6,)), k.layers.Dense(2)])
    return fit(ready(k, model), X, Y)


def custom_loss(k):
    class Own(k.losses.Loss):
        def call(self, y_true, y_pred):
            return k.ops.mean(k.ops.power(k.ops.abs(y_true - y_pred), 1.5), axis=-1)

    return fit(mlp(k, loss=Own()), X, Y, sample_weight=W)


def loss_function(k):
    def own(y_true, y_pred):
        return k.ops.sum(k.ops.abs(y_true - y_pred), axis=-1)

    return fit(mlp(k, loss=own, metrics=[own]), X, Y, sample_weight=W)


def loss_summed(k):
    return fit(mlp(k, loss=k.losses.MeanSquaredError(reduction="sum"), optimizer=k.optimizers.SGD(0.01)), X, Y)


def custom_metric(k):
    class Largest(k.metrics.Metric):
        def __init__(self, name="largest", **kwargs):
            super().__init__(name=name, **kwargs)
            self.most = self.add_variable(shape=(), initializer="zeros", name="most")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.most.assign(k.ops.maximum(self.most, k.ops.max(k.ops.abs(y_true - y_pred))))

        def result(self):
            return self.most + 0.0

        def reset_state(self):
            self.most.assign(0.0)

    return fit(mlp(k, metrics=[Largest()]), X, Y, validation_split=0.2)


def custom_constraint(k):
    class Centred(k.constraints.Constraint):
        def __call__(self, w):
            return w - k.ops.mean(w)

    model = k.Sequential([k.Input((6,)), k.layers.Dense(2, kernel_constraint=Centred())])
    return fit(ready(k, model), X, Y)


def custom_regularizer(k):
    class Cubic(k.regularizers.Regularizer):
        def __call__(self, w):
            return 0.1 * k.ops.sum(k.ops.power(k.ops.abs(w), 3.0))

    model = k.Sequential([k.Input((6,)), k.layers.Dense(2, kernel_regularizer=Cubic())])
    return fit(ready(k, model), X, Y)


# ---- callbacks -------------------------------------------------------------------------------------------------------


def early_stopping(k):
    stop = k.callbacks.EarlyStopping(monitor="loss", min_delta=0.2, patience=2, restore_best_weights=True)
    return fit(mlp(k), X, Y, epochs=12, callbacks=[stop])


def early_stopping_late(k):
    stop = k.callbacks.EarlyStopping("val_loss", patience=1, baseline=0.01, start_from_epoch=3, mode="min")
    return fit(mlp(k), X, Y, epochs=12, validation_split=0.2, callbacks=[stop])


def reduce_lr(k):
    reduce = k.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.1, cooldown=1, min_lr=0.01)
    return fit(mlp(k), X, Y, epochs=8, callbacks=[reduce])


def scheduler(k):
    return fit(
        mlp(k), X, Y, epochs=4, callbacks=[k.callbacks.LearningRateScheduler(lambda epoch, lr: lr / (epoch + 1))]
    )


def swap_ema(k, on_epoch):
    model = mlp(k, optimizer=k.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.7))
    swap = k.callbacks.SwapEMAWeights(swap_on_epoch=on_epoch)
    found = fit(model, X, Y, epochs=3, validation_data=(X, Y), callbacks=[swap])
    return found | {"evaluated": np.asarray(model.evaluate(X, Y, verbose=0, callbacks=[swap]))}


def swap_ema_on_epoch(k):
    return swap_ema(k, True)


def swap_ema_on_test(k):
    return swap_ema(k, False)


def stop_training(k):
    class Stop(k.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                self.model.stop_training = True

    return fit(mlp(k, metrics=["mae"]), X, Y, callbacks=[Stop()])


CASES = [
    case(function)
    for name, function in list(globals().items())
    if getattr(function, "__module__", None) == __name__
    and name not in ("values", "fit", "mlp", "ready", "classifier", "case", "two_heads", "normalised", "swap_ema")
]
