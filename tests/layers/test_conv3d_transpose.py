"""Conv3DTranspose. (Its arithmetic is tested in tests/ops.)"""

import pytest
from support import check_layer

from linnet.layers import Conv3DTranspose


@pytest.mark.parametrize(
    ("kwargs", "in_shape", "out_shape", "n_weights"),
    [
        ({"filters": 3, "kernel_size": 2}, (2, 3, 2, 2), (3, 4, 3, 3), 2),
        ({"filters": 2, "kernel_size": 3, "strides": (1, 2, 2), "padding": "same"}, (2, 3, 2, 2), (2, 6, 4, 2), 2),
    ],
)
def test_layer(kwargs, in_shape, out_shape, n_weights):
    check_layer(Conv3DTranspose, kwargs, in_shape, out_shape, n_weights)
