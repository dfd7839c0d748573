"""fit, train_on_batch, evaluate, predict: numbers against NumPy, the same bits for any threads, the loop's options."""

import numpy as np
import pytest

import linnet
from linnet import layers, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 5)).astype(np.float32)
Y = (X @ RNG.normal(size=(5, 3))).argmax(1)


def classifier(activation="softmax"):
    return linnet.Sequential(
        [linnet.Input((5,)), layers.Dense(8, activation="tanh"), layers.Dense(3, activation=activation)]
    )


def compiled(**kwargs):
    model = classifier()
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], **kwargs})
    return model


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("weighted", [False, True])
def test_sgd_steps_are_those_of_numpy(weighted):
    weights = np.linspace(0.1, 2, 70).astype(np.float32) if weighted else np.ones(70, np.float32)
    model = linnet.Sequential([linnet.Input((5,)), layers.Dense(3, activation="softmax")])
    model.compile(linnet.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    kernel, bias = (w.astype(np.float64) for w in model.get_weights())
    history = model.fit(
        X, Y, batch_size=32, epochs=2, shuffle=False, verbose=0, sample_weight=weights if weighted else None
    )
    for epoch in range(2):
        total = 0.0
        for start in range(0, 70, 32):  # the last batch has 6 rows
            x, y, w = X[start : start + 32], Y[start : start + 32], weights[start : start + 32]
            p = softmax(x @ kernel + bias)
            total += -(w * np.log(p[np.arange(len(x)), y])).sum()
            d = (p - np.eye(3)[y]) * w[:, None] / len(x)
            kernel, bias = kernel - 0.5 * x.T @ d, bias - 0.5 * d.sum(0)
        assert history.history["loss"][epoch] == pytest.approx(total / 70, rel=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], kernel, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.get_weights()[1], bias, rtol=1e-4, atol=1e-5)


def test_history_names_and_lengths():
    history = compiled().fit(X, Y, epochs=3, validation_split=0.2, verbose=0)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert all(len(values) == 3 for values in history.history.values())
    assert history.epoch == [0, 1, 2]
    assert all(isinstance(value, float) for values in history.history.values() for value in values)


def test_training_learns_and_evaluate_agrees_with_predict():
    model = compiled(optimizer=linnet.optimizers.Adam(0.02))
    model.fit(X, Y, epochs=60, verbose=0)
    p = model.predict(X, batch_size=16, verbose=0)
    loss, accuracy = model.evaluate(X, Y, batch_size=16, verbose=0)
    assert accuracy == pytest.approx((p.argmax(1) == Y).mean(), abs=1e-6)
    assert accuracy > 0.9
    assert loss == pytest.approx(-np.log(p[np.arange(70), Y]).mean(), rel=1e-4)
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == {"loss": pytest.approx(loss), "accuracy": accuracy}
    np.testing.assert_array_equal(model(X), p)
    np.testing.assert_array_equal(model.predict_on_batch(X), p)


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_the_same_bits_for_any_number_of_threads(threads):
    def run(count):
        linnet.set_num_threads(count)
        linnet.utils.set_random_seed(3)
        image = linnet.Input((12, 12, 2))
        x = layers.Conv2D(8, 3, activation="relu")(image)
        x = layers.BatchNormalization()(x)
        x = layers.Dropout(0.3)(layers.Flatten()(layers.MaxPooling2D()(x)))
        model = linnet.Model(image, layers.Dense(4)(x))
        loss = linnet.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"])
        data = np.random.default_rng(1).normal(size=(50, 12, 12, 2)).astype(np.float32)
        history = model.fit(data, np.arange(50) % 4, epochs=2, batch_size=16, verbose=0)
        return history.history["loss"], [w.tobytes() for w in model.get_weights()]

    assert run(1) == run(threads)


