"""The variance that each scheme promises, for dense and convolution kernels."""

import math

import numpy as np
import pytest

from linnet import initializers
from linnet.initializers.variance_scaling import compute_fans

VARIANCES = {
    "GlorotNormal": lambda i, o: 2 / (i + o),
    "GlorotUniform": lambda i, o: 2 / (i + o),
    "HeNormal": lambda i, o: 2 / i,
    "HeUniform": lambda i, o: 2 / i,
    "LecunNormal": lambda i, o: 1 / i,
    "LecunUniform": lambda i, o: 1 / i,
}


@pytest.mark.parametrize("shape", [(300, 600), (3, 3, 64, 200)])
@pytest.mark.parametrize("name", VARIANCES)
def test_variance(name, shape):
    fan_in, fan_out = math.prod(shape[:-1]), math.prod(shape[:-2]) * shape[-1]
    x = getattr(initializers, name)(seed=2)(shape)
    expected = VARIANCES[name](fan_in, fan_out)
    assert x.var() == pytest.approx(expected, rel=0.02)
    assert abs(x.mean()) < 4 * math.sqrt(expected / x.size)
    if "Uniform" in name:
        assert np.abs(x).max() <= math.sqrt(3 * expected)


def test_modes_and_distributions():
    x = initializers.VarianceScaling(3.0, "fan_out", "untruncated_normal", seed=1)((500, 400))
    assert x.var() == pytest.approx(3 / 400, rel=0.02)
    assert initializers.VarianceScaling(distribution="normal").get_config()["distribution"] == "truncated_normal"
    with pytest.raises(ValueError, match="mode must be one of"):
        initializers.VarianceScaling(mode="fan")
    with pytest.raises(ValueError, match="distribution must be one of"):
        initializers.VarianceScaling(distribution="cauchy")
    with pytest.raises(ValueError, match="scale must be positive"):
        initializers.VarianceScaling(scale=0)


@pytest.mark.parametrize(("shape", "fans"), [((), (1, 1)), ((5,), (5, 5)), ((5, 7), (5, 7)), ((3, 2, 5, 7), (30, 42))])
def test_fans(shape, fans):
    assert compute_fans(shape) == fans
