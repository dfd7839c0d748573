"""Predictions keep folded and packed weights from run to run. No change of a weight may be missed: after every way to
change one, the prediction is compared with that of the plainest plan, which keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import linnet
from linnet import layers, ops

RNG = np.random.default_rng(3)
X = RNG.normal(size=(6, 8, 8, 3)).astype(np.float32)
Y = RNG.integers(0, 4, 6)


def make_model() -> linnet.Model:
    inputs = linnet.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, padding="same", name="first")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    x = skip = layers.Activation("relu")(x)
    x = layers.Conv2D(6, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.Activation("relu")(layers.Add()([x, skip]))
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(4, name="head")(x)
    model = linnet.Model(inputs, outputs)
    model.compile("sgd", linnet.losses.SparseCategoricalCrossentropy(from_logits=True))
    for variable in model.variables:  # averages and scales that are not 0 and 1
        if variable.ndim == 1:
            variable.assign(RNG.uniform(0.5, 1.5, variable.shape))
    return model


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Callable[[linnet.Model], np.ndarray]:
    """Compares predictions, at once and through `predict`, with those of the plainest plan; returns them."""

    def compare(model: linnet.Model) -> np.ndarray:
        fast, eager = model.predict(X, verbose=0), np.asarray(model(X))
        with monkeypatch.context() as patch:
            patch.setenv("LINNET_DEBUG", "nofuse,noplan,reference")
            plain = model.predict(X, verbose=0)
        scale = np.abs(plain).max()
        np.testing.assert_allclose(fast, plain, rtol=0, atol=5e-6 * scale)
        np.testing.assert_allclose(eager, plain, rtol=0, atol=5e-6 * scale)
        np.testing.assert_array_equal(model.predict(X, verbose=0), fast)
        return fast

    return compare


def test_training_between_predictions(check: Callable) -> None:
    model = make_model()
    last = check(model)
    for _ in range(3):
        model.fit(X, Y, batch_size=4, epochs=1, verbose=0)
        found = check(model)
        assert not np.array_equal(found, last)
        last = found
    model.train_on_batch(X, Y)
    assert not np.array_equal(check(model), last)


def test_evaluation_and_validation_see_the_weights_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model()
    history = model.fit(X, Y, batch_size=6, epochs=3, verbose=0, validation_data=(X, Y)).history["val_loss"]
    assert history[-1] == model.evaluate(X, Y, batch_size=6, verbose=0)
    assert len(set(history)) == 3
    monkeypatch.setenv("LINNET_DEBUG", "nofuse")
    assert model.evaluate(X, Y, batch_size=6, verbose=0) == pytest.approx(history[-1], rel=2e-6)


def test_every_way_to_set_weights(check: Callable, tmp_path: Path) -> None:
    model = make_model()
    check(model)
    for variable in model.variables:  # one at a time: each must be seen
        before = check(model)
        variable.assign(np.asarray(variable) * 1.25 + 0.01)
        assert not np.array_equal(check(model), before), variable.path
    model.get_layer("head").bias.assign_add(1.0)
    check(model)
    model.set_weights([w * 0.5 for w in model.get_weights()])
    check(model)
    model.get_layer("norm").set_weights([w * 2 for w in model.get_layer("norm").get_weights()])
    want = check(model)
    model.save_weights(tmp_path / "w.weights.safetensors")
    model.set_weights([w + 1 for w in model.get_weights()])
    assert not np.array_equal(check(model), want)
    model.load_weights(tmp_path / "w.weights.safetensors")
    np.testing.assert_array_equal(check(model), want)


def test_frozen_layers_and_a_change_of_what_is_trained(check: Callable) -> None:
    model = make_model()
    check(model)
    for name in ("first", "norm", "head"):
        layer = model.get_layer(name)
        layer.trainable = False
        model.compile("adam", linnet.losses.SparseCategoricalCrossentropy(from_logits=True))
        kept = [w.copy() for w in layer.get_weights()]
        model.fit(X, Y, verbose=0)
        check(model)
        for a, b in zip(kept, layer.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        layer.set_weights([w * 1.5 for w in layer.get_weights()])  # a frozen kernel is packed in the training step, too
        check(model)
        before = model.train_on_batch(X, Y)
        layer.set_weights([w * 1.5 for w in layer.get_weights()])
        assert model.train_on_batch(X, Y) != before
        check(model)
        layer.trainable = True
    model.compile("sgd", linnet.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(X, Y, verbose=0)
    check(model)


def test_two_models_share_a_layer(check: Callable) -> None:
    model = make_model()
    inputs = linnet.Input((8, 8, 3))
    x = model.get_layer("norm")(model.get_layer("first")(inputs))
    other = linnet.Model(inputs, layers.Dense(4)(layers.GlobalMaxPooling2D()(x)))
    other.compile("sgd", linnet.losses.SparseCategoricalCrossentropy(from_logits=True))
    for trained, watched in [(model, other), (other, model), (model, other)]:
        before = check(watched)
        trained.fit(X, Y, verbose=0)
        assert not np.array_equal(check(watched), before)
        check(trained)


def test_threads_give_the_same_bits() -> None:
    model, before, found = make_model(), linnet.num_threads(), []
    try:
        for threads in (1, 2, 3):
            linnet.set_num_threads(threads)
            model.get_layer("head").bias.assign_add(0.0)  # prepares again
            found.append(model.predict(X, verbose=0))
    finally:
        linnet.set_num_threads(before)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.SimpleRNN])
@pytest.mark.parametrize("steps", [1, 5])
def test_recurrent_layers(check: Callable, monkeypatch: pytest.MonkeyPatch, kind: type, steps: int) -> None:
    monkeypatch.setattr(f"{__name__}.X", RNG.normal(size=(6, steps, 3)).astype(np.float32))
    layer = kind(20, bias_initializer="normal")
    plain = kind(9, use_bias=False, go_backwards=True)
    inputs = linnet.Input((steps, 3))
    model = linnet.Model(inputs, layers.Dense(4)(layers.Concatenate()([layer(inputs), plain(inputs)])))
    model.compile("sgd", linnet.losses.SparseCategoricalCrossentropy(from_logits=True))
    last = check(model)
    for variable in (*layer.weights, *plain.weights):
        variable.assign(np.asarray(variable) * 1.5 + 0.01)
        found = check(model)
        assert not np.array_equal(found, last) or (steps == 1 and "recurrent" in variable.path)
        last = found
    model.fit(X, Y, verbose=0)
    assert not np.array_equal(check(model), last)


def test_variables_hand_out_no_writeable_memory() -> None:
    variable = linnet.Variable(np.zeros(3, np.float32))
    for view in (variable.value, np.asarray(variable, copy=False)):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1
    copy = variable.numpy()
    copy[0] = 1
    assert variable.numpy()[0] == 0


def test_operations_on_variables_alone(check: Callable) -> None:
    variable = linnet.Variable(np.arange(3, dtype=np.float32))

    class Total(layers.Layer):
        def call(self, x):  # type: ignore[no-untyped-def]
            return ops.sum(ops.square(variable)) + 0 * ops.sum(x)

    layer = Total()
    assert layer(X) == 5
    variable.assign([1, 1, 1])
    assert layer(X) == 3
