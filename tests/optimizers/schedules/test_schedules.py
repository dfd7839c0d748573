"""Every schedule against its formula, at once and traced, and its configuration."""

import numpy as np
import pytest
from support import run_traced

from linnet.optimizers import schedules

STEPS = (0, 1, 5, 9, 10, 11, 25, 99, 100, 250)


def polynomial(step, power=2.0, cycle=False):
    steps = 10.0
    if cycle:
        steps *= max(1, np.ceil(step / 10))
    else:
        step = min(step, 10)
    return (0.5 - 0.1) * (1 - step / steps) ** power + 0.1


def cosine(step, start=0.5):
    return start * ((1 - 0.2) * 0.5 * (1 + np.cos(np.pi * min(step, 100) / 100)) + 0.2)


def warm(step):
    return 0.5 + step * (2.0 - 0.5) / 10 if step < 10 else cosine(step - 10, 2.0)


CASES = [
    (schedules.ExponentialDecay(0.5, 10, 0.9), lambda t: 0.5 * 0.9 ** (t / 10)),
    (schedules.ExponentialDecay(0.5, 10, 0.9, staircase=True), lambda t: 0.5 * 0.9 ** (t // 10)),
    (schedules.InverseTimeDecay(0.5, 10, 0.9), lambda t: 0.5 / (1 + 0.9 * t / 10)),
    (schedules.InverseTimeDecay(0.5, 10, 0.9, staircase=True), lambda t: 0.5 / (1 + 0.9 * (t // 10))),
    (schedules.PolynomialDecay(0.5, 10, 0.1, power=2.0), polynomial),
    (schedules.PolynomialDecay(0.5, 10, 0.1), lambda t: polynomial(t, 1.0)),
    (schedules.PolynomialDecay(0.5, 10, 0.1, power=2.0, cycle=True), lambda t: polynomial(t, cycle=True)),
    (
        schedules.PiecewiseConstantDecay([10, 99], [1.0, 0.5, 0.1]),
        lambda t: 1.0 if t <= 10 else 0.5 if t <= 99 else 0.1,
    ),
    (schedules.CosineDecay(0.5, 100, alpha=0.2), cosine),
    (schedules.CosineDecay(0.5, 100, alpha=0.2, warmup_target=2.0, warmup_steps=10), warm),
]


@pytest.mark.parametrize(("schedule", "formula"), CASES, ids=[type(case[0]).__name__ for case in CASES])
def test_values(schedule, formula):
    again = schedules.deserialize(schedules.serialize(schedule))
    assert again.get_config() == schedule.get_config()
    for step in STEPS:
        assert float(schedule(step)) == pytest.approx(formula(step), rel=1e-5, abs=1e-7)
        assert float(again(step)) == float(schedule(step))
        assert run_traced(schedule, [np.array(step, np.int32)])[0] == pytest.approx(formula(step), rel=1e-5, abs=1e-7)


def test_arguments():
    with pytest.raises(ValueError, match="decay_steps must be positive"):
        schedules.CosineDecay(0.1, 0)
    with pytest.raises(ValueError, match="one entry more than boundaries"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])
    with pytest.raises(ValueError, match='unknown learning-rate schedule "CosinDecay"; did you mean "CosineDecay"'):
        schedules.deserialize("CosinDecay")
