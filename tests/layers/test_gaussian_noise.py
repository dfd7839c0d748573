"""GaussianNoise: mean, deviation, and nothing outside of training."""

import numpy as np
import pytest
from support import check_layer, gradients, samples

import linnet
from linnet.layers import GaussianNoise

X = samples((300, 400))


def test_layer():
    check_layer(GaussianNoise, {"stddev": 0.1, "seed": 4}, (3, 4), (3, 4), 0)
    check_layer(GaussianNoise, {"stddev": 0}, (3, 4), (3, 4), 0)


def test_only_in_training():
    layer = GaussianNoise(0.5)
    np.testing.assert_array_equal(layer(X), X)
    noise = layer(X, training=True) - X
    assert abs(noise.mean()) < 0.01
    assert noise.std() == pytest.approx(0.5, rel=0.02)
    assert not np.array_equal(layer(X, training=True) - X, noise)


def test_seed_repeats():
    results = []
    for _ in range(2):
        linnet.utils.set_random_seed(5)
        results.append(GaussianNoise(0.5)(X, training=True))
    np.testing.assert_array_equal(*results)


def test_gradient_passes():
    weights = samples((3, 4), 1)
    got = gradients(lambda x: GaussianNoise(0.5)(x, training=True), [samples((3, 4))], weights)[0]
    np.testing.assert_array_equal(got, weights)


@pytest.mark.parametrize("stddev", [-0.1, 1.1, "a", None, True])
def test_wrong_arguments(stddev):
    with pytest.raises(ValueError, match=r"stddev must be a number in \[0, 1\]"):
        GaussianNoise(stddev)
