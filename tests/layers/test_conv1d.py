"""Conv1D. (Its arithmetic is tested in tests/ops.)"""

import numpy as np
import pytest
from support import check_layer

from linnet.layers import Conv1D


@pytest.mark.parametrize(
    ("kwargs", "in_shape", "out_shape", "n_weights"),
    [
        ({"filters": 4, "kernel_size": 3}, (8, 2), (6, 4), 2),
        ({"filters": 4, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, (8, 2), (8, 4), 2),
        ({"filters": 4, "kernel_size": 2, "padding": "same", "strides": 3, "use_bias": False}, (8, 3), (3, 4), 1),
        ({"filters": 4, "kernel_size": 3, "groups": 2, "activation": "tanh"}, (9, 6), (7, 4), 2),
    ],
)
def test_layer(kwargs, in_shape, out_shape, n_weights):
    check_layer(Conv1D, kwargs, in_shape, out_shape, n_weights)


def test_causal_outputs_see_no_later_input():
    layer = Conv1D(2, 3, padding="causal")
    x = np.random.default_rng(0).standard_normal((1, 9, 2)).astype(np.float32)
    before = layer(x)
    x[0, 5:] += 1.0
    after = layer(x)
    np.testing.assert_array_equal(before[0, :5], after[0, :5])
    assert np.all(before[0, 5:] != after[0, 5:])
