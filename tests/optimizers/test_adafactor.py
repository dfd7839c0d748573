"""Adafactor against its formula, for vectors, matrices and weights of more axes; its slots are small."""

import numpy as np
from support_optimizers import check

from linnet.backend.variable import Variable
from linnet.optimizers import Adafactor


def rms(x):
    return np.sqrt(np.mean(x * x))


def formula(rate, decay=-0.8, epsilon_2=1e-3, limit=1.0):
    def update(w, g, s, t):
        keep, squares = 1 - float(t) ** decay, g * g + 1e-30
        if w.ndim < 2:
            v = s["v"] = keep * s.get("v", 0) + (1 - keep) * squares
        else:
            s["r"] = keep * s.get("r", 0) + (1 - keep) * squares.mean(-1)
            s["c"] = keep * s.get("c", 0) + (1 - keep) * squares.mean(-2)
            v = (s["r"] / s["r"].mean(-1, keepdims=True))[..., None] * s["c"][..., None, :]
        step = g / np.sqrt(v)
        step = step / max(1.0, rms(step) / limit)
        return w - max(epsilon_2, rms(w)) * min(rate, 1 / np.sqrt(t)) * step

    return update


def test_values():
    check(lambda: Adafactor(0.05), formula(0.05))
    check(
        lambda: Adafactor(0.9, beta_2_decay=-0.5, epsilon_2=0.8, clip_threshold=0.5),
        formula(0.9, decay=-0.5, epsilon_2=0.8, limit=0.5),
    )


def test_slots_are_rows_and_columns():
    weight, bias = Variable(np.ones((20, 30), np.float32), name="w"), Variable(np.ones(30, np.float32), name="b")
    optimizer = Adafactor()
    optimizer.build([weight, bias])
    assert sorted(v.shape for v in optimizer.variables if v.shape) == [(20,), (30,), (30,)]
