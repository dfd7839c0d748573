"""Conv3D. (Its arithmetic is tested in tests/ops.)"""

import pytest
from support import check_layer

from linnet.layers import Conv3D


@pytest.mark.parametrize(
    ("kwargs", "in_shape", "out_shape", "n_weights"),
    [
        ({"filters": 4, "kernel_size": 3}, (4, 5, 6, 2), (2, 3, 4, 4), 2),
        (
            {"filters": 3, "kernel_size": (1, 2, 3), "padding": "same", "strides": (1, 2, 2)},
            (3, 4, 5, 2),
            (3, 2, 3, 3),
            2,
        ),
        ({"filters": 4, "kernel_size": 2, "groups": 2, "use_bias": False}, (3, 3, 3, 4), (2, 2, 2, 4), 1),
        (
            {"filters": 2, "kernel_size": 2, "dilation_rate": (2, 1, 1), "activation": "tanh"},
            (4, 3, 3, 1),
            (2, 2, 2, 2),
            2,
        ),
    ],
)
def test_layer(kwargs, in_shape, out_shape, n_weights):
    check_layer(Conv3D, kwargs, in_shape, out_shape, n_weights)
