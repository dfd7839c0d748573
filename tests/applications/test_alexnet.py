import pytest

from linnet.applications import AlexNet


def test_the_shapes_of_the_paper() -> None:
    model = AlexNet(classes=10)
    shapes = {layer.name: layer.output.shape[1:] for layer in model.layers}
    assert shapes["conv1"] == (55, 55, 96)
    assert shapes["pool1"] == (27, 27, 96)
    assert shapes["conv2"] == (27, 27, 256)
    assert shapes["pool2"] == (13, 13, 256)
    assert shapes["conv5"] == (13, 13, 256)
    assert shapes["pool5"] == (6, 6, 256)
    assert shapes["fc7"] == (4096,)
    assert shapes["predictions"] == (10,)
    assert model.get_layer("fc6").count_params() == 9216 * 4096 + 4096


def test_without_a_top_it_has_3_747_200_weights() -> None:
    model = AlexNet(include_top=False, input_shape=(67, 67, 3), pooling="max", name="features")
    assert model.name == "features"
    assert model.count_params() == 3_747_200
    assert model.output_shape == (None, 256)


def test_an_image_that_pooling_would_make_empty_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"alexnet: expected an input_shape .* from 67x67 on, got \(66, 67, 3\)"):
        AlexNet(input_shape=(66, 67, 3))
