"""GaussianDropout: mean, deviation, gradient, and nothing outside of training."""

import numpy as np
import pytest
from support import check_layer, run_traced, samples

from linnet import ops
from linnet.layers import GaussianDropout

ONES = np.ones((300, 400), np.float32)


def test_layer():
    check_layer(GaussianDropout, {"rate": 0.1, "seed": 4}, (3, 4), (3, 4), 0)
    check_layer(GaussianDropout, {"rate": 0}, (3, 4), (3, 4), 0)


def test_only_in_training():
    layer = GaussianDropout(0.2)
    np.testing.assert_array_equal(layer(ONES), ONES)
    y = layer(ONES, training=True)
    assert y.mean() == pytest.approx(1, abs=0.01)
    assert y.std() == pytest.approx(0.5, rel=0.02)
    assert not np.array_equal(layer(ONES, training=True), y)


def test_gradient_is_the_noise():
    def both(x):
        y = GaussianDropout(0.3)(x, training=True)
        return [y, x.trace.gradients(ops.sum(y), [x])[0]]

    x = samples((6, 7))
    y, noise = run_traced(both, [x])
    np.testing.assert_allclose(noise * x, y, rtol=1e-5)


@pytest.mark.parametrize("rate", [-0.1, 1, 1.1, "a", None])
def test_wrong_arguments(rate):
    with pytest.raises(ValueError, match=r"rate must be a number in \[0, 1\)"):
        GaussianDropout(rate)
