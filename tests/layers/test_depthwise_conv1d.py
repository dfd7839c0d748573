"""DepthwiseConv1D. (Its arithmetic is tested in tests/ops.)"""

import pytest
from support import check_layer

from linnet.layers import DepthwiseConv1D


@pytest.mark.parametrize(
    ("kwargs", "in_shape", "out_shape", "n_weights"),
    [
        ({"kernel_size": 3}, (8, 4), (6, 4), 2),
        ({"kernel_size": 3, "padding": "same", "strides": 2, "depth_multiplier": 2}, (8, 3), (4, 6), 2),
    ],
)
def test_layer(kwargs, in_shape, out_shape, n_weights):
    check_layer(DepthwiseConv1D, kwargs, in_shape, out_shape, n_weights)
