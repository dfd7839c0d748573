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


def test_restarts():
    schedule = schedules.CosineDecayRestarts(0.5, 10, t_mul=2.0, m_mul=0.5, alpha=0.1)

    def wave(part, height):
        return 0.5 * (0.9 * height * 0.5 * (1 + np.cos(np.pi * part)) + 0.1)

    for step, value in ((0, wave(0, 1)), (4, wave(0.4, 1)), (11, wave(0.05, 0.5)), (29, wave(0.95, 0.5))):
        assert float(schedule(step)) == pytest.approx(value, rel=1e-5)
    assert float(schedule(50)) == pytest.approx(wave(0.5, 0.25), rel=1e-5)
    assert float(schedules.CosineDecayRestarts(0.5, 10, t_mul=1.0)(25)) == pytest.approx(0.25, rel=1e-5)
    with pytest.raises(ValueError, match="first_decay_steps must be positive"):
        schedules.CosineDecayRestarts(0.5, 0)


@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_one_cycle(strategy):
    schedule = schedules.OneCycle(1.0, 100, pct_start=0.3, anneal_strategy=strategy)
    rates = np.array([float(schedule(step)) for step in range(120)])
    assert rates[0] == pytest.approx(1 / 25)
    assert rates.argmax() == 29
    assert rates[29] == pytest.approx(1)
    assert rates[99] == pytest.approx(1 / 25 / 1e4, rel=1e-2)
    assert rates[119] == rates[99]
    assert (np.diff(rates[:30]) > 0).all()
    assert (np.diff(rates[29:100]) < 0).all()
    # torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=100) after 10 and 60 steps
    wanted = {"cos": (0.295164, 0.589280), "linear": (0.371034, 0.557145)}[strategy]
    np.testing.assert_allclose(rates[[10, 60]], wanted, rtol=1e-4)


def test_one_cycle_arguments():
    with pytest.raises(ValueError, match=r"pct_start must lie in \(0, 1\)"):
        schedules.OneCycle(1.0, 100, pct_start=1.0)
    with pytest.raises(ValueError, match="unknown anneal_strategy"):
        schedules.OneCycle(1.0, 100, anneal_strategy="cubic")
