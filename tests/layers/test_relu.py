"""ReLU with all its knobs."""

import numpy as np
import pytest
from support import check_layer, samples

from linnet.layers import ReLU


@pytest.mark.parametrize(
    "kwargs", [{}, {"max_value": 1.0}, {"negative_slope": 0.3, "threshold": 0.5, "max_value": 2.0}]
)
def test_layer(kwargs):
    check_layer(ReLU, kwargs, (3, 4), (3, 4), 0)


def test_values():
    x = np.array([[-2.0, -0.1, 0.0, 0.4, 1.0, 9.0]])
    np.testing.assert_allclose(ReLU()(x), np.maximum(x, 0))
    np.testing.assert_allclose(ReLU(max_value=6.0)(x), np.clip(x, 0, 6))
    got = ReLU(max_value=6.0, negative_slope=0.1, threshold=0.5)(samples((1, 6)) * 0 + x)
    np.testing.assert_allclose(got, [[-0.25, -0.06, -0.05, -0.01, 1.0, 6.0]], rtol=1e-5)


@pytest.mark.parametrize("name", ["max_value", "negative_slope", "threshold"])
def test_wrong_arguments(name):
    with pytest.raises(ValueError, match=f"{name} must not be negative"):
        ReLU(**{name: -1.0})
