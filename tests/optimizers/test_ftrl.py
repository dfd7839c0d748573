"""FTRL against its formula, with every kind of regularization; L1 makes weights that are exactly 0."""

import numpy as np
import pytest
from support_optimizers import check, run

from linnet.optimizers import Ftrl


def formula(rate, power=-0.5, start=0.1, l1=0.0, l2=0.0, shrinkage=0.0, beta=0.0):
    def update(w, g, s, t):
        n, z = s.get("n", start), s.get("z", 0.0)
        after = n + g * g
        s["z"] = z + g + 2 * shrinkage * w - (after**-power - n**-power) / rate * w
        s["n"] = after
        return (np.clip(s["z"], -l1, l1) - s["z"]) / (after**-power / rate + 2 * l2 + beta / rate)

    return update


def test_values():
    check(lambda: Ftrl(0.1), formula(0.1))
    check(
        lambda: Ftrl(0.1, -0.7, 0.3, 0.2, 0.1, 0.05, 0.4),
        formula(0.1, power=-0.7, start=0.3, l1=0.2, l2=0.1, shrinkage=0.05, beta=0.4),
    )


def test_l1_gives_zeros():
    assert all((w == 0).all() for w in run(Ftrl(0.01, l1_regularization_strength=1e3), "flat"))


def test_arguments():
    with pytest.raises(ValueError, match="l1_regularization_strength must not be negative"):
        Ftrl(l1_regularization_strength=-1.0)
    with pytest.raises(ValueError, match="learning_rate_power must not be positive"):
        Ftrl(learning_rate_power=0.5)
