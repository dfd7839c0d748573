"""The updates that have a kernel of their own, against NumPy, over several steps."""

import numpy as np
import pytest
from support import samples

from linnet import Variable
from linnet.backend.trace import Trace

STEPS = 4


@pytest.mark.parametrize("size", [1, 16, 17, 1000])
def test_adam(size):
    w, m, v = Variable(samples((size,), 1)), Variable(np.zeros(size)), Variable(np.zeros(size))
    trace = Trace()
    with trace:
        g, done = trace.input("g", (size,)), trace.input("done", ())
        trace.effect("adam", [w, g, m, v, trace.tensor(0.01), done], beta_1=0.9, beta_2=0.99, epsilon=1e-7)
        program = trace.compile([trace.read(w)], 1)
    we, me, ve = w.numpy().astype(float), np.zeros(size), np.zeros(size)
    for step in range(STEPS):
        g = samples((size,), 10 + step)
        (seen,) = program.run(1, [g, np.array(step, np.float32)])
        me, ve = 0.9 * me + 0.1 * g, 0.99 * ve + 0.01 * g.astype(float) ** 2
        rate = 0.01 * np.sqrt(1 - 0.99 ** (step + 1)) / (1 - 0.9 ** (step + 1))
        we -= rate * me / (np.sqrt(ve) + 1e-7)
        np.testing.assert_allclose(w.numpy(), we, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(seen, w.numpy())  # a read after the update sees it
    np.testing.assert_allclose(v.numpy(), ve, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("momentum", [None, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd(momentum, nesterov):
    w, velocity = Variable(samples((33,), 1)), Variable(np.zeros(33))
    trace = Trace()
    with trace:
        g = trace.input("g", (33,))
        if momentum is None:
            trace.effect("sgd", [w, g, trace.tensor(0.1)])
        else:
            operands = [w, g, velocity, trace.tensor(0.1)]
            trace.effect("sgd_momentum", operands, momentum=momentum, nesterov=nesterov)
        program = trace.compile([], 1)
    we, ve = w.numpy().astype(float), np.zeros(33)
    for step in range(STEPS):
        g = samples((33,), 10 + step)
        program.run(1, [g])
        ve = (momentum or 0.0) * ve - 0.1 * g
        we = we + (momentum * ve - 0.1 * g if momentum and nesterov else ve)
        np.testing.assert_allclose(w.numpy(), we, rtol=1e-5, atol=1e-6)


def test_assignments_take_effect_at_the_end():
    a, b = Variable([1.0, 2.0]), Variable([10.0, 20.0])
    trace = Trace()
    with trace:
        old = a.value
        a.assign(a + b)
        b.assign_sub(old)  # the value before the assignment above
        program = trace.compile([old, a.value], 1)
    before, after = program.run(1, [])
    np.testing.assert_array_equal(before, [1, 2])
    np.testing.assert_array_equal(after, [11, 22])
    np.testing.assert_array_equal(a.numpy(), [11, 22])
    np.testing.assert_array_equal(b.numpy(), [9, 18])


def test_swap():
    a, b = Variable([1.0, 2.0]), Variable([10.0, 20.0])
    trace = Trace()
    with trace:
        first, second = a.value, b.value
        a.assign(second)
        b.assign(first)
        program = trace.compile([], 1)
    program.run(1, [])
    np.testing.assert_array_equal(a.numpy(), [10, 20])
    np.testing.assert_array_equal(b.numpy(), [1, 2])
