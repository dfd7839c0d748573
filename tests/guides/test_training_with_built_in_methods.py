"""Follows the Keras guide "Training and evaluation with the built-in methods": own losses and metrics, endpoint layers,
validation, data sets, weights of classes and samples, several inputs and outputs, callbacks and schedules. Random data
takes the place of the guide's, a PyDataset that of tf.data."""

import math

import numpy as np
import pytest

import linnet as keras
from linnet import layers, ops

RNG = np.random.default_rng(0)
X_TRAIN, Y_TRAIN = RNG.random((120, 20)).astype("float32"), RNG.integers(0, 4, 120).astype("float32")
X_VAL, Y_VAL = X_TRAIN[-40:], Y_TRAIN[-40:]


def get_uncompiled_model():
    inputs = keras.Input(shape=(20,), name="digits")
    x = layers.Dense(16, activation="relu", name="dense_1")(inputs)
    x = layers.Dense(16, activation="relu", name="dense_2")(x)
    outputs = layers.Dense(4, activation="softmax", name="predictions")(x)
    return keras.Model(inputs=inputs, outputs=outputs)


def get_compiled_model():
    model = get_uncompiled_model()
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"])
    return model


def test_from_end_to_end():
    model = get_uncompiled_model()
    model.compile(
        optimizer=keras.optimizers.RMSprop(),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=[keras.metrics.SparseCategoricalAccuracy()],
    )
    history = model.fit(X_TRAIN, Y_TRAIN, batch_size=64, epochs=2, validation_data=(X_VAL, Y_VAL), verbose=0)
    assert set(history.history) == {
        "loss",
        "sparse_categorical_accuracy",
        "val_loss",
        "val_sparse_categorical_accuracy",
    }
    assert len(model.evaluate(X_VAL, Y_VAL, batch_size=128, verbose=0)) == 2
    assert model.predict(X_VAL[:3], verbose=0).shape == (3, 4)


