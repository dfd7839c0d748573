"""SeparableConv2D. (Its arithmetic is tested in tests/ops.)"""

import pytest
from support import check_layer

from linnet.layers import SeparableConv2D


@pytest.mark.parametrize(
    ("kwargs", "in_shape", "out_shape", "n_weights"),
    [
        ({"filters": 4, "kernel_size": 3}, (6, 5, 3), (4, 3, 4), 3),
        (
            {"filters": 5, "kernel_size": 3, "padding": "same", "depth_multiplier": 2, "use_bias": False},
            (5, 4, 2),
            (5, 4, 5),
            2,
        ),
        (
            {"filters": 2, "kernel_size": 2, "dilation_rate": 2, "activation": "tanh", "pointwise_regularizer": "l2"},
            (5, 5, 3),
            (3, 3, 2),
            3,
        ),
    ],
)
def test_layer(kwargs, in_shape, out_shape, n_weights):
    check_layer(SeparableConv2D, kwargs, in_shape, out_shape, n_weights)
