"""Adadelta against its formula."""

import numpy as np
from support_optimizers import check

from linnet.optimizers import Adadelta


def test_values():
    def update(w, g, s, t):
        s["v"] = 0.9 * s.get("v", 0) + 0.1 * g * g
        step = np.sqrt(s.get("d", 0) + 1e-4) / np.sqrt(s["v"] + 1e-4) * g
        s["d"] = 0.9 * s.get("d", 0) + 0.1 * step * step
        return w - 0.5 * step

    check(lambda: Adadelta(0.5, rho=0.9, epsilon=1e-4), update)
