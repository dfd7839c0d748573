"""DepthwiseConv2D. (Its arithmetic is tested in tests/ops.)"""

import pytest
from support import check_layer

from linnet.layers import DepthwiseConv2D


@pytest.mark.parametrize(
    ("kwargs", "in_shape", "out_shape", "n_weights"),
    [
        ({"kernel_size": 3}, (6, 5, 4), (4, 3, 4), 2),
        ({"kernel_size": 3, "padding": "same"}, (5, 4, 20), (5, 4, 20), 2),
        ({"kernel_size": (2, 3), "strides": 2, "depth_multiplier": 3, "use_bias": False}, (6, 7, 2), (3, 3, 6), 1),
        (
            {"kernel_size": 2, "dilation_rate": 2, "activation": "tanh", "depthwise_regularizer": "l2"},
            (5, 5, 3),
            (3, 3, 3),
            2,
        ),
    ],
)
def test_layer(kwargs, in_shape, out_shape, n_weights):
    check_layer(DepthwiseConv2D, kwargs, in_shape, out_shape, n_weights)
