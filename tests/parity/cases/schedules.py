"""Every learning-rate schedule at many steps."""

import numpy as np
from parity.harness import ValueCase

STEPS = [0, 1, 2, 3, 5, 7, 9, 10, 11, 15, 19, 20, 21, 29, 30, 31, 50, 69, 71, 100, 150, 1000]


def at_steps(cls, *arguments, steps=STEPS, **named):
    def run(k):
        schedule = getattr(k.optimizers.schedules, cls)(*arguments, **named)
        return np.array([float(schedule(step)) for step in steps], np.float32)

    return run


CASES = [
    ValueCase("exponential", at_steps("ExponentialDecay", 0.1, 10, 0.9)),
    ValueCase("exponential_staircase", at_steps("ExponentialDecay", 0.1, 10, 0.9, staircase=True)),
    ValueCase("inverse_time", at_steps("InverseTimeDecay", 0.1, 10, 0.5)),
    ValueCase("inverse_time_staircase", at_steps("InverseTimeDecay", 0.1, 10, 0.5, staircase=True)),
    ValueCase("piecewise", at_steps("PiecewiseConstantDecay", [5, 20, 30], [0.1, 0.05, 0.01, 0.001])),
    ValueCase("polynomial", at_steps("PolynomialDecay", 0.1, 50)),
    ValueCase("polynomial_power", at_steps("PolynomialDecay", 0.1, 50, end_learning_rate=0.02, power=2.5)),
    ValueCase("polynomial_cycle", at_steps("PolynomialDecay", 0.1, 10, cycle=True)),
    ValueCase("cosine", at_steps("CosineDecay", 0.1, 50)),
    ValueCase("cosine_alpha", at_steps("CosineDecay", 0.1, 50, alpha=0.1)),
    ValueCase("cosine_warmup", at_steps("CosineDecay", 0.01, 50, warmup_target=0.2, warmup_steps=10)),
    ValueCase("cosine_warmup_alpha", at_steps("CosineDecay", 0.0, 20, alpha=0.5, warmup_target=0.2, warmup_steps=7)),
    # Not at steps 10 and 30, where a wave ends: rounding decides to which wave they belong.
    ValueCase(
        "restarts", at_steps("CosineDecayRestarts", 0.1, 10, steps=[s for s in STEPS if s not in (10, 30, 70, 150)])
    ),
    ValueCase("restarts_same_length", at_steps("CosineDecayRestarts", 0.1, 8, t_mul=1.0)),
    ValueCase(
        "restarts_m_mul",
        at_steps("CosineDecayRestarts", 0.1, 7, t_mul=1.5, m_mul=0.8, alpha=0.05, steps=[s for s in STEPS if s != 7]),
        rtol=1e-4,
    ),
]
