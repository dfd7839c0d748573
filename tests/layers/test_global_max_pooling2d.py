"""Global max pooling against NumPy."""

import numpy as np
import pytest
from support import check_layer, samples

from linnet import layers
from linnet.layers import GlobalMaxPooling2D


def test_layer():
    check_layer(GlobalMaxPooling2D, {}, (5, 6, 3), (3,), 0)
    check_layer(GlobalMaxPooling2D, {"keepdims": True}, (5, 6, 3), (1, 1, 3), 0)
    assert layers.GlobalMaxPool2D is GlobalMaxPooling2D


def test_values():
    x = samples((4, 5, 6, 3))
    np.testing.assert_allclose(GlobalMaxPooling2D()(x), x.max(axis=(1, 2)), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="rank 4"):
        GlobalMaxPooling2D()(x[0])
