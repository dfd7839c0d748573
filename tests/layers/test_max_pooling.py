"""What only max pooling does: the gradient goes to the largest value. (Values: test_pooling.py.)"""

import numpy as np
from support import gradients, samples

from linnet.layers import MaxPooling2D


def test_gradient_goes_to_the_largest():
    x = samples((2, 4, 6, 3))
    weights = samples((2, 2, 3, 3), 1)
    got = gradients(lambda x: MaxPooling2D()(x), [x], weights)[0]
    windows = x.reshape(2, 2, 2, 3, 2, 3)
    largest = windows == windows.max(axis=(2, 4), keepdims=True)
    np.testing.assert_allclose(got, (largest * weights[:, :, None, :, None]).reshape(x.shape), rtol=1e-6)


def test_negative_images_keep_their_values_at_the_padded_border():
    x = np.full((1, 3, 3, 1), -5.0)
    np.testing.assert_array_equal(MaxPooling2D(2, padding="same")(x), np.full((1, 2, 2, 1), -5.0))
