"""Lion against its formula."""

import numpy as np
import pytest
from support_optimizers import check

from linnet.optimizers import Lion


def test_values():
    def update(w, g, s, t):
        m = s.get("m", 0)
        s["m"] = 0.95 * m + 0.05 * g
        return w - 0.01 * np.sign(0.8 * m + 0.2 * g)

    check(lambda: Lion(0.01, beta_1=0.8, beta_2=0.95), update)


def test_arguments():
    with pytest.raises(ValueError, match=r"beta_1 must lie in \(0, 1\]"):
        Lion(beta_1=0.0)
