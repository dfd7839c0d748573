"""LAMB against its formula: the length of every step is in proportion to the weight's."""

import numpy as np
from support_optimizers import check

from linnet.backend.variable import Variable
from linnet.optimizers import Lamb


def test_values():
    def update(w, g, s, t):
        s["m"] = 0.8 * s.get("m", 0) + 0.2 * g
        s["v"] = 0.95 * s.get("v", 0) + 0.05 * g * g
        step = s["m"] / (1 - 0.8**t) / (np.sqrt(s["v"] / (1 - 0.95**t)) + 1e-3)
        return w - 0.01 * np.linalg.norm(w) / np.linalg.norm(step) * step

    check(lambda: Lamb(0.01, beta_1=0.8, beta_2=0.95, epsilon=1e-3), update)


def test_weights_of_length_0_move_all_the_same():
    weight = Variable(np.zeros(2, np.float32), name="w")
    Lamb(0.1).apply([np.array([1.0, -1.0], np.float32)], [weight])
    np.testing.assert_allclose(weight.numpy(), [-0.1, 0.1], rtol=1e-4)
    Lamb(0.1).apply([np.zeros(2, np.float32)], [weight])
    np.testing.assert_allclose(weight.numpy(), [-0.1, 0.1], rtol=1e-4)
