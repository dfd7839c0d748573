"""Convolution against loops in float64: strides, dilation, groups, padding, sequences, hostile sizes."""

import itertools

import numpy as np
import pytest
from support import check_op, samples

from linnet import ops


def conv2d(x, kernel, strides=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1)):
    """The oracle: one product of matrices for each tap of the window."""
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    (n, h, w, c), (kh, kw, per, oc) = x.shape, kernel.shape
    groups = c // per
    oh = (h - (kh - 1) * dilation[0] - 1) // strides[0] + 1
    ow = (w - (kw - 1) * dilation[1] - 1) // strides[1] + 1
    y = np.zeros((n, oh, ow, oc))
    for i, j, g in itertools.product(range(kh), range(kw), range(groups)):
        top, left = i * dilation[0], j * dilation[1]
        patch = x[
            :, top : top + (oh - 1) * strides[0] + 1 : strides[0], left : left + (ow - 1) * strides[1] + 1 : strides[1]
        ]
        out = slice(g * oc // groups, (g + 1) * oc // groups)
        y[..., out] += patch[..., g * per : (g + 1) * per] @ kernel[i, j, :, out]
    return y


def same(size, window, stride, dilation=1):
    total = max((-(-size // stride) - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


@pytest.mark.parametrize(
    ("x", "kernel", "strides", "padding", "dilation"),
    [
        ((2, 6, 7, 3), (3, 3, 3, 4), 1, "valid", 1),
        ((2, 6, 7, 3), (3, 3, 3, 4), 1, "same", 1),
        ((2, 5, 5, 1), (5, 5, 1, 6), 1, "same", 1),
        ((1, 7, 9, 2), (3, 2, 2, 5), 2, "same", 1),
        ((1, 7, 9, 2), (3, 2, 2, 5), (2, 3), "valid", 1),
        ((2, 8, 8, 3), (3, 3, 3, 2), 1, "valid", 2),
        ((2, 8, 8, 3), (3, 3, 3, 2), 1, "same", 2),
        ((2, 4, 4, 16), (1, 1, 16, 17), 1, "valid", 1),
        ((2, 4, 4, 3), (1, 1, 3, 5), 2, "same", 1),
        ((1, 5, 5, 6), (3, 3, 2, 6), 1, "same", 1),
        ((2, 3, 3, 17), (3, 3, 17, 15), 1, "valid", 1),
        ((1, 1, 1, 1), (1, 1, 1, 1), 1, "valid", 1),
        ((0, 4, 4, 2), (3, 3, 2, 3), 1, "valid", 1),
    ],
)
def test_conv(x, kernel, strides, padding, dilation):
    pair = (strides, strides) if isinstance(strides, int) else strides
    amounts = ((0, 0), (0, 0))
    if padding == "same":
        amounts = tuple(same(x[i + 1], kernel[i], pair[i], dilation) for i in range(2))
    check_op(
        lambda x, k: ops.conv(x, k, strides, padding, dilation_rate=dilation),
        lambda x, k: conv2d(x, k, pair, amounts, (dilation, dilation)),
        [samples(x, 1), samples(kernel, 2)],
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize("channels", [15, 16, 33])
def test_wider_layers(channels):
    x, kernel = samples((2, 9, 10, channels), 1), samples((3, 3, channels, channels + 1), 2) / 8
    check_op(
        lambda x, k: ops.conv(x, k, padding="same"),
        lambda x, k: conv2d(x, k, padding=((1, 1), (1, 1))),
        [x, kernel],
        rtol=1e-4,
        atol=1e-4,
        differentiable=False,
    )


def test_conv_of_a_batch_with_bias_and_relu():
    kernel, bias = samples((3, 3, 2, 5), 2), samples((5,), 3)
    check_op(
        lambda x: ops.relu(ops.conv(x, kernel, padding="same") + bias),
        lambda x: np.maximum(conv2d(x, kernel, padding=((1, 1), (1, 1))) + bias, 0),
        [samples((4, 5, 6, 2))],
        rtol=1e-4,
        atol=1e-4,
        batched=True,
    )


@pytest.mark.parametrize(("padding", "amount"), [("valid", (0, 0)), ("same", (1, 1)), ("causal", (2, 0))])
def test_sequences(padding, amount):
    check_op(
        lambda x, k: ops.conv(x, k, padding=padding),
        lambda x, k: conv2d(x[:, None], k[None], padding=((0, 0), amount))[:, 0],
        [samples((2, 7, 3), 1), samples((3, 3, 4), 2)],
        rtol=1e-4,
        atol=1e-5,
    )


def test_depthwise_and_separable():
    x, depth, point = samples((2, 5, 6, 3), 1), samples((3, 3, 3, 2), 2), samples((1, 1, 6, 4), 3)

    def depthwise(x, kernel):
        return conv2d(x, kernel.reshape(3, 3, 1, 6))

    check_op(ops.depthwise_conv, depthwise, [x, depth], rtol=1e-4, atol=1e-4)
    check_op(
        ops.separable_conv,
        lambda x, d, p: conv2d(depthwise(x, d), p),
        [x, depth, point],
        rtol=1e-4,
        atol=1e-3,
        gradient_rtol=1e-2,
        gradient_atol=1e-2,
    )


def test_channels_first():
    x, kernel = samples((2, 3, 5, 6), 1), samples((3, 3, 3, 4), 2)
    expected = conv2d(x.transpose(0, 2, 3, 1), kernel).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(ops.conv(x, kernel, data_format="channels_first"), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda: ops.conv(np.zeros((1, 4, 4, 3)), np.zeros((3, 3, 2, 4))),
            "input has 3 channels, the kernel expects 2",
        ),
        (lambda: ops.conv(np.zeros((1, 2, 2, 3)), np.zeros((3, 3, 3, 4))), "conv2d"),
        (lambda: ops.conv(np.zeros((4, 3)), np.zeros((3, 3, 3, 4))), "expected a batch of sequences"),
        (lambda: ops.conv(np.zeros((1, 4, 4, 3)), np.zeros((3, 3, 3, 4)), padding="sme"), 'did you mean "same"'),
        (lambda: ops.conv(np.zeros((1, 4, 4, 3)), np.zeros((3, 3, 3, 4)), padding="causal"), "sequences only"),
        (lambda: ops.conv(np.zeros((1, 4, 4, 3)), np.zeros((3, 3, 3, 4)), strides=0), "strides must be"),
    ],
)
def test_errors(function, message):
    with pytest.raises(ValueError, match=message):
        function()
