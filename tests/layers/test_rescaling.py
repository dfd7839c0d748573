"""Pixels to small numbers."""

import numpy as np
from support import check_layer, samples

from linnet.layers import Rescaling


def test_layer():
    check_layer(Rescaling, {"scale": 0.5, "offset": -1.0}, (4, 4, 3), (4, 4, 3), 0)
    check_layer(Rescaling, {"scale": [0.5, 1.0, 2.0], "offset": [0.0, 1.0, 2.0]}, (4, 4, 3), (4, 4, 3), 0)


def test_values():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    np.testing.assert_allclose(Rescaling(1 / 127.5, offset=-1)(pixels), pixels / 127.5 - 1, rtol=1e-5, atol=1e-6)
    x = samples((2, 3))
    np.testing.assert_allclose(Rescaling([1.0, 2.0, 3.0])(x), x * [1, 2, 3], rtol=1e-6)
