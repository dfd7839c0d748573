"""Graphs of calls: several inputs and outputs, shared layers, nesting, configuration."""

import json

import numpy as np
import pytest

import linnet
from linnet import layers, ops
from linnet.saving import deserialize_keras_object, serialize_keras_object

A = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
B = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)


def two_by_two(outputs="list"):
    a, b = linnet.Input((4,), name="a"), linnet.Input((3,), name="b")
    x = layers.Concatenate()([layers.Dense(5, activation="relu")(a), b])
    first = layers.Dense(1, name="first")(x)
    second = layers.Dense(3, activation="softmax", name="second")(x)
    return linnet.Model([a, b], [first, second] if outputs == "list" else {"first": first, "second": second})


def again(model):
    """The model made again from its configuration as JSON, with the same weights."""
    config = json.loads(json.dumps(serialize_keras_object(model)))
    twin = deserialize_keras_object(config)
    assert type(twin) is type(model)
    assert json.dumps(serialize_keras_object(twin)) == json.dumps(serialize_keras_object(model))
    twin.set_weights(model.get_weights())
    return twin


def test_model_with_inputs_and_outputs_is_functional():
    model = two_by_two()
    assert isinstance(model, linnet.Functional)
    assert model.input_shape == [(None, 4), (None, 3)]
    assert model.output_shape == [(None, 1), (None, 3)]
    assert model.output_names == ["first", "second"]
    assert [layer.name for layer in model.layers] == ["a", "dense", "b", "concatenate", "first", "second"]
    assert model.count_params() == 25 + 9 + 27


def test_ways_to_give_the_inputs():
    model = two_by_two()
    expected = model.predict([A, B], verbose=0)
    for given in ({"b": B, "a": A}, (A, B), [A.tolist(), B]):
        if isinstance(given, list):
            given = [np.asarray(one) for one in given]
        for got, want in zip(model.predict(given, verbose=0), expected, strict=True):
            np.testing.assert_array_equal(got, want)
    for got, want in zip(model([A, B]), expected, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("outputs", ["list", "dict"])
def test_several_losses_metrics_weights(outputs):
    model = two_by_two(outputs)
    y1, y2 = A[:, :1] * 2, (B.sum(1) > 0).astype(int)
    model.compile(
        linnet.optimizers.SGD(0.0),
        loss={"first": "mse", "second": "sparse_categorical_crossentropy"},
        loss_weights={"first": 0.5},
        metrics={"first": ["mae"], "second": ["accuracy"]},
    )
    y = {"first": y1, "second": y2}
    history = model.fit([A, B], y if outputs == "dict" else [y1, y2], batch_size=40, verbose=0, validation_split=0.5)
    assert set(history.history) == {
        f"{val}{name}"
        for val in ("", "val_")
        for name in ("loss", "first_loss", "second_loss", "first_mae", "second_accuracy")
    }
    logs = model.evaluate([A, B], y, batch_size=40, verbose=0, return_dict=True)
    found = model.predict([A, B], verbose=0)
    p1, p2 = (found["first"], found["second"]) if outputs == "dict" else found
    assert logs["first_loss"] == pytest.approx(((p1 - y1) ** 2).mean(), rel=1e-5)
    assert logs["second_loss"] == pytest.approx(-np.log(p2[np.arange(40), y2]).mean(), rel=1e-5)
    assert logs["loss"] == pytest.approx(0.5 * logs["first_loss"] + logs["second_loss"], rel=1e-5)
    assert logs["first_mae"] == pytest.approx(np.abs(p1 - y1).mean(), rel=1e-5)
    assert logs["second_accuracy"] == pytest.approx((p2.argmax(1) == y2).mean(), abs=1e-6)


def test_lists_of_losses_and_metrics():
    model = two_by_two()
    model.compile("sgd", loss=["mse", None], metrics=[["mae"], ["accuracy"]])
    history = model.fit([A, B], [A[:, :1], np.zeros(40, int)], verbose=0)
    assert set(history.history) == {"loss", "first_mae", "second_accuracy"}
    model.compile("sgd", loss="mse", loss_weights=[1.0, 2.0])
    assert set(model.fit([A, B], [A[:, :1], B], verbose=0).history) == {"loss", "first_loss", "second_loss"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": ["mse"]}, "the model has 2 outputs"),
        ({"loss": {"frist": "mse"}}, 'did you mean "first"'),
        ({"loss": "mse", "metrics": ["mae"]}, "the model has 2 outputs"),
    ],
)
def test_wrong_structures(arguments, message):
    model = two_by_two()
    model.compile("sgd", **arguments)
    with pytest.raises(ValueError, match=message):
        model.fit([A, B], [A[:, :1], B], verbose=0)


