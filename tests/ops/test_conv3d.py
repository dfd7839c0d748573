"""Convolution of volumes and transposed convolution of all ranks, against float64 loops."""

import itertools

import numpy as np
import pytest
from support import check_op, samples

from linnet import ops


def correlate(x, kernel, strides, padding, dilation):
    """The oracle for any number of axes. padding: (before, after) of each."""
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    window, per, oc = kernel.shape[:-2], kernel.shape[-2], kernel.shape[-1]
    groups = x.shape[-1] // per
    out = [(n - (k - 1) * d - 1) // s + 1 for n, k, d, s in zip(x.shape[1:-1], window, dilation, strides, strict=True)]
    y = np.zeros((len(x), *out, oc))
    for tap in itertools.product(*map(range, window)):
        places = [
            slice(t * d, t * d + (o - 1) * s + 1, s) for t, d, o, s in zip(tap, dilation, out, strides, strict=True)
        ]
        patch = x[(slice(None), *places)]
        for g in range(groups):
            filters = slice(g * oc // groups, (g + 1) * oc // groups)
            y[..., filters] += patch[..., g * per : (g + 1) * per] @ kernel[tap][:, filters]
    return y


def scatter(x, kernel, strides, dilation):
    """Every value adds its multiple of the kernel (window..., cout, cin): the whole transposed convolution."""
    window = kernel.shape[:-2]
    out = [(n - 1) * s + (k - 1) * d + 1 for n, k, d, s in zip(x.shape[1:-1], window, dilation, strides, strict=True)]
    y = np.zeros((len(x), *out, kernel.shape[-2]))
    for tap in itertools.product(*map(range, window)):
        places = [
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, n, s in zip(tap, dilation, x.shape[1:-1], strides, strict=True)
        ]
        y[(slice(None), *places)] += x @ kernel[tap].T
    return y


def same(size, window, stride, dilation=1):
    total = max((-(-size // stride) - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("x", "kernel", "strides", "dilation"),
    [
        ((2, 4, 5, 4, 2), (3, 3, 3, 2, 3), (1, 1, 1), (1, 1, 1)),
        ((1, 5, 4, 6, 3), (2, 3, 1, 3, 2), (2, 1, 3), (1, 1, 1)),
        ((1, 6, 5, 5, 4), (3, 2, 2, 2, 4), (1, 1, 1), (2, 1, 3)),
        ((2, 3, 2, 3, 2), (1, 1, 1, 2, 5), (2, 2, 2), (1, 1, 1)),
    ],
)
def test_volumes(x, kernel, strides, dilation, padding):
    amounts = [(0, 0)] * 3
    if padding == "same":
        amounts = [same(x[i + 1], kernel[i], strides[i], dilation[i]) for i in range(3)]
    check_op(
        lambda x, k: ops.conv(x, k, strides, padding, dilation_rate=dilation),
        lambda x, k: correlate(x, k, strides, amounts, dilation),
        [samples(x, 1), samples(kernel, 2)],
        rtol=1e-4,
        atol=1e-4,
    )


def keras_lengths(size, k, stride, padding, extra):
    """The output size that Keras documents, and how many values of the whole result it drops in front."""
    if padding == "valid":
        extra = max(k, stride) - k if extra is None else extra
        return (size - 1) * stride + k + extra, 0
    length = size * stride if extra is None else (size - 1) * stride + k % 2 + extra
    kept = stride + k - 2 if extra is None else k + k % 2 - 2 + extra
    return length, k - 1 - min(kept // 2 + kept % 2, k - 1)


TRANSPOSED = [
    ((2, 5, 3), (3, 2, 3), 1, 1, None),
    ((1, 4, 2), (4, 3, 2), 2, 1, None),
    ((1, 4, 2), (1, 3, 2), 3, 1, None),
    ((1, 5, 2), (3, 2, 2), 1, 3, None),
    ((2, 3, 4, 3), (3, 3, 2, 3), (1, 1), (1, 1), None),
    ((1, 3, 4, 2), (5, 2, 3, 2), (2, 3), (1, 1), None),
    ((1, 3, 4, 2), (3, 4, 3, 2), (2, 3), (1, 1), (1, 0)),
    ((1, 3, 4, 2), (3, 2, 3, 2), (2, 2), (1, 1), (0, 1)),
    ((1, 4, 3, 2), (2, 3, 3, 2), (1, 1), (2, 2), None),
    ((1, 2, 3, 2, 2), (3, 2, 3, 2, 2), (2, 1, 2), (1, 1, 1), None),
    ((1, 3, 2, 2, 2), (2, 3, 2, 3, 2), (1, 1, 1), (2, 1, 1), None),
]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("x", "kernel", "strides", "dilation", "extra"), TRANSPOSED)
def test_conv_transpose(x, kernel, strides, dilation, extra, padding):
    rank = len(x) - 2
    s = (strides,) * rank if isinstance(strides, int) else strides
    d = (dilation,) * rank if isinstance(dilation, int) else dilation
    found = [
        keras_lengths(x[i + 1], (kernel[i] - 1) * d[i] + 1, s[i], padding, None if extra is None else extra[i])
        for i in range(rank)
    ]

    def oracle(x, k):
        whole = scatter(x, k, s, d)
        room = [(0, max(front + length - n, 0)) for (length, front), n in zip(found, whole.shape[1:-1], strict=True)]
        whole = np.pad(whole, ((0, 0), *room, (0, 0)))
        return whole[(slice(None), *[slice(front, front + length) for length, front in found])]

    check_op(
        lambda x, k: ops.conv_transpose(x, k, strides, padding, extra, dilation_rate=dilation),
        oracle,
        [samples(x, 1), samples(kernel, 2)],
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize(("stride", "padding"), [(1, 1), (2, 1), (3, 0)])
def test_conv_transpose_agrees_with_torch(stride, padding):
    torch = pytest.importorskip("torch")
    x, kernel = samples((2, 5, 6, 3), 1), samples((3, 3, 4, 3), 2)
    theirs = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(x.transpose(0, 3, 1, 2).copy()),
        torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()),
        stride=stride,
    )
    ours = ops.conv_transpose(x, kernel, stride)
    np.testing.assert_allclose(ours, theirs.numpy().transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-4)


def test_a_batch_with_bias_and_relu():
    kernel, bias = samples((2, 3, 3, 2, 4), 2), samples((4,), 3)
    check_op(
        lambda x: ops.relu(ops.conv(x, kernel, padding="same") + bias),
        lambda x: np.maximum(correlate(x, kernel, (1, 1, 1), [(0, 1), (1, 1), (1, 1)], (1, 1, 1)) + bias, 0),
        [samples((3, 3, 4, 5, 2))],
        rtol=1e-4,
        atol=1e-4,
        batched=True,
    )


def test_depthwise_and_separable_sequences():
    x, depth, point = samples((2, 7, 3), 1), samples((3, 3, 2), 2), samples((1, 6, 4), 3)

    def depthwise(x, kernel):
        return correlate(x, kernel.reshape(3, 1, 6), (2,), [same(7, 3, 2)], (1,))

    check_op(lambda x, k: ops.depthwise_conv(x, k, 2, "same"), depthwise, [x, depth], rtol=1e-4, atol=1e-4)
    check_op(
        lambda x, d, p: ops.separable_conv(x, d, p, 2, "same"),
        lambda x, d, p: correlate(depthwise(x, d), p, (1,), [(0, 0)], (1,)),
        [x, depth, point],
        rtol=1e-4,
        atol=1e-3,
        gradient_rtol=1e-2,
        gradient_atol=1e-2,
    )


def test_channels_first():
    x, kernel = samples((2, 3, 4, 5, 6), 1), samples((2, 3, 3, 3, 4), 2)
    expected = ops.conv(x.transpose(0, 2, 3, 4, 1), kernel).transpose(0, 4, 1, 2, 3)
    np.testing.assert_array_equal(ops.conv(x, kernel, data_format="channels_first"), expected)
    x, kernel = samples((2, 3, 4, 5), 1), samples((3, 3, 2, 3), 2)
    expected = ops.conv_transpose(x.transpose(0, 2, 3, 1), kernel, 2).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(ops.conv_transpose(x, kernel, 2, data_format="channels_first"), expected)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: ops.conv(np.zeros((1, 4, 4, 4, 3)), np.zeros((3, 3, 3, 2, 4))), "3 channels, the kernel expects 2"),
        (lambda: ops.conv(np.zeros((1, 4, 4, 4, 3)), np.zeros((3, 3, 3, 4))), "does not fit inputs of rank 5"),
        (lambda: ops.conv(np.zeros((1, 4, 4, 4, 3)), np.zeros((1, 1, 1, 3, 4)), padding="causal"), "sequences only"),
        (lambda: ops.conv(np.zeros((1, 2, 4, 4, 3)), np.zeros((3, 3, 3, 3, 4))), "window is larger"),
        (lambda: ops.conv_transpose(np.zeros((1, 4, 4, 3)), np.zeros((3, 3, 3, 4))), "the kernel expects 4"),
        (lambda: ops.conv_transpose(np.zeros((1, 4, 3)), np.zeros((3, 2, 3)), padding="causal"), "unknown padding"),
        (lambda: ops.conv_transpose(np.zeros((1, 4, 3)), np.zeros((3, 2, 3)), 2, output_padding=2), "below the stride"),
        (lambda: ops.conv_transpose(np.zeros((1, 4, 3)), np.zeros((3, 2, 3)), 2, output_padding=-1), "not negative"),
    ],
)
def test_errors(function, message):
    with pytest.raises((ValueError, NotImplementedError), match=message):
        function()
