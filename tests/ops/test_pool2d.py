"""Pooling against loops: what lies outside the image does not count."""

import numpy as np
import pytest
from support import check_op, samples

from linnet import ops


def pool(x, window, strides, padding, reduce):
    n, h, w, c = x.shape
    if padding == "same":
        oh, ow = -(-h // strides[0]), -(-w // strides[1])
        top = max((oh - 1) * strides[0] + window[0] - h, 0) // 2
        left = max((ow - 1) * strides[1] + window[1] - w, 0) // 2
    else:
        oh, ow, top, left = (h - window[0]) // strides[0] + 1, (w - window[1]) // strides[1] + 1, 0, 0
    y = np.zeros((n, oh, ow, c))
    for i in range(oh):
        for j in range(ow):
            a, b = i * strides[0] - top, j * strides[1] - left
            y[:, i, j] = reduce(x[:, max(a, 0) : a + window[0], max(b, 0) : b + window[1]], axis=(1, 2))
    return y


@pytest.mark.parametrize(("function", "reduce"), [(ops.max_pool, np.max), (ops.average_pool, np.mean)])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("shape", "window", "strides"),
    [
        ((2, 6, 6, 3), (2, 2), (2, 2)),
        ((2, 5, 7, 3), (2, 2), (2, 2)),
        ((1, 7, 8, 17), (3, 3), (2, 2)),
        ((2, 5, 5, 1), (3, 2), (1, 2)),
        ((1, 3, 3, 16), (3, 3), (1, 1)),
        ((0, 4, 4, 2), (2, 2), (2, 2)),
    ],
)
def test_pool(function, reduce, padding, shape, window, strides):
    check_op(
        lambda x: function(x, window, strides, padding),
        lambda x: pool(x, window, strides, padding, reduce),
        [samples(shape)],
    )


def test_pool_of_a_batch():
    check_op(
        lambda x: ops.max_pool(x, 2),
        lambda x: pool(x, (2, 2), (2, 2), "valid", np.max),
        [samples((3, 4, 4, 2))],
        batched=True,
    )


def test_sequences():
    x = samples((2, 6, 3))
    np.testing.assert_allclose(ops.max_pool(x, 2), x.reshape(2, 3, 2, 3).max(2))
    np.testing.assert_allclose(ops.average_pool(x, 3), x.reshape(2, 2, 3, 3).mean(2), rtol=1e-5)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: ops.max_pool(np.zeros((1, 2, 2, 1)), 3), "max_pool: the window"),
        (lambda: ops.max_pool(np.zeros((1, 4, 4, 4, 1)), 5), "max_pool: the window"),
        (lambda: ops.max_pool(np.zeros((1, 4, 4, 1)), (2, 2, 2)), "pool_size must be"),
        (lambda: ops.average_pool(np.zeros((1, 4, 4, 1)), 2, padding="full"), 'unknown padding "full"'),
    ],
)
def test_errors(function, message):
    with pytest.raises(ValueError, match=message):
        function()