def test_shared_layers():
    a, b = linnet.Input((4,)), linnet.Input((4,))
    shared = layers.Dense(2, name="shared")
    model = linnet.Model([a, b], layers.Subtract()([shared(a), shared(b)]))
    assert len(model.weights) == 2
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(model.predict([A, A[::-1]], verbose=0), (A - A[::-1]) @ kernel, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(again(model).predict([A, A[::-1]], verbose=0), model.predict([A, A[::-1]], verbose=0))
    model.compile("sgd", "mse")
    model.fit([A, A[::-1]], A[:, :2], verbose=0)
    np.testing.assert_array_equal(model.get_weights()[1], bias)  # it cancels: its gradient is zero


def test_nested_models_and_operations():
    inner = linnet.Sequential([linnet.Input((4,)), layers.Dense(3, activation="tanh")], name="inner")
    x = linnet.Input((4,))
    y = inner(x) * 2.0 + ops.mean(x, axis=-1, keepdims=True)
    model = linnet.Model(x, layers.Dense(2)(ops.concatenate([y, ops.relu(1.0 - y)], axis=-1)))
    kernel, bias, k2, b2 = model.get_weights()
    h = np.tanh(A @ kernel + bias) * 2 + A.mean(1, keepdims=True)
    expected = np.concatenate([h, np.maximum(1 - h, 0)], 1) @ k2 + b2
    np.testing.assert_allclose(model.predict(A, verbose=0), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(again(model).predict(A, verbose=0), model.predict(A, verbose=0))
    model.compile("adam", "mse")
    assert np.isfinite(model.fit(A, B[:, :2], verbose=0).history["loss"]).all()


def test_feature_extractor_from_the_middle():
    model = two_by_two()
    features = linnet.Model(model.input, model.get_layer("concatenate").output)
    assert features.predict([A, B], verbose=0).shape == (40, 8)
    assert features.get_layer("dense") is model.get_layer("dense")
    tail = linnet.Model(model.get_layer("concatenate").output, model.get_layer("first").output)
    np.testing.assert_allclose(
        tail.predict(features.predict([A, B], verbose=0), verbose=0), model.predict([A, B], verbose=0)[0], rtol=1e-6
    )


def test_int_inputs_and_dict_inputs():
    words, x = linnet.Input((2,), dtype="int32", name="words"), linnet.Input((4,), name="x")
    table = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    y = layers.Concatenate()([layers.Flatten()(ops.take(table, words, axis=0)), x])
    model = linnet.Model({"words": words, "x": x}, {"y": y})
    ids = np.arange(80).reshape(40, 2) % 7
    found = model.predict({"x": A, "words": ids}, verbose=0)["y"]
    np.testing.assert_array_equal(found, np.concatenate([table[ids].reshape(40, 6), A], 1))


def test_subclass_made_of_a_graph():
    class Twice(linnet.Model):
        def __init__(self, units):
            x = linnet.Input((4,))
            super().__init__(inputs=x, outputs=layers.Dense(units)(x))
            self.factor = 2.0

        def call(self, x, training=None):
            return self.factor * super().call(x)

    model = Twice(3)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(model.predict(A, verbose=0), 2 * (A @ kernel + bias), rtol=1e-4, atol=1e-5)


def test_sizes_that_vary_between_batches():
    x = linnet.Input((None, 4))
    y = layers.Dense(2)(ops.relu(x))
    assert y.shape == (None, None, 2)
    model = linnet.Model(x, ops.mean(y, axis=1))
    assert model.output_shape == (None, 2)
    for length in (3, 9):
        assert model.predict(np.ones((5, length, 4)), verbose=0).shape == (5, 2)


def test_missing_input_and_wrong_arguments():
    a, b = linnet.Input((4,), name="a"), linnet.Input((4,), name="b")
    y = layers.Add()([a, b])
    with pytest.raises(ValueError, match='depend on the input "b", which is not among the inputs'):
        linnet.Model(a, y)
    with pytest.raises(ValueError, match="must be symbolic tensors"):
        linnet.Model(a, np.zeros((2, 4)))
    with pytest.raises(ValueError, match="twice"):
        linnet.Model([a, a, b], y)
    with pytest.raises(TypeError, match="keyword arguments only"):
        linnet.Model(a)


def test_symbolic_tensors_have_no_numbers():
    x = linnet.Input((4,))
    with pytest.raises(ValueError, match="has no numbers"):
        np.asarray(x)
    with pytest.raises(TypeError, match="truth value"):
        bool(x)
    with pytest.raises(TypeError):
        len(x)


def test_a_thousand_layers():
    x = y = linnet.Input((4,))
    for _ in range(1000):
        y = y + 1.0
    np.testing.assert_allclose(linnet.Model(x, y).predict(A, verbose=0), A + 1000, rtol=1e-5)


def test_batches_are_concatenated_along_their_axis():
    a, b = np.arange(15, dtype=np.float32).reshape(5, 3), np.ones((5, 3), np.float32)
    source, other = linnet.Input((3,)), linnet.Input((3,))
    pair = ops.concatenate([source, other], axis=0)
    model = linnet.Model([source, other], [pair, ops.concatenate([pair, source], axis=0)])
    for n in (5, 2):
        found = model.predict_on_batch([a[:n], b[:n]])
        np.testing.assert_array_equal(found[0], np.concatenate([a[:n], b[:n]]))
        np.testing.assert_array_equal(found[1], np.concatenate([a[:n], b[:n], a[:n]]))


def test_predict_on_batch_again_with_other_arrays():
    """The second call goes straight to the engine where it can, and gives the same as the first where it cannot."""
    x, other = linnet.Input((3,)), linnet.Input((2,))
    model = linnet.Model([x, other], [layers.Dense(4)(x), layers.Dense(5)(layers.concatenate([x, other]))])
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    expected = model.predict_on_batch([a, b])
    a32, b32 = a.astype(np.float32), b.astype(np.float32)
    for inputs in ([a32, b32], (a32, b32), [a, b32], [np.asfortranarray(a32), b32]):
        for _ in range(3):
            found = model.predict_on_batch(inputs)
            for got, right in zip(found, expected, strict=True):
                np.testing.assert_array_equal(got, right)
    for n in (1, 4, 6):
        np.testing.assert_allclose(model.predict_on_batch([a32[:n], b32[:n]])[1], expected[1][:n], rtol=1e-5, atol=1e-6)
    model.layers[-1].set_weights([np.zeros_like(w) for w in model.layers[-1].get_weights()])
    assert not model.predict_on_batch([a32, b32])[1].any()
    with pytest.raises(ValueError, match=r"\(3,\)|features|shape"):
        model.predict_on_batch([b32, a32])
    with pytest.raises(ValueError):
        model.predict_on_batch([a32, b32[:2]])


def test_a_layer_whose_configuration_has_no_name():
    class Own(layers.Layer):
        def __init__(self, factor=2.0):
            super().__init__()
            self.factor = factor

        def call(self, x):
            return x * self.factor

        def get_config(self):
            return {"factor": self.factor}

    source = linnet.Input((3,))
    model = linnet.Model(source, Own(3.0)(Own()(source)))
    twin = linnet.Model.from_config(model.get_config(), custom_objects={"Own": Own})
    np.testing.assert_array_equal(twin(np.ones((2, 3), np.float32)), np.full((2, 3), 6.0))
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
