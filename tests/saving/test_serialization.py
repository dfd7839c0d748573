"""Values to JSON and back."""

import json

import numpy as np
import pytest

import linnet
from linnet import saving


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        2.5,
        "text",
        [1, [2, "a"]],
        (1, (2, None)),
        {"a": (1, 2), "b": [3]},
        slice(1, None, 2),
        float("inf"),
    ],
)
def test_round_trip(value):
    again = saving.deserialize_keras_object(json.loads(json.dumps(saving.serialize_keras_object(value))))
    assert again == value
    assert type(again) is type(value)


def test_numpy():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    again = saving.deserialize_keras_object(json.loads(json.dumps(saving.serialize_keras_object(array))))
    np.testing.assert_array_equal(again, array)
    assert again.dtype == array.dtype
    assert saving.serialize_keras_object(np.float32(1.5)) == 1.5
    assert saving.serialize_keras_object(np.dtype("int32")) == "int32"


def test_form_is_that_of_keras():
    config = saving.serialize_keras_object(linnet.initializers.HeNormal(seed=1))
    assert config == {
        "module": "initializers",
        "class_name": "HeNormal",
        "config": {"seed": 1},
        "registered_name": None,
    }
    keras = {**config, "module": "keras.initializers"}
    assert type(saving.deserialize_keras_object(keras)) is linnet.initializers.HeNormal


def test_a_layer_written_by_keras():
    config = {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {
            "name": "head",
            "trainable": True,
            "dtype": {
                "module": "keras",
                "class_name": "DTypePolicy",
                "config": {"name": "float32"},
                "registered_name": None,
            },
            "units": 3,
            "activation": "softmax",
            "use_bias": True,
            "kernel_initializer": {
                "module": "keras.initializers",
                "class_name": "GlorotUniform",
                "config": {"seed": None},
                "registered_name": None,
            },
            "bias_initializer": {
                "module": "keras.initializers",
                "class_name": "Zeros",
                "config": {},
                "registered_name": None,
            },
            "kernel_regularizer": None,
            "bias_regularizer": None,
        },
        "registered_name": None,
        "build_config": {"input_shape": [None, 4]},
    }
    layer = saving.deserialize_keras_object(config)
    assert (layer.name, layer.units, layer.activation) == ("head", 3, linnet.activations.softmax)


def test_what_cannot_be_saved():
    with pytest.raises(ValueError, match="a lambda cannot be saved"):
        saving.serialize_keras_object(lambda x: x)
    with pytest.raises(TypeError, match=r"it has no get_config\(\) method"):
        saving.serialize_keras_object(object())


@pytest.mark.parametrize(
    "config",
    [
        {"class_name": "Dense", "module": "layers", "config": 3},
        {"class_name": "Dense", "module": 5, "config": {}},
        {"class_name": "relu", "module": "activations", "config": {}},
        {"class_name": "function", "module": "os", "config": "system"},
        {"class_name": "function", "module": "builtins", "config": "eval", "registered_name": "eval"},
    ],
)
def test_hostile_configurations(config):
    with pytest.raises(ValueError):
        saving.deserialize_keras_object(config)
