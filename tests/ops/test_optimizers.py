"""Assignments in a trace: when they take effect."""

import numpy as np

from linnet import Variable
from linnet.backend.trace import Trace


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
