"""Conv2D against naive loops, and its arguments. (Kernels and gradients are tested in tests/ops and tests/cpp.)"""

import numpy as np
import pytest
from support import check_layer, samples

from linnet.backend.errors import UnsupportedError
from linnet.layers import Conv2D


@pytest.mark.parametrize(
    ("kwargs", "in_shape", "out_shape", "n_weights"),
    [
        ({"filters": 4, "kernel_size": 3}, (8, 7, 2), (6, 5, 4), 2),
        ({"filters": 4, "kernel_size": (3, 2), "padding": "same", "use_bias": False}, (5, 6, 3), (5, 6, 4), 1),
        (
            {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "tanh"},
            (7, 8, 1),
            (4, 4, 3),
            2,
        ),
        ({"filters": 2, "kernel_size": 3, "dilation_rate": 2}, (9, 9, 1), (5, 5, 2), 2),
        ({"filters": 6, "kernel_size": 1, "groups": 3, "kernel_regularizer": "l2"}, (4, 4, 3), (4, 4, 6), 2),
        ({"filters": 3, "kernel_size": 3, "groups": 3, "padding": "SAME"}, (4, 4, 3), (4, 4, 3), 2),
    ],
)
def test_layer(kwargs, in_shape, out_shape, n_weights):
    check_layer(Conv2D, kwargs, in_shape, out_shape, n_weights)


def naive(x, kernel, bias, strides, same, dilation, groups):
    n, h, w, _ = x.shape
    kh, kw, per_group, filters = kernel.shape
    eh, ew = (kh - 1) * dilation[0] + 1, (kw - 1) * dilation[1] + 1
    if same:
        oh, ow = -(-h // strides[0]), -(-w // strides[1])
        ph, pw = max((oh - 1) * strides[0] + eh - h, 0), max((ow - 1) * strides[1] + ew - w, 0)
        x = np.pad(x, ((0, 0), (ph // 2, ph - ph // 2), (pw // 2, pw - pw // 2), (0, 0)))
    else:
        oh, ow = (h - eh) // strides[0] + 1, (w - ew) // strides[1] + 1
    y = np.zeros((n, oh, ow, filters)) + bias
    for i in range(oh):
        for j in range(ow):
            window = x[:, i * strides[0] : i * strides[0] + eh : dilation[0], j * strides[1] :, :]
            window = window[:, :, : ew : dilation[1], :]
            for f in range(filters):
                first = f // (filters // groups) * per_group
                y[:, i, j, f] += np.sum(window[..., first : first + per_group] * kernel[..., f], axis=(1, 2, 3))
    return y


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("kernel_size", "strides", "dilation", "groups"),
    [
        ((3, 3), (1, 1), (1, 1), 1),
        ((2, 5), (3, 2), (1, 1), 2),
        ((3, 2), (1, 1), (2, 3), 1),
        ((1, 1), (2, 2), (1, 1), 4),
    ],
)
def test_values(kernel_size, strides, dilation, groups, padding):
    x = samples((2, 9, 10, 4))
    layer = Conv2D(8, kernel_size, strides=strides, padding=padding, dilation_rate=dilation, groups=groups)
    layer.build((None, 9, 10, 4))
    kernel, bias = samples(layer.kernel.shape, 1), samples((8,), 2)
    layer.set_weights([kernel, bias])
    expected = naive(x.astype(float), kernel, bias, strides, padding == "same", dilation, groups)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_wrong_channels_name_the_layer_and_both_numbers():
    layer = Conv2D(2, 3, name="edges")
    layer.build((None, 8, 8, 4))
    with pytest.raises(ValueError, match=r'conv2d "edges": expected size 4 in axis -1 of the input, got 3'):
        layer(np.zeros((1, 8, 8, 3)))
    with pytest.raises(ValueError, match=r'conv2d "edges": expected an input of rank 4, got rank 3'):
        layer(np.zeros((1, 8, 8)))


def test_window_larger_than_the_image():
    with pytest.raises(ValueError, match="conv2d"):
        Conv2D(2, 5)(np.zeros((1, 4, 4, 1)))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"filters": 0}, "filters must be a positive integer, not 0"),
        ({"kernel_size": (3, 3, 3)}, "kernel_size must be an integer of at least 1, or a pair"),
        ({"kernel_size": 0}, "kernel_size must be"),
        ({"strides": -1}, "strides must be"),
        ({"padding": "sam"}, 'unknown padding "sam"; did you mean "same"'),
        ({"groups": 3}, r"filters \(4\) must be divisible by groups \(3\)"),
        ({"strides": 2, "dilation_rate": 2}, "cannot both be above 1"),
        ({"data_format": "nhwc"}, 'unknown data_format "nhwc"'),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        Conv2D(**{"filters": 4, "kernel_size": 3, **kwargs})


def test_groups_must_divide_the_channels():
    with pytest.raises(ValueError, match="3 channels cannot be divided into 2 groups"):
        Conv2D(4, 1, groups=2)(np.zeros((1, 4, 4, 3)))


def test_channels_first_is_not_supported():
    with pytest.raises(UnsupportedError, match=r'"channels_first" is not supported: give images as \(n, height'):
        Conv2D(4, 3, data_format="channels_first")
