"""GroupNormalization: groups of channels, instance normalisation, other channel axes."""

import numpy as np
import pytest
from support import check_layer, gradients, samples

from linnet.layers import GroupNormalization


@pytest.mark.parametrize(
    ("kwargs", "shape", "n_weights"),
    [
        ({"groups": 2}, (4, 3, 6), 2),
        ({"groups": -1}, (4, 6), 2),
        ({"groups": 1, "epsilon": 0.1}, (4, 6), 2),
        ({"groups": 2, "axis": 1}, (4, 6), 2),
        ({"groups": 3, "center": False}, (5, 6), 1),
        ({"groups": 3, "center": False, "scale": False}, (5, 6), 0),
        ({"groups": 2, "gamma_initializer": "he_normal", "beta_regularizer": "l2"}, (6,), 2),
    ],
)
def test_layer(kwargs, shape, n_weights):
    check_layer(GroupNormalization, kwargs, shape, shape, n_weights)


def test_values():
    x = samples((3, 4, 5, 6))
    y = GroupNormalization(2)(x).reshape(3, 20, 2, 3)
    np.testing.assert_allclose(y.mean((1, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(y.var((1, 3)), 1, rtol=2e-3)
    instance = GroupNormalization(-1)(x)
    np.testing.assert_allclose(instance, GroupNormalization(6)(x), rtol=1e-6)
    np.testing.assert_allclose(instance.var((1, 2)), 1, rtol=1e-2)


def test_gradient():
    x, weights = samples((2, 3, 4)), samples((2, 3, 4), 1)
    layer = GroupNormalization(2, epsilon=1e-2)
    got = gradients(lambda x: layer(x), [x], weights)[0]
    wide, expected = x.astype(np.float64), np.empty(x.shape)

    def loss():
        parts = wide.reshape(2, 3, 2, 2)
        normal = parts - parts.mean((1, 3), keepdims=True)
        return np.sum(weights * (normal / np.sqrt(parts.var((1, 3), keepdims=True) + 1e-2)).reshape(x.shape))

    for i in np.ndindex(x.shape):
        wide[i] += 1e-5
        above = loss()
        wide[i] -= 2e-5
        expected[i] = (above - loss()) / 2e-5
        wide[i] += 1e-5
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("groups", [0, -2, 1.5, None, True])
def test_wrong_groups(groups):
    with pytest.raises(ValueError, match="groups must be a positive integer, or -1"):
        GroupNormalization(groups)


def test_groups_that_do_not_fit():
    with pytest.raises(ValueError, match=r'group_normalization "g": the 6 channels .* do not divide into 4 groups'):
        GroupNormalization(4, name="g")(samples((2, 3, 6)))
    with pytest.raises(ValueError, match="do not divide into 32 groups"):
        GroupNormalization()(samples((2, 3, 6)))
    with pytest.raises(ValueError, match="axis 0 is not a channel axis"):
        GroupNormalization(1, axis=0)(samples((2, 3, 6)))