def test_the_seed_decides_and_another_one_differs():
    def run(seed):
        linnet.utils.set_random_seed(seed)
        return compiled().fit(X, Y, epochs=2, verbose=0).history["loss"]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_two_fits_shuffle_differently_and_go_on_where_the_first_ended():
    whole, parts = [], []
    for runs, into in ((1, whole), (2, parts)):
        linnet.utils.set_random_seed(5)
        model = compiled()
        for part in range(runs):
            model.fit(X, Y, epochs=4 * (part + 1) // runs, initial_epoch=4 * part // runs, verbose=0)
        into += [w.tobytes() for w in model.get_weights()]
    assert whole == parts


@pytest.mark.parametrize("dtype", ["uint8", "float64", "int64", "float16", "bool", "int8", ">f4"])
def test_any_numeric_type_is_the_same_as_float32(dtype):
    raw = (X > 0).astype(dtype) if dtype == "bool" else np.clip(X * 20, 0, 100).astype(dtype)
    model = compiled()
    np.testing.assert_array_equal(model.predict(raw, verbose=0), model.predict(raw.astype(np.float32), verbose=0))
    model.fit(raw, Y.astype(np.uint8), verbose=0)
    model.train_on_batch(raw, Y)


def test_lists_and_non_contiguous_arrays():
    model = compiled()
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(X.tolist(), verbose=0), expected)
    np.testing.assert_array_equal(model.predict(np.asfortranarray(X), verbose=0), expected)
    np.testing.assert_array_equal(model.predict(X[::-1], verbose=0), expected[::-1])
    model.fit(X.tolist(), Y.tolist(), verbose=0)


@pytest.mark.parametrize("n", [1, 2, 31, 32, 33, 64])
def test_any_number_of_rows(n):
    model = compiled()
    expected = model.predict(X, batch_size=70, verbose=0)[:n]
    np.testing.assert_array_equal(model.predict(X[:n], verbose=0), expected)
    model.fit(X[:n], Y[:n], verbose=0)
    assert np.isfinite(model.evaluate(X[:n], Y[:n], verbose=0)).all()


def test_batches_by_hand():
    model = compiled(optimizer="sgd")
    first = model.train_on_batch(X[:32], Y[:32], return_dict=True)
    assert set(first) == {"loss", "accuracy"}
    second = model.train_on_batch(X[:32], Y[:32])
    assert second[0] < first["loss"]
    tested = model.test_on_batch(X[:32], Y[:32], return_dict=True)
    assert tested["loss"] == pytest.approx(model.evaluate(X[:32], Y[:32], verbose=0)[0], rel=1e-5)
    for n in (1, 5, 64):  # smaller and larger than before
        model.train_on_batch(X[:n], Y[:n])
        assert model.predict_on_batch(X[:n]).shape == (n, 3)


def test_predict_on_batch_sees_new_weights():
    model = compiled()
    model.predict_on_batch(X[:1])
    model.predict_on_batch(X[:1])
    model.fit(X, Y, verbose=0)  # moves the weights into the flat array
    np.testing.assert_array_equal(model.predict_on_batch(X[:1]), model.predict(X[:1], verbose=0))
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    np.testing.assert_allclose(model.predict_on_batch(X[:1]), [[1 / 3] * 3], rtol=1e-6)


def test_predict_on_batch_of_several_arrays():
    a, b = linnet.Input((3,)), linnet.Input((2,), dtype="int32")
    floats, ints = X[:4, :3].copy(), np.arange(8, dtype=np.int32).reshape(4, 2)
    for outputs in ([a + 1.0, b * 2], (b * 2, a + 1.0), a + ops.cast(b[:, :1], "float32")):
        model = linnet.Model([a, b], outputs)
        want = model.predict([floats, ints], verbose=0)
        for x in [[floats, ints]] * 3 + [[floats, ints.astype(np.int64)], (floats, ints), [floats[::1], ints]]:
            found = model.predict_on_batch(x)
            assert type(found) is type(want)
            for one, other in zip(found, want, strict=True):
                np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(model.predict_on_batch([floats[:2], ints[:2]])[0][:2], want[0][:2])
        for wrong in ([floats], [floats, ints[:2]], [floats, floats], [ints, floats]):
            with pytest.raises((ValueError, TypeError)):
                model.predict_on_batch(wrong)


