import numpy as np

from linnet.applications import VGG16, VGG19


def test_the_convolutions_of_configuration_d() -> None:
    model = VGG16(include_top=False)
    names = [layer.name for layer in model.layers if "conv" in layer.name]
    blocks = [sum(name.startswith(f"block{block}_") for name in names) for block in range(1, 6)]
    assert blocks == [2, 2, 3, 3, 3]
    assert model.count_params() == 14_714_688
    assert model.output_shape == (None, 7, 7, 512)


def test_configuration_e_has_three_more() -> None:
    assert VGG19(include_top=False).count_params() == 20_024_384


def test_the_top() -> None:
    model = VGG16(input_shape=(32, 32, 3), classes=5)
    assert [layer.name for layer in model.layers[-4:]] == ["flatten", "fc1", "fc2", "predictions"]
    probabilities = model.predict(np.zeros((2, 32, 32, 3), np.float32), verbose=0)
    assert probabilities.shape == (2, 5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)
