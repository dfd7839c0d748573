"""Upsampling of sequences, images and volumes: nearest; of images, by interpolation, too."""

import numpy as np
import pytest
from support import check_layer, gradients, samples

from linnet import layers
from linnet.layers import UpSampling1D, UpSampling2D, UpSampling3D


def repeated(x, factors):
    for axis, factor in enumerate(factors, 1):
        x = np.repeat(x, factor, axis)
    return x


@pytest.mark.parametrize("size", [1, 2, 3])
def test_sequences(size):
    x = samples((2, 5, 3))
    np.testing.assert_array_equal(UpSampling1D(size)(x), repeated(x, [size]))
    check_layer(UpSampling1D, {"size": size}, (5, 3), (5 * size, 3), 0)
    weights = samples((2, 5 * size, 3), 1)
    got = gradients(lambda x: UpSampling1D(size)(x), [x], weights)[0]
    np.testing.assert_allclose(got, weights.reshape(2, 5, size, 3).sum(2), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [2, (1, 3), (3, 2)])
def test_images(size):
    factors = (size,) * 2 if isinstance(size, int) else size
    x = samples((2, 3, 4, 5))
    expected = repeated(x, factors)
    np.testing.assert_array_equal(UpSampling2D(size)(x), expected)
    check_layer(UpSampling2D, {"size": size}, (3, 4, 5), expected.shape[1:], 0)
    weights = samples(expected.shape, 1)
    got = gradients(lambda x: UpSampling2D(size)(x), [x], weights)[0]
    windows = weights.reshape(2, 3, factors[0], 4, factors[1], 5)
    np.testing.assert_allclose(got, windows.sum((2, 4)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos3", "lanczos5"])
def test_interpolation(interpolation):
    kwargs = {"size": (2, 3), "interpolation": interpolation}
    check_layer(UpSampling2D, kwargs, (4, 5, 2), (8, 15, 2), 0)
    flat = np.full((1, 4, 5, 1), 3.0)
    np.testing.assert_allclose(UpSampling2D(**kwargs)(flat), np.full((1, 8, 15, 1), 3.0), rtol=1e-5)


def test_bilinear_values():
    x = np.array([1.0, 3.0]).reshape(1, 1, 2, 1)
    y = UpSampling2D((1, 2), interpolation="bilinear")(x)
    np.testing.assert_allclose(y.ravel(), [1, 1.5, 2.5, 3], rtol=1e-6)


@pytest.mark.parametrize("size", [2, (1, 2, 3), (3, 1, 1)])
def test_volumes(size):
    factors = (size,) * 3 if isinstance(size, int) else size
    x = samples((2, 3, 2, 4, 5))
    expected = repeated(x, factors)
    np.testing.assert_array_equal(UpSampling3D(size)(x), expected)
    check_layer(UpSampling3D, {"size": size}, (3, 2, 4, 5), expected.shape[1:], 0)
    weights = samples(expected.shape, 1)
    got = gradients(lambda x: UpSampling3D(size)(x), [x], weights)[0]
    a, b, c = factors
    windows = weights.reshape(2, 3, a, 2, b, 4, c, 5)
    np.testing.assert_allclose(got, windows.sum((2, 4, 6)), rtol=1e-5, atol=1e-5)


def test_defaults_and_wrong_arguments():
    assert UpSampling1D().get_config()["size"] == 2
    assert UpSampling3D().size == (2, 2, 2)
    assert UpSampling2D().interpolation == "nearest"
    with pytest.raises(ValueError, match='unknown interpolation "linear"'):
        UpSampling2D(interpolation="linear")
    with pytest.raises(ValueError, match="size must be"):
        UpSampling1D(0)
    with pytest.raises(ValueError, match="rank 5"):
        UpSampling3D()(np.zeros((1, 2, 3, 4)))
    with pytest.raises(NotImplementedError, match="channels_first"):
        layers.UpSampling3D(2, data_format="channels_first")
