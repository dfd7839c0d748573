"""Wrapper: a layer of one's own around another."""

from typing import Any

import numpy as np
import pytest
from support import check_layer, gradients, samples

import linnet
from linnet import ops
from linnet.layers import Dense, Wrapper


@linnet.saving.register_keras_serializable("test_wrapper")
class Twice(Wrapper):
    """Applies its layer two times."""

    def call(self, inputs: Any) -> Any:
        return self.layer(self.layer(inputs))


def test_layer():
    check_layer(lambda **kwargs: Twice(Dense(4, activation="tanh"), **kwargs), {}, (4,), (4,), 2)


def test_values_and_gradient():
    layer = Twice(Dense(3, use_bias=False))
    x, weights = samples((2, 3)), samples((2, 3), 1)
    y = layer(x)
    (kernel,) = layer.get_weights()
    np.testing.assert_allclose(y, x @ kernel @ kernel, rtol=1e-5, atol=1e-6)
    got = gradients(lambda x: layer(x), [x], weights)[0]
    np.testing.assert_allclose(got, weights @ kernel.T @ kernel.T, rtol=1e-5, atol=1e-6)


def test_the_inner_layer_is_saved_with_it():
    layer = Twice(Dense(4, activation="relu"))
    twin = Twice.from_config(layer.get_config())
    assert twin.layer.units == 4
    assert layer(samples((2, 4))).shape == (2, 4)
    assert twin.get_config() == layer.get_config()


def test_no_layer():
    with pytest.raises(TypeError, match="Twice needs a layer to wrap"):
        Twice(ops.relu)
