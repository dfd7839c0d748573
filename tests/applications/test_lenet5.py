import pytest

import linnet
from linnet.applications import LeNet5


def test_the_shapes_of_the_paper() -> None:
    model = LeNet5()
    shapes = {layer.name: layer.output.shape[1:] for layer in model.layers}
    assert shapes["c1"] == (28, 28, 6)
    assert shapes["s2"] == (14, 14, 6)
    assert shapes["c3"] == (10, 10, 16)
    assert shapes["s4"] == (5, 5, 16)
    assert shapes["c5"] == (120,)
    assert shapes["f6"] == (84,)
    assert shapes["output"] == (10,)
    weights = {layer.name: layer.count_params() for layer in model.layers if layer.count_params()}
    assert weights == {"c1": 156, "c3": 2416, "c5": 48120, "f6": 10164, "output": 850}


def test_arguments() -> None:
    model = LeNet5((32, 32, 3), classes=4, classifier_activation=None, dropout=0.3, name="small")
    assert model.name == "small"
    assert model.output_shape == (None, 4)
    assert sum(isinstance(layer, linnet.layers.Dropout) for layer in model.layers) == 2
    with pytest.raises(ValueError, match="from 12x12 on, got"):
        LeNet5((8, 8, 1))
