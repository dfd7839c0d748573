"""Control flow inside a model: branches are chosen by `where`, loops are unrolled."""

import numpy as np
import pytest
from support import check_function, samples

from linnet import layers, ops

X = samples((4, 3))


class Branch(layers.Layer):
    def call(self, x):
        doubled = ops.cond(ops.sum(x) > 0, lambda: x * 2, lambda: x - 1)
        return ops.switch(ops.cast(ops.sum(x) > 100, "int32"), [lambda y: y, lambda y: y * 0], doubled)


def test_branches():
    x = np.abs(X)
    np.testing.assert_allclose(Branch()(x), x * 2)
    np.testing.assert_allclose(Branch()(-x), -x - 1)


def test_loops_and_their_gradients():
    def running(x):
        return ops.scan(lambda carry, row: (carry * 0.5 + row, carry * 2), ops.zeros((3,)), x)[1]

    def oracle(x):
        carry, found = np.zeros(3), []
        for row in x:
            found.append(carry * 2)
            carry = carry * 0.5 + row
        return np.stack(found)

    check_function(running, oracle, [X])
    check_function(lambda x: ops.map(lambda row: ops.sum(row * row), x), lambda x: (x * x).sum(1), [X])
    check_function(lambda x: ops.fori_loop(0, 3, lambda i, v: v * x + i, x), lambda x: ((x * x) * x + 1) * x + 2, [X])


def test_while_loop():
    class Halve(layers.Layer):
        def call(self, x):
            return ops.while_loop(lambda v: ops.max(v) > 1, lambda v: v / 2, x, maximum_iterations=10)

    np.testing.assert_allclose(Halve()(np.array([[8.0, 3.0]], np.float32)), [[1.0, 0.375]])
    assert ops.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2), (0, 1)) == (3, 8)

    class Endless(layers.Layer):
        def call(self, x):
            return ops.while_loop(lambda v: ops.max(v) > 1, lambda v: v / 2, x)

    with pytest.raises(NotImplementedError, match="give maximum_iterations"):
        Endless()(X)
