"""Sequential: growing, shrinking, building later, configuration."""

import numpy as np
import pytest

import linnet
from linnet import layers

X = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)


def test_built_while_growing():
    model = linnet.Sequential()
    model.add(linnet.Input((4,)))
    assert not model.built
    model.add(layers.Dense(3))
    assert model.built
    assert model.output_shape == (None, 3)
    model.add(layers.Dense(2))
    assert [layer.name for layer in model.layers] == ["dense", "dense_1"]
    assert model.output_shape == (None, 2)
    assert model.predict(X, verbose=0).shape == (10, 2)
    assert model.pop().name == "dense_1"
    assert model.predict(X, verbose=0).shape == (10, 3)


@pytest.mark.parametrize("how", ["call", "build", "fit", "predict"])
def test_built_later(how):
    model = linnet.Sequential([layers.Dense(3), layers.ReLU(), layers.Dense(2)])
    assert not model.built
    assert model.weights == []
    with pytest.raises(AttributeError, match="not made of Inputs"):
        model.output_shape  # noqa: B018
    if how == "call":
        assert model(X).shape == (10, 2)
    elif how == "build":
        model.build((None, 4))
    elif how == "predict":
        model.predict(X, verbose=0)
    else:
        model.compile("sgd", "mse")
        model.fit(X, X[:, :2], verbose=0)
    assert model.built
    assert [w.shape for w in model.weights] == [(4, 3), (3,), (3, 2), (2,)]
    assert model.output_shape == (None, 2)


def test_input_shape_of_the_first_layer():
    model = linnet.Sequential([layers.Dense(3, input_shape=(4,))])
    assert model.input_shape == (None, 4)
    assert len(model.layers) == 1


def test_configuration():
    model = linnet.Sequential([linnet.Input((4,)), layers.Dense(3, activation="relu"), layers.Dropout(0.5)], name="net")
    twin = linnet.Sequential.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    assert twin.name == "net"
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    copy = linnet.models.clone_model(model)
    assert not np.array_equal(copy.get_weights()[0], model.get_weights()[0])


def test_dropout_only_in_training():
    model = linnet.Sequential([linnet.Input((4,)), layers.Dropout(0.5)])
    np.testing.assert_array_equal(model(X), X)
    np.testing.assert_array_equal(model.predict(X, verbose=0), X)
    dropped = model(X, training=True)
    assert (dropped == 0).any()
    assert not np.array_equal(dropped, model(X, training=True))  # other numbers every time


@pytest.mark.parametrize(
    ("added", "error", "message"),
    [
        (lambda: [layers.Dense(3, name="a"), layers.Dense(3, name="a")], ValueError, "names in a model must be unique"),
        (lambda: [layers.Dense(3), linnet.Input((3,))], ValueError, "can only come first"),
        (lambda: ["dense"], TypeError, "expected a layer"),
        (lambda: [layers.ReLU()(linnet.Input((3,)))], ValueError, "only the tensor of an Input"),
    ],
)
def test_wrong_layers(added, error, message):
    with pytest.raises(error, match=message):
        linnet.Sequential(added())


def test_pop_of_nothing():
    with pytest.raises(ValueError, match="no layer to remove"):
        linnet.Sequential([linnet.Input((3,))]).pop()
