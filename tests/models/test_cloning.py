"""clone_model: equal architecture, fresh weights, and the functions that may make and call the layers."""

import json

import numpy as np
import pytest

import linnet
from linnet import layers, ops
from linnet.models import clone_model

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


def sequential():
    return linnet.Sequential([linnet.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")], name="chain")


def functional():
    inner = sequential()
    source = linnet.Input((4,), name="x")
    shared = layers.Dense(4, name="shared")
    return linnet.Model(source, {"out": inner(shared(shared(source))) * 2.0}, name="graph")


@pytest.mark.parametrize("make", [sequential, functional])
@pytest.mark.parametrize("recursive", [False, True])
def test_equal_with_weights_of_its_own(make, recursive):
    model = make()
    twin = clone_model(model, recursive=recursive)
    assert type(twin) is type(model)
    assert twin.name == model.name
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    assert not {id(v) for v in twin.weights} & {id(v) for v in model.weights}
    assert not np.array_equal(twin.get_weights()[0], model.get_weights()[0])
    twin.set_weights(model.get_weights())
    for a, b in zip(ops_list(twin(X)), ops_list(model(X)), strict=True):
        np.testing.assert_array_equal(a, b)


def ops_list(value):
    return list(value.values()) if isinstance(value, dict) else [value]


def test_own_ways_to_make_and_call_layers():
    seen = []

    def wider(layer):
        seen.append(layer.name)
        if isinstance(layer, layers.Dense) and layer.name == "a":
            return layers.Dense(7, name="a")
        return type(layer).from_config(layer.get_config())

    assert clone_model(sequential(), clone_function=wider).get_layer("a").units == 7
    assert seen == ["a", "b"]
    seen.clear()
    clone_model(functional(), clone_function=wider)
    assert seen == ["shared", "chain"]
    seen.clear()
    twin = clone_model(functional(), clone_function=wider, recursive=True)
    assert seen == ["shared", "a", "b"]
    assert twin.get_layer("chain").get_layer("a").units == 7

    def doubled(layer, *args, **kwargs):
        return layer(*args, **kwargs) * 2.0

    source = linnet.Input((4,))
    model = linnet.Model(source, layers.Dense(3)(source))
    twin = clone_model(model, clone_function=lambda layer: layer, call_function=doubled)
    np.testing.assert_allclose(twin(X), 2 * model(X), rtol=1e-6)


def test_on_other_inputs():
    model = functional()
    image = linnet.Input((2, 2))
    twin = clone_model(model, input_tensors=layers.Flatten()(image))
    assert twin.output["out"].shape == (None, 2)
    chain = clone_model(sequential(), input_tensors=[linnet.Input((4,), name="given")])
    assert chain.input.name == "given"


def test_frozen_stays_frozen():
    for model in (sequential(), functional()):
        model.trainable = False
        assert clone_model(model).trainable_weights == []


def test_a_deferred_chain_and_a_subclass():
    assert [layer.units for layer in clone_model(linnet.Sequential([layers.Dense(3)])).layers] == [3]

    class Own(linnet.Model):
        def __init__(self, units=2, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(units)

        def call(self, x):
            return ops.relu(self.dense(x))

    model = Own(units=5)
    assert clone_model(model)(X).shape == (6, 5)
    with pytest.raises(ValueError, match="can be cloned so"):
        clone_model(model, clone_function=lambda layer: layer)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: clone_model(sequential(), call_function=lambda layer, x: x), "not for a Sequential"),
        (lambda: clone_model(sequential(), input_tensors=[1, 2]), "one input"),
        (lambda: clone_model(functional(), input_tensors=[linnet.Input((4,))] * 2), "1 inputs, got 2"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_architecture_as_json():
    model = linnet.Sequential([linnet.Input((4,)), linnet.layers.Dense(3, activation="relu"), linnet.layers.Dense(2)])
    again = linnet.models.model_from_json(model.to_json())
    assert again.to_json() == model.to_json()
    again.set_weights(model.get_weights())
    x = np.ones((2, 4), np.float32)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    with pytest.raises(ValueError, match="expected the configuration of a model, got that of a Dense"):
        linnet.models.model_from_json(json.dumps(linnet.saving.serialize_keras_object(model.layers[0])))
