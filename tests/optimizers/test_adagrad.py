"""Adagrad against its formula."""

import numpy as np
from support_optimizers import check

from linnet.optimizers import Adagrad


def test_values():
    def update(w, g, s, t):
        s["s"] = s.get("s", 0.3) + g * g
        return w - 0.1 * g / np.sqrt(s["s"] + 1e-5)

    check(lambda: Adagrad(0.1, initial_accumulator_value=0.3, epsilon=1e-5), update)


def test_defaults():
    config = Adagrad().get_config()
    assert (config["initial_accumulator_value"], config["epsilon"]) == (0.1, 1e-7)
