"""RMSNormalization."""

import numpy as np
import pytest
from support import check_function, check_layer, samples

from linnet.layers import RMSNormalization


@pytest.mark.parametrize(
    ("kwargs", "shape"), [({}, (6,)), ({"axis": [1, 2], "epsilon": 0.1}, (4, 6)), ({"axis": 1}, (4, 6))]
)
def test_layer(kwargs, shape):
    check_layer(RMSNormalization, kwargs, shape, shape, 1)


def test_values():
    layer = RMSNormalization(epsilon=1e-3)
    x = samples((3, 5))
    layer(x)
    scale = samples((5,), 1)
    layer.set_weights([scale])
    check_function(lambda x: layer(x), lambda x: x / np.sqrt(np.square(x).mean(1, keepdims=True) + 1e-3) * scale, [x])


def test_wrong_axes():
    with pytest.raises(ValueError, match='rms_normalization "r": axis 0 names no axes behind the batch'):
        RMSNormalization(axis=0, name="r")(samples((2, 3)))
