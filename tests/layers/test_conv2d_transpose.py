"""Conv2DTranspose. (Its arithmetic is tested in tests/ops.)"""

import pytest
from support import check_layer

from linnet.layers import Conv2DTranspose


@pytest.mark.parametrize(
    ("kwargs", "in_shape", "out_shape", "n_weights"),
    [
        ({"filters": 4, "kernel_size": 3}, (4, 5, 2), (6, 7, 4), 2),
        (
            {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "tanh"},
            (4, 5, 2),
            (8, 10, 3),
            2,
        ),
        ({"filters": 3, "kernel_size": 4, "strides": (2, 3), "output_padding": (1, 2)}, (3, 2, 2), (9, 9, 3), 2),
        ({"filters": 2, "kernel_size": 3, "dilation_rate": 2, "use_bias": False}, (4, 4, 1), (8, 8, 2), 1),
    ],
)
def test_layer(kwargs, in_shape, out_shape, n_weights):
    check_layer(Conv2DTranspose, kwargs, in_shape, out_shape, n_weights)
