"""RMSprop against its formulas."""

import numpy as np
import pytest
from support_optimizers import check

from linnet.optimizers import RMSprop


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_values(momentum, centered):
    def update(w, g, s, t):
        s["v"] = 0.8 * s.get("v", 0) + 0.2 * g * g
        below = s["v"] + 1e-4
        if centered:
            s["a"] = 0.8 * s.get("a", 0) + 0.2 * g
            below = below - s["a"] ** 2
        step = 0.02 * g / np.sqrt(below)
        if momentum:
            step = s["m"] = momentum * s.get("m", 0) + step
        return w - step

    check(lambda: RMSprop(0.02, rho=0.8, momentum=momentum, epsilon=1e-4, centered=centered), update)


def test_defaults():
    config = RMSprop().get_config()
    assert (config["rho"], config["momentum"], config["epsilon"], config["centered"]) == (0.9, 0.0, 1e-7, False)
