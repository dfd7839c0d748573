"""AlphaDropout: mean and variance stay, dropped values are those of a saturated selu."""

import numpy as np
import pytest
from support import check_layer, run_traced, samples

from linnet import ops
from linnet.layers import AlphaDropout

X = samples((500, 400))


@pytest.mark.parametrize(
    "kwargs", [{"rate": 0.0}, {"rate": 0.2, "seed": 3}, {"rate": 0.1, "noise_shape": (None, 1, 4)}]
)
def test_layer(kwargs):
    check_layer(AlphaDropout, kwargs, (3, 4), (3, 4), 0)


def test_only_in_training():
    layer = AlphaDropout(0.3)
    np.testing.assert_array_equal(layer(X), X)
    y = layer(X, training=True)
    assert y.mean() == pytest.approx(0, abs=0.01)
    assert y.std() == pytest.approx(1, abs=0.01)
    values, counts = np.unique(y, return_counts=True)
    assert counts.max() / y.size == pytest.approx(0.3, abs=0.005)  # all that were dropped are equal
    p = -1.7580993408473766
    a = (0.7 * (1 + 0.3 * p**2)) ** -0.5
    assert values[counts.argmax()] == pytest.approx(a * p - a * p * 0.3, rel=1e-5)


def test_noise_shape_shares_the_mask():
    y = AlphaDropout(0.5, noise_shape=(None, 1))(np.ones((400, 5)), training=True)
    assert np.all(y == y[:, :1])
    with pytest.raises(ValueError, match="does not fit an input"):
        AlphaDropout(0.5, noise_shape=(None, 1, 1))(X, training=True)


def test_gradient():
    def both(x):
        y = AlphaDropout(0.4)(x, training=True)
        return [y, x.trace.gradients(ops.sum(y), [x])[0]]

    y, slope = run_traced(both, [samples((8, 9))])
    p = -1.7580993408473766
    a = (0.6 * (1 + 0.4 * p**2)) ** -0.5
    dropped = np.isclose(y, a * p - a * p * 0.4)
    np.testing.assert_allclose(slope, np.where(dropped, 0, a), rtol=1e-5)


@pytest.mark.parametrize("rate", [-0.1, 1, 1.1, "a", None])
def test_wrong_arguments(rate):
    with pytest.raises(ValueError, match=r"rate must be a number in \[0, 1\)"):
        AlphaDropout(rate)
