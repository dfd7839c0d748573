"""Results that are computed right in the variable they are assigned to: the same numbers as with a copy, whatever else
reads the variable, and no memory of their own."""

from __future__ import annotations

import os

import numpy as np
import pytest

from linnet import ops
from linnet.backend.trace import Trace
from linnet.backend.variable import Variable

SIZE = 40_000


def add_one(a, b, x):
    a.assign(a + 1.0)


def descend(a, b, x):
    b.assign(0.9 * b + x)
    a.assign(a - 0.1 * b)
    return ops.sum(a.value)


def read_before_and_after(a, b, x):
    before = ops.sum(a * 3.0)
    new = a * 2.0 + x
    later = ops.max(a.value)  # of the old value, recorded after the new one
    a.assign(new)
    return before, later, ops.min(a.value)


def swap(a, b, x):
    old = a.value
    a.assign(b * 1.0)
    b.assign(old * 1.0)


def twice(a, b, x):
    a.assign(a + x)
    a.assign(a * 2.0)


def shown_too(a, b, x):
    new = a * x
    a.assign(new)
    return new


def to_both(a, b, x):
    new = a * x
    a.assign(new)
    b.assign(new)


def neighbours(a, b, x):
    a.assign(a + ops.flip(a, 0))


def over_all(a, b, x):
    a.assign(a / ops.sum(a * 1.0) + b)


def old_value_at_the_end(a, b, x):
    old = a.value
    a.assign(a + x)
    b.assign(old * b)


CASES = [
    add_one,
    descend,
    read_before_and_after,
    swap,
    twice,
    shown_too,
    to_both,
    neighbours,
    over_all,
    old_value_at_the_end,
]


def run(step, size: int = 37, runs: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    a, b = (Variable(rng.random(size).astype(np.float32) + 0.5, name=name) for name in "ab")
    trace = Trace()
    with trace:
        found = step(a, b, trace.input("x", (size,)))
    outputs = [] if found is None else [trace.tensor(t) for t in (found if isinstance(found, tuple) else (found,))]
    program = trace.compile(outputs, 1)
    shown = []
    for i in range(runs):
        shown += program.run(1, [rng.random(size).astype(np.float32) + i])
    return [*shown, a.numpy(), b.numpy()]


@pytest.mark.parametrize("step", CASES, ids=lambda step: step.__name__)
def test_the_same_as_with_a_copy(step, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = run(step)
    monkeypatch.setenv("LINNET_DEBUG", "noplan,nofuse")
    copied = run(step)
    assert len(planned) == len(copied)
    for got, want in zip(planned, copied, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_what_is_assigned_needs_no_memory_of_its_own() -> None:
    a, b = Variable(np.ones(SIZE, np.float32), name="a"), Variable(np.ones(SIZE, np.float32), name="b")
    trace = Trace()
    with trace:
        descend(a, b, trace.input("x", (SIZE,)))
    assert trace.compile([], 1).executable.memory()["arena"] < 4 * SIZE
    assert "LINNET_DEBUG" not in os.environ
