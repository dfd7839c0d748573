"""Max and average pooling against NumPy."""

import numpy as np
import pytest
from support import check_layer, samples

from linnet import layers


def naive(x, pool, strides, same, reduce):
    n, h, w, c = x.shape
    if same:
        oh, ow = -(-h // strides[0]), -(-w // strides[1])
        ph, pw = max((oh - 1) * strides[0] + pool[0] - h, 0), max((ow - 1) * strides[1] + pool[1] - w, 0)
        x = np.pad(x, ((0, 0), (ph // 2, ph), (pw // 2, pw), (0, 0)), constant_values=np.nan)
    else:
        oh, ow = (h - pool[0]) // strides[0] + 1, (w - pool[1]) // strides[1] + 1
    y = np.empty((n, oh, ow, c))
    for i in range(oh):
        for j in range(ow):
            a, b = i * strides[0], j * strides[1]
            y[:, i, j] = reduce(x[:, a : a + pool[0], b : b + pool[1]], axis=(1, 2))
    return y


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("pool", "strides"), [((2, 2), (2, 2)), ((3, 2), (2, 1)), ((3, 3), (2, 2)), ((1, 4), (1, 3))])
@pytest.mark.parametrize(("name", "reduce"), [("MaxPooling2D", np.nanmax), ("AveragePooling2D", np.nanmean)])
def test_values(name, reduce, pool, strides, padding):
    x = samples((2, 7, 8, 3))
    y = getattr(layers, name)(pool, strides=strides, padding=padding)(x)
    np.testing.assert_allclose(y, naive(x, pool, strides, padding == "same", reduce), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["MaxPooling2D", "AveragePooling2D"])
@pytest.mark.parametrize(
    ("kwargs", "out_shape"),
    [
        ({}, (3, 4, 2)),
        ({"pool_size": 3, "strides": 1}, (4, 6, 2)),
        ({"pool_size": (2, 3), "padding": "same"}, (3, 3, 2)),
    ],
)
def test_layer(name, kwargs, out_shape):
    check_layer(getattr(layers, name), kwargs, (6, 8, 2), out_shape, 0)


def test_aliases_and_arguments():
    assert layers.MaxPool2D is layers.MaxPooling2D
    assert layers.AvgPool2D is layers.AveragePooling2D
    assert layers.MaxPooling2D(3).strides == (3, 3)
    with pytest.raises(ValueError, match="pool_size must be"):
        layers.MaxPooling2D(0)
    with pytest.raises(NotImplementedError, match="channels_first"):
        layers.AveragePooling2D(data_format="channels_first")
    with pytest.raises(ValueError, match="rank 4"):
        layers.MaxPooling2D()(np.zeros((1, 4, 4)))
