"""Identity: whatever comes in."""

import numpy as np
from support import check_layer, gradients, samples

from linnet.layers import Identity


def test_layer():
    check_layer(Identity, {}, (3, 4), (3, 4), 0)
    x, weights = samples((2, 3)), samples((2, 3), 1)
    np.testing.assert_array_equal(gradients(lambda x: Identity()(x), [x], weights)[0], weights)


def test_structures():
    a, b = samples((2, 3)), samples((2, 4), 1)
    first, second = Identity()([a, b])
    np.testing.assert_array_equal(first, a)
    np.testing.assert_array_equal(second, b)
