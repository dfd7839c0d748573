"""SeparableConv1D. (Its arithmetic is tested in tests/ops.)"""

import pytest
from support import check_layer

from linnet.layers import SeparableConv1D


@pytest.mark.parametrize(
    ("kwargs", "in_shape", "out_shape", "n_weights"),
    [
        ({"filters": 4, "kernel_size": 3}, (8, 3), (6, 4), 3),
        ({"filters": 4, "kernel_size": 3, "padding": "same", "strides": 2, "depth_multiplier": 2}, (8, 3), (4, 4), 3),
    ],
)
def test_layer(kwargs, in_shape, out_shape, n_weights):
    check_layer(SeparableConv1D, kwargs, in_shape, out_shape, n_weights)
