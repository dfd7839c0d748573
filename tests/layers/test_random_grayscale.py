"""Images without colours."""

import numpy as np
import pytest
from support_images import augmented, check_augmentation, pixels

from linnet.layers import RandomGrayscale
from linnet.ops.image import rgb_to_grayscale


def test_layer():
    check_augmentation(RandomGrayscale, {"factor": 0.6, "seed": 2}, (4, 5, 3), (4, 5, 3))


def test_how_often():
    x = pixels(500, 3, 3, 3)
    y = augmented(RandomGrayscale(0.3), x)
    gray = (y == y[..., :1]).all((1, 2, 3))
    assert 110 < gray.sum() < 190
    np.testing.assert_array_equal(y[~gray], x[~gray])
    np.testing.assert_allclose(y[gray][..., :1], rgb_to_grayscale(x[gray]), rtol=1e-5)


def test_errors():
    with pytest.raises(ValueError, match="factor must be a number in"):
        RandomGrayscale(1.5)
    with pytest.raises(ValueError, match="expected images of 3 channels"):
        RandomGrayscale()(pixels(2, 3, 3, 2))
