"""Max and average pooling of every rank against NumPy."""

import itertools

import numpy as np
import pytest
from support import check_layer, gradients, samples

from linnet import layers


def naive(x, pool, strides, same, reduce):
    """Pooling of x (n, ..., c), window by window."""
    sizes = x.shape[1:-1]
    if same:
        counts = [-(-size // step) for size, step in zip(sizes, strides, strict=True)]
        missing = [
            max((count - 1) * step + window - size, 0)
            for count, step, window, size in zip(counts, strides, pool, sizes, strict=True)
        ]
        x = np.pad(x, ((0, 0), *((m // 2, m) for m in missing), (0, 0)), constant_values=np.nan)
    else:
        counts = [(size - window) // step + 1 for size, window, step in zip(sizes, pool, strides, strict=True)]
    y = np.empty((x.shape[0], *counts, x.shape[-1]))
    for place in itertools.product(*(range(count) for count in counts)):
        window = [slice(i * step, i * step + k) for i, step, k in zip(place, strides, pool, strict=True)]
        y[(slice(None), *place)] = reduce(x[(slice(None), *window)], axis=tuple(range(1, x.ndim - 1)))
    return y


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("shape", "pool", "strides"),
    [
        ((2, 9, 3), (2,), (2,)),
        ((2, 9, 3), (4,), (3,)),
        ((2, 7, 8, 3), (2, 2), (2, 2)),
        ((2, 7, 8, 3), (3, 2), (2, 1)),
        ((2, 7, 8, 3), (3, 3), (2, 2)),
        ((2, 7, 8, 3), (1, 4), (1, 3)),
        ((2, 4, 5, 6, 3), (2, 2, 2), (2, 2, 2)),
        ((2, 5, 4, 7, 2), (3, 2, 3), (1, 2, 2)),
        ((1, 3, 3, 3, 17), (2, 3, 1), (2, 1, 1)),
    ],
)
@pytest.mark.parametrize(("name", "reduce"), [("MaxPooling", np.nanmax), ("AveragePooling", np.nanmean)])
def test_values(name, reduce, shape, pool, strides, padding):
    x = samples(shape)
    layer = getattr(layers, f"{name}{len(pool)}D")(pool, strides=strides, padding=padding)
    expected = naive(x, pool, strides, padding == "same", reduce)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["MaxPooling", "AveragePooling"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("pool", "strides"), [((2, 2, 2), (2, 2, 2)), ((2, 3, 2), (1, 2, 1))])
def test_gradient_of_volumes(name, padding, pool, strides):
    x = np.random.default_rng(5).permutation(2 * 4 * 5 * 4 * 2).reshape(2, 4, 5, 4, 2).astype(np.float32)
    reduce = {"MaxPooling": np.nanmax, "AveragePooling": np.nanmean}[name]
    shape = naive(x, pool, strides, padding == "same", reduce).shape
    weights = samples(shape, 3)
    layer = getattr(layers, f"{name}3D")(pool, strides=strides, padding=padding)
    got = gradients(lambda x: layer(x), [x], weights)[0]
    # A step of 0.25 changes no maximum: the values are integers.
    wide, expected = x.astype(np.float64), np.empty(x.shape)
    for i in np.ndindex(x.shape):
        wide[i] += 0.25
        above = np.sum(weights * naive(wide, pool, strides, padding == "same", reduce))
        wide[i] -= 0.5
        below = np.sum(weights * naive(wide, pool, strides, padding == "same", reduce))
        wide[i] += 0.25
        expected[i] = (above - below) / 0.5
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["MaxPooling2D", "AveragePooling2D"])
@pytest.mark.parametrize(
    ("kwargs", "out_shape"),
    [
        ({"pool_size": 2}, (3, 4, 2)),
        ({"pool_size": 3, "strides": 1}, (4, 6, 2)),
        ({"pool_size": (2, 3), "padding": "same"}, (3, 3, 2)),
    ],
)
def test_images(name, kwargs, out_shape):
    check_layer(getattr(layers, name), kwargs, (6, 8, 2), out_shape, 0)


@pytest.mark.parametrize("name", ["MaxPooling", "AveragePooling"])
def test_sequences_and_volumes(name):
    check_layer(getattr(layers, f"{name}1D"), {"pool_size": 2}, (7, 3), (3, 3), 0)
    check_layer(getattr(layers, f"{name}1D"), {"pool_size": 3, "strides": 2, "padding": "same"}, (7, 3), (4, 3), 0)
    check_layer(getattr(layers, f"{name}3D"), {"pool_size": 2}, (4, 5, 6, 2), (2, 2, 3, 2), 0)
    check_layer(
        getattr(layers, f"{name}3D"),
        {"pool_size": (1, 3, 2), "strides": (1, 2, 1), "padding": "same"},
        (3, 5, 4, 2),
        (3, 3, 4, 2),
        0,
    )


def test_aliases_and_arguments():
    for rank in (1, 2, 3):
        assert getattr(layers, f"MaxPool{rank}D") is getattr(layers, f"MaxPooling{rank}D")
        assert getattr(layers, f"AvgPool{rank}D") is getattr(layers, f"AveragePooling{rank}D")
        assert getattr(layers, f"MaxPooling{rank}D")().pool_size == (2,) * rank
    assert layers.MaxPooling2D(3).strides == (3, 3)
    assert layers.MaxPooling1D(3, 2, "same", name="p").name == "p"
    with pytest.raises(ValueError, match="pool_size must be"):
        layers.MaxPooling2D(0)
    with pytest.raises(ValueError, match="strides must be"):
        layers.MaxPooling3D(2, strides=(1, 2))
    with pytest.raises(NotImplementedError, match="channels_first"):
        layers.AveragePooling2D(2, data_format="channels_first")
    with pytest.raises(ValueError, match="padding"):
        layers.MaxPooling1D(padding="causal")
    with pytest.raises(ValueError, match="rank 4"):
        layers.MaxPooling2D()(np.zeros((1, 4, 4)))
    with pytest.raises(ValueError, match=r"the window \(2, 2, 2\) is larger than the input \(None, 4, 1, 4, 2\)"):
        layers.AveragePooling3D(2)(np.zeros((1, 4, 1, 4, 2)))
