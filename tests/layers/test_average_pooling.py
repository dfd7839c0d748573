"""What only average pooling does: the border divides by the positions inside. (Values: test_pooling.py.)"""

import numpy as np
from support import gradients, samples

from linnet.layers import AveragePooling2D


def test_gradient_is_shared_evenly():
    weights = samples((1, 2, 2, 2), 1)
    got = gradients(lambda x: AveragePooling2D()(x), [samples((1, 4, 4, 2))], weights)[0]
    np.testing.assert_allclose(got, np.repeat(np.repeat(weights, 2, 1), 2, 2) / 4, rtol=1e-6)


def test_the_border_is_not_diluted():
    x = np.full((1, 3, 3, 1), 6.0)
    np.testing.assert_array_equal(AveragePooling2D(2, padding="same")(x), np.full((1, 2, 2, 1), 6.0))
