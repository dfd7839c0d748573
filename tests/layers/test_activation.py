"""Activation by name and by function."""

import numpy as np
import pytest
from support import check_layer, samples

import linnet
from linnet.layers import Activation


@pytest.mark.parametrize("name", ["relu", "gelu", "softmax", "linear"])
def test_layer(name):
    check_layer(Activation, {"activation": name}, (3, 4), (3, 4), 0)


def test_function():
    x = samples((3, 4))
    np.testing.assert_allclose(Activation(lambda t: t * linnet.ops.tanh(t))(x), x * np.tanh(x), rtol=1e-5)
    assert Activation("tanh").get_config()["activation"] == "tanh"
    with pytest.raises(ValueError, match='unknown activation "than"; did you mean "tanh"'):
        Activation("than")
