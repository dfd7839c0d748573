"""Nadam against its formula; the product of momentums grows by updates, not by calls that only accumulate."""

import numpy as np
import pytest
from support_optimizers import check

from linnet.backend.flat import FlatParameters
from linnet.backend.trace import Trace
from linnet.backend.variable import Variable
from linnet.optimizers import Nadam


def momentum(t):
    return 0.9 * (1 - 0.5 * 0.96**t)


def update(w, g, s, t):
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.99 * s.get("v", 0) + 0.01 * g * g
    product = np.prod([momentum(i) for i in range(1, t + 1)])
    mean = momentum(t + 1) * s["m"] / (1 - product * momentum(t + 1)) + (1 - momentum(t)) * g / (1 - product)
    return w - 0.01 * mean / (np.sqrt(s["v"] / (1 - 0.99**t)) + 1e-3)


def test_values():
    check(lambda: Nadam(0.01, beta_2=0.99, epsilon=1e-3), update)


@pytest.mark.parametrize("flat", [True, False])
def test_accumulating_calls_leave_the_product_alone(flat):
    optimizer, weight = Nadam(0.01, gradient_accumulation_steps=5), Variable(np.ones(3, np.float32), name="w")
    trace = Trace(flat=FlatParameters([weight]) if flat else None)
    with trace:
        optimizer.apply([trace.input("g", (3,))], [weight])
    program = trace.compile([], 1)
    for calls in range(1, 11):
        program.run(1, [np.ones(3, np.float32)])
        wanted = np.prod([momentum(t) for t in range(1, calls // 5 + 1)])
        assert optimizer._u_product.numpy() == pytest.approx(wanted, rel=1e-6)