def test_validation_data_steps_and_frequency():
    model = compiled()
    history = model.fit(
        X,
        Y,
        epochs=4,
        verbose=0,
        steps_per_epoch=1,
        validation_data=(X, Y, np.ones(70)),
        validation_freq=2,
        validation_steps=1,
        validation_batch_size=8,
    )
    assert len(history.history["loss"]) == 4
    assert len(history.history["val_loss"]) == 2
    assert int(model.optimizer.iterations.numpy()) == 4
    with pytest.raises(ValueError, match="no target"):
        model.fit(X, Y, verbose=0, validation_data=X)
    with pytest.raises(ValueError, match="got a tuple of 4"):
        model.fit(X, Y, verbose=0, validation_data=(X, Y, Y, Y))


def test_validation_takes_the_last_samples():
    model = compiled(optimizer=linnet.optimizers.SGD(0.0))
    history = model.fit(X, Y, verbose=0, validation_split=0.3)
    assert history.history["val_loss"][0] == pytest.approx(model.evaluate(X[49:], Y[49:], verbose=0)[0], rel=1e-5)
    assert history.history["loss"][0] == pytest.approx(model.evaluate(X[:49], Y[:49], verbose=0)[0], rel=1e-5)


def test_stop_training_and_batch_hooks():
    seen = []

    class Stop(linnet.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((batch, sorted(logs)))
            self.model.stop_training = batch == 1

    history = compiled().fit(X, Y, batch_size=16, epochs=5, verbose=0, callbacks=[Stop()])
    assert seen == [(0, ["accuracy", "loss"]), (1, ["accuracy", "loss"])]
    assert history.epoch == [0]


def test_ctrl_c_keeps_weights_and_history():
    class Interrupt(linnet.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if self.params["epochs"] and self.model.optimizer.iterations.numpy() == 4:
                raise KeyboardInterrupt

    model = compiled()
    before = model.get_weights()
    ends = []
    end = linnet.callbacks.LambdaCallback(on_train_end=lambda logs: ends.append(logs))
    history = model.fit(X, Y, epochs=10, verbose=0, callbacks=[Interrupt(), end])
    assert history.epoch == [0]
    assert ends == [{name: values[0] for name, values in history.history.items()}]
    assert int(model.optimizer.iterations.numpy()) == 4
    assert not np.array_equal(before[0], model.get_weights()[0])
    model.fit(X, Y, verbose=0)


def test_frozen_layers_stay_and_thaw_with_the_next_compile():
    model = compiled()
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    after = model.get_weights()
    assert [np.array_equal(a, b) for a, b in zip(before, after, strict=True)] == [True, True, False, False]
    model.trainable = True
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    assert not np.array_equal(model.get_weights()[0], after[0])


def test_a_shared_layer_trained_by_two_models():
    shared = layers.Dense(4, name="shared")
    a = linnet.Sequential([linnet.Input((5,)), shared, layers.Dense(3, activation="softmax")])
    b = linnet.Sequential([linnet.Input((5,)), shared, layers.Dense(3, activation="softmax")])
    for model in (a, b, a, b):
        if not model.compiled:
            model.compile("adam", "sparse_categorical_crossentropy")
        before = shared.get_weights()[0]
        model.fit(X, Y, verbose=0)
        assert not np.array_equal(before, shared.get_weights()[0])
        np.testing.assert_array_equal(
            model.predict(X, verbose=0), softmax_of(model, X, shared)
        )  # the moved weights are those used


def softmax_of(model, x, shared):
    return model.layers[1](shared(x))


def test_regularization_and_add_loss_are_part_of_the_loss():
    class Penalty(linnet.Layer):
        def call(self, x):
            self.add_loss(0.1 * ops.mean(ops.square(x)))
            return x

    model = linnet.Sequential(
        [linnet.Input((5,)), Penalty(), layers.Dense(3, activation="softmax", kernel_regularizer="l2")]
    )
    model.compile(linnet.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    p = model.predict(X, verbose=0)
    kernel = model.get_weights()[0]
    expected = -np.log(p[np.arange(70), Y]).mean() + 0.01 * (kernel**2).sum() + 0.1 * (X**2).mean()
    assert model.evaluate(X, Y, batch_size=70, verbose=0) == pytest.approx(expected, rel=1e-5)
    history = model.fit(X, Y, batch_size=70, verbose=0)
    assert history.history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_a_model_with_add_loss_only():
    class Auto(linnet.Model):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(5)

        def call(self, x):
            y = self.inner(x)
            self.add_loss(ops.mean(ops.square(x - y)))
            return y

    model = Auto()
    model.compile(linnet.optimizers.Adam(0.05))
    history = model.fit(X, epochs=15, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0] / 2


def test_batch_normalization_learns_its_statistics():
    model = linnet.Sequential([linnet.Input((5,)), layers.BatchNormalization(momentum=0.5), layers.Dense(3)])
    model.compile("sgd", linnet.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(3 * X + 2, Y, epochs=20, batch_size=70, verbose=0)
    np.testing.assert_allclose(model.layers[0].moving_mean.numpy(), (3 * X + 2).mean(0), rtol=1e-3, atol=1e-3)


def test_memory_plan_and_profile():
    model = compiled()
    plan = model.memory_plan(32)
    assert plan["parameters"]["trainable"] == 4 * (5 * 8 + 8 + 8 * 3 + 3)
    assert plan["training"]["arena"] >= plan["inference"]["arena"] > 0
    assert model.memory_plan(64)["inference"]["arena"] > plan["inference"]["arena"]
    rows = model.profile(X[:8], repeats=2)
    assert rows
    assert all(seconds >= 0 for _, _, seconds in rows)


def test_nothing_is_compiled_again_for_the_last_batch_or_the_next_epoch():
    model = compiled()
    model.fit(X, Y, epochs=2, validation_split=0.2, verbose=0)
    count = len(model._steps)
    model.fit(X, Y, epochs=2, validation_split=0.2, verbose=0)
    model.fit(X[:40], Y[:40], verbose=0)
    assert len(model._steps) == count == 2


def test_progress(capsys):
    model = compiled()
    model.fit(X, Y, epochs=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("Epoch 1/2 3/3 - ")
    assert "loss: " in lines[0]
    assert "accuracy: " in lines[0]
    model.fit(X, Y, verbose=1)
    assert "3/3" in capsys.readouterr().out
    model.fit(X, Y, verbose=0)
    model.predict(X, verbose=0)
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="verbose must be"):
        model.fit(X, Y, verbose=3)


def test_names_of_metrics_are_those_of_keras():
    model = compiled(
        metrics=["accuracy", "acc", linnet.metrics.SparseCategoricalAccuracy(name="mine")],
        weighted_metrics=["accuracy"],
    )
    history = model.fit(X, Y, sample_weight=np.linspace(0, 1, 70), verbose=0)
    assert list(history.history) == ["loss", "accuracy", "acc", "mine", "weighted_accuracy"]
    assert history.history["accuracy"] == history.history["mine"] != history.history["weighted_accuracy"]
    assert model.metrics_names == list(history.history)


def test_the_loss_that_fits_the_shapes():
    model = compiled(loss="crossentropy")
    other = compiled()
    other.set_weights(model.get_weights())
    assert model.evaluate(X, Y, verbose=0) == other.evaluate(X, Y, verbose=0)
    binary = linnet.Sequential([linnet.Input((5,)), layers.Dense(1, activation="sigmoid")])
    binary.compile("sgd", "crossentropy", metrics=["accuracy"])
    history = binary.fit(X, (Y > 0).astype(float), verbose=0)
    p = binary.predict(X, verbose=0)[:, 0]
    accuracy = binary.evaluate(X, (Y > 0).astype(float), verbose=0, return_dict=True)["accuracy"]
    assert accuracy == pytest.approx(((p > 0.5) == (Y > 0)).mean(), abs=1e-6)
    assert np.isfinite(history.history["loss"]).all()
