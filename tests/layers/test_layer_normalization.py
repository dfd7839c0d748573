"""LayerNormalization over one axis and several, with and without weights."""

import numpy as np
import pytest
from support import check_layer, gradients, samples

from linnet.layers import LayerNormalization


@pytest.mark.parametrize(
    ("kwargs", "shape", "n_weights"),
    [
        ({}, (6,), 2),
        ({"axis": [1, 2], "epsilon": 0.1}, (4, 6), 2),
        ({"axis": 1}, (4, 6), 2),
        ({"axis": (-1, -3)}, (2, 3, 4), 2),
        ({"center": False}, (3, 6), 1),
        ({"scale": False, "center": False}, (3, 6), 0),
        ({"gamma_initializer": "he_normal", "beta_regularizer": "l2", "gamma_constraint": "non_neg"}, (3, 6), 2),
    ],
)
def test_layer(kwargs, shape, n_weights):
    check_layer(LayerNormalization, kwargs, shape, shape, n_weights)


def test_values_and_weights():
    x = samples((3, 4, 5))
    layer = LayerNormalization(axis=[1, 2])
    y = layer(x)
    np.testing.assert_allclose(y.mean((1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(y.var((1, 2)), 1, rtol=2e-3)
    assert [w.shape for w in layer.weights] == [(4, 5), (4, 5)]
    gamma, beta = samples((4, 5), 1), samples((4, 5), 2)
    layer.set_weights([gamma, beta])
    np.testing.assert_allclose(layer(x), y * gamma + beta, rtol=1e-4, atol=1e-5)


def test_gradient():
    x, weights = samples((3, 5)), samples((3, 5), 1)
    layer = LayerNormalization(epsilon=1e-2)
    got = gradients(lambda x: layer(x), [x], weights)[0]
    wide, expected = x.astype(np.float64), np.empty(x.shape)

    def loss():
        normal = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-2)
        return np.sum(weights * normal)

    for i in np.ndindex(x.shape):
        wide[i] += 1e-5
        above = loss()
        wide[i] -= 2e-5
        expected[i] = (above - loss()) / 2e-5
        wide[i] += 1e-5
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("axis", [0, 3, -3, [], [0, 1]])
def test_wrong_axes(axis):
    with pytest.raises(ValueError, match=r'layer_normalization "n": axis .* names no axes behind the batch'):
        LayerNormalization(axis=axis, name="n")(samples((2, 3, 4)))


def test_wrong_type():
    with pytest.raises(TypeError, match="axis must be an integer or a list"):
        LayerNormalization(axis="last")