def custom_mean_squared_error(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


class CustomMSE(keras.losses.Loss):
    def __init__(self, regularization_factor=0.1, name="custom_mse"):
        super().__init__(name=name)
        self.regularization_factor = regularization_factor

    def call(self, y_true, y_pred):
        mse = ops.mean(ops.square(y_true - y_pred), axis=-1)
        reg = ops.mean(ops.square(0.5 - y_pred), axis=-1)
        return mse + reg * self.regularization_factor


def test_own_losses():
    one_hot = ops.one_hot(Y_TRAIN.astype("int32"), 4)
    for loss in (custom_mean_squared_error, CustomMSE()):
        model = get_uncompiled_model()
        model.compile(optimizer=keras.optimizers.Adam(), loss=loss)
        history = model.fit(X_TRAIN, one_hot, batch_size=64, epochs=3, verbose=0)
        assert history.history["loss"][-1] < history.history["loss"][0]


class CategoricalTruePositives(keras.metrics.Metric):
    def __init__(self, name="categorical_true_positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.true_positives = self.add_variable(shape=(), name="ctp", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.reshape(ops.argmax(y_pred, axis=1), (-1, 1))
        values = ops.cast(y_true, "int32") == ops.cast(y_pred, "int32")
        values = ops.cast(values, "float32")
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, "float32")
            values = ops.multiply(values, sample_weight)
        self.true_positives.assign_add(ops.sum(values))

    def result(self):
        return self.true_positives

    def reset_state(self):
        self.true_positives.assign(0)


def test_an_own_metric():
    model = get_uncompiled_model()
    model.compile(
        optimizer=keras.optimizers.SGD(0.0),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=[CategoricalTruePositives()],
    )
    y = Y_TRAIN[:, None]
    history = model.fit(X_TRAIN, y, batch_size=64, epochs=3, verbose=0)
    hits = (model.predict(X_TRAIN, verbose=0).argmax(1) == Y_TRAIN).sum()
    assert history.history["categorical_true_positives"] == [hits] * 3


class MetricLoggingLayer(layers.Layer):
    def call(self, inputs):
        self.add_loss(ops.sum(inputs) * 0.1)
        return inputs


class LogisticEndpoint(layers.Layer):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

    def call(self, targets, logits, sample_weights=None):
        loss = self.loss_fn(targets, logits, sample_weights)
        self.add_loss(loss)
        return ops.softmax(logits)


def test_losses_that_layers_add():
    inputs = keras.Input(shape=(20,), name="digits")
    x = layers.Dense(16, activation="relu", name="dense_1")(inputs)
    x = MetricLoggingLayer()(x)
    outputs = layers.Dense(4, name="predictions")(x)
    model = keras.Model(inputs=inputs, outputs=outputs)
    model.compile(
        optimizer=keras.optimizers.RMSprop(), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    history = model.fit(X_TRAIN, Y_TRAIN, batch_size=64, epochs=1, verbose=0)
    assert history.history["loss"][0] > 2.0  # the sum over the batch dominates

    inputs = keras.Input(shape=(3,), name="inputs")
    targets = keras.Input(shape=(10,), name="targets")
    logits = layers.Dense(10)(inputs)
    predictions = LogisticEndpoint(name="predictions")(targets, logits)
    model = keras.Model(inputs=[inputs, targets], outputs=predictions)
    model.compile(optimizer="adam")
    data = {"inputs": RNG.random((3, 3)), "targets": RNG.random((3, 10))}
    history = model.fit(data, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


class ExamplePyDataset(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return math.ceil(len(self.x) / self.batch_size)

    def __getitem__(self, idx):
        part = slice(idx * self.batch_size, (idx + 1) * self.batch_size)
        return self.x[part], self.y[part]


def test_validation_and_data_sets():
    model = get_compiled_model()
    model.fit(X_TRAIN, Y_TRAIN, batch_size=64, validation_split=0.2, epochs=1, verbose=0)
    train = ExamplePyDataset(X_TRAIN, Y_TRAIN, 32, workers=2)
    held = ExamplePyDataset(X_VAL, Y_VAL, 32)
    model.fit(train, epochs=2, validation_data=held, verbose=0)
    assert set(model.evaluate(held, verbose=0, return_dict=True)) == {"loss", "sparse_categorical_accuracy"}
    model.fit(train, epochs=2, steps_per_epoch=2, validation_data=held, validation_steps=1, verbose=0)


def test_weights_of_classes_and_samples():
    class_weight = {0: 1.0, 1: 1.0, 2: 2.0, 3: 1.0}
    model = get_compiled_model()
    model.fit(X_TRAIN, Y_TRAIN, class_weight=class_weight, batch_size=64, epochs=1, verbose=0)
    sample_weight = np.ones(shape=(len(Y_TRAIN),))
    sample_weight[Y_TRAIN == 2] = 2.0
    model.fit(X_TRAIN, Y_TRAIN, sample_weight=sample_weight, batch_size=64, epochs=1, verbose=0)


def test_several_inputs_and_outputs(tmp_path):
    image_input = keras.Input(shape=(16, 16, 3), name="img_input")
    timeseries_input = keras.Input(shape=(20, 10), name="ts_input")
    x1 = layers.GlobalMaxPooling2D()(layers.Conv2D(3, 3)(image_input))
    x2 = layers.GlobalMaxPooling1D()(layers.Conv1D(3, 3)(timeseries_input))
    x = layers.concatenate([x1, x2])
    score_output = layers.Dense(1, name="score_output")(x)
    class_output = layers.Dense(5, name="class_output")(x)
    model = keras.Model(inputs=[image_input, timeseries_input], outputs=[score_output, class_output])
    keras.utils.plot_model(model, tmp_path / "several.svg", show_shapes=True)
    model.compile(
        optimizer=keras.optimizers.RMSprop(1e-3),
        loss=[keras.losses.MeanSquaredError(), keras.losses.CategoricalCrossentropy(from_logits=True)],
        metrics=[
            [keras.metrics.MeanAbsolutePercentageError(), keras.metrics.MeanAbsoluteError()],
            [keras.metrics.CategoricalAccuracy()],
        ],
    )
    img, ts = RNG.random((30, 16, 16, 3)), RNG.random((30, 20, 10))
    score, classes = RNG.random((30, 1)), np.eye(5)[RNG.integers(0, 5, 30)]
    model.fit([img, ts], [score, classes], batch_size=16, epochs=1, verbose=0)
    model.compile(
        optimizer=keras.optimizers.RMSprop(1e-3),
        loss={
            "score_output": keras.losses.MeanSquaredError(),
            "class_output": keras.losses.CategoricalCrossentropy(from_logits=True),
        },
        metrics={"score_output": ["mape", "mae"], "class_output": ["accuracy"]},
        loss_weights={"score_output": 2.0, "class_output": 1.0},
    )
    history = model.fit(
        {"img_input": img, "ts_input": ts}, {"score_output": score, "class_output": classes}, batch_size=16, verbose=0
    )
    logs = {name: values[0] for name, values in history.history.items()}
    assert logs["loss"] == pytest.approx(2 * logs["score_output_loss"] + logs["class_output_loss"], rel=1e-5)
    model.compile(
        optimizer="sgd", loss=[None, keras.losses.CategoricalCrossentropy(from_logits=True)]
    )  # an output that is for prediction only
    model.fit([img, ts], [score, classes], verbose=0)


class LossHistory(keras.callbacks.Callback):
    def on_train_begin(self, logs):
        self.per_batch_losses = []

    def on_batch_end(self, batch, logs):
        self.per_batch_losses.append(logs.get("loss"))


def test_callbacks(tmp_path):
    model = get_compiled_model()
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=10.0, patience=2, verbose=0)
    losses = LossHistory()
    history = model.fit(
        X_TRAIN, Y_TRAIN, epochs=20, batch_size=32, callbacks=[stop, losses], validation_split=0.2, verbose=0
    )
    assert len(history.epoch) == 3
    assert len(losses.per_batch_losses) == 9
    save = keras.callbacks.ModelCheckpoint(
        filepath=str(tmp_path / "mymodel_{epoch}.keras"), save_best_only=True, monitor="val_loss", verbose=0
    )
    model.fit(X_TRAIN, Y_TRAIN, epochs=2, batch_size=64, callbacks=[save], validation_split=0.2, verbose=0)
    loaded = keras.models.load_model(tmp_path / "mymodel_1.keras")
    loaded.fit(X_TRAIN, Y_TRAIN, epochs=1, verbose=0)


def test_schedules_and_tensorboard(tmp_path):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=100000, decay_rate=0.96, staircase=True)
    model = get_uncompiled_model()
    model.compile(optimizer=keras.optimizers.RMSprop(learning_rate=schedule), loss="sparse_categorical_crossentropy")
    board = keras.callbacks.TensorBoard(log_dir=tmp_path, histogram_freq=0, embeddings_freq=0, update_freq="epoch")
    model.fit(X_TRAIN, Y_TRAIN, verbose=0, callbacks=[board])
    assert list((tmp_path / "train").iterdir())
