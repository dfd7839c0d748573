import linnet
from linnet.applications import MLP


def test_hidden_layers() -> None:
    model = MLP((28, 28, 1), hidden=(512, 64), classes=7, dropout=0.2)
    dense = [layer.units for layer in model.layers if isinstance(layer, linnet.layers.Dense)]
    assert dense == [512, 64, 7]
    assert sum(isinstance(layer, linnet.layers.Dropout) for layer in model.layers) == 2
    assert model.count_params() == 785 * 512 + 513 * 64 + 65 * 7


def test_no_hidden_layer() -> None:
    assert MLP((5,), hidden=()).count_params() == 60
