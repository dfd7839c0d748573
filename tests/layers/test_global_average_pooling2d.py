"""Global average pooling against NumPy."""

import numpy as np
import pytest
from support import check_layer, samples

from linnet import layers
from linnet.layers import GlobalAveragePooling2D


def test_layer():
    check_layer(GlobalAveragePooling2D, {}, (5, 6, 3), (3,), 0)
    check_layer(GlobalAveragePooling2D, {"keepdims": True}, (5, 6, 3), (1, 1, 3), 0)
    assert layers.GlobalAvgPool2D is GlobalAveragePooling2D


def test_values():
    x = samples((4, 5, 6, 3))
    np.testing.assert_allclose(GlobalAveragePooling2D()(x), x.mean(axis=(1, 2)), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="rank 4"):
        GlobalAveragePooling2D()(x[0])
