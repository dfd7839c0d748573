"""Adamax against its formula."""

import numpy as np
import pytest
from support_optimizers import check

from linnet.optimizers import Adamax


def test_values():
    def update(w, g, s, t):
        s["m"] = 0.8 * s.get("m", 0) + 0.2 * g
        s["u"] = np.maximum(0.95 * s.get("u", 0), np.abs(g))
        return w - 0.01 / (1 - 0.8**t) * s["m"] / (s["u"] + 1e-3)

    check(lambda: Adamax(0.01, beta_1=0.8, beta_2=0.95, epsilon=1e-3), update)


def test_arguments():
    with pytest.raises(ValueError, match=r"beta_2 must lie in \[0, 1\)"):
        Adamax(beta_2=1.0)
