"""Conv1DTranspose. (Its arithmetic is tested in tests/ops.)"""

import pytest
from support import check_layer

from linnet.layers import Conv1DTranspose


@pytest.mark.parametrize(
    ("kwargs", "in_shape", "out_shape", "n_weights"),
    [
        ({"filters": 4, "kernel_size": 3}, (6, 2), (8, 4), 2),
        ({"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}, (6, 2), (12, 4), 2),
        ({"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 0}, (6, 2), (11, 4), 2),
        ({"filters": 4, "kernel_size": 2, "strides": 3, "use_bias": False}, (4, 3), (12, 4), 1),
    ],
)
def test_layer(kwargs, in_shape, out_shape, n_weights):
    check_layer(Conv1DTranspose, kwargs, in_shape, out_shape, n_weights)
