"""What a configuration may name, and what it may not."""

import numpy as np
import pytest

import linnet
from linnet import saving
from linnet.saving import registry


def test_every_public_class_is_found_under_its_package_and_keras_name():
    assert registry.builtin_object("layers", "Dense") is linnet.layers.Dense
    assert registry.builtin_object("keras.layers", "Dense") is linnet.layers.Dense
    assert registry.builtin_object("linnet.losses", "MeanSquaredError") is linnet.losses.MeanSquaredError
    assert registry.builtin_object("keras.metrics", "MeanSquaredError") is linnet.metrics.MeanSquaredError
    schedules = linnet.optimizers.schedules
    assert registry.builtin_object("keras.optimizers.schedules", "CosineDecay") is schedules.CosineDecay
    assert registry.package_of(schedules.CosineDecay) == "optimizers.schedules"
    assert registry.builtin_object("keras.src.models.functional", "Functional") is linnet.models.Functional


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("subprocess", "Popen"),
        ("linnet.layers.layer", "functools"),
        ("layers", "importlib"),
        ("layers", "__getattr__"),
        ("layers", "__class__"),
        ("linnet", "utils"),
        ("saving", "files"),
        ("layers.dense", "Dense"),
        ("activations", "get"),
        ("optimizers", "schedules"),
        ("models", "load_model"),
        ("layers", "add"),
    ],
)
def test_nothing_else_is_found(module, name):
    assert registry.builtin_object(module, name) is None
    config = {"module": module, "class_name": name, "config": {}, "registered_name": None}
    with pytest.raises(ValueError, match=r"unknown object|not a class that can be made"):
        saving.deserialize_keras_object(config)


class Scale(linnet.layers.Layer):
    """A layer of the user's."""

    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor


def test_custom_objects_scope_and_registration():
    config = saving.serialize_keras_object(Scale(2.0))
    with pytest.raises(ValueError, match=r'unknown object "Scale".*custom_objects or registered with'):
        saving.deserialize_keras_object(config)
    assert saving.deserialize_keras_object(config, custom_objects={"Scale": Scale}).factor == 2.0
    with saving.custom_object_scope({"Scale": Scale}):
        assert saving.deserialize_keras_object(config).factor == 2.0
    with pytest.raises(ValueError, match="unknown object"):
        saving.deserialize_keras_object(config)

    @saving.register_keras_serializable(package="shop", name="Times")
    class Registered(Scale):
        pass

    assert saving.get_registered_name(Registered) == "shop>Times"
    assert saving.get_registered_object("shop>Times") is Registered
    assert "shop>Times" in saving.get_custom_objects()
    layer = saving.deserialize_keras_object(saving.serialize_keras_object(Registered(3.0)))
    assert type(layer) is Registered
    np.testing.assert_array_equal(layer(np.ones((1, 2))), [[3, 3]])


def test_only_what_can_be_saved_is_registered():
    with pytest.raises(ValueError, match=r"cannot be registered: it has no get_config\(\) method"):

        @saving.register_keras_serializable()
        class Bare:
            pass


def test_the_users_objects_come_first():
    class Dense(linnet.layers.Dense):
        pass

    config = saving.serialize_keras_object(linnet.layers.Dense(2))
    assert type(saving.deserialize_keras_object(config, custom_objects={"Dense": Dense})) is Dense
    assert type(saving.deserialize_keras_object(config)) is linnet.layers.Dense
