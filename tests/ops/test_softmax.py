"""Softmax along any axes."""

import numpy as np
import pytest
from support import check_op, samples

from linnet import ops


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@pytest.mark.parametrize("axis", [-1, 0, 1, (1, 2), None])
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1, 17), (2, 33, 1)])
def test_softmax(axis, shape):
    check_op(lambda x: ops.softmax(x, axis), lambda x: softmax(x, axis), [samples(shape)])
    check_op(lambda x: ops.log_softmax(x, axis), lambda x: np.log(softmax(x, axis)), [samples(shape)], rtol=1e-4)


@pytest.mark.parametrize("axis", [-1, 1])
def test_over_a_batch(axis):
    check_op(lambda x: ops.softmax(x, axis), lambda x: softmax(x, axis), [samples((5, 3, 4))], batched=True)


def test_large_scores():
    x = np.array([[1000.0, 0.0, -1000.0]], np.float32)
    np.testing.assert_array_equal(ops.softmax(x), [[1, 0, 0]])
    np.testing.assert_array_equal(ops.log_softmax(x), [[0, -1000, -2000]])


def test_attention():
    q, k, v = (samples((2, 5, 3, 4), seed) for seed in range(3))

    def oracle(q, k, v):
        scores = np.einsum("bqhd,bkhd->bhqk", q, k) / 2
        scores = np.where(np.tril(np.ones((5, 5))), scores, -1e9)
        return np.einsum("bhqk,bkhd->bqhd", softmax(scores), v)

    check_op(
        lambda q, k, v: ops.dot_product_attention(q, k, v, is_causal=True), oracle, [q, k, v], rtol=1e-4, atol=1e-5
    )
