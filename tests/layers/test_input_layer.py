"""Input and InputLayer."""

import numpy as np
import pytest

import linnet
from linnet.layers import InputLayer


def test_shapes_types_names():
    x = linnet.Input((28, 28, 1))
    assert x.shape == (None, 28, 28, 1)
    assert x.dtype == "float32"
    assert linnet.Input((3,), batch_size=8).shape == (8, 3)
    assert linnet.Input(batch_shape=(None, 3)).shape == (None, 3)
    assert linnet.Input((), dtype="int64", name="ids").dtype == "int32"
    assert linnet.Input((), name="ids").name == "ids"
    assert linnet.Input(tensor=x).shape == x.shape


def test_configuration():
    layer = InputLayer((4,), dtype="int32", name="in")
    assert InputLayer.from_config(layer.get_config()).get_config() == layer.get_config()
    assert layer.output.shape == (None, 4)
    assert layer.weights == []


def test_a_fixed_batch_size_does_not_keep_smaller_batches_out():
    model = linnet.Sequential([linnet.Input((3,), batch_size=8), linnet.layers.ReLU()])
    assert model.predict(np.ones((11, 3)), verbose=0).shape == (11, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give the shape of one sample"),
        ({"shape": 3}, r"write \(3,\)"),
        ({"shape": (3,), "batch_shape": (None, 3)}, "not both"),
        ({"shape": (3, -1)}, "non-negative"),
        ({"shape": ("a",)}, "non-negative"),
        ({"shape": (3,), "sparse": True}, "not supported"),
        ({"shape": (3,), "dtype": "complex64"}, "not supported"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        linnet.Input(**arguments)
